// The contract of the retention slice: purging by age, erased payloads, free space.
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { Purged, PurgeResult, PurgeStep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";
import type { StoreCapabilities } from "./records/capabilities.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, attemptsOf, dueAt, fillStore, idsOf, NEWEST, type World } from "./records/records.ts";
import { DAY_MS, LATE, twoDays } from "./records/two-days.ts";

const ANY_EVENT = { types: null, after: null, before: null };
const erasure = (at: number) => ({ reason: ERASED_REASON, at, limit: 1_000, entry: null });

export function describeRetention(current: CurrentStore, capabilities: StoreCapabilities): void {
	describeForgetting(current);
	describePurgeEvents(current);
	describeSteps(current);
	describePurgePayloads(current);
	describeErase(current);
	describeErased(current);
	describeSpace(current, capabilities);
}

/** Purges step by step until the step says that it is done. */
async function purgeAll(
	store: Store,
	kind: "purgeEvents" | "purgePayloads",
	step: Omit<PurgeStep, "after" | "at">,
): Promise<Purged & { steps: number }> {
	const sum = { events: 0, deliveries: 0, attempts: 0, payloads: 0, steps: 0 };
	let after: string | null = null;
	for (let done = false; !done; sum.steps++) {
		const result: PurgeResult = await store[kind]({ ...step, at: LATE, after });
		sum.events += result.purged.events;
		sum.deliveries += result.purged.deliveries;
		sum.attempts += result.purged.attempts;
		sum.payloads += result.purged.payloads;
		({ after, done } = result);
	}
	return sum;
}

function describeForgetting(current: CurrentStore): void {
	it("forgets idempotency keys that are older than a time, up to a limit", async () => {
		const { store, projectId, records } = await fillStore(current());
		const send = async (key: string) => {
			const result = await store.commit({ events: [records.event(projectId, { key })], updates: [] });
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
	});
}

function describePurgeEvents(current: CurrentStore): void {
	it("accepts an idempotency key again once its event is deleted, even for a different event", async () => {
		const { store, projectId, records } = await fillStore(current());
		await store.commit({ events: [records.event(projectId, { key: "k" })], updates: [] });
		records.now += DAY_MS;
		await purgeAll(store, "purgeEvents", { projectId, before: records.now, limit: 100 });
		const other = records.event(projectId, { key: "k", fingerprint: Buffer.alloc(32, 8) });
		expect((await store.commit({ events: [other], updates: [] })).events).toEqual([{ kind: "accepted" }]);
		const again = records.event(projectId, { key: "k", fingerprint: Buffer.alloc(32, 8) });
		const known = await store.commit({ events: [again], updates: [] });
		expect(known.events).toMatchObject([{ kind: "duplicate", event: { id: other.event.id } }]);
	});

	it("deletes older events with their deliveries and attempts, and nothing else", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope } = world;
		const { events, deliveries, between } = await twoDays(world);
		const purged = await purgeAll(store, "purgeEvents", { projectId, before: between, limit: 100 });
		expect(purged).toEqual({ events: 1, deliveries: 1, attempts: 2, payloads: 0, steps: 1 });
		expect(await store.event(scope, events[0] ?? "")).toBeNull();
		expect(await store.delivery(scope, deliveries[0] ?? "")).toBeNull();
		expect(await attemptsOf({ store, scope }, deliveries[0] ?? "")).toEqual([]);
		expect(idsOf(await store.events(scope, ANY_EVENT, NEWEST))).toEqual([events[1]]);
		expect(idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST))).toEqual([deliveries[1]]);
		expect(await attemptsOf({ store, scope }, deliveries[1] ?? "")).toHaveLength(2);
	});

	it("keeps an event that was accepted exactly at the limit, and events of other projects", async () => {
		const { store, projectId, accept, records } = await fillStore(current());
		const other = records.project();
		await store.insertProject(other, null);
		await accept({ webhookIds: [] });
		await accept({ projectId: other.id, webhookIds: [] });
		const at = records.now;
		expect(await purgeAll(store, "purgeEvents", { projectId, before: at, limit: 100 })).toMatchObject({ events: 0 });
		expect(await purgeAll(store, "purgeEvents", { projectId, before: at + 1, limit: 100 })).toMatchObject({
			events: 1,
		});
		expect(idsOf(await store.events(projectScope(other.id), ANY_EVENT, NEWEST))).toHaveLength(1);
	});

	it.each([
		["Pending", newDelivery(1, null)],
		["Held", newHeldDelivery("paused")],
	])("never deletes an event with a %s delivery, nor its other deliveries", async (_, state) => {
		const { store, projectId, webhookIds, accept, update, records } = await fillStore(current(), 2);
		const [done = "", waiting = ""] = await accept({ webhookIds, state });
		await update({ deliveryId: done, change: { type: "cancel", reason: "x" }, attempt: null, at: records.now });
		const step = { projectId, before: records.now + 1, limit: 100 };
		expect(await purgeAll(store, "purgeEvents", step)).toMatchObject({ events: 0, deliveries: 0 });
		expect(await purgeAll(store, "purgePayloads", step)).toMatchObject({ payloads: 0 });
		await update({ deliveryId: waiting, change: { type: "cancel", reason: "x" }, attempt: null, at: records.now });
		expect(await purgeAll(store, "purgeEvents", step)).toMatchObject({ events: 1, deliveries: 2 });
	});

	it("subtracts deleted deliveries from the counts by status", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope, webhookId } = world;
		const { between } = await twoDays(world);
		await world.accept();
		await purgeAll(store, "purgeEvents", { projectId, before: between, limit: 100 });
		expect(await store.statusCounts(scope, null)).toMatchObject({ Pending: 1, Succeeded: 1 });
		expect(await store.statusCounts(scope, webhookId)).toMatchObject({ Pending: 1, Succeeded: 1 });
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
	});
}

function describeSteps(current: CurrentStore): void {
	it("deletes in steps of about the limit, each continuing where the last one ended", async () => {
		const { store, projectId, accept, records } = await fillStore(current());
		for (let n = 0; n < 200; n++) await accept({ webhookIds: [] });
		const first = await store.purgeEvents({
			projectId,
			at: LATE,
			before: records.now + 1,
			after: null,
			limit: 10,
		});
		expect(first.done).toBe(false);
		expect(first.purged.events).toBeLessThanOrEqual(12);
		const rest = await purgeAll(store, "purgeEvents", { projectId, before: records.now + 1, limit: 10 });
		expect(first.purged.events + rest.events).toBe(200);
		expect(rest.steps).toBeGreaterThanOrEqual(15);
	});

	it("deletes an event that has more deliveries than one step deletes", async () => {
		const { store, projectId, scope, webhookIds, accept, update, records } = await fillStore(current(), 60);
		const deliveries = await accept({ webhookIds });
		const cancel = { type: "cancel", reason: "x" } as const;
		await update(...deliveries.map((deliveryId) => ({ deliveryId, change: cancel, attempt: null, at: 1 })));
		const step = { projectId, before: records.now + 1, limit: 5 };
		const { purged, done } = await store.purgeEvents({ ...step, at: LATE, after: null });
		expect([purged.events, purged.deliveries < 10, done]).toEqual([0, true, false]);
		// The remaining deliveries can't be retried.
		const left = idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST));
		const retry = { deliveryId: left[0] ?? "", change: { type: "retry", at: 1 }, attempt: null, at: 1 } as const;
		expect((await update(retry)).updates).toMatchObject([{ state: { status: "Cancelled" }, changed: false }]);
		const rest = await purgeAll(store, "purgeEvents", step);
		expect([rest.events, purged.deliveries + rest.deliveries]).toEqual([1, 60]);
	});

	it("skips events that must stay, in bounded steps", async () => {
		const { store, projectId, accept, update, records } = await fillStore(current());
		for (let n = 0; n < 150; n++) await accept();
		const [last = ""] = await accept();
		await update(records.outcome(last, 1));
		const purged = await purgeAll(store, "purgeEvents", { projectId, before: records.now + 1, limit: 5 });
		expect(purged).toMatchObject({ events: 1, deliveries: 1 });
		expect(purged.steps).toBeGreaterThan(3);
	});
}

function describePurgePayloads(current: CurrentStore): void {
	it("removes request and response bodies, and keeps the rest of the log", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope } = world;
		const { events, deliveries, between } = await twoDays(world);
		const [old = "", young = ""] = events;
		const step = { projectId, before: between, limit: 100 };
		expect(await purgeAll(store, "purgePayloads", step)).toMatchObject({ events: 0, attempts: 0, payloads: 1 });
		expect(await purgeAll(store, "purgePayloads", step)).toMatchObject({ payloads: 0 });
		expect(await store.eventBody(scope, old)).toBeNull();
		expect(await store.eventBody(scope, young)).toEqual(new Uint8Array(Buffer.from('{"n":1}')));
		expect(await store.event(scope, old)).toMatchObject({ id: old, type: "user.created" });
		const [attempt] = await attemptsOf({ store, scope }, deliveries[0] ?? "");
		expect(attempt?.response).toEqual({ headers: { server: "x" }, body: "", bodyTruncated: true });
		expect((await attemptsOf({ store, scope }, deliveries[1] ?? ""))[0]?.response?.body).toBe("ok \u0000 ✓");
		expect(await purgeAll(store, "purgeEvents", step)).toMatchObject({ events: 1, attempts: 2 });
	});
}

function describeErase(current: CurrentStore): void {
	it("erases a payload and its response bodies, and cancels waiting deliveries with the reason", async () => {
		const { store, scope, webhookIds, accept, update, records, state } = await fillStore(current(), 3);
		const deliveries = await accept({ webhookIds });
		const [done = "", held = "", pending = ""] = deliveries;
		await update(records.failure(done, 1), records.outcome(done, 2), records.failure(pending, 1));
		await update({ deliveryId: held, change: { type: "hold", reason: "paused" }, attempt: null, at: records.now });
		const eventId = (await store.delivery(scope, done))?.eventId ?? "";
		const step = await store.erasePayload(scope, eventId, erasure(records.now + 9));
		expect(step).toMatchObject({ cancelledCount: 2, done: true });
		expect(step?.cancelled.toSorted()).toEqual([held, pending].toSorted());
		expect(await store.eventBody(scope, eventId)).toBeNull();
		expect(await state(done)).toMatchObject({ status: "Succeeded", reason: null });
		for (const id of [held, pending]) {
			expect(await state(id)).toMatchObject({ status: "Cancelled", reason: ERASED_REASON, nextAttemptAt: null });
		}
		const attempts = [...(await attemptsOf({ store, scope }, done)), ...(await attemptsOf({ store, scope }, pending))];
		expect(attempts.map(({ response }) => response?.body)).toEqual(["", "", ""]);
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
		expect(await store.statusCounts(scope, null)).toMatchObject({
			Succeeded: 1,
			Cancelled: 2,
			Pending: 0,
			Held: 0,
		});
		expect(await store.erasePayload(scope, eventId, erasure(records.now))).toMatchObject({ cancelled: [], done: true });
	});

	it("erases no event of another project", async () => {
		const { store, scope, accept, records } = await fillStore(current());
		await accept();
		const [eventId = ""] = idsOf(await store.events(scope, ANY_EVENT, NEWEST));
		const other = projectScope(records.project().id);
		expect(await store.erasePayload(other, eventId, erasure(1))).toBeNull();
		expect(await store.erasePayload(scope, records.ids.make("evt", 1), erasure(1))).toBeNull();
		expect(await store.eventBody(other, eventId)).toBeNull();
		expect(await store.eventBody(scope, eventId)).not.toBeNull();
	});
}

function describeErased(current: CurrentStore): void {
	const erased = async (): Promise<World & { delivery: string; eventId: string }> => {
		const world = await fillStore(current());
		const [delivery = ""] = await world.accept({ state: newDelivery(1, 50) });
		const eventId = (await world.store.delivery(world.scope, delivery))?.eventId ?? "";
		await world.store.erasePayload(world.scope, eventId, erasure(2));
		return { ...world, delivery, eventId };
	};

	it("does not retry a delivery whose payload was erased", async () => {
		const { store, webhookId, update, delivery } = await erased();
		const retry = { deliveryId: delivery, change: { type: "retry", at: 3 }, attempt: null, at: 3 } as const;
		expect((await update(retry)).updates).toMatchObject([
			{ state: { status: "Cancelled", reason: ERASED_REASON }, changed: false },
		]);
		expect(await dueAt(store, webhookId)).toBeNull();
	});

	it("cancels a delivery whose payload was erased instead of claiming it, even if it is due by mistake", async () => {
		const { store, webhookId, scope, state, accept } = await fillStore(current());
		// No call makes a delivery of an erased payload due. An empty body means that the payload was erased.
		const [delivery = ""] = await accept({ body: new Uint8Array(0), state: newDelivery(1, null) });
		const [other = ""] = await accept({ state: newDelivery(4, null) });
		const claim = { webhookId, now: 5, limit: 10, maxBytes: 1e9, leaseUntil: 6 };
		expect((await store.claimDue(claim)).deliveries.map(({ id }) => id)).toEqual([other]);
		expect(await state(delivery)).toMatchObject({ status: "Cancelled", reason: ERASED_REASON, leaseUntil: null });
		expect(await store.statusCounts(scope, null)).toMatchObject({ Pending: 1, Cancelled: 1 });
	});

	it("stores an attempt that was in flight during the erasure, without its response body", async () => {
		const { store, scope, update, records, delivery } = await erased();
		await update(records.outcome(delivery, 1));
		const [attempt] = await attemptsOf({ store, scope }, delivery);
		expect(attempt).toMatchObject({ number: 1, response: { headers: { server: "x" }, body: "", bodyTruncated: true } });
	});

	it("does not replay an event whose payload was erased", async () => {
		const { store, scope, webhookId, records } = await erased();
		const filter = {
			since: 0,
			until: records.now + 1,
			outcomes: ["Cancelled"],
			eventTypes: null,
			missedEventTypes: null,
		} as const;
		const step = { scope, webhookId, filter, afterEventId: null, scanLimit: 100 };
		expect(await store.countReplay(step)).toEqual({ matching: 0, newestDate: null, lastEventId: null });
	});

	it("still knows the idempotency key of an erased event", async () => {
		const { store, projectId, scope, records } = await fillStore(current());
		const first = records.event(projectId, { key: "k" });
		await store.commit({ events: [first], updates: [] });
		await store.erasePayload(scope, first.event.id, erasure(2));
		const again = await store.commit({ events: [records.event(projectId, { key: "k" })], updates: [] });
		expect(again.events).toMatchObject([{ kind: "duplicate", event: { id: first.event.id } }]);
	});
}

function describeSpace(current: CurrentStore, { returnsSpace }: StoreCapabilities): void {
	it("returns free space, if the store can do that, until there is no more to return", async () => {
		const { store, projectId, accept, records } = await fillStore(current());
		for (let n = 0; n < 40; n++) await accept({ webhookIds: [], body: Buffer.alloc(200_000, 1) });
		await purgeAll(store, "purgeEvents", { projectId, before: records.now + 1, limit: 100 });
		let sum = 0;
		for (let n = 0, bytes = 1; n < 100 && bytes > 0; n++) sum += bytes = await store.releaseSpace(1_000_000);
		expect(sum > 0).toBe(returnsSpace);
		expect(await store.releaseSpace(1_000_000)).toBe(0);
	});
}
