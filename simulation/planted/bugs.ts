// Bugs that are planted in a copy of the server, one at a time, to show that the simulation finds them.

export interface PlantedBug {
	readonly name: string;
	/** What goes wrong, in one sentence. */
	readonly effect: string;
	/** Below packages/server/src. */
	readonly file: string;
	/** Occurs exactly once in the file. */
	readonly find: string;
	readonly replace: string;
	/** How many engines it takes to see it. Defaults to one. */
	readonly engines?: number;
}

/** Enough to show what only several engines can. */
const SEVERAL = 3;

export const PLANTED: readonly PlantedBug[] = [
	{
		name: "lost-outcome",
		effect: "After a failed commit, the first of the outcomes in it is never written.",
		file: "engine/committing/committer.ts",
		find: "? [] : updates;",
		replace: "? [] : updates.slice(1);",
	},
	{
		name: "change-counted-twice",
		effect: "Calls that retry or cancel many deliveries count those that something else was faster to change.",
		file: "adapters/sqlite/calls/accept.ts",
		find: "return { state: after, changed: after !== before };",
		replace: "return { state: after, changed: true };",
	},
	{
		name: "doubled-lease",
		effect:
			"A claim leases deliveries without moving them in the order of due deliveries, so the next claim gets them again.",
		file: "adapters/sqlite/calls/queue/claim.ts",
		find: 'const lease = db.prepare("UPDATE deliveries SET lease_until = ?1, due_at = ?1 WHERE seq = ?2");',
		replace: 'const lease = db.prepare("UPDATE deliveries SET lease_until = ?1 WHERE seq = ?2");',
	},
	{
		name: "lost-return",
		effect: "A new delivery whose lease ends without an attempt is not claimed again until the next start.",
		file: "adapters/sqlite/deliveries/open-leases.ts",
		// Without the last line, it would be found as soon as no other delivery of its webhook is leased.
		find: `else if (wasLeased && seq <= leased.cursor) leased.returned.add(seq);
		// Nothing is known of it any more: the next claim begins at its first open delivery.
		if (leased.until.size === 0 && leased.returned.size === 0) this.#webhooks.delete(webhook);`,
		replace: "void wasLeased;",
	},
	{
		name: "lease-of-failed-commit",
		effect: "Leases of new deliveries change although their transaction has failed.",
		file: "adapters/sqlite/deliveries/open-leases.ts",
		find: "rollback(): void {\n\t\tthis.#staged.clear();",
		replace: "rollback(): void {\n\t\tthis.commit();",
	},
	{
		name: "cursor-too-far",
		effect: "The cursor of a claim moves above new deliveries that it has not taken.",
		file: "adapters/sqlite/calls/queue/claim.ts",
		find: "table.leases.moveCursor(webhook.number, lastOpen);",
		replace: "table.leases.moveCursor(webhook.number, table.sequence.last);",
	},
	{
		name: "number-given-again",
		effect: "Retention does not write down the highest number of what it deletes, so a start would give it again.",
		file: "adapters/sqlite/calls/retention/purge.ts",
		find: "if (counter.purged.events + counter.purged.deliveries > 0) table.sequence.keep();",
		replace: "",
	},
	{
		name: "block-too-long",
		effect: "The block of an event is one number longer than it has deliveries.",
		file: "adapters/sqlite/calls/accept.ts",
		find: "table.events.add(seq, id, place, type, timestamp, createDate, deliveryCount,",
		replace: "table.events.add(seq, id, place, type, timestamp, createDate, deliveryCount + 1,",
	},
	{
		name: "retention-takes-untried",
		effect: "Retention deletes events whose deliveries wait for their first attempt.",
		file: "adapters/sqlite/calls/retention/purge.ts",
		find: "SELECT 1 WHERE EXISTS (SELECT 1 FROM open WHERE seq > ?1 AND seq <= ?2)\n\t\tOR EXISTS (",
		replace: "SELECT 1 WHERE EXISTS (",
	},
	{
		name: "forgotten-retry",
		effect: "The time of the next attempt is not noted after a failed one, so it waits for the next poll of the store.",
		file: "engine/delivering/dispatcher.ts",
		find: "if (at !== null) this.#near.queue.lane(webhookId).noteDue(at);",
		replace: "if (at === null) this.#near.queue.lane(webhookId).noteDue(0);",
	},
	{
		name: "cancelled-is-sent",
		effect: "A delivery that is cancelled while it waits in memory is attempted nevertheless.",
		file: "engine/managing/delivery-calls.ts",
		find: "told = this.#near.line.discard(delivery);",
		replace: "this.#near.line.retried(delivery, at);",
	},
	{
		name: "outcome-rides-on",
		effect: "An outcome waits half a second longer for a send to share its commit.",
		file: "engine/committing/committer.ts",
		find: "return this.#rideUntil - this.#clock.monotonicMs();",
		replace: "return this.#rideUntil + 500 - this.#clock.monotonicMs();",
	},
	{
		name: "outcome-twice",
		effect: "After a failed commit, outcomes are written twice.",
		file: "engine/committing/committer.ts",
		find: "this.#updates.unshift(...failed);",
		replace: "this.#updates.unshift(...failed, ...failed);",
	},
	{
		name: "stuck-after-pause",
		effect:
			"Deliveries that wait in memory when their webhook is paused count as in memory for ever, and are never attempted again.",
		file: "engine/delivering/ready-queue.ts",
		find: "\t\t\tthis.#inMemory.remove(delivery.id);\n\t\t\tthis.#noLongerReady",
		replace: "\t\t\tthis.#noLongerReady",
	},
	{
		name: "replay-skips-last-page",
		effect:
			"A replay is finished as soon as a step ends early, also if it ended because it had made enough deliveries.",
		file: "adapters/sqlite/calls/replays.ts",
		find: "const isFinished = found.done;",
		replace: "const isFinished = found.done || found.scanned < scanLimit;",
	},
	{
		name: "retention-takes-open",
		effect: "Retention deletes events whose deliveries are Held.",
		file: "adapters/sqlite/calls/retention/purge.ts",
		find: "`status IN (${STATUS_CODES.Pending}, ${STATUS_CODES.Held})`",
		replace: "`status IN (${STATUS_CODES.Pending})`",
	},
	{
		name: "rate-limit-forgotten",
		effect: "After a restart, a webhook with a rate limit gets a full burst at once.",
		file: "engine/delivering/rate-limited-lanes.ts",
		find: "lane.bucket === null ? gathered : 0",
		replace: "lane.bucket === null ? Math.max(gathered, perSecond) : 0",
	},
	{
		name: "clock-goes-back",
		effect: "After a step back of the clock, the engine's time goes back, too.",
		file: "engine/steady-clock.ts",
		find: "const now = Math.max(wall, slowed, this.#last);",
		replace: "const now = wall;",
	},
	{
		name: "starved-by-clock",
		effect: "After a step back of the clock, a retry waits until the clock has come to its time again.",
		file: "engine/delivering/refiller.ts",
		find: "} else if (lane.storeDueAt > this.#parts.clock.now()) {",
		// The narrow type of its parts hides the wall clock, which is there.
		replace: '} else if (lane.storeDueAt > Reflect.get(this.#parts, "wall").now()) {',
	},
	{
		name: "no-refill",
		effect: "An attempt that ends does not look for the next due delivery of its webhook.",
		file: "engine/delivering/dispatcher.ts",
		find: "this.#near.refiller.refill(lane);\n\t\t\tthis.pump();",
		replace: "this.pump();",
	},
	{
		name: "stale-keeps-room",
		effect: "A send whose project was changed before its commit keeps the room in memory that was reserved for it.",
		file: "engine/accepting/intake.ts",
		find: 'case "stale":\n\t\t\t\tthis.#near.line.unreserve(accepted);',
		replace: 'case "stale":',
	},
	{
		name: "pulled-out",
		effect: "A start moves due times that are near enough, instead of those that are too far away.",
		file: "adapters/sqlite/calls/queue.ts",
		find: "delivery.webhook = ?1 AND delivery.due_at > ?2 AND delivery.lease_until IS NULL",
		replace: "delivery.webhook = ?1 AND delivery.due_at < ?2 AND delivery.lease_until IS NULL",
	},
	{
		name: "old-secret-signs",
		effect: "Secrets go on signing after their overlap.",
		file: "engine/delivering/attempt.ts",
		find: "expireDate === null || expireDate > now",
		replace: "expireDate === null || expireDate > 0",
	},
	{
		name: "overlap-is-longer",
		effect: "A new overlap applies to older secrets, too, whose overlap was to end earlier.",
		file: "engine/directory/secret-rotation.ts",
		find: "expireDate: Math.min(secret.expireDate ?? until, until)",
		replace: "expireDate: until",
	},
	{
		name: "deleted-key-works",
		effect: "A deleted key is accepted until the next start.",
		file: "engine/directory/directory.ts",
		find: "this.#keys.remove(({ id }) => id === key.id);",
		replace: "",
	},
	{
		name: "deletion-without-entry",
		effect: "The deletion of a key is not in the audit log.",
		file: "engine/managing/key-calls.ts",
		find: "this.#parts.store.deleteKey(keyId, entry)",
		replace: "this.#parts.store.deleteKey(keyId, entry && null)",
	},
	{
		name: "entry-after-test",
		effect: "The audit entry of a test of a webhook is written while the sample is already on its way.",
		file: "engine/managing/trying/webhook-tester.ts",
		find: "await tested.begin();",
		replace: "tested.begin().catch(() => {});",
	},
	{
		name: "resumed-one-too-far",
		effect: "A client of the live stream that comes back misses the first item since.",
		file: "engine/live/live-feed.ts",
		find: "return { position, gap: position <= this.#missedAt ? MISSED : null };",
		replace: "return { position: Math.min(position + 1, this.#last), gap: null };",
	},
	{
		name: "silent-hold",
		effect: "The live stream does not tell that deliveries were held, resumed or cancelled with their webhook.",
		file: "engine/live/live-reporter.ts",
		find: "status === undefined || count === 0 ||",
		replace: "status === undefined || count < 2 ||",
	},
	{
		name: "overtaken-claim",
		effect: "What a claim brings is attempted, even if it was attempted or cancelled before the claim was answered.",
		file: "engine/delivering/refiller.ts",
		find: "if (!claim.isOutdated(delivery)) queue.push(delivery);",
		replace: "queue.push(delivery);",
	},
	{
		name: "erasure-forgotten",
		effect: "An erasure in steps that the end of the server has cut short is not finished after the next start.",
		file: "engine/background/erasures.ts",
		find: "this.#parts.store.erasures(MAX_TAKEN_UP)",
		replace: "this.#parts.store.erasures(0)",
	},
	{
		name: "customer-leaks",
		effect: "An event for one customer reaches the webhooks of all.",
		file: "engine/directory/webhook-index.ts",
		find: "if (customers === EVERY_CUSTOMER) return yield this.#ofEvery;",
		replace: "return yield this.#ofEvery;",
	},
	{
		name: "takes-without-release",
		effect: "An engine that gains shards leaves the leases of their earlier owners as they are.",
		file: "engine/delivering/delivery-line.ts",
		find: "const recovered = await this.#store.takeOver(shards);",
		replace: "const recovered = await this.#store.takeOver(shards?.slice(0, 0) ?? null);",
		engines: SEVERAL,
	},
	{
		name: "outcome-of-lost-tenure",
		effect: "The outcome of an attempt is dropped if the engine has lost the webhook meanwhile.",
		file: "engine/delivering/dispatcher.ts",
		find: "const { delivery, webhook, request, startDate } = attempt;",
		replace:
			"const { delivery, webhook, request, startDate } = attempt;\n\t\tif (!this.#parts.tenure.holds(delivery.webhookId)) return this.#finished(delivery);",
		engines: SEVERAL,
	},
	{
		name: "stale-commit",
		effect: "A send is committed although its engine lacks a change of the project.",
		file: "adapters/sqlite/calls/accept.ts",
		find: "return version !== projectVersion;",
		// The version -1 asks the store to accept nothing.
		replace: "return version !== projectVersion && projectVersion < 0;",
		engines: SEVERAL,
	},
	{
		name: "confirmed-unread",
		effect: "An engine confirms the change of a project that another one has made, and does not read it.",
		file: "engine/directory/directory.ts",
		find: 'await this.refresh("project", projectId);\n\t\t}\n\t}\n\n\t/** If this fails',
		replace: "await Promise.resolve();\n\t\t}\n\t}\n\n\t/** If this fails",
		engines: SEVERAL,
	},
	{
		name: "busy-shards-move",
		effect: "Shards are given up although attempts to their webhooks are under way.",
		file: "engine/delivering/delivery-line.ts",
		find: "if (inFlight > 0 && wanted.has(shardOf(webhookId))) count += inFlight;",
		replace: "if (inFlight > 1_000 && wanted.has(shardOf(webhookId))) count += inFlight;",
		engines: SEVERAL,
	},
	{
		name: "cancelled-untold",
		effect: "The cancellation of a delivery is answered before the other engines have been told of it.",
		file: "engine/status/current.ts",
		find: "const isTold = (await Promise.all(tellings)).every(Boolean);",
		replace: "const isTold = tellings.length >= 0;",
		engines: SEVERAL,
	},
	{
		name: "second-burst",
		effect: "After a move, a webhook with a rate limit gets a full burst at once.",
		file: "engine/delivering/delivery-line.ts",
		find: "if (shards !== null) this.#queue.gained(shards);",
		replace: "",
		engines: SEVERAL,
	},
	{
		name: "test-of-lost-tenure",
		effect: "A test of a webhook goes on in an engine that has lost its tenure and may not know of a new secret.",
		file: "engine/managing/trying/tried-webhook.ts",
		find: "checkCurrent(membership);",
		replace: "",
		engines: SEVERAL,
	},
	{
		name: "attempts-unread",
		effect: "An engine that can't read what others have changed goes on with attempts.",
		file: "engine/delivering/dispatcher.ts",
		find: "if (!this.#running || this.#pumping || this.#parts.tenure.stalled()) return;",
		replace: "if (!this.#running || this.#pumping) return;",
		engines: SEVERAL,
	},
	{
		name: "stays-stalled",
		effect:
			"An engine that reads changes again, or renews its tenure in time, begins no attempt before something else happens.",
		file: "engine/delivering/delivery-line.ts",
		find: "resumed(): void {\n\t\tthis.#dispatcher.pump();",
		replace: "resumed(): void {\n\t\tvoid this.#dispatcher;",
		engines: SEVERAL,
	},
	{
		name: "foreign-replay",
		effect: "A replay that was started at another engine than its webhook's owner is never executed.",
		file: "engine/background/replayer.ts",
		find: "this.#finding.start();",
		replace: "",
		engines: SEVERAL,
	},
	{
		name: "doubt-unasked",
		effect: "The outcomes of a commit in doubt are written again, without asking whether it was made.",
		file: "engine/committing/doubts.ts",
		find: "if (!(error instanceof StoreInDoubtError) || error.settle === null || updates.length === 0) return false;",
		replace: "if (updates.length >= 0) return false;",
		engines: SEVERAL,
	},
];
