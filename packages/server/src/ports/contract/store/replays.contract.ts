// The contract of the replays slice: steps, matching, cancelling, counting and lists.
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { REPLAY_OUTCOMES, type ReplayFilter } from "../../../core/replay.ts";
import { describeChosenEvents } from "./chosen-events.contract.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, dueAt, idsOf, NEWEST, setWebhook } from "./records/records.ts";
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
		describeChosenEvents(current);
	});
}

function describeSteps(open: Open): void {
	it("makes one due delivery for each matching event, the oldest event first", async () => {
		const { store, miss, begin, step, replayed, records, projectId, scope, webhookId } = await open();
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
		const { now } = records;
		const { deliveries: leased } = await store.claimDue({
			webhookId,
			now,
			limit: 9,
			maxBytes: 9_999,
			leaseUntil: now + 9,
		});
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
		const cancel = { type: "cancel", reason: "by hand" } as const;
		await world.update({ deliveryId: cancelled, change: cancel, attempt: null, at: records.now });
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
		await world.update(records.outcome(id, 1, { kind: "gone", responseCode: 410 }));
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
		await update(records.outcome(newer ?? "", 1, { kind: "gone", responseCode: 410 }));
		await update({
			deliveryId: older ?? "",
			change: { type: "retry", at: records.now },
			attempt: null,
			at: records.now,
		});
		expect(await step(await begin())).toMatchObject({ status: "Finished", scannedCount: 1, deliveryCount: 0 });
	});
}

function describeFilters(open: Open): void {
	it("includes the start of the time range and excludes its end", async () => {
		const { miss, begin, step, replayed, records } = await open();
		const start = records.now;
		const events: string[] = [];
		for (let n = 0; n < 4; n++, records.now += 10) events.push(await miss());
		await step(await begin({ since: start + 10, until: start + 30 }));
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events.slice(1, 3));
	});

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

	it("skips events whose payload was erased, and does not count them", async () => {
		const { store, records, miss, begin, step, replayed, scope, webhookId } = await open();
		const [erased, kept] = [await miss(), await miss()];
		await store.erasePayload(scope, erased, { reason: "erased", at: records.now, limit: 1_000, entry: null });
		const replay = await begin();
		const count = { scope, webhookId, filter: replay.filter, afterEventId: null, scanLimit: 9 };
		expect(await store.countReplay(count)).toMatchObject({ matching: 1 });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, deliveryCount: 1 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([kept]);
	});

	it("looks only at events of its project", async () => {
		const { store, records, begin, step } = await open();
		const other = records.project();
		await store.insertProject(other, null);
		await store.commit({ events: [records.event(other.id)], updates: [] });
		expect(await step(await begin())).toMatchObject({ status: "Finished", scannedCount: 0, firstEventDate: null });
	});
}

function describeDoubles(open: Open): void {
	it("does not repeat deliveries that another replay made in the meantime, even if those are final", async () => {
		const world = await open();
		const { miss, begin, step, replayed, update, records } = world;
		for (let n = 0; n < 4; n++) await miss();
		const [one, two] = [await begin(), await begin()];
		await step(one, { deliveryLimit: 2 });
		const [first] = await replayed();
		await update(records.outcome(first?.id ?? "", 1));
		expect(await step(two)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 2 });
		expect(await step(one)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 2 });
		// A replay that is made later may send these events again.
		expect(await step(await begin({ outcomes: ["Succeeded"] }))).toMatchObject({ deliveryCount: 1 });
	});

	it("sends every event to each webhook in two replays", async () => {
		const { miss, begin, step, webhookIds } = await open(2);
		for (let n = 0; n < 3; n++) await miss();
		for (const webhookId of webhookIds) {
			expect(await step(await begin({}, { webhookId }))).toMatchObject({ webhookId, deliveryCount: 3 });
		}
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
		expect(await store.replay(scope, replay.id)).toMatchObject({
			status: "Cancelled",
			deliveryCount: 1,
			updateDate: records.now,
			endDate: records.now,
		});
	});

	it.each(["Paused", "Disabled"] as const)("waits while its webhook is %s, and goes on afterwards", async (status) => {
		const { store, miss, begin, step, replayed, scope, webhookId, records } = await open();
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		const before = await step(replay, { deliveryLimit: 1 });
		await setWebhook(store, webhookId, { status });
		records.now += 7;
		expect(await step(replay)).toEqual(before);
		expect(await store.replay(scope, replay.id)).toEqual(before);
		expect(await replayed()).toHaveLength(1);
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

	it("is cancelled if its webhook is unknown", async () => {
		const { begin, step, records } = await open();
		const replay = await begin({}, { webhookId: records.ids.make("webhook", records.now) });
		expect(await step(replay)).toMatchObject({ status: "Cancelled", endDate: records.now });
	});

	it("does not cancel a finished or an unknown replay", async () => {
		const { store, begin, step, records } = await open();
		const replay = await begin();
		await step(replay);
		expect(await store.cancelReplay(replay.id, records.now, null)).toBe(false);
		expect(await store.cancelReplay(records.ids.make("replay", records.now), records.now, null)).toBe(false);
		expect(await store.cancelReplay("none", records.now, null)).toBe(false);
		expect(await step({ ...replay, id: records.ids.make("replay", records.now) })).toBeNull();
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
		const nothing = { ...count, filter: { ...filter, since: records.now + 1 }, afterEventId: null };
		expect(await store.countReplay(nothing)).toEqual({ matching: 0, newestDate: null, lastEventId: null });
	});

	it("says which date the newest of the counted events has", async () => {
		const { store, miss, deliver, records, scope, webhookId } = await open();
		await miss();
		records.now += 10;
		await miss();
		const newestDate = records.now;
		records.now += 10;
		await deliver(200);
		const filter: ReplayFilter = { ...EVERYTHING, outcomes: ["Missed"], since: 0, until: records.now + 1 };
		const step = { scope, webhookId, filter, afterEventId: null, scanLimit: 100 };
		expect(await store.countReplay(step)).toEqual({ matching: 2, newestDate, lastEventId: null });
	});
}

function describeLists(open: Open): void {
	it("stores all fields of a replay", async () => {
		const { store, begin, scope, records } = await open();
		const filter = { eventTypes: ["a.b", "c.*"], missedEventTypes: ["c.d"], outcomes: ["Failed", "Missed"] as const };
		const replay = await begin({ ...filter, since: 17, until: 19 });
		expect(await store.replay(scope, replay.id)).toEqual(replay);
		expect(await store.replay(projectScope(records.project().id), replay.id)).toBeNull();
		expect(await store.replay(scope, "none")).toBeNull();
	});

	it("lists the replays of a project or of one of its webhooks newest first, in pages", async () => {
		const { store, begin, records, scope, webhookIds } = await open(2);
		const [one = "", two = ""] = webhookIds;
		const ids: string[] = [];
		for (const webhookId of [one, two, one]) ids.push((await begin({}, { webhookId })).id);
		expect(idsOf(await store.replays(scope, null, NEWEST))).toEqual(ids.toReversed());
		expect(idsOf(await store.replays(scope, one, NEWEST))).toEqual([ids[2], ids[0]]);
		const first = await store.replays(scope, null, { limit: 2, cursor: null });
		expect(first).toMatchObject({ hasOlder: true, hasNewer: false });
		const cursor = { direction: "older", id: ids[1] ?? "" } as const;
		expect(idsOf(await store.replays(scope, null, { limit: 2, cursor }))).toEqual([ids[0]]);
		const other = records.project();
		expect(idsOf(await store.replays(projectScope(other.id), null, NEWEST))).toEqual([]);
		expect(idsOf(await store.replays(projectScope(other.id), one, NEWEST))).toEqual([]);
	});

	it("lists running replays oldest first", async () => {
		const { store, begin, step, records, miss } = await open();
		await miss();
		const replays = [await begin(), await begin(), await begin(), await begin()];
		await step(replays[0]!);
		await store.cancelReplay(replays[2]!.id, records.now, null);
		await step(replays[3]!, { deliveryLimit: 0 });
		expect(idsOf({ rows: await store.runningReplays(), hasNewer: false, hasOlder: false })).toEqual([replays[1]!.id]);
	});
}

function describeUntried(open: Open): void {
	it("knows which deliveries have no attempt yet, leased or not", async () => {
		const { store, accept, update, records, webhookId } = await open();
		const ids: string[] = [];
		for (let n = 0; n < 4; n++) ids.push(...(await accept()));
		const [leased = "", failed = "", done = "", waiting = ""] = ids;
		const { now } = records;
		await store.claimDue({ webhookId, now, limit: 1, maxBytes: 1, leaseUntil: now + 9 });
		await update(records.failure(failed, 1), records.outcome(done, 1));
		const [held = ""] = await accept({ state: newHeldDelivery("paused") });
		const unknown = records.ids.make("dlv", now);
		expect(await store.untried([...ids, held, unknown, "none"])).toEqual([leased, waiting]);
		expect(await store.untried([])).toEqual([]);
	});
}
