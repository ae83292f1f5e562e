// The contract of the replays slice: steps, matching, cancelling, counting, lists, events that were chosen by their ids, and deleting replays that
// have ended.
import { describe, expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { REPLAY_OUTCOMES, type ReplayFilter } from "../../../core/replay.ts";
import type { PurgeReplays } from "../../store/retention.ts";
import { addType } from "./records/calls.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, attemptsOf, dueAt, GONE, idsOf, NEWEST, setWebhook } from "./records/records.ts";
import { EVERYTHING, openReplayWorld, type ReplayWorld } from "./records/replays.ts";

/** Opens a world with some webhooks, one if omitted. */
type Open = (webhookCount?: number) => Promise<ReplayWorld>;

export function describeReplays(current: CurrentStore): void {
	const open: Open = (webhookCount) => openReplayWorld(current, webhookCount);
	describeSteps(open);
	describeOutcomes(open);
	describeFilters(open);
	describeDoubles(open);
	describeEnds(open);
	describeCounts(open);
	describeLists(open);
	describeUntried(open);
	describe("chosen events", () => {
		describeChosenEvents(open);
	});
	describe("replays that have ended", () => {
		describePurge(open);
	});
}

function describeSteps(open: Open): void {
	it("makes one due delivery for each matching event, the oldest event first", async () => {
		const { store, miss, begin, step, replayed, claim, records, projectId, scope, webhookId } = await open();
		const sentAt = records.now;
		const events = [await miss("a.b"), await miss("c.d"), await miss()];
		records.now += 50;
		const replay = await begin();
		records.now += 5;
		const after = await step(replay);
		expect(after).toEqual({
			...replay,
			status: "Finished",
			scannedCount: 3,
			deliveryCount: 3,
			firstEventDate: sentAt,
			lastEventDate: sentAt,
			position: sentAt,
			updateDate: records.now,
			endDate: records.now,
		});
		expect(await store.replay(scope, replay.id)).toEqual(after);
		const made = await replayed();
		expect(made.map(({ eventId }) => eventId)).toEqual(events);
		expect(made[1]).toEqual({
			...newDelivery(records.now, null, "replay"),
			id: made[1]?.id,
			projectId,
			webhookId,
			customerId: null,
			eventId: events[1],
			eventType: "c.d",
			webhookName: "Webhook",
			webhookHost: "example.com",
			lastAttempt: null,
			createDate: records.now,
			updateDate: records.now,
		});
		expect(await dueAt(store, webhookId)).toBe(records.now);
		expect(await store.countOpen()).toMatchObject({ Pending: 3, Held: 0 });
		const { deliveries: leased } = await claim();
		expect(leased.map(({ trigger, eventId }) => [trigger, eventId])).toEqual(events.map((id) => ["replay", id]));
	});

	it("looks at no more events than scanLimit, and continues where the last step ended", async () => {
		const { store, scope, miss, begin, step, replayed, records } = await open();
		const events: string[] = [];
		const start = records.now;
		for (let n = 0; n < 5; n++, records.now += 10) events.push(await miss());
		const replay = await begin();
		const counts: unknown[] = [];
		for (let n = 0; n < 3; n++) {
			const after = await step(replay, { scanLimit: 2 });
			counts.push([after?.status, after?.scannedCount, after?.deliveryCount, after?.position]);
		}
		expect(counts).toEqual([
			["Running", 2, 2, start + 10],
			["Running", 4, 4, start + 30],
			["Finished", 5, 5, start + 40],
		]);
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
		const dates = { firstEventDate: start, lastEventDate: start + 40 };
		expect(await store.replay(scope, replay.id)).toMatchObject(dates);
		expect(await step(replay)).toBeNull();
		expect(await replayed()).toHaveLength(5);
	});

	it("makes no more deliveries than it has ids for, and skips no event because of that", async () => {
		const { miss, deliver, begin, step, replayed } = await open();
		const events: string[] = [];
		for (let n = 0; n < 3; n++) {
			events.push(await miss());
			await deliver(200);
		}
		const replay = await begin({ outcomes: ["Missed"] });
		const first = await step(replay, { deliveryLimit: 2 });
		// The fourth event does not match: the step looks at it and ends before the fifth, which matches.
		expect(first).toMatchObject({ status: "Running", scannedCount: 4, deliveryCount: 2 });
		expect(await step(replay, { deliveryLimit: 0 })).toMatchObject({ status: "Running", scannedCount: 4 });
		expect(await step(replay, { deliveryLimit: 1 })).toMatchObject({ status: "Finished", scannedCount: 6 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
	});

	it("makes no delivery and does not move on when a step fails", async () => {
		const { store, miss, begin, step, replayed, scope } = await open();
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		const same = (await step(replay, { deliveryLimit: 1 }))?.id;
		const [made] = await replayed();
		const before = await store.replay(scope, replay.id);
		const clash = { deliveryIds: Array.from({ length: 10 }, () => made?.id ?? "") };
		await expect(step(replay, clash)).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.replay(scope, replay.id)).toEqual(before);
		expect(await replayed()).toHaveLength(1);
		expect(await store.countOpen()).toMatchObject({ Pending: 1 });
		expect(await step(replay)).toMatchObject({ id: same, status: "Finished", deliveryCount: 3 });
	});
}

function describeOutcomes(open: Open): void {
	it("matches by the outcome of the newest delivery to this webhook", async () => {
		const world = await open(2);
		const { accept, deliver, begin, step, replayed, records, webhookIds, store, scope } = world;
		const eventOf = async (deliveryId = "") => (await store.delivery(scope, deliveryId))?.eventId ?? "";
		const [cancelled = ""] = await accept();
		await world.update(records.cancel(cancelled));
		const events = {
			Succeeded: await deliver(200),
			Failed: await deliver(410),
			Cancelled: await eventOf(cancelled),
			// It has a delivery to another webhook.
			Missed: await eventOf((await accept({ webhookIds: webhookIds.slice(1) }))[0]),
		};
		for (const state of [newDelivery(records.now, null), newHeldDelivery("paused")]) await accept({ state });
		for (const outcome of REPLAY_OUTCOMES) {
			const replay = await begin({ outcomes: [outcome] });
			expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 6, deliveryCount: 1 });
			expect([outcome, (await replayed()).at(-1)?.eventId]).toEqual([outcome, events[outcome]]);
		}
		// Now every event has a Pending delivery.
		expect(await step(await begin())).toMatchObject({ scannedCount: 6, deliveryCount: 0 });
		// The newest delivery of one event fails, after an older one succeeded.
		const { id = "" } = (await replayed())[0] ?? {};
		await world.update(records.outcome(id, 1, GONE));
		expect(await step(await begin({ outcomes: ["Succeeded"] }))).toMatchObject({ deliveryCount: 0 });
		expect(await step(await begin({ outcomes: ["Failed"] }))).toMatchObject({ deliveryCount: 1 });
	});

	it("does not replay an event while an older delivery of it is Pending again", async () => {
		const world = await open();
		const { deliver, begin, step, records, store, scope, update } = world;
		const eventId = await deliver(410);
		await step(await begin());
		const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, eventId }, NEWEST);
		const [newer, older] = rows.map(({ id }) => id);
		await update(records.outcome(newer ?? "", 1, GONE));
		await update(records.retry(older ?? ""));
		expect(await step(await begin())).toMatchObject({ status: "Finished", scannedCount: 1, deliveryCount: 0 });
	});
}

function describeFilters(open: Open): void {
	it("matches types by name and by prefix, and missed events by both lists", async () => {
		const { miss, deliver, begin, step, replayed } = await open();
		for (const type of ["a.b", "a.c", "d", "de"]) await Promise.all([miss(type), deliver(410, type)]);
		const types = async (filter: Partial<ReplayFilter>) => {
			const before = (await replayed()).length;
			await step(await begin(filter));
			const made = (await replayed()).slice(before);
			return made.map(({ eventType }) => eventType);
		};
		expect(await types({ eventTypes: ["none", "a"] })).toEqual([]);
		expect(await types({ eventTypes: ["d"], outcomes: ["Failed"] })).toEqual(["d"]);
		expect(await types({ eventTypes: ["a.*", "de"], missedEventTypes: ["de"] })).toEqual(["a.b", "a.c", "de", "de"]);
		expect(await types({ missedEventTypes: ["d"] })).toEqual(["d"]);
	});

	it("looks at events of its range and project, and skips those whose payload was erased without counting them", async () => {
		const { store, records, miss, begin, step, replayed, scope, webhookId, accept, addProject } = await open();
		const start = records.now;
		const events: string[] = [];
		for (let n = 0; n < 4; n++, records.now += 10) events.push(await miss());
		const [, erased = "", kept = ""] = events;
		await store.erasePayload(scope, erased, { reason: "erased", at: records.now, limit: 1_000, entry: null });
		await accept({ projectId: (await addProject()).id, webhookIds: [] });
		const replay = await begin({ since: start + 10, until: start + 30 });
		const count = { scope, webhookId, filter: replay.filter, afterEventId: null, scanLimit: 9 };
		expect(await store.countReplay(count)).toMatchObject({ matching: 1 });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, deliveryCount: 1 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([kept]);
	});
}

function describeDoubles(open: Open): void {
	it("does not repeat deliveries that another replay made in the meantime, even if those are final", async () => {
		const { miss, begin, step, replayed, update, records, webhookIds } = await open(2);
		for (let n = 0; n < 4; n++) await miss();
		const [one, two] = [await begin(), await begin()];
		await step(one, { deliveryLimit: 2 });
		const [first] = await replayed();
		await update(records.outcome(first?.id ?? "", 1));
		expect(await step(two)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 2 });
		expect(await step(one)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 2 });
		// A replay that is made later may send these events again.
		expect(await step(await begin({ outcomes: ["Succeeded"] }))).toMatchObject({ deliveryCount: 1 });
		// To another webhook, none of them has been sent.
		const [, webhookId = ""] = webhookIds;
		expect(await step(await begin({}, { webhookId }))).toMatchObject({ webhookId, deliveryCount: 4 });
	});
}

function describeEnds(open: Open): void {
	it("makes no more deliveries once it is cancelled", async () => {
		const { store, miss, begin, step, replayed, records, scope } = await open();
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		await step(replay, { deliveryLimit: 1 });
		records.now += 7;
		expect(await store.cancelReplay(replay.id, records.now, null)).toBe(true);
		expect(await store.cancelReplay(replay.id, records.now + 1, null)).toBe(false);
		expect(await step(replay)).toBeNull();
		expect(await replayed()).toHaveLength(1);
		const ended = { status: "Cancelled", deliveryCount: 1, updateDate: records.now, endDate: records.now };
		expect(await store.replay(scope, replay.id)).toMatchObject(ended);
	});

	it("waits while its webhook is Paused or Disabled, and goes on afterwards", async () => {
		const { store, miss, begin, step, replayed, scope, webhookId, records } = await open();
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		const before = await step(replay, { deliveryLimit: 1 });
		for (const status of ["Paused", "Disabled"] as const) {
			await setWebhook(store, webhookId, { status });
			records.now += 7;
			expect(await step(replay)).toEqual(before);
			expect(await store.replay(scope, replay.id)).toEqual(before);
			expect(await replayed()).toHaveLength(1);
		}
		await setWebhook(store, webhookId, { status: "Enabled" });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 3, deliveryCount: 3 });
	});

	it.each(["Enabled", "Paused"] as const)("is cancelled if its webhook was deleted while %s", async (status) => {
		const { store, miss, begin, step, replayed, scope, webhookId, records } = await open();
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		const before = await step(replay, { deliveryLimit: 1 });
		records.now += 7;
		await setWebhook(store, webhookId, { status, deleteDate: records.now });
		const after = { ...before, status: "Cancelled", updateDate: records.now, endDate: records.now };
		expect(await step(replay)).toEqual(after);
		expect(await store.replay(scope, replay.id)).toEqual(after);
		expect(await step(replay)).toBeNull();
		expect(await store.runningReplays()).toEqual([]);
		expect(await replayed()).toHaveLength(1);
	});

	it("is cancelled if its webhook is unknown, and not again if it has finished or is unknown itself", async () => {
		const { store, begin, step, records } = await open();
		const lost = await begin({}, { webhookId: records.ids.make("webhook", records.now) });
		expect(await step(lost)).toMatchObject({ status: "Cancelled", endDate: records.now });
		const replay = await begin();
		await step(replay);
		const unknown = records.ids.make("replay", records.now);
		for (const id of [replay.id, unknown, "none"]) expect(await store.cancelReplay(id, records.now, null)).toBe(false);
		expect(await step({ ...replay, id: unknown })).toBeNull();
	});
}

function describeCounts(open: Open): void {
	it("counts the events that a replay would send, in steps, and makes no delivery", async () => {
		const { store, miss, deliver, accept, records, scope, webhookId, replayed } = await open();
		for (let n = 0; n < 5; n++) await Promise.all([miss(), deliver(410), accept(), deliver(200)]);
		const filter: ReplayFilter = { ...EVERYTHING, outcomes: ["Failed", "Missed"], since: 0, until: records.now + 1 };
		const count = { scope, webhookId, filter, scanLimit: 6 };
		const counts: number[] = [];
		let afterEventId: string | null = null;
		do {
			const step: Awaited<ReturnType<typeof store.countReplay>> = await store.countReplay({ ...count, afterEventId });
			counts.push(step.matching);
			afterEventId = step.lastEventId;
		} while (afterEventId !== null);
		expect(counts).toHaveLength(4);
		expect(counts.reduce((sum, count) => sum + count)).toBe(10);
		expect(await replayed()).toEqual([]);
		records.now += 10;
		await miss();
		const newestDate = records.now;
		records.now += 10;
		await deliver(200);
		const whole = { ...count, filter: { ...filter, until: records.now + 1 }, afterEventId: null, scanLimit: 100 };
		expect(await store.countReplay(whole)).toEqual({ matching: 11, newestDate, lastEventId: null });
		const nothing = { ...count, filter: { ...filter, since: records.now + 1 }, afterEventId: null };
		expect(await store.countReplay(nothing)).toEqual({ matching: 0, newestDate: null, lastEventId: null });
	});
}

function describeLists(open: Open): void {
	it("stores all fields of replays, and lists those of a project or of a webhook newest first, and running ones", async () => {
		const { store, begin, step, miss, records, scope, webhookIds } = await open(2);
		const [one = "", two = ""] = webhookIds;
		const ids: string[] = [];
		for (const webhookId of [one, two, one]) ids.push((await begin({}, { webhookId })).id);
		expect(idsOf(await store.replays(scope, null, NEWEST))).toEqual(ids.toReversed());
		expect(idsOf(await store.replays(scope, one, NEWEST))).toEqual([ids[2], ids[0]]);
		const first = await store.replays(scope, null, { limit: 2, cursor: null });
		expect(first).toMatchObject({ hasOlder: true, hasNewer: false });
		const cursor = { direction: "older", id: ids[1] ?? "" } as const;
		expect(idsOf(await store.replays(scope, null, { limit: 2, cursor }))).toEqual([ids[0]]);
		const filter = { eventTypes: ["a.b", "c.*"], missedEventTypes: ["c.d"], outcomes: ["Failed", "Missed"] as const };
		const replay = await begin({ ...filter, since: 17, until: 19 });
		expect(await store.replay(scope, replay.id)).toEqual(replay);
		const other = projectScope(records.project().id);
		expect(await store.replay(other, replay.id)).toBeNull();
		expect(await store.replay(scope, "none")).toBeNull();
		for (const webhookId of [null, one]) expect(idsOf(await store.replays(other, webhookId, NEWEST))).toEqual([]);

		await miss();
		await step(await begin());
		await store.cancelReplay(ids[1] ?? "", records.now, null);
		const running = [ids[0], ids[2], replay.id];
		expect((await store.runningReplays()).map(({ id }) => id)).toEqual(running);
	});
}

function describeUntried(open: Open): void {
	it("knows which deliveries have no attempt yet, leased or not", async () => {
		const { store, accept, acceptMany, update, claim, records } = await open();
		const ids = await acceptMany(4);
		const [leased = "", failed = "", done = "", waiting = ""] = ids;
		await claim({ limit: 1 });
		await update(records.failure(failed, 1), records.outcome(done, 1));
		const [held = ""] = await accept({ state: newHeldDelivery("paused") });
		const unknown = records.ids.make("dlv", records.now);
		expect(await store.untried([...ids, held, unknown, "none"])).toEqual([leased, waiting]);
		expect(await store.untried([])).toEqual([]);
	});
}

/** What the replay of these events is: their range, and how many they are. */
function chosen(events: readonly string[], { records }: ReplayWorld) {
	return [{ outcomes: REPLAY_OUTCOMES, until: records.now + 1 }, { chosenCount: events.length }, events] as const;
}

function describeChosenEvents(open: Open): void {
	it("sends the chosen events alone, the oldest first, in steps, and reads the replay without them", async () => {
		const world = await open();
		const { store, scope, webhookId, miss, deliver, begin, step, replayed, records } = world;
		const events: string[] = [];
		for (let n = 0; n < 6; n++, records.now += 10) events.push(n % 2 === 0 ? await miss() : await deliver(200));
		const wanted = [events[4]!, events[0]!, events[3]!];
		const replay = await begin(...chosen(wanted, world));
		expect(await store.replay(scope, replay.id)).toEqual(replay);
		expect((await store.replays(scope, null, NEWEST)).rows).toEqual([replay]);
		expect(await store.runningReplays()).toEqual([replay]);
		const count = (afterEventId: string | null) =>
			store.countReplay({ scope, webhookId, filter: replay.filter, eventIds: wanted, scanLimit: 2, afterEventId });
		expect(await count(null)).toMatchObject({ matching: 2, lastEventId: events[3] });
		expect(await count(events[3]!)).toMatchObject({ matching: 1, lastEventId: null });
		const running = { status: "Running", scannedCount: 2, deliveryCount: 2 };
		expect(await step(replay, { scanLimit: 2 })).toMatchObject(running);
		expect(await step(replay, { deliveryLimit: 0 })).toMatchObject({ status: "Running", scannedCount: 2 });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 3, deliveryCount: 3, chosenCount: 3 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([events[0], events[3], events[4]]);
		expect(await store.replay(scope, replay.id)).toMatchObject({ status: "Finished", chosenCount: 3 });
	});

	it("still heeds outcomes, types, and what is on its way, and skips an event that is gone", async () => {
		const world = await open();
		const { accept, miss, deliver, begin, step, replayed, records, store, scope, projectId } = world;
		const [pending = ""] = await accept();
		const waiting = (await store.delivery(scope, pending))?.eventId ?? "";
		const [missed, failed, succeeded] = [await miss("c.d"), await deliver(410), await deliver(200)];
		const gone = records.event(projectId).event.id;
		const ids = [waiting, missed, failed, succeeded, gone];
		const [filter, changes] = chosen(ids, world);
		const replay = await begin({ ...filter, outcomes: ["Missed", "Failed"], missedEventTypes: ["a.*"] }, changes, ids);
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 1 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([failed]);
	});

	it("hands a customer's webhook only events that are for this customer and of no internal type", async () => {
		const world = await open();
		const { store, records, projectId, scope, begin, step } = world;
		const webhook = records.webhook(projectId, { customerId: "acme" });
		await store.insertWebhook(webhook, null);
		await addType(world, "secret", { visibility: "internal" });
		const send = async (customers: string | readonly string[] | null, type = "a.b") => {
			const sent = records.event(projectId, { type, webhookIds: [], customers });
			await store.commit({ events: [sent], updates: [] });
			return sent.event.id;
		};
		const ids = [
			await send("acme"),
			await send("globex"),
			await send(["globex", "acme"]),
			await send("*"),
			await send(null),
			await send("acme", "secret"),
		];
		const [filter, changes] = chosen(ids, world);
		const replay = await begin(filter, { ...changes, webhookId: webhook.id, customerId: "acme" }, ids);
		expect(await step(replay)).toMatchObject({ status: "Finished", deliveryCount: 3 });
		const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, webhookId: webhook.id }, NEWEST);
		expect(rows.map(({ eventId }) => eventId).toReversed()).toEqual([ids[0], ids[2], ids[3]]);
		const nothing = { matching: 0, newestDate: null, lastEventId: null };
		const asked = { webhookId: webhook.id, filter: replay.filter, eventIds: ids, afterEventId: null, scanLimit: 99 };
		for (const customerId of ["acme", "globex"]) {
			expect(await store.countReplay({ ...asked, scope: customerScope(projectId, customerId) })).toEqual(nothing);
		}
	});

	it("finds events by their ids as somebody sees them, and says nothing of others", async () => {
		const { store, records, projectId, scope, deliver, miss, webhookId, addProject } = await open();
		const theirs = records.webhook(projectId, { customerId: "acme" });
		await store.insertWebhook(theirs, null);
		const sent = records.event(projectId, { webhookIds: [webhookId, theirs.id], customers: ["acme", "globex"] });
		await store.commit({ events: [sent], updates: [] });
		const [ours, missed] = [await deliver(200), await miss()];
		const other = await addProject();
		const foreign = records.event(other.id, { webhookIds: [] });
		await store.commit({ events: [foreign], updates: [] });
		const unknown = records.ids.make("evt", records.now);
		const ids = [missed, foreign.event.id, sent.event.id, unknown, ours];
		const { createDate } = sent.event;
		const seen = (customers: unknown) => ({ createDate, customers });
		expect(await store.eventsById(scope, ids)).toEqual([seen(null), null, seen(["acme", "globex"]), null, seen(null)]);
		const acme = customerScope(projectId, "acme");
		expect(await store.eventsById(acme, ids)).toEqual([null, null, seen("acme"), null, null]);
		expect(await store.eventsById(customerScope(projectId, "globex"), ids)).toEqual(ids.map(() => null));
		expect(await store.eventsById(scope, [])).toEqual([]);
	});

	it("adds the replays of several webhooks, or none if one would exceed its limit", async () => {
		const { store, makeReplay, records } = await open(2);
		const insert = (limit: number, ...customerIds: readonly (string | null)[]) =>
			store.insertReplays(
				customerIds.map((customerId) => {
					const replay = makeReplay({}, { customerId });
					return { replay, limit, projectLimit: Infinity, entry: records.entry() };
				}),
			);
		expect(await insert(2, null, null, null)).toBe("customer");
		expect(await store.runningReplays()).toEqual([]);
		expect(await insert(2, null, null)).toBe(null);
		expect(await insert(2, null)).toBe("customer");
		expect(await insert(1, "acme", "globex", "acme")).toBe("customer");
		expect(await insert(1, "acme", "globex")).toBe(null);
		expect(await store.runningReplays()).toHaveLength(4);
	});
}

const MANY = 1_000;

function describePurge(open: Open): void {
	/** Some replays, oldest first, of which each ends 10 ms after it was made, or stays Running. */
	const openWorld = async (runs: readonly boolean[]) => {
		const world = await open();
		const { store, records, scope, projectId } = world;
		const ids: string[] = [];
		for (const isRunning of runs) {
			const { id } = await world.begin({ until: 1 });
			ids.push(id);
			records.now += 10;
			if (!isRunning) await store.cancelReplay(id, records.now, null);
			records.now += 1_000;
		}
		const left = async (): Promise<number[]> => {
			const { rows } = await store.replays(scope, null, NEWEST);
			return rows.map(({ id }) => ids.indexOf(id)).toReversed();
		};
		const purgeReplays = async (options: Pick<PurgeReplays, "before" | "keep">, limit = MANY): Promise<number> => {
			let [after, steps]: [string | null, number] = [null, 0];
			do {
				after = await store.purgeReplays({ projectId, ...options, after, limit });
				steps++;
			} while (after !== null);
			return steps;
		};
		return { ...world, ids, left, purgeReplays };
	};

	it("are deleted when they ended before a time; Running ones and other projects' stay", async () => {
		const {
			store,
			records,
			ids,
			left,
			purgeReplays: purge,
			scope,
			addProject,
		} = await openWorld([false, true, false, false]);
		const other = await addProject();
		await store.purgeReplays({ projectId: other.id, before: records.now, keep: 0, after: null, limit: MANY });
		expect(await left()).toEqual([0, 1, 2, 3]);
		const { endDate } = (await store.replay(scope, ids[2] ?? ""))!;
		await purge({ before: null, keep: MANY });
		await purge({ before: endDate! - 5, keep: MANY });
		expect(await left()).toEqual([1, 2, 3]);
		await purge({ before: endDate!, keep: MANY });
		expect(await left()).toEqual([1, 2, 3]);
		await purge({ before: endDate! + 1, keep: MANY });
		expect(await left()).toEqual([1, 3]);
	});

	it("are deleted beyond a number, oldest first", async () => {
		const { left, purgeReplays: purge, records } = await openWorld([false, true, false, false, true, false]);
		await purge({ before: null, keep: 6 });
		expect(await left()).toEqual([0, 1, 2, 3, 4, 5]);
		await purge({ before: null, keep: 3 });
		expect(await left()).toEqual([1, 3, 4, 5]);
		// In steps.
		expect(await purge({ before: records.now, keep: MANY }, 2)).toBe(3);
		expect(await left()).toEqual([1, 4]);
	});

	it("leave the deliveries that they have made, and their attempts", async () => {
		const world = await openWorld([]);
		const { store, scope, deliver, begin, step, replayed, update, records, projectId } = world;
		await deliver(500);
		const replay = await begin();
		expect(await step(replay)).toMatchObject({ status: "Finished", deliveryCount: 1 });
		const [made] = await replayed();
		await update(records.outcome(made!.id, 1));
		await store.purgeReplays({ projectId, before: records.now + MANY, keep: MANY, after: null, limit: MANY });
		expect(await store.replay(scope, replay.id)).toBeNull();
		expect((await store.delivery(scope, made!.id))?.status).toBe("Succeeded");
		expect(await attemptsOf(world, made!.id)).toHaveLength(1);
	});
}
