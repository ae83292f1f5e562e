// The contract of erasures in steps: the payload goes at once, the rest step by step, and the store knows what is left.
import { expect, it } from "vitest";

import type { AuditEntry } from "../../../core/access/audit.ts";
import { newDelivery, newHeldDelivery } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { ErasureStep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";
import {
	ANY_DELIVERY,
	ANY_ENTRY,
	attemptsOf,
	GONE,
	NEWEST,
	type CurrentStore,
	type Reopen,
} from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";

const LIMIT = 5;
const WEBHOOKS = 40;

/** An event with deliveries in every state, some of them made by a replay, each with a response if it was attempted. */
async function openWide(current: CurrentStore) {
	const world = await openReplayWorld(current, WEBHOOKS);
	const { store, records, projectId, scope, webhookIds, update } = world;
	const sent = records.event(projectId, { webhookIds });
	const deliveries = sent.deliveries.map((delivery, index) => {
		const state = index % 8 === 3 ? newHeldDelivery("paused") : newDelivery(records.now, index % 8 === 4 ? 99 : null);
		return { ...delivery, state };
	});
	await store.commit({ events: [{ ...sent, deliveries }], updates: [] });
	const ids = deliveries.map(({ id }) => id);
	await update(
		...ids.flatMap((id, index) => {
			if (index % 8 === 0) return [records.outcome(id, 1)];
			if (index % 8 === 1) return [records.failure(id, 1), records.failure(id, 2)];
			return index % 8 === 2 ? [records.outcome(id, 1, GONE)] : [];
		}),
	);
	const replay = await world.begin({ outcomes: ["Failed"] }, { webhookId: webhookIds[2] ?? "" });
	await world.step(replay);
	const options = { reason: ERASED_REASON, at: records.now, limit: LIMIT, entry: null };
	const { id: eventId } = sent.event;
	const begin = () => store.erasePayload(scope, eventId, options);
	const next = () => store.continueErasure({ ...options, eventId });
	const read = async () => {
		const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, eventId }, NEWEST);
		const responses = await Promise.all(
			rows.map(async ({ id }) => (await attemptsOf({ store, scope }, id)).map(({ response }) => response?.body)),
		);
		return { rows, left: responses.flat().filter((body) => body !== "").length };
	};
	return { ...world, eventId, ids, begin, next, read };
}

/** The audit entries about an event. */
async function entriesOf(store: Store, objectId: string): Promise<readonly AuditEntry[]> {
	return (await store.auditEntries({ ...ANY_ENTRY, objectId }, NEWEST)).rows;
}

export function describeErasures(current: CurrentStore, reopen: Reopen | null): void {
	it("an event with many deliveries loses its payload at once and the rest in steps, as in one step", async () => {
		const { store, scope, projectId, eventId, begin, next, read } = await openWide(current);
		const before = await read();
		const waiting = before.rows.filter(({ status }) => status === "Pending" || status === "Held").map(({ id }) => id);
		expect({ waiting: waiting.length, deliveries: before.rows.length }).toEqual({ waiting: 31, deliveries: 41 });
		const first = await begin();
		expect(first?.done).toBe(false);
		expect(await store.eventBody(scope, eventId)).toBeNull();
		expect(await store.erasures(9)).toEqual([{ projectId, eventId }]);
		const cancelled = [...(first?.cancelled ?? [])];
		let steps = 1;
		let step: ErasureStep | null = first;
		for (let left = (await read()).left; step?.done === false; steps++) {
			step = await next();
			cancelled.push(...(step?.cancelled ?? []));
			expect(step?.cancelledCount).toBe(cancelled.length);
			const now = (await read()).left;
			expect((step?.cancelled.length ?? 0) + left - now).toBeLessThanOrEqual(LIMIT + 2);
			left = now;
		}
		expect(steps).toBeGreaterThan(WEBHOOKS / LIMIT);
		expect(cancelled.toSorted()).toEqual(waiting.toSorted());
		const after = await read();
		expect(after.left).toBe(0);
		for (const { id, status, reason } of after.rows) {
			const was = before.rows.find((row) => row.id === id);
			const expected = waiting.includes(id) ? ["Cancelled", ERASED_REASON] : [was?.status, was?.reason];
			expect([status, reason]).toEqual(expected);
		}
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
		expect(await store.erasures(9)).toEqual([]);
		expect(await next()).toBeNull();
	});

	it("what is asked for again meanwhile is the same erasure, without an audit entry of its own", async () => {
		const { store, records, scope, eventId, begin, next } = await openWide(current);
		const first = await begin();
		const second = await next();
		const count = (first?.cancelled.length ?? 0) + (second?.cancelled.length ?? 0);
		const entry = records.entry({ action: "event.erase", objectId: eventId });
		const options = { reason: ERASED_REASON, at: records.now, limit: 1_000, entry };
		const again = await store.erasePayload(scope, eventId, options);
		expect(again).toEqual({ cancelled: [], cancelledCount: count, done: false, changed: false });
		expect(await entriesOf(store, eventId)).toEqual([]);
		expect((await next())?.cancelledCount).toBeGreaterThan(count);
	});

	it("what is erased already is not changed again, and leaves no further audit entry", async () => {
		const { store, records, scope, eventId, next, read } = await openWide(current);
		const erase = (entry: AuditEntry) =>
			store.erasePayload(scope, eventId, { reason: ERASED_REASON, at: records.now, limit: 1_000, entry });
		const [first, second] = [0, 1].map(() => records.entry({ action: "event.erase", objectId: eventId }));
		expect(await erase(first!)).toMatchObject({ cancelledCount: 31, done: true, changed: true });
		const before = await read();
		expect(await erase(second!)).toEqual({ cancelled: [], cancelledCount: 0, done: true, changed: false });
		expect(await read()).toEqual(before);
		expect(await entriesOf(store, eventId)).toEqual([first]);
		expect(await next()).toBeNull();
	});

	it("a delivery that is passed keeps no response of an attempt that ends later, whatever its status", async () => {
		const { store, scope, records, ids, update, begin, next, read } = await openWide(current);
		let begun: ErasureStep | null = await begin();
		// One that is not passed yet loses it with its step.
		await update(records.outcome(ids.at(-1) ?? "", 1));
		while (begun?.done === false) begun = await next();
		expect((await read()).left).toBe(0);
		for (const id of ids.slice(0, 8)) {
			const number = (await attemptsOf({ store, scope }, id)).length + 1;
			await update(records.outcome(id, number));
			const late = (await attemptsOf({ store, scope }, id)).find((attempt) => attempt.number === number);
			expect(late?.response).toEqual({ headers: { server: "x" }, body: "", bodyTruncated: true });
		}
	});

	it("an erasure ends if retention deletes the event", async () => {
		const { store, scope, records, eventId, update, begin, next, purge } = await openWide(current);
		await begin();
		const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, eventId }, NEWEST);
		await update(...rows.map(({ id }) => records.cancel(id)));
		expect((await purge("purgeEvents", records.now + 1, 10_000)).events).toBeGreaterThan(0);
		expect(await next()).toMatchObject({ cancelled: [], done: true });
		expect(await store.erasures(9)).toEqual([]);
	});

	it.skipIf(reopen === null)("goes on where it was after the store was opened again", async () => {
		const world = await openWide(current);
		const { projectId, eventId, scope, records } = world;
		await world.begin();
		const second = await world.next();
		await reopen?.();
		const store = current();
		expect(await store.erasures(9)).toEqual([{ projectId, eventId }]);
		const options = { eventId, reason: ERASED_REASON, at: records.now, limit: LIMIT };
		let step = await store.continueErasure(options);
		expect(step?.cancelledCount).toBeGreaterThanOrEqual(second?.cancelledCount ?? Infinity);
		while (step?.done === false) step = await store.continueErasure(options);
		const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, eventId }, NEWEST);
		for (const { id } of rows) {
			for (const { response } of await attemptsOf({ store, scope }, id)) expect(response?.body).toBe("");
		}
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
		expect(await store.erasures(9)).toEqual([]);
	});
}
