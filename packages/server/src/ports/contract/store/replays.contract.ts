// The store's contract: replays.
import { expect, it } from "vitest";

import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { REPLAY_OUTCOMES, type ReplayFilter } from "../../../core/replay.ts";
import type { CurrentStore } from "./samples/records.ts";
import { ANY_DELIVERY, idsOf, NEWEST } from "./samples/records.ts";
import { EVERYTHING, openReplayWorld } from "./samples/replays.ts";

export function describeReplays(current: CurrentStore): void {
	describeSteps(current);
	describeOutcomes(current);
	describeFilters(current);
	describeDoubles(current);
	describeEnds(current);
	describeCounts(current);
	describeLists(current);
	describeUntried(current);
}

function describeSteps(current: CurrentStore): void {
	it("makes one due delivery for each matching event, oldest first", async () => {
		const { store, miss, begin, step, replayed, samples, projectId, webhookId } = await openReplayWorld(current);
		const events = [await miss("a.b"), await miss("c.d"), await miss()];
		samples.now += 50;
		const replay = await begin();
		samples.now += 5;
		const after = await step(replay);
		expect(after).toEqual({
			...replay,
			status: "Finished",
			scannedCount: 3,
			deliveryCount: 3,
			firstEventDate: samples.now - 55,
			lastEventDate: samples.now - 55,
			position: samples.now - 55,
			updateDate: samples.now,
			endDate: samples.now,
		});
		expect(await store.replay(projectId, replay.id)).toEqual(after);
		const made = await replayed();
		expect(made.map(({ eventId }) => eventId)).toEqual(events);
		expect(made[1]).toEqual({
			...newDelivery(samples.now, null, "replay"),
			id: made[1]?.id,
			projectId,
			webhookId,
			eventId: events[1],
			eventType: "c.d",
			createDate: samples.now,
			updateDate: samples.now,
		});
		expect(await store.nextDueAt(webhookId)).toBe(samples.now);
		expect(await store.countOpen()).toMatchObject({ Pending: 3, Held: 0 });
		const { now } = samples;
		const leased = await store.claimDue({ webhookId, now, limit: 9, maxBytes: 9_999, leaseUntil: now + 9 });
		expect(leased.map(({ trigger, eventId }) => [trigger, eventId])).toEqual(events.map((id) => ["replay", id]));
	});

	it("looks at no more events than asked, and goes on where it ended", async () => {
		const { store, projectId, miss, begin, step, replayed, samples } = await openReplayWorld(current);
		const events: string[] = [];
		for (let n = 0; n < 5; n++, samples.now += 10) events.push(await miss());
		const replay = await begin();
		const counts: unknown[] = [];
		for (let n = 0; n < 3; n++) {
			const after = await step(replay, { scanLimit: 2 });
			counts.push([after?.status, after?.scannedCount, after?.deliveryCount, after?.position]);
		}
		const { now } = samples;
		expect(counts).toEqual([
			["Running", 2, 2, now - 40],
			["Running", 4, 4, now - 20],
			["Finished", 5, 5, now - 10],
		]);
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
		const dates = { firstEventDate: now - 50, lastEventDate: now - 10 };
		expect(await store.replay(projectId, replay.id)).toMatchObject(dates);
		expect(await step(replay)).toBeNull();
		expect(await replayed()).toHaveLength(5);
	});

	it("makes no more deliveries than asked, and passes over no event because of that", async () => {
		const { miss, settle, begin, step, replayed } = await openReplayWorld(current);
		const events: string[] = [];
		for (let n = 0; n < 3; n++) {
			events.push(await miss());
			await settle(200);
		}
		const replay = await begin({ outcomes: ["Missed"] });
		const first = await step(replay, { deliveryLimit: 2 });
		// The fourth does not match: it is looked at before the next that does.
		expect(first).toMatchObject({ status: "Running", scannedCount: 4, deliveryCount: 2 });
		expect(await step(replay, { deliveryLimit: 0 })).toMatchObject({ status: "Running", scannedCount: 4 });
		expect(await step(replay, { deliveryLimit: 1 })).toMatchObject({ status: "Finished", scannedCount: 6 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
	});

	it("makes nothing and does not move on when a step fails", async () => {
		const { store, miss, begin, step, replayed, projectId } = await openReplayWorld(current);
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		const same = (await step(replay, { deliveryLimit: 1 }))?.id;
		const [made] = await replayed();
		const before = await store.replay(projectId, replay.id);
		const clash = { deliveryIds: Array.from({ length: 10 }, () => made?.id ?? "") };
		await expect(step(replay, clash)).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.replay(projectId, replay.id)).toEqual(before);
		expect(await replayed()).toHaveLength(1);
		expect(await store.countOpen()).toMatchObject({ Pending: 1 });
		expect(await step(replay)).toMatchObject({ id: same, status: "Finished", deliveryCount: 3 });
	});
}

function describeOutcomes(current: CurrentStore): void {
	it("goes by how the newest delivery to this webhook ended", async () => {
		const world = await openReplayWorld(current, 2);
		const { accept, settle, begin, step, replayed, samples, webhookIds, store, projectId } = world;
		const eventOf = async (deliveryId = "") => (await store.delivery(projectId, deliveryId))?.eventId ?? "";
		const [cancelled = ""] = await accept();
		const cancel = { type: "cancel", reason: "by hand" } as const;
		await world.update({ deliveryId: cancelled, change: cancel, attempt: null, at: samples.now });
		const events = {
			Succeeded: await settle(200),
			Failed: await settle(410),
			Cancelled: await eventOf(cancelled),
			// With another webhook's delivery.
			Missed: await eventOf((await accept({ webhookIds: webhookIds.slice(1) }))[0]),
		};
		for (const state of [newDelivery(samples.now, null), newHeldDelivery("paused")]) await accept({ state });
		for (const outcome of REPLAY_OUTCOMES) {
			const replay = await begin({ outcomes: [outcome] });
			expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 6, deliveryCount: 1 });
			expect([outcome, (await replayed()).at(-1)?.eventId]).toEqual([outcome, events[outcome]]);
		}
		// Now all are on their way.
		expect(await step(await begin())).toMatchObject({ scannedCount: 6, deliveryCount: 0 });
		// And one has its newest delivery Failed, after it had succeeded.
		const { id = "" } = (await replayed())[0] ?? {};
		await world.update(samples.outcome(id, 1, { kind: "gone", responseCode: 410 }));
		expect(await step(await begin({ outcomes: ["Succeeded"] }))).toMatchObject({ deliveryCount: 0 });
		expect(await step(await begin({ outcomes: ["Failed"] }))).toMatchObject({ deliveryCount: 1 });
	});

	it("sends no event while an older delivery of it is on its way again", async () => {
		const world = await openReplayWorld(current);
		const { settle, begin, step, samples, store, projectId, update } = world;
		const eventId = await settle(410);
		await step(await begin());
		const { rows } = await store.deliveries(projectId, { ...ANY_DELIVERY, eventId }, NEWEST);
		const [newer, older] = rows.map(({ id }) => id);
		await update(samples.outcome(newer ?? "", 1, { kind: "gone", responseCode: 410 }));
		await update({
			deliveryId: older ?? "",
			change: { type: "retry", at: samples.now },
			attempt: null,
			at: samples.now,
		});
		expect(await step(await begin())).toMatchObject({ status: "Finished", scannedCount: 1, deliveryCount: 0 });
	});
}

function describeFilters(current: CurrentStore): void {
	it("takes the start of the time range in, and leaves its end out", async () => {
		const { miss, begin, step, replayed, samples } = await openReplayWorld(current);
		const start = samples.now;
		const events: string[] = [];
		for (let n = 0; n < 4; n++, samples.now += 10) events.push(await miss());
		await step(await begin({ since: start + 10, until: start + 30 }));
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events.slice(1, 3));
	});

	it("takes types by name and by prefix, and for missed events those of both lists", async () => {
		const { miss, settle, begin, step, replayed } = await openReplayWorld(current);
		for (const type of ["a.b", "a.c", "d", "de"]) await Promise.all([miss(type), settle(410, type)]);
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

	it("passes over events whose payload is erased, and does not count them", async () => {
		const { store, samples, miss, begin, step, replayed, projectId, webhookId } = await openReplayWorld(current);
		const [erased, kept] = [await miss(), await miss()];
		await store.erasePayload(projectId, erased, "erased", samples.now);
		const replay = await begin();
		const scope = { projectId, webhookId, filter: replay.filter, afterEventId: null, scanLimit: 9 };
		expect(await store.countReplay(scope)).toMatchObject({ matching: 1 });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, deliveryCount: 1 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([kept]);
	});

	it("takes only events of its project", async () => {
		const { store, samples, begin, step } = await openReplayWorld(current);
		const other = samples.project();
		await store.insertProject(other);
		await store.commit({ events: [samples.event(other.id)], updates: [] });
		expect(await step(await begin())).toMatchObject({ status: "Finished", scannedCount: 0, firstEventDate: null });
	});
}

function describeDoubles(current: CurrentStore): void {
	it("does not double what another replay over the same events has made since, even if that has ended by now", async () => {
		const world = await openReplayWorld(current);
		const { miss, begin, step, replayed, update, samples } = world;
		for (let n = 0; n < 4; n++) await miss();
		const [one, two] = [await begin(), await begin()];
		await step(one, { deliveryLimit: 2 });
		const [first] = await replayed();
		await update(samples.outcome(first?.id ?? "", 1));
		expect(await step(two)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 2 });
		expect(await step(one)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 2 });
		// A replay that is made later may send them again.
		expect(await step(await begin({ outcomes: ["Succeeded"] }))).toMatchObject({ deliveryCount: 1 });
	});

	it("lets replays to two webhooks each send every event", async () => {
		const { miss, begin, step, webhookIds } = await openReplayWorld(current, 2);
		for (let n = 0; n < 3; n++) await miss();
		for (const webhookId of webhookIds) {
			expect(await step(await begin({}, { webhookId }))).toMatchObject({ webhookId, deliveryCount: 3 });
		}
	});
}

function describeEnds(current: CurrentStore): void {
	it("makes nothing more once it is cancelled", async () => {
		const { store, miss, begin, step, replayed, samples, projectId } = await openReplayWorld(current);
		for (let n = 0; n < 3; n++) await miss();
		const replay = await begin();
		await step(replay, { deliveryLimit: 1 });
		samples.now += 7;
		expect(await store.cancelReplay(replay.id, samples.now)).toBe(true);
		expect(await store.cancelReplay(replay.id, samples.now + 1)).toBe(false);
		expect(await step(replay)).toBeNull();
		expect(await replayed()).toHaveLength(1);
		expect(await store.replay(projectId, replay.id)).toMatchObject({
			status: "Cancelled",
			deliveryCount: 1,
			updateDate: samples.now,
			endDate: samples.now,
		});
	});

	it("cancels neither what has finished nor what is not there", async () => {
		const { store, begin, step, samples } = await openReplayWorld(current);
		const replay = await begin();
		await step(replay);
		expect(await store.cancelReplay(replay.id, samples.now)).toBe(false);
		expect(await store.cancelReplay(samples.ids.make("replay", samples.now), samples.now)).toBe(false);
		expect(await store.cancelReplay("none", samples.now)).toBe(false);
		expect(await step({ ...replay, id: samples.ids.make("replay", samples.now) })).toBeNull();
	});
}

function describeCounts(current: CurrentStore): void {
	it("counts what would be sent, in steps, and sends nothing", async () => {
		const { store, miss, settle, accept, samples, projectId, webhookId, replayed } = await openReplayWorld(current);
		for (let n = 0; n < 5; n++) await Promise.all([miss(), settle(410), accept(), settle(200)]);
		const filter: ReplayFilter = { ...EVERYTHING, outcomes: ["Failed", "Missed"], since: 0, until: samples.now + 1 };
		const scope = { projectId, webhookId, filter, scanLimit: 6 };
		const counts: number[] = [];
		let afterEventId: string | null = null;
		do {
			const step: Awaited<ReturnType<typeof store.countReplay>> = await store.countReplay({ ...scope, afterEventId });
			counts.push(step.matching);
			afterEventId = step.lastEventId;
		} while (afterEventId !== null);
		expect(counts).toHaveLength(4);
		expect(counts.reduce((sum, count) => sum + count)).toBe(10);
		expect(await replayed()).toEqual([]);
		const nothing = { ...scope, filter: { ...filter, since: samples.now + 1 }, afterEventId: null };
		expect(await store.countReplay(nothing)).toEqual({ matching: 0, lastEventId: null });
	});
}

function describeLists(current: CurrentStore): void {
	it("keeps a replay with all that it was made with", async () => {
		const { store, begin, projectId, samples } = await openReplayWorld(current);
		const filter = { eventTypes: ["a.b", "c.*"], missedEventTypes: ["c.d"], outcomes: ["Failed", "Missed"] as const };
		const replay = await begin({ ...filter, since: 17, until: 19 });
		expect(await store.replay(projectId, replay.id)).toEqual(replay);
		expect(await store.replay(samples.project().id, replay.id)).toBeNull();
		expect(await store.replay(projectId, "none")).toBeNull();
	});

	it("lists a project's replays newest first, all or those of one webhook, in pages", async () => {
		const { store, begin, samples, projectId, webhookIds } = await openReplayWorld(current, 2);
		const [one = "", two = ""] = webhookIds;
		const ids: string[] = [];
		for (const webhookId of [one, two, one]) ids.push((await begin({}, { webhookId })).id);
		expect(idsOf(await store.replays(projectId, null, NEWEST))).toEqual(ids.toReversed());
		expect(idsOf(await store.replays(projectId, one, NEWEST))).toEqual([ids[2], ids[0]]);
		const first = await store.replays(projectId, null, { limit: 2, cursor: null });
		expect(first).toMatchObject({ hasOlder: true, hasNewer: false });
		const cursor = { direction: "older", id: ids[1] ?? "" } as const;
		expect(idsOf(await store.replays(projectId, null, { limit: 2, cursor }))).toEqual([ids[0]]);
		const other = samples.project();
		expect(idsOf(await store.replays(other.id, null, NEWEST))).toEqual([]);
		expect(idsOf(await store.replays(other.id, one, NEWEST))).toEqual([]);
	});

	it("knows which are running, oldest first", async () => {
		const { store, begin, step, samples, miss } = await openReplayWorld(current);
		await miss();
		const replays = [await begin(), await begin(), await begin(), await begin()];
		await step(replays[0]!);
		await store.cancelReplay(replays[2]!.id, samples.now);
		await step(replays[3]!, { deliveryLimit: 0 });
		expect(idsOf({ rows: await store.runningReplays(), hasNewer: false, hasOlder: false })).toEqual([replays[1]!.id]);
	});
}

function describeUntried(current: CurrentStore): void {
	it("tells which deliveries still wait for their first attempt, leased or not", async () => {
		const { store, accept, update, samples, webhookId } = await openReplayWorld(current);
		const ids: string[] = [];
		for (let n = 0; n < 4; n++) ids.push(...(await accept()));
		const [leased = "", failed = "", done = "", waiting = ""] = ids;
		const { now } = samples;
		await store.claimDue({ webhookId, now, limit: 1, maxBytes: 1, leaseUntil: now + 9 });
		await update(samples.failure(failed, 1), samples.outcome(done, 1));
		const [held = ""] = await accept({ state: newHeldDelivery("paused") });
		const unknown = samples.ids.make("dlv", now);
		expect(await store.untried([...ids, held, unknown, "none"])).toEqual([leased, waiting]);
		expect(await store.untried([])).toEqual([]);
	});
}
