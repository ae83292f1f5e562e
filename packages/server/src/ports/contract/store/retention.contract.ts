// The contract of the retention slice: purging by age, erased payloads, deleted projects and webhooks, free space.
import { expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { Purged, PurgeResult, PurgeStep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";
import type { StoreCapabilities } from "./records/capabilities.ts";
import type { CurrentStore, Flush } from "./records/records.ts";
import { ANY_DELIVERY, changeWebhook, dueAt, fillStore, idsOf, NEWEST, type World } from "./records/records.ts";

const DAY_MS = 86_400_000;
const ANY_EVENT = { type: null, after: null, before: null };
const erasure = (at: number) => ({ reason: ERASED_REASON, at, entry: null });

export function describeRetention(current: CurrentStore, capabilities: StoreCapabilities, flush: Flush): void {
	describeForgetting(current);
	describePurgeEvents(current);
	describeSteps(current);
	describePurgePayloads(current);
	describeErase(current);
	describeErased(current);
	describeDeleted(current, flush);
	describeSpace(current, capabilities);
}

/** A time of steps for which every event of the tests is older than the horizon. */
const LATE = 2_000_000_000_000;

/** Makes two events a day apart, both delivered at the second attempt. Returns their ids, oldest first. */
async function twoDays(world: World): Promise<{ events: string[]; deliveries: string[]; between: number }> {
	const { accept, update, records, store, scope } = world;
	const deliveries: string[] = [];
	for (let day = 0; day < 2; day++) {
		const [delivery = ""] = await accept();
		await update(records.failure(delivery, 1));
		await update(records.outcome(delivery, 2));
		deliveries.push(delivery);
		records.now += DAY_MS;
	}
	const events = idsOf(await store.events(scope, ANY_EVENT, NEWEST)).toReversed();
	return { events, deliveries, between: records.now - DAY_MS - 1 };
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
		expect(await store.attempts(deliveries[0] ?? "")).toEqual([]);
		expect(idsOf(await store.events(scope, ANY_EVENT, NEWEST))).toEqual([events[1]]);
		expect(idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST))).toEqual([deliveries[1]]);
		expect(await store.attempts(deliveries[1] ?? "")).toHaveLength(2);
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
		expect((await update(retry)).updates).toMatchObject([{ status: "Cancelled" }]);
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
		const [attempt] = await store.attempts(deliveries[0] ?? "");
		expect(attempt?.response).toEqual({ headers: { server: "x" }, body: "", bodyTruncated: true });
		expect((await store.attempts(deliveries[1] ?? ""))[0]?.response?.body).toBe("ok \u0000 ✓");
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
		const cancelled = await store.erasePayload(scope, eventId, erasure(records.now + 9));
		expect(cancelled?.toSorted()).toEqual([held, pending].toSorted());
		expect(await store.eventBody(scope, eventId)).toBeNull();
		expect(await state(done)).toMatchObject({ status: "Succeeded", reason: null });
		for (const id of [held, pending]) {
			expect(await state(id)).toMatchObject({ status: "Cancelled", reason: ERASED_REASON, nextAttemptAt: null });
		}
		const attempts = [...(await store.attempts(done)), ...(await store.attempts(pending))];
		expect(attempts.map(({ response }) => response?.body)).toEqual(["", "", ""]);
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
		expect(await store.statusCounts(scope, null)).toMatchObject({
			Succeeded: 1,
			Cancelled: 2,
			Pending: 0,
			Held: 0,
		});
		expect(await store.erasePayload(scope, eventId, erasure(records.now))).toEqual([]);
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
		expect((await update(retry)).updates).toMatchObject([{ status: "Cancelled", reason: ERASED_REASON }]);
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
		const { store, update, records, delivery } = await erased();
		await update(records.outcome(delivery, 1));
		const [attempt] = await store.attempts(delivery);
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
		expect(await store.countReplay(step)).toEqual({ matching: 0, lastEventId: null });
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

function describeDeleted(current: CurrentStore, flush: Flush): void {
	/** Rolls up all stats so far. The stats of a minute can be rolled up once a later minute has begun. */
	const finishStats = async ({ store, accept, records }: World): Promise<void> => {
		records.now += 120_000;
		await accept({ webhookIds: [] });
		const step = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 10_000 };
		while ((await store.rollUpStats(step)) > 0);
		await flush();
	};

	it("removes a deleted webhook when its last delivery is gone, and not before", async () => {
		const world = await fillStore(current());
		const { store, projectId, webhookId, records } = world;
		const { between } = await twoDays(world);
		const [record] = await store.webhookRecords();
		if (record === undefined) throw new Error("the webhook is missing");
		await changeWebhook(store, record, { deleteDate: records.now });
		await finishStats(world);
		const isThere = () =>
			store.insertWebhook(record, null).then(
				() => false,
				() => true,
			);
		await store.purgeEvents({ projectId, at: LATE, before: between, after: null, limit: 100 });
		await finishStats(world);
		expect(await store.purgeDeletedWebhooks(null, 100)).toBeNull();
		expect(await isThere()).toBe(true);
		await store.purgeEvents({ projectId, at: LATE, before: records.now, after: null, limit: 100 });
		await finishStats(world);
		await store.purgeDeletedWebhooks(null, 100);
		expect(await isThere()).toBe(false);
		expect((await store.webhookRecords()).map(({ id }) => id)).toEqual([webhookId]);
	});

	it("looks at webhooks in steps, and keeps those that are not deleted or have waiting deliveries", async () => {
		const world = await fillStore(current(), 5);
		const { store, webhookIds, accept, records } = world;
		await accept({ webhookIds: [webhookIds[1] ?? ""] });
		for (const record of (await store.webhookRecords()).slice(1, 3)) {
			await changeWebhook(store, record, { deleteDate: records.now });
		}
		await finishStats(world);
		const first = await store.purgeDeletedWebhooks(null, 3);
		expect(first).toBe(webhookIds[2]);
		expect(await store.purgeDeletedWebhooks(first, 3)).toBeNull();
		const left = await store.webhookRecords();
		expect(left.map(({ id }) => id)).toEqual([webhookIds[0], webhookIds[1], webhookIds[3], webhookIds[4]]);
		expect(left.every(({ secrets }) => secrets.length === 1)).toBe(true);
	});

	it("removes a deleted project with all its rows, in steps, when none of its deliveries waits", async () => {
		const world = await fillStore(current());
		const { store, records } = world;
		const other = records.project();
		await store.insertProject(other, null);
		const webhook = records.webhook(other.id);
		await store.insertWebhook(webhook, null);
		const ids: string[] = [];
		for (let n = 0; n < 30; n++) {
			ids.push(...(await world.accept({ projectId: other.id, webhookIds: [webhook.id], key: `k${n}` })));
		}
		await world.accept();
		await store.deleteProject(other.id, records.now, null);
		expect(await store.purgeDeletedProjects(10)).toMatchObject({ done: true, purged: { events: 0 } });
		await store.sweepWebhook(webhook.id, records.now, 100);
		let [events, steps] = [0, 0];
		for (let done = false; !done; steps++) {
			const step = await store.purgeDeletedProjects(10);
			events += step.purged.events;
			({ done } = step);
			await finishStats(world);
		}
		expect(events).toBe(30);
		expect(steps).toBeGreaterThan(5);
		expect(await store.delivery(projectScope(other.id), ids[0] ?? "")).toBeNull();
		await store.insertProject(other, null);
		expect(await store.statusCounts(projectScope(other.id), null)).toMatchObject({ Pending: 0, Cancelled: 0 });
		expect(idsOf(await store.deliveries(world.scope, ANY_DELIVERY, NEWEST))).toHaveLength(1);
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
