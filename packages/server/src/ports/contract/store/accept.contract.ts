// The contract of the accept slice: events in, outcomes of attempts in, all or nothing.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import {
	MAX_RETRIES_BY_HAND,
	newDelivery,
	newHeldDelivery,
	transition,
	type DeliveryChange,
	type DeliveryState,
} from "../../../core/delivery.ts";
import { isDeliverable, sweepChange, type WebhookState } from "../../../core/webhook.ts";
import type { NewEvent } from "../../store/accept.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_ENTRY, attemptsOf, setWebhook, fillStore, NEWEST, POLICY } from "./records/records.ts";
import { ZERO_COUNTS } from "./records/stats.ts";
import { toSweep } from "./records/webhooks.ts";

const ANY_EVENT = { types: null, after: null, before: null };

export function describeAccept(current: CurrentStore): void {
	describeEvents(current);
	describeIdempotency(current);
	describeUpdates(current);
	describeWebhookState(current);
	describeAttempts(current);
	describeAllOrNothing(current);
	describeProperties(current);
}

function describeEvents(current: CurrentStore): void {
	it("accepts an event with its deliveries", async () => {
		const { store, projectId, scope, webhookIds, records } = await fillStore(current(), 2);
		const sent = records.event(projectId, { webhookIds });
		expect(await store.commit({ events: [sent], updates: [] })).toEqual({
			events: [{ kind: "accepted" }],
			updates: [],
			healthChanges: [],
		});
		expect(await store.event(scope, sent.event.id)).toMatchObject(sent.event);
		for (const { id, webhookId, state } of sent.deliveries) {
			expect(await store.delivery(scope, id)).toEqual({
				...state,
				id,
				projectId,
				webhookId,
				customerId: null,
				eventId: sent.event.id,
				eventType: sent.event.type,
				webhookName: "Webhook",
				webhookHost: "example.com",
				lastAttempt: null,
				createDate: records.now,
				updateDate: records.now,
			});
		}
	});

	it("accepts an event that no webhook wants", async () => {
		const { store, projectId, scope, records } = await fillStore(current());
		const sent = records.event(projectId);
		await store.commit({ events: [sent], updates: [] });
		expect((await store.events(scope, ANY_EVENT, NEWEST)).rows).toMatchObject([sent.event]);
	});

	it("stores every byte of a body, whatever its size", async () => {
		const { store, webhookId, accept, records } = await fillStore(current());
		for (const size of [1, 4_096, 256 * 1_024]) {
			const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));
			await accept({ body });
			const { deliveries } = await store.claimDue({
				webhookId,
				now: records.now,
				limit: 1,
				maxBytes: 1,
				leaseUntil: records.now + 1,
			});
			expect(Buffer.from(deliveries[0]?.body ?? []).equals(body)).toBe(true);
		}
	});

	it("refuses a delivery to an unknown webhook", async () => {
		const { store, projectId, scope, records } = await fillStore(current());
		const sent = records.event(projectId, { webhookIds: [records.ids.make("webhook", records.now)] });
		await expect(store.commit({ events: [sent], updates: [] })).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.event(scope, sent.event.id)).toBeNull();
	});

	it("does nothing for an empty batch", async () => {
		await fillStore(current());
		expect(await current().commit({ events: [], updates: [] })).toEqual({ events: [], updates: [], healthChanges: [] });
	});
}

function describeIdempotency(current: CurrentStore): void {
	it("returns the event accepted earlier for the same send under the same key, and stores nothing", async () => {
		const { store, projectId, scope, webhookIds, webhookId, records } = await fillStore(current(), 2);
		const first = records.event(projectId, { key: "k", webhookIds });
		await store.commit({ events: [first], updates: [] });
		const again = records.event(projectId, { key: "k", webhookIds: [webhookId] });
		const result = await store.commit({ events: [again], updates: [] });
		expect(result.events).toEqual([{ kind: "duplicate", event: first.event }]);
		expect((await store.events(scope, ANY_EVENT, NEWEST)).rows).toMatchObject([first.event]);
		expect(await store.countOpen()).toEqual({ Pending: 2, Held: 0 });
	});

	it("refuses a different send under a known key, and accepts the rest of the batch", async () => {
		const { store, projectId, scope, records } = await fillStore(current());
		await store.commit({ events: [records.event(projectId, { key: "k" })], updates: [] });
		const other = records.event(projectId, { key: "k", fingerprint: Buffer.alloc(32, 8) });
		const fresh = records.event(projectId, { key: "l" });
		const result = await store.commit({ events: [other, fresh], updates: [] });
		expect(result.events).toEqual([{ kind: "conflict" }, { kind: "accepted" }]);
		expect(await store.event(scope, other.event.id)).toBeNull();
		expect(await store.event(scope, fresh.event.id)).toMatchObject(fresh.event);
	});

	it("recognizes a key that was used earlier in the same batch", async () => {
		const { store, projectId, records } = await fillStore(current());
		const first = records.event(projectId, { key: "k" });
		const same = records.event(projectId, { key: "k" });
		const other = records.event(projectId, { key: "k", fingerprint: Buffer.alloc(32, 8) });
		const result = await store.commit({ events: [first, same, other], updates: [] });
		expect(result.events).toEqual([
			{ kind: "accepted" },
			{ kind: "duplicate", event: first.event },
			{ kind: "conflict" },
		]);
	});

	it("accepts the same key in two projects", async () => {
		const { store, projectId, records } = await fillStore(current());
		const other = records.project();
		await store.insertProject(other, null);
		const events = [records.event(projectId, { key: "k" }), records.event(other.id, { key: "k" })];
		const result = await store.commit({ events, updates: [] });
		expect(result.events).toEqual([{ kind: "accepted" }, { kind: "accepted" }]);
	});
}

function describeUpdates(current: CurrentStore): void {
	it("writes the new state of a delivery and the attempt that caused it", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		records.now += 40;
		const outcome = records.failure(id, 1, 503);
		const { updates } = await update(outcome);
		const expected = transition(newDelivery(records.now - 40, null), outcome.change);
		expect(updates).toEqual([{ state: expected, changed: true }]);
		expect(await store.delivery(scope, id)).toMatchObject({ ...expected, updateDate: records.now });
		expect(await attemptsOf({ store, scope }, id)).toEqual([outcome.attempt]);
	});

	it("applies several updates of one delivery in order", async () => {
		const { accept, update, state, records } = await fillStore(current());
		const [id = ""] = await accept();
		const { updates } = await update(records.failure(id, 1), records.failure(id, 2), records.outcome(id, 3));
		expect(updates.map((after) => after?.state.attemptCount)).toEqual([1, 2, 3]);
		expect(await state(id)).toEqual(updates[2]?.state);
	});

	it("applies an update to a delivery that the same batch accepts", async () => {
		const { store, projectId, webhookId, state, records } = await fillStore(current());
		const sent = records.event(projectId, { webhookIds: [webhookId] });
		const id = sent.deliveries[0]?.id ?? "";
		await store.commit({ events: [sent], updates: [records.outcome(id, 1)] });
		expect(await state(id)).toMatchObject({ status: "Succeeded" });
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
	});

	it("retries a delivery by hand 100 times at most, also if many ask at once", async () => {
		const { store, scope, accept, update, state, records } = await fillStore(current());
		const [id = ""] = await accept();
		await update(...records.retriedByHand(id, MAX_RETRIES_BY_HAND - 1));
		const askOften = async () => {
			const results = await Promise.all(
				Array.from({ length: 3 }, () => update(records.retry(id, records.entry()), records.retry(id, records.entry()))),
			);
			return results.flatMap(({ updates }) => updates);
		};
		const entryCount = async () => (await store.auditEntries(ANY_ENTRY, NEWEST)).rows.length;
		const before = await entryCount();
		const asked = await askOften();
		for (const after of asked) expect(after?.state).toMatchObject({ status: "Pending", trigger: "manual" });
		expect(asked.filter((after) => after?.changed)).toHaveLength(1);
		await update(records.failureByHand(id, MAX_RETRIES_BY_HAND + 1));
		const last = { status: "Failed", attemptCount: MAX_RETRIES_BY_HAND + 1, autoAttemptCount: 1 };
		for (const after of await askOften()) expect(after).toMatchObject({ state: last, changed: false });
		expect(await state(id)).toMatchObject(last);
		expect((await store.delivery(scope, id))?.nextAttemptAt).toBeNull();
		expect(await entryCount()).toBe(before + 1);
	});

	it("returns null for an unknown delivery, and stores no attempt of it", async () => {
		const { store, scope, update, records } = await fillStore(current());
		const id = records.ids.make("dlv", records.now);
		expect((await update(records.outcome(id, 1))).updates).toEqual([null]);
		expect(await attemptsOf({ store, scope }, id)).toEqual([]);
	});
}

function describeWebhookState(current: CurrentStore): void {
	const STATES = [
		[{ status: "Paused" }, "Held", "the webhook is paused"],
		[{ status: "Paused", pausedReason: "restored" }, "Held", "the webhook is paused: restored"],
		[{ status: "Disabled", disabledReason: "it failed" }, "Held", "the webhook is disabled: it failed"],
		[{ deleteDate: 1 }, "Cancelled", "the webhook was deleted"],
	] as const;

	it.each(STATES)("with %o, a failed attempt leaves its delivery %s", async (changes, status, reason) => {
		const { store, scope, webhookId, accept, update, state, records } = await fillStore(current());
		const [id = ""] = await accept({ state: newDelivery(records.now, records.now + 60_000) });
		await setWebhook(store, webhookId, changes);
		const { updates } = await update(records.failure(id, 1));
		const waits = { status, reason, attemptCount: 1, autoAttemptCount: 1, nextAttemptAt: null, leaseUntil: null };
		expect(updates).toMatchObject([{ state: { ...waits, responseCode: 500 } }]);
		expect(await state(id)).toEqual(updates[0]?.state);
		expect(await attemptsOf({ store, scope }, id)).toHaveLength(1);
		// Stats count one move, from Pending to the final status.
		expect(await store.statusCounts(scope, webhookId)).toEqual({ ...ZERO_COUNTS, [status]: 1 });
		expect(await toSweep(store)).toEqual([]);
	});

	it.each(STATES)("with %o, a released delivery is %s", async (changes, status, reason) => {
		const { store, webhookId, accept, update, state, records } = await fillStore(current());
		const [leased = "", free = ""] = [
			...(await accept({ state: newDelivery(records.now, records.now + 60_000) })),
			...(await accept()),
		];
		await setWebhook(store, webhookId, changes);
		for (const deliveryId of [leased, free]) {
			const { updates } = await update({ deliveryId, change: { type: "release" }, attempt: null, at: records.now });
			expect(updates).toMatchObject([{ state: { status, reason, leaseUntil: null, nextAttemptAt: null } }]);
			expect(await state(deliveryId)).toEqual(updates[0]?.state);
		}
	});

	it.each(STATES)("with %o, a success and the last failure end a delivery as ever", async (changes) => {
		const { store, webhookId, accept, update, state, records } = await fillStore(current());
		const [good = "", bad = ""] = [...(await accept()), ...(await accept())];
		for (let number = 1; number < 4; number++) await update(records.failure(bad, number));
		await setWebhook(store, webhookId, changes);
		const { healthChanges } = await update(records.outcome(good, 1), records.failure(bad, 4));
		expect(await state(good)).toMatchObject({ status: "Succeeded" });
		expect(await state(bad)).toMatchObject({ status: "Failed" });
		expect(healthChanges).toMatchObject([{ kind: "exhausted", delivery: { id: bad, status: "Failed" } }]);
	});

	it.each(STATES)("with %o, a delivery can't be retried", async (changes) => {
		const { store, webhookId, accept, update, state, records } = await fillStore(current());
		const ids = [...(await accept()), ...(await accept())];
		const [failed = ""] = ids;
		await update(records.outcome(failed, 1, { kind: "gone", responseCode: 410 }));
		const before = await Promise.all(ids.map(state));
		await setWebhook(store, webhookId, changes);
		const { updates } = await update(...ids.map((deliveryId) => records.retry(deliveryId)));
		expect(updates).toEqual(before.map((state) => ({ state, changed: false })));
		expect(await Promise.all(ids.map(state))).toEqual(before);
	});
}

function describeAttempts(current: CurrentStore): void {
	it("records a late attempt of a cancelled delivery, which stays cancelled", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		await update({ deliveryId: id, change: { type: "cancel", reason: "by hand" }, attempt: null, at: records.now });
		const { updates } = await update(records.outcome(id, 1));
		expect(updates[0]?.state).toMatchObject({ status: "Cancelled", reason: "by hand", attemptCount: 1 });
		expect(await attemptsOf({ store, scope }, id)).toHaveLength(1);
	});

	it("stores both attempts when two have the same number", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		const [first, late] = [records.failure(id, 1), records.failure(id, 1)];
		await update(first);
		await update(late);
		expect(await attemptsOf({ store, scope }, id)).toEqual([first.attempt, { ...late.attempt, number: 2 }]);
	});

	it("stores an attempt that got no response", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const [id = ""] = await accept();
		const reason = "connection refused by 203.0.113.7:443";
		const attempt = records.attempt(1, {
			responseCode: 0,
			error: "refused",
			reason,
			response: null,
			trigger: "manual",
		});
		await update({ ...records.failure(id, 1, 0), attempt });
		expect(await attemptsOf({ store, scope }, id)).toEqual([attempt]);
	});
}

function describeAllOrNothing(current: CurrentStore): void {
	it("writes nothing of a batch when one part of it fails", async () => {
		const { store, projectId, scope, accept, state, webhookId, records } = await fillStore(current());
		const [id = ""] = await accept();
		const before = await state(id);
		const [good, bad] = [records.event(projectId, { webhookIds: [webhookId], key: "k" }), records.event(projectId)];
		const events: NewEvent[] = [good, bad, { ...bad, event: { ...bad.event, type: "same.id" } }];
		await expect(store.commit({ events, updates: [records.outcome(id, 1)] })).rejects.toMatchObject({
			name: "StoreError",
			code: "store_conflict",
		});
		expect(await store.event(scope, good.event.id)).toBeNull();
		expect(await state(id)).toEqual(before);
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
		expect((await store.commit({ events: [good], updates: [] })).events).toEqual([{ kind: "accepted" }]);
	});
}

const changes: fc.Arbitrary<DeliveryChange> = fc.oneof(
	fc.record({ type: fc.constant("lease" as const), until: fc.integer({ min: 0, max: 1_000 }) }),
	fc.constant({ type: "release" as const }),
	fc.constant({ type: "hold" as const, reason: "paused" }),
	fc.record({ type: fc.constant("resume" as const), at: fc.integer({ min: 0, max: 1_000 }) }),
	fc.constant({ type: "cancel" as const, reason: "by hand" }),
	fc.record({ type: fc.constant("retry" as const), at: fc.integer({ min: 0, max: 1_000 }) }),
	fc.record({
		type: fc.constant("attempted" as const),
		at: fc.integer({ min: 0, max: 1_000 }),
		trigger: fc.constantFrom("auto" as const, "manual" as const, "replay" as const),
		verdict: fc.oneof(
			fc.constant({ kind: "success" as const, responseCode: 204, reason: null, retryAfterMs: null }),
			fc.constant({ kind: "gone" as const, responseCode: 410, reason: null, retryAfterMs: null }),
			fc.constant({ kind: "failure" as const, responseCode: 500, reason: "it broke", retryAfterMs: null }),
		),
		policy: fc.constant(POLICY),
		random: fc.constant(0.5),
	}),
);

/** The index of a delivery, the change of it, and the number of its attempt. */
const steps = fc.array(fc.tuple(fc.nat({ max: 7 }), changes, fc.integer({ min: 1, max: 4 })), { maxLength: 60 });

const HELD = newHeldDelivery("paused");
const WEBHOOK_STATES: readonly WebhookState[] = [
	{ status: "Enabled", disabledReason: null, pausedReason: null, deleteDate: null },
	{ status: "Paused", disabledReason: null, pausedReason: null, deleteDate: null },
	{ status: "Disabled", disabledReason: "it failed", pausedReason: null, deleteDate: null },
	{ status: "Enabled", disabledReason: null, pausedReason: null, deleteDate: 1 },
];

/** The state that an update leads to, by the port's comment. */
function stateAfter(state: DeliveryState, change: DeliveryChange, webhook: WebhookState, at: number): DeliveryState {
	const after = transition(state, change);
	if (after.status !== "Pending" || isDeliverable(webhook)) return after;
	return change.type === "retry" ? state : transition(after, sweepChange(webhook, at));
}

function describeProperties(current: CurrentStore): void {
	it("agrees with `transition` and the webhooks after any sequence of changes, in batches of any size", async () => {
		const { store, projectId, scope, webhookIds, records } = await fillStore(current(), WEBHOOK_STATES.length);
		for (const [index, state] of WEBHOOK_STATES.entries()) await setWebhook(store, webhookIds[index] ?? "", state);
		await fc.assert(
			fc.asyncProperty(steps, fc.integer({ min: 1, max: 8 }), async (sequence, batchSize) => {
				const open = await store.countOpen();
				const events = [
					records.event(projectId, { webhookIds }),
					records.event(projectId, { webhookIds, state: HELD }),
				];
				await store.commit({ events, updates: [] });
				const deliveries = events.flatMap((event) => event.deliveries);
				const webhookOf = (which: number) => WEBHOOK_STATES[which % WEBHOOK_STATES.length]!;
				const states: DeliveryState[] = deliveries.map(({ state }) => state);
				const attempts = deliveries.map(() => 0);
				for (let at = 0; at < sequence.length; at += batchSize) {
					const batch = sequence.slice(at, at + batchSize);
					const updates = batch.map(([which, change, number]) => {
						const attempt = change.type === "attempted" ? records.attempt(number) : null;
						if (attempt !== null) attempts[which] = (attempts[which] ?? 0) + 1;
						return { deliveryId: deliveries[which]?.id ?? "", change, attempt, at: records.now };
					});
					const expected = batch.map(([which, change]) => {
						const before = states[which]!;
						const state = stateAfter(before, change, webhookOf(which), records.now);
						states[which] = state;
						return { state, changed: state !== before };
					});
					expect((await store.commit({ events: [], updates })).updates).toEqual(expected);
				}
				for (const [which, { id }] of deliveries.entries()) {
					// The commits have returned the leases, which the log need not show.
					const { leaseUntil: _, ...logged } = states[which]!;
					expect(await store.delivery(scope, id)).toMatchObject(logged);
					const numbers = (await attemptsOf({ store, scope }, id)).map(({ number }) => number);
					expect(numbers).toHaveLength(attempts[which]!);
					expect(new Set(numbers).size).toBe(numbers.length);
				}
				const count = (status: string) => states.filter((state) => state.status === status).length;
				expect(await store.countOpen()).toEqual({
					Pending: open.Pending + count("Pending"),
					Held: open.Held + count("Held"),
				});
			}),
			{ numRuns: 60 },
		);
	});
}
