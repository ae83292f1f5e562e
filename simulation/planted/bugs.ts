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
}

export const PLANTED: readonly PlantedBug[] = [
	{
		name: "lost-outcome",
		effect: "After a failed commit, the first of the outcomes in it is never written.",
		file: "engine/committing/committer.ts",
		find: "this.#refuse(error, work);\n\t\treturn updates;",
		replace: "this.#refuse(error, work);\n\t\treturn updates.slice(1);",
	},
	{
		name: "doubled-lease",
		effect:
			"A claim leases deliveries without moving them in the order of due deliveries, so the next claim gets them again.",
		file: "adapters/sqlite/calls/queue.ts",
		find: 'const lease = db.prepare("UPDATE deliveries SET lease_until = ?1, due_at = ?1 WHERE id = ?2");',
		replace: 'const lease = db.prepare("UPDATE deliveries SET lease_until = ?1 WHERE id = ?2");',
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
		find: 'if (state.status === "Cancelled") this.#near.line.discard(delivery.id);',
		replace: 'if (state.status === "Cancelled") this.#near.line.due(delivery.webhookId, at);',
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
		find: "\t\t\tthis.#inMemory.delete(delivery.id);\n\t\t\tthis.#discarded.delete(delivery.id);",
		replace: "\t\t\tthis.#discarded.delete(delivery.id);",
	},
	{
		name: "replay-skips-last-page",
		effect:
			"A replay is finished as soon as a step ends early, also if it ended because it had made enough deliveries.",
		file: "adapters/sqlite/calls/replays.ts",
		find: "const isFinished = found.done && at >= filter.until - 1;",
		replace: "const isFinished = (found.done || found.scanned < scanLimit) && at >= filter.until - 1;",
	},
	{
		name: "retention-takes-open",
		effect: "Retention deletes events whose deliveries are Held.",
		file: "adapters/sqlite/calls/retention/purge.ts",
		find: "if (deliveries.some(isWaiting)) return { cost: lookCost, finished: true };",
		replace:
			"if (deliveries.some(({ status }) => status === STATUS_CODES.Pending)) return { cost: lookCost, finished: true };",
	},
	{
		name: "rate-limit-forgotten",
		effect: "After a restart, a webhook with a rate limit gets a full burst at once.",
		file: "engine/delivering/rate-limited-lanes.ts",
		find: "lane.bucket === null ? gathered : 0",
		replace: "lane.bucket === null ? Math.max(gathered, perSecond) : 0",
	},
	{
		name: "starved-by-clock",
		effect: "After a step back of the clock, a retry waits until the clock has come to its time again.",
		file: "engine/steady-clock.ts",
		find: "const now = Math.max(wall, slowed, this.#last);",
		replace: "const now = wall;",
	},
];
