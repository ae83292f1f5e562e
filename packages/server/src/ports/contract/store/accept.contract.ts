// The contract of the accept slice: events in, outcomes of attempts in, all or nothing.
import { runs } from "@fanfare/testkit/runs";
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
import type { CurrentStore } from "./records/records.ts";
import {
	ANY_ENTRY,
	ANY_EVENT,
	attemptsOf,
	fillStore,
	GONE,
	idsOf,
	NEWEST,
	POLICY,
	setWebhook,
} from "./records/records.ts";
import { ZERO_COUNTS } from "./records/stats.ts";
import { toSweep } from "./records/webhooks.ts";

export function describeAccept(current: CurrentStore): void {
	describeEvents(current);
	describeUpdates(current);
	describeWebhookState(current);
	describeProperties(current);
}

function describeEvents(current: CurrentStore): void {
	it("accepts an event with its deliveries, and every byte of its body, whatever its size", async () => {
		const { store, projectId, scope, webhookIds, records, accept, claim } = await fillStore(current(), 2);
		const nothing = { events: [], updates: [], healthChanges: [] };
		expect(await store.commit({ events: [], updates: [] })).toEqual(nothing);
		const sent = records.event(projectId, { webhookIds });
		expect(await store.commit({ events: [sent], updates: [] })).toEqual({ ...nothing, events: [{ kind: "accepted" }] });
		expect(await store.event(scope, sent.event.id)).toMatchObject(sent.event);
		for (const { id, webhookId, state } of sent.deliveries) {
			const { id: eventId, type: eventType } = sent.event;
			const shown = { webhookName: "Webhook", webhookHost: "example.com", lastAttempt: null };
			const dates = { createDate: records.now, updateDate: records.now };
			const expected = { ...state, id, projectId, webhookId, customerId: null, eventId, eventType, ...shown, ...dates };
			expect(await store.delivery(scope, id)).toEqual(expected);
		}
		await claim();
		for (const size of [1, 4_096, 256 * 1_024]) {
			const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));
			await accept({ body });
			const { deliveries } = await claim({ limit: 1, maxBytes: 1 });
			expect(Buffer.from(deliveries[0]?.body ?? []).equals(body)).toBe(true);
		}
	});

	it("knows the idempotency keys of a project, also those used earlier in the same batch", async () => {
		const { store, projectId, scope, webhookIds, webhookId, records, addProject } = await fillStore(current(), 2);
		const fingerprint = Buffer.alloc(32, 8);
		const first = records.event(projectId, { key: "k", webhookIds });
		await store.commit({ events: [first], updates: [] });
		const fresh = records.event(projectId, { key: "l" });
		const { events } = await store.commit({
			events: [
				records.event(projectId, { key: "k", webhookIds: [webhookId] }),
				records.event(projectId, { key: "k", fingerprint }),
				fresh,
				records.event(projectId, { key: "l" }),
				records.event(projectId, { key: "l", fingerprint }),
				records.event((await addProject()).id, { key: "k" }),
			],
			updates: [],
		});
		expect(events).toEqual([
			{ kind: "duplicate", event: first.event },
			{ kind: "conflict" },
			{ kind: "accepted" },
			{ kind: "duplicate", event: fresh.event },
			{ kind: "conflict" },
			{ kind: "accepted" },
		]);
		expect((await store.events(scope, ANY_EVENT, NEWEST)).rows).toMatchObject([fresh.event, first.event]);
		expect(await store.countOpen()).toEqual({ Pending: 2, Held: 0 });
	});

	it("writes nothing of a batch of which a part fails", async () => {
		const { store, projectId, scope, accept, state, webhookId, records } = await fillStore(current());
		const [id = ""] = await accept();
		const before = await state(id);
		const [good, bad] = [records.event(projectId, { webhookIds: [webhookId], key: "k" }), records.event(projectId)];
		const toUnknown = records.event(projectId, { webhookIds: [records.ids.make("webhook", records.now)] });
		for (const failing of [[bad, { ...bad, event: { ...bad.event, type: "same.id" } }], [toUnknown]]) {
			const commit = store.commit({ events: [good, ...failing], updates: [records.outcome(id, 1)] });
			await expect(commit).rejects.toMatchObject({ name: "StoreError", code: "store_conflict" });
		}
		expect(idsOf(await store.events(scope, ANY_EVENT, NEWEST))).toHaveLength(1);
		expect(await state(id)).toEqual(before);
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
		expect((await store.commit({ events: [good], updates: [] })).events).toEqual([{ kind: "accepted" }]);
	});
}

function describeUpdates(current: CurrentStore): void {
	it("writes the new state of a delivery and the attempt that caused it, also of one that the batch accepts", async () => {
		const { store, scope, projectId, webhookId, accept, update, state, records } = await fillStore(current());
		const [id = ""] = await accept();
		const unknown = records.ids.make("dlv", records.now);
		records.now += 40;
		const outcome = records.failure(id, 1, 503);
		const { updates } = await update(outcome, records.outcome(unknown, 1));
		const expected = transition(newDelivery(records.now - 40, null), outcome.change);
		expect(updates).toEqual([{ state: expected, changed: true }, null]);
		expect(await store.delivery(scope, id)).toMatchObject({ ...expected, updateDate: records.now });
		expect(await attemptsOf({ store, scope }, id)).toEqual([outcome.attempt]);
		expect(await attemptsOf({ store, scope }, unknown)).toEqual([]);
		const sent = records.event(projectId, { webhookIds: [webhookId] });
		const [{ id: own } = { id: "" }] = sent.deliveries;
		await store.commit({ events: [sent], updates: [records.outcome(own, 1)] });
		expect(await state(own)).toMatchObject({ status: "Succeeded" });
		expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
	});

	it("retries a delivery by hand 100 times at most, also if many ask at once", async () => {
		const { store, scope, accept, update, state, records } = await fillStore(current());
		const [id = ""] = await accept();
		await update(...records.retriedByHand(id, MAX_RETRIES_BY_HAND - 1));
		const askOften = async () => {
			const retries = () => [records.retry(id, records.entry()), records.retry(id, records.entry())];
			const results = await Promise.all(Array.from({ length: 3 }, () => update(...retries())));
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

	it("stores late attempts, those with a number that is taken, and those without a response", async () => {
		const { store, scope, acceptMany, update, records } = await fillStore(current());
		const [cancelled = "", twice = "", refused = ""] = await acceptMany(3);
		await update(records.cancel(cancelled));
		const { updates } = await update(records.outcome(cancelled, 1));
		expect(updates[0]?.state).toMatchObject({ status: "Cancelled", reason: "by hand", attemptCount: 1 });
		expect(await attemptsOf({ store, scope }, cancelled)).toHaveLength(1);
		const [first, late] = [records.failure(twice, 1), records.failure(twice, 1)];
		for (const each of [first, late]) await update(each);
		expect(await attemptsOf({ store, scope }, twice)).toEqual([first.attempt, { ...late.attempt, number: 2 }]);
		const reason = "connection refused by 203.0.113.7:443";
		const none = { responseCode: 0, error: "refused", reason, response: null, trigger: "manual" } as const;
		const attempt = records.attempt(1, none);
		await update({ ...records.failure(refused, 1, 0), attempt });
		expect(await attemptsOf({ store, scope }, refused)).toEqual([attempt]);
	});
}

function describeWebhookState(current: CurrentStore): void {
	it.each([
		[{ status: "Paused" }, "Held", "the webhook is paused"],
		[{ status: "Paused", pausedReason: "restored" }, "Held", "the webhook is paused: restored"],
		[{ status: "Disabled", disabledReason: "it failed" }, "Held", "the webhook is disabled: it failed"],
		[{ deleteDate: 1 }, "Cancelled", "the webhook was deleted"],
	] as const)("with %o, a delivery that would go on is %s, and others end as ever", async (changes, status, reason) => {
		const { store, scope, webhookId, acceptMany, update, state, records } = await fillStore(current());
		const [failing = "", leased = ""] = await acceptMany(2, { state: newDelivery(records.now, records.now + 60_000) });
		const [free = "", good = "", bad = "", failed = ""] = await acceptMany(4);
		for (let number = 1; number < 4; number++) await update(records.failure(bad, number));
		await update(records.outcome(failed, 1, GONE));
		const before = [await state(free), await state(failed)];
		await setWebhook(store, webhookId, changes);
		const retries = await update(records.retry(free), records.retry(failed));
		expect(retries.updates).toEqual(before.map((each) => ({ state: each, changed: false })));
		expect([await state(free), await state(failed)]).toEqual(before);

		const stopped = { status, reason, leaseUntil: null, nextAttemptAt: null };
		const release = (id: string) => records.change(id, { type: "release" });
		const { updates } = await update(records.failure(failing, 1), release(leased), release(free));
		const attempted = { ...stopped, attemptCount: 1, autoAttemptCount: 1, responseCode: 500 };
		expect(updates).toMatchObject([{ state: attempted }, { state: stopped }, { state: stopped }]);
		const states = await Promise.all([failing, leased, free].map(state));
		expect(states).toEqual(updates.map((after) => after?.state));
		expect(await attemptsOf({ store, scope }, failing)).toHaveLength(1);

		const { healthChanges } = await update(records.outcome(good, 1), records.failure(bad, 4));
		expect(await state(good)).toMatchObject({ status: "Succeeded" });
		expect(await state(bad)).toMatchObject({ status: "Failed" });
		expect(healthChanges).toMatchObject([{ kind: "exhausted", delivery: { id: bad, status: "Failed" } }]);
		// Stats count one move, from Pending to the final status.
		const counts = { ...ZERO_COUNTS, Succeeded: 1, Failed: 2, [status]: 3 };
		expect(await store.statusCounts(scope, webhookId)).toEqual(counts);
		expect(await toSweep(store)).toEqual([]);
	});
}

const time = fc.integer({ min: 0, max: 1_000 });
const attempted: fc.Arbitrary<DeliveryChange> = fc.record({
	type: fc.constant("attempted" as const),
	at: time,
	trigger: fc.constantFrom("auto" as const, "manual" as const, "replay" as const),
	verdict: fc.constantFrom(
		{ kind: "success" as const, responseCode: 204, reason: null, retryAfterMs: null },
		{ kind: "gone" as const, responseCode: 410, reason: null, retryAfterMs: null },
		{ kind: "failure" as const, responseCode: 500, reason: "it broke", retryAfterMs: null },
	),
	policy: fc.constant(POLICY),
	random: fc.constant(0.5),
});
const changes: fc.Arbitrary<DeliveryChange> = fc.oneof(
	fc.record({ type: fc.constant("lease" as const), until: time }),
	fc.constant({ type: "release" as const }),
	fc.constant({ type: "hold" as const, reason: "paused" }),
	fc.record({ type: fc.constant("resume" as const), at: time }),
	fc.constant({ type: "cancel" as const, reason: "by hand" }),
	fc.record({ type: fc.constant("retry" as const), at: time }),
	{ weight: 4, arbitrary: attempted },
);

/** The index of a delivery (the last one is unknown), the change of it, and the number of its attempt. */
const steps = fc.array(fc.tuple(fc.nat({ max: 8 }), changes, fc.integer({ min: 1, max: 4 })), { maxLength: 60 });

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
			fc.asyncProperty(steps, fc.integer({ min: 1, max: 40 }), async (sequence, batchSize) => {
				const open = await store.countOpen();
				const events = [
					records.event(projectId, { webhookIds }),
					records.event(projectId, { webhookIds, state: HELD }),
				];
				await store.commit({ events, updates: [] });
				const deliveries = events.flatMap((event) => event.deliveries);
				const unknown = records.ids.make("dlv", records.now);
				const states: DeliveryState[] = deliveries.map(({ state }) => state);
				const attempts = deliveries.map(() => 0);
				for (let at = 0; at < sequence.length; at += batchSize) {
					const batch = sequence.slice(at, at + batchSize);
					const updates = batch.map(([which, change, number]) => {
						const attempt = change.type === "attempted" ? records.attempt(number) : null;
						if (attempt !== null) attempts[which] = (attempts[which] ?? 0) + 1;
						return { deliveryId: deliveries[which]?.id ?? unknown, change, attempt, at: records.now };
					});
					const expected = batch.map(([which, change]) => {
						const before = states[which];
						if (before === undefined) return null;
						const webhook = WEBHOOK_STATES[which % WEBHOOK_STATES.length]!;
						const state = (states[which] = stateAfter(before, change, webhook, records.now));
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
				const counts = { Pending: open.Pending + count("Pending"), Held: open.Held + count("Held") };
				expect(await store.countOpen()).toEqual(counts);
			}),
			{ numRuns: runs(25) },
		);
	});
}
