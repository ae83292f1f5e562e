// The contract of the stats slice: the health of webhooks, and what is reported about it.
import { expect, it } from "vitest";

import type { Delivery } from "../../../core/delivery.ts";
import { HEALTHY, type WebhookHealth } from "../../../core/policies/webhook-health.ts";
import type { Store } from "../../store/store.ts";
import { plainDelivery } from "./records/logged.ts";
import type { CurrentStore, Reopen } from "./records/records.ts";
import { changeWebhook, fillStore, GONE, POLICY, setWebhook, type World } from "./records/records.ts";
import { allWebhooks } from "./records/webhooks.ts";

const MINUTE = 60_000;

export function describeHealth(current: CurrentStore, reopen: Reopen): void {
	describeCourse(current);
	describeHealthChanges(current);
	describeReports(current, reopen);
	describeReset(current);
}

/** A health after one failed attempt, but for the time. */
const FAILED_ONCE: WebhookHealth = { ...HEALTHY, failedCount: 1, reason: "it broke" };

function describeCourse(current: CurrentStore): void {
	it("counts failed attempts and exhausted deliveries from the first failure, and recovers with a success", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records, webhookId } = world;
		expect(await healthOf(world)).toEqual(HEALTHY);
		const since = records.now;
		const [id = ""] = await accept();
		await update(records.failure(id, 1));
		expect(await healthOf(world)).toEqual({ ...FAILED_ONCE, failingSince: since });
		records.now += 1_000;
		await exhaust(world);
		await exhaust(world);
		const worse = { ...FAILED_ONCE, failingSince: since, failedCount: 5, exhaustedCount: 2 };
		expect(await healthOf(world)).toEqual(worse);
		await update(records.outcome(id, 2));
		expect(await store.webhookHealth([webhookId, "webhook_unknown"])).toEqual([HEALTHY, HEALTHY]);
	});

	it("counts an exhausted delivery once, even if a late attempt fails too, and follows the order within a batch", async () => {
		const world = await fillStore(current());
		const { acceptMany, update, records } = world;
		const [gone = "", first = "", second = ""] = await acceptMany(3);
		await update(records.outcome(gone, 1, GONE));
		expect((await update(records.failure(gone, 1))).healthChanges).toEqual([]);
		expect(await healthOf(world)).toMatchObject({ exhaustedCount: 1, failedCount: 2 });
		await update(records.failure(first, 1), records.outcome(second, 1));
		expect(await healthOf(world)).toEqual(HEALTHY);
		// Nobody was told that it was failing, and so nobody is told that it has recovered.
		const { healthChanges } = await update(records.outcome(first, 2), records.failure(second, 2));
		expect(healthChanges).toEqual([]);
		expect(await healthOf(world)).toEqual({ ...FAILED_ONCE, failingSince: records.now });
	});

	it("is not changed by a failed commit, nor by deliveries of own events", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records, projectId } = world;
		const [id = ""] = await accept();
		const event = records.event(projectId);
		const failing = store.commit({ events: [event, event], updates: [records.failure(id, 1)] });
		await expect(failing).rejects.toMatchObject({ name: "StoreError" });
		expect(await healthOf(world)).toEqual(HEALTHY);
		expect(await exhaust(world, "fanfare.webhook.failing")).toEqual([]);
		expect(await healthOf(world)).toEqual(HEALTHY);
		await update(records.failure(id, 1));
		const [own = ""] = await accept({ type: "fanfare.webhook.failing" });
		await update(records.outcome(own, 1));
		expect(await healthOf(world)).toMatchObject({ failingSince: records.now });
	});
}

/** A delivery as it is reported. */
async function deliveryOf({ store, scope }: World, id: string): Promise<Delivery> {
	const delivery = await store.delivery(scope, id);
	if (delivery === null) throw new Error("the delivery is missing");
	return plainDelivery(delivery);
}

function describeHealthChanges(current: CurrentStore): void {
	it("reports each exhausted delivery, and the first success after the webhook was reported as failing", async () => {
		const world = await fillStore(current());
		const { store, accept, update, records } = world;
		const [id = "", gone = ""] = [...(await accept()), ...(await accept())];
		for (let number = 1; number <= 3; number++) await update(records.failure(id, number));
		const [other = ""] = await accept();
		expect((await update(records.failure(other, 1))).healthChanges).toEqual([]);
		const before = await healthOf(world);
		const { healthChanges } = await update(records.outcome(gone, 1, GONE));
		const after = { ...before, failedCount: 5, exhaustedCount: 1, reason: expect.stringContaining("410") };
		expect(healthChanges).toEqual([
			{ kind: "exhausted", delivery: await deliveryOf(world, gone), at: records.now, before, after },
		]);
		await store.reportHealth((records.now += 5 * MINUTE), 10);
		const reported = { ...after, reportDate: records.now };
		const recovery = { kind: "recovered", at: records.now, before: reported, after: HEALTHY };
		const { healthChanges: recovered } = await update(records.outcome(other, 2));
		expect(recovered).toEqual([{ ...recovery, delivery: await deliveryOf(world, other) }]);
	});
}

function describeReports(current: CurrentStore, reopen: Reopen): void {
	it("reports once that a webhook is failing, and once that it will be disabled, also after the store was reopened", async () => {
		const world = await fillStore(current());
		const { records, webhookId } = world;
		const since = records.now;
		await failFive(world);
		const before = await healthOf(world);
		expect(await reportsAt(current(), since + 5 * MINUTE - 1)).toEqual([]);
		const failing = { ...before, reportDate: since + 5 * MINUTE };
		expect(await reportsAt(current(), since + 5 * MINUTE)).toEqual([
			{ webhookId, before, after: failing, disableAfterMs: 60 * MINUTE },
		]);
		expect(await current().webhookHealth([webhookId])).toEqual([failing]);
		await reopen();
		expect(await current().webhookHealth([webhookId, "webhook_unknown"])).toEqual([failing, HEALTHY]);
		expect(await reportsAt(current(), since + 30 * MINUTE - 1)).toEqual([]);
		const warned = { ...failing, warnDate: since + 31 * MINUTE };
		expect(await reportsAt(current(), since + 31 * MINUTE)).toEqual([
			{ webhookId, before: failing, after: warned, disableAfterMs: 60 * MINUTE },
		]);
		await reopen();
		expect(await reportsAt(current(), since + 500 * MINUTE)).toEqual([]);
		expect(await current().webhookHealth([webhookId])).toEqual([warned]);
	});

	it("reports each webhook to one of two that ask at the same time, and some at a time", async () => {
		const world = await fillStore(current(), 5);
		const { store, records, webhookIds } = world;
		for (const id of webhookIds) await failFive(world, id);
		const at = records.now + 10 * MINUTE;
		const first = await store.reportHealth(at, 2);
		expect(first).toMatchObject({ reports: { length: 2 }, isLast: false });
		const both = await Promise.all([reportsAt(store, at), reportsAt(store, at)]);
		const reported = [...first.reports, ...both.flat()].map(({ webhookId }) => webhookId);
		expect(reported.toSorted()).toEqual(webhookIds.toSorted());
	});

	it("reports nothing after a success, nor about a webhook that is paused, disabled or deleted", async () => {
		const world = await fillStore(current(), 4);
		const { store, accept, update, records, webhookIds } = world;
		for (const id of webhookIds) await failFive(world, id);
		const [recovered = "", paused = "", disabled = "", deleted = ""] = webhookIds;
		const [id = ""] = await accept({ webhookIds: [recovered] });
		await update(records.outcome(id, 1));
		await setWebhook(store, paused, { status: "Paused" });
		await setWebhook(store, disabled, { status: "Disabled" });
		await setWebhook(store, deleted, { deleteDate: records.now });
		expect(await store.reportHealth(records.now + 10 * MINUTE, 10)).toEqual({ reports: [], isLast: true });
		// They are not looked at again and again.
		expect(await store.reportHealth(records.now + 10 * MINUTE, 1)).toEqual({ reports: [], isLast: true });
	});

	it("takes warnings back when disableAfterMs changes, and gives them anew", async () => {
		const world = await fillStore(current());
		const { store, records, webhookId } = world;
		await failFive(world);
		await reportsAt(store, records.now + 31 * MINUTE);
		await setWebhook(store, webhookId, { name: "Other" });
		expect(await healthOf(world)).toMatchObject({ warnDate: records.now + 31 * MINUTE });
		await setWebhook(store, webhookId, { disableAfterMs: 100 * MINUTE });
		expect(await healthOf(world)).toMatchObject({ reportDate: records.now + 31 * MINUTE, warnDate: null });
		expect(await reportsAt(store, records.now + 49 * MINUTE)).toEqual([]);
		await setWebhook(store, webhookId, { disableAfterMs: 60 * MINUTE });
		expect(await reportsAt(store, records.now + 49 * MINUTE)).toMatchObject([
			{ after: { warnDate: expect.any(Number) } },
		]);
	});
}

function describeReset(current: CurrentStore): void {
	it("is not changed by an update of the webhook, unless the update resets it", async () => {
		const world = await fillStore(current());
		const { store, records } = world;
		await exhaust(world);
		const [record] = await allWebhooks(store);
		const other = await changeWebhook(store, record!, { name: "Other" });
		expect(await healthOf(world)).toMatchObject({ failingSince: records.now, exhaustedCount: 1 });
		const options = { expected: other.revision, entry: null, resetHealth: true };
		expect(await store.updateWebhook(other, { ...options, expected: other.revision + 1 })).toBeNull();
		expect(await healthOf(world)).toMatchObject({ exhaustedCount: 1 });
		expect(await store.updateWebhook({ ...other, name: "Third" }, options)).toBe(other.revision + 1);
		expect(await healthOf(world)).toEqual(HEALTHY);
		expect(await reportsAt(store, records.now + 500 * MINUTE)).toEqual([]);
	});
}

/** The health of the first webhook. */
async function healthOf({ store, webhookId }: World): Promise<WebhookHealth> {
	const [health] = await store.webhookHealth([webhookId]);
	if (health === undefined) throw new Error("no health was returned");
	return health;
}

async function reportsAt(store: Store, at: number) {
	return (await store.reportHealth(at, 100)).reports;
}

/** Five attempts in a row fail, each of another delivery. */
async function failFive({ accept, update, records }: World, webhookId?: string): Promise<void> {
	for (let count = 0; count < 5; count++) {
		const [id = ""] = await accept(webhookId === undefined ? {} : { webhookIds: [webhookId] });
		await update(records.failure(id, 1));
	}
}

/** Accepts an event whose delivery fails until its retries are used up. Returns the health changes. */
async function exhaust({ accept, update, records }: World, type = "user.created") {
	const [id = ""] = await accept({ type });
	const numbers = Array.from({ length: POLICY.maxRetries + 1 }, (_, index) => index + 1);
	return (await update(...numbers.map((number) => records.failure(id, number)))).healthChanges;
}
