// The contract of the retention slice: purging by age, erased payloads, free space.
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { StoreCapabilities } from "./records/capabilities.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, ANY_EVENT, attemptsOf, dueAt, fillStore, idsOf, LATE, NEWEST } from "./records/records.ts";
import { EVERYTHING } from "./records/replays.ts";
import { DAY_MS, twoDays } from "./records/two-days.ts";

const erasure = (at: number) => ({ reason: ERASED_REASON, at, limit: 1_000, entry: null });

export function describeRetention(current: CurrentStore, capabilities: StoreCapabilities): void {
	describePurges(current);
	describeSteps(current);
	describeErase(current);
	describeSpace(current, capabilities);
}

function describePurges(current: CurrentStore): void {
	it("forgets idempotency keys that are older than a time, up to a limit, and those of events that are deleted", async () => {
		const { store, projectId, records, purge } = await fillStore(current());
		const send = async (key: string, fingerprint = Buffer.alloc(32, 7)) => {
			const sent = records.event(projectId, { key, fingerprint });
			const result = await store.commit({ events: [sent], updates: [] });
			return result.events[0]?.kind;
		};
		for (const key of ["a", "b", "c"]) await send(key);
		records.now += 1_000;
		await send("d");
		expect(await store.forgetIdempotencyKeys(records.now, 2)).toBe(2);
		expect(await store.forgetIdempotencyKeys(records.now, 2)).toBe(1);
		expect(await store.forgetIdempotencyKeys(records.now, 2)).toBe(0);
		expect(await send("a")).toBe("accepted");
		expect(await send("a")).toBe("duplicate");
		expect(await send("d")).toBe("duplicate");
		records.now += DAY_MS;
		await purge("purgeEvents", records.now);
		for (const kind of ["accepted", "duplicate"]) expect(await send("d", Buffer.alloc(32, 8))).toBe(kind);
	});

	it("removes bodies, and then older events with their deliveries, attempts and counts, and nothing else", async () => {
		const world = await fillStore(current());
		const { store, scope, webhookId, purge } = world;
		const { events, deliveries, between } = await twoDays(world);
		await world.accept();
		const [old = "", young = ""] = events;
		const [first = "", second = ""] = deliveries;
		expect(await purge("purgePayloads", between)).toMatchObject({ events: 0, attempts: 0, payloads: 1 });
		expect(await purge("purgePayloads", between)).toMatchObject({ payloads: 0 });
		expect(await store.eventBody(scope, old)).toBeNull();
		expect(await store.eventBody(scope, young)).toEqual(new Uint8Array(Buffer.from('{"n":1}')));
		expect(await store.event(scope, old)).toMatchObject({ id: old, type: "user.created" });
		const [attempt] = await attemptsOf({ store, scope }, first);
		expect(attempt?.response).toEqual({ headers: { server: "x" }, body: "", bodyTruncated: true });
		expect((await attemptsOf({ store, scope }, second))[0]?.response?.body).toBe("ok \u0000 ✓");

		const purged = await purge("purgeEvents", between);
		expect(purged).toEqual({ events: 1, deliveries: 1, attempts: 2, payloads: 0, steps: 1 });
		expect(await store.event(scope, old)).toBeNull();
		expect(await store.delivery(scope, first)).toBeNull();
		expect(await attemptsOf({ store, scope }, first)).toEqual([]);
		expect(idsOf(await store.events(scope, ANY_EVENT, NEWEST))).toEqual([expect.any(String), young]);
		expect(idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST))).toEqual([expect.any(String), second]);
		expect(await attemptsOf({ store, scope }, second)).toHaveLength(2);
		for (const owner of [null, webhookId]) {
			expect(await store.statusCounts(scope, owner)).toMatchObject({ Pending: 1, Succeeded: 1 });
		}
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
	});

	it("keeps events that were accepted exactly at the limit, those with waiting deliveries, and other projects'", async () => {
		const { store, webhookIds, accept, update, records, purge, addProject } = await fillStore(current(), 2);
		const other = await addProject();
		await accept({ webhookIds: [] });
		await accept({ projectId: other.id, webhookIds: [] });
		const waiting: string[] = [];
		for (const state of [newDelivery(1, null), newHeldDelivery("paused")]) {
			const [done = "", last = ""] = await accept({ webhookIds, state });
			await update(records.cancel(done));
			waiting.push(last);
		}
		expect(await purge("purgeEvents", records.now)).toMatchObject({ events: 0 });
		expect(await purge("purgePayloads", records.now + 1)).toMatchObject({ payloads: 1 });
		expect(await purge("purgeEvents", records.now + 1)).toMatchObject({ events: 1, deliveries: 0 });
		await update(...waiting.map((id) => records.cancel(id)));
		expect(await purge("purgeEvents", records.now + 1)).toMatchObject({ events: 2, deliveries: 4 });
		expect(idsOf(await store.events(projectScope(other.id), ANY_EVENT, NEWEST))).toHaveLength(1);
	});
}

function describeSteps(current: CurrentStore): void {
	it("deletes in steps of about the limit, each continuing where the last one ended, and skips what must stay", async () => {
		const { store, projectId, webhookId, records, accept, update, purge } = await fillStore(current());
		const add = (count: number, webhookIds: readonly string[]) => {
			const events = Array.from({ length: count }, () => records.event(projectId, { webhookIds }));
			return store.commit({ events, updates: [] });
		};
		await add(200, []);
		const before = records.now + 1;
		const first = await store.purgeEvents({ projectId, at: LATE, before, after: null, limit: 10 });
		expect(first.done).toBe(false);
		expect(first.purged.events).toBeLessThanOrEqual(12);
		const rest = await purge("purgeEvents", before, 10);
		expect(first.purged.events + rest.events).toBe(200);
		expect(rest.steps).toBeGreaterThanOrEqual(15);
		await add(150, [webhookId]);
		const [last = ""] = await accept();
		await update(records.outcome(last, 1));
		const purged = await purge("purgeEvents", before, 5);
		expect(purged).toMatchObject({ events: 1, deliveries: 1 });
		expect(purged.steps).toBeGreaterThan(3);
	});

	it("deletes an event that has more deliveries than one step deletes", async () => {
		const { store, projectId, scope, webhookIds, accept, update, records, purge } = await fillStore(current(), 60);
		const deliveries = await accept({ webhookIds });
		await update(...deliveries.map((id) => records.cancel(id)));
		const before = records.now + 1;
		const { purged, done } = await store.purgeEvents({ projectId, before, limit: 5, at: LATE, after: null });
		expect([purged.events, purged.deliveries < 10, done]).toEqual([0, true, false]);
		// The remaining deliveries can't be retried.
		const [left = ""] = idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST));
		const unchanged = { state: { status: "Cancelled" }, changed: false };
		expect((await update(records.retry(left))).updates).toMatchObject([unchanged]);
		const rest = await purge("purgeEvents", before, 5);
		expect([rest.events, purged.deliveries + rest.deliveries]).toEqual([1, 60]);
	});
}

function describeErase(current: CurrentStore): void {
	it("erases a payload and its response bodies, and cancels waiting deliveries with the reason, once", async () => {
		const { store, projectId, scope, webhookIds, update, records, state } = await fillStore(current(), 3);
		const event = records.event(projectId, { webhookIds, key: "k" });
		await store.commit({ events: [event], updates: [] });
		const [done = "", held = "", pending = ""] = event.deliveries.map(({ id }) => id);
		await update(records.failure(done, 1), records.outcome(done, 2), records.failure(pending, 1));
		await update(records.change(held, { type: "hold", reason: "paused" }));
		const { id: eventId } = event.event;
		const step = await store.erasePayload(scope, eventId, erasure(records.now + 9));
		expect(step).toMatchObject({ cancelledCount: 2, done: true });
		expect(step?.cancelled.toSorted()).toEqual([held, pending].toSorted());
		expect(await store.eventBody(scope, eventId)).toBeNull();
		expect(await state(done)).toMatchObject({ status: "Succeeded", reason: null });
		const cancelled = { status: "Cancelled", reason: ERASED_REASON, nextAttemptAt: null };
		for (const id of [held, pending]) expect(await state(id)).toMatchObject(cancelled);
		const attempts = [...(await attemptsOf({ store, scope }, done)), ...(await attemptsOf({ store, scope }, pending))];
		expect(attempts.map(({ response }) => response?.body)).toEqual(["", "", ""]);
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
		const counts = { Succeeded: 1, Cancelled: 2, Pending: 0, Held: 0 };
		expect(await store.statusCounts(scope, null)).toMatchObject(counts);
		expect(await store.erasePayload(scope, eventId, erasure(records.now))).toMatchObject({ cancelled: [], done: true });
		// Its idempotency key is still known, and it is not replayed.
		const again = await store.commit({ events: [records.event(projectId, { key: "k" })], updates: [] });
		expect(again.events).toMatchObject([{ kind: "duplicate", event: { id: eventId } }]);
		const filter = { ...EVERYTHING, since: 0, until: records.now + 1 };
		const replay = { scope, webhookId: webhookIds[1] ?? "", filter, afterEventId: null, scanLimit: 100 };
		expect(await store.countReplay(replay)).toEqual({ matching: 0, newestDate: null, lastEventId: null });
		// A delivery can't be retried, and keeps no response of an attempt that was in flight.
		const { updates } = await update(records.retry(pending));
		expect(updates).toMatchObject([{ state: cancelled, changed: false }]);
		expect(await dueAt(store, webhookIds[2] ?? "")).toBeNull();
		await update(records.outcome(held, 1));
		const late = { number: 1, response: { headers: { server: "x" }, body: "", bodyTruncated: true } };
		expect(await attemptsOf({ store, scope }, held)).toMatchObject([late]);
	});

	it("erases no event of another project", async () => {
		const { store, scope, accept, records, addProject } = await fillStore(current());
		await accept();
		const [eventId = ""] = idsOf(await store.events(scope, ANY_EVENT, NEWEST));
		const other = projectScope((await addProject()).id);
		expect(await store.erasePayload(other, eventId, erasure(1))).toBeNull();
		expect(await store.erasePayload(scope, records.ids.make("evt", 1), erasure(1))).toBeNull();
		expect(await store.eventBody(other, eventId)).toBeNull();
		expect(await store.eventBody(scope, eventId)).not.toBeNull();
	});

	it("cancels a delivery whose payload was erased instead of claiming it, even if it is due by mistake", async () => {
		const { store, scope, state, accept, claim } = await fillStore(current());
		// No call makes a delivery of an erased payload due. An empty body means that the payload was erased.
		const [delivery = ""] = await accept({ body: new Uint8Array(0), state: newDelivery(1, null) });
		const [other = ""] = await accept({ state: newDelivery(4, null) });
		expect((await claim()).deliveries.map(({ id }) => id)).toEqual([other]);
		expect(await state(delivery)).toMatchObject({ status: "Cancelled", reason: ERASED_REASON, leaseUntil: null });
		expect(await store.statusCounts(scope, null)).toMatchObject({ Pending: 1, Cancelled: 1 });
	});
}

function describeSpace(current: CurrentStore, { returnsSpace }: StoreCapabilities): void {
	it("returns free space, if the store can do that, until there is no more to return", async () => {
		const { store, accept, records, purge } = await fillStore(current());
		for (let n = 0; n < 40; n++) await accept({ webhookIds: [], body: Buffer.alloc(200_000, 1) });
		await purge("purgeEvents", records.now + 1);
		let sum = 0;
		for (let n = 0, bytes = 1; n < 100 && bytes > 0; n++) sum += bytes = await store.releaseSpace(1_000_000);
		expect(sum > 0).toBe(returnsSpace);
		expect(await store.releaseSpace(1_000_000)).toBe(0);
	});
}
