// The limits of retries by hand: their number, which the store decides at the commit, and the quota of stored bytes.
import { describe, expect, it } from "vitest";

import { customerScope } from "../../core/access/principal.ts";
import { MAX_RETRIES_BY_HAND } from "../../core/delivery.ts";
import { ANY_DELIVERY, Records } from "../../ports/contract/store/records/records.ts";
import type { CommitBatch } from "../../ports/store/accept.ts";
import type { DeliveryFilter, LoggedDelivery } from "../../ports/store/log.ts";
import { codeOf, openDelivering } from "../test/arrangements.ts";
import { eventInput, eventually, type TestEngine, type TestEngineOptions } from "../test/test-engine.ts";
import type { NewWebhook } from "../webhook-settings.ts";

const ONCE = { maxRetries: 0, maxBackoffMs: 0 };
const FAILED: DeliveryFilter = { ...ANY_DELIVERY, statuses: ["Failed"] };

/** An engine with a webhook to a receiver that always responds with 500. */
async function open(settings: Partial<NewWebhook> = {}, options: TestEngineOptions = {}) {
	const { receiver, test } = await openDelivering({ retries: ONCE, ...settings }, options);
	receiver.script(() => ({ status: 500 }));
	return { receiver, test, deliveries: test.engine.deliveries };
}

/** A Failed delivery with one attempt on schedule and `count` retries by hand. */
async function failed(test: TestEngine, count: number): Promise<LoggedDelivery> {
	const { id, eventId } = await test.delivery(await test.send(), { status: "Failed", attemptCount: 1 });
	const records = new Records();
	const updates = Array.from({ length: count }, (_, index) => records.failureByHand(id, index + 2));
	await test.store.commit({ events: [], updates });
	return test.delivery(eventId, { attemptCount: count + 1 });
}

it("refuses to retry a delivery by hand for the 101st time, and says what to do", async () => {
	const { receiver, test, deliveries } = await open();
	const { id, eventId } = await failed(test, MAX_RETRIES_BY_HAND - 1);
	const retry = () => deliveries.retry(test.change, id);
	// Two at once are one: the second does not count.
	for (const delivery of await Promise.all([retry(), retry()])) expect(delivery).toMatchObject({ status: "Pending" });
	test.clock.advance(20);
	await test.delivery(eventId, { status: "Failed", attemptCount: MAX_RETRIES_BY_HAND + 1 });
	await expect(retry()).rejects.toMatchObject({
		code: "too_many_retries",
		message: expect.stringMatching(/100 times.*replay it/),
	});
	expect(receiver.requests).toHaveLength(2);
});

it("refuses it at the commit if the last retry was made after the delivery had been read", async () => {
	const { test, deliveries } = await open();
	const early = await failed(test, MAX_RETRIES_BY_HAND - 1);
	await deliveries.retry(test.change, early.id);
	test.clock.advance(20);
	const last = await test.delivery(early.eventId, { status: "Failed", attemptCount: MAX_RETRIES_BY_HAND + 1 });
	test.engineStore.delivery = () => Promise.resolve(early);
	test.engineStore.deliveries = () => Promise.resolve({ rows: [early], hasNewer: false, hasOlder: false });
	expect(await codeOf(deliveries.retry(test.change, early.id))).toBe("too_many_retries");
	const nothing = { matched: 1, changed: 0, complete: true, goesOnAt: null };
	expect(await deliveries.retryMany(test.change, FAILED)).toEqual(nothing);
	expect(await test.store.delivery(test.scope, early.id)).toEqual(last);
});

it("skips such deliveries in a retry of many, and does not count them as changed", async () => {
	const updated: string[] = [];
	const beforeCommit = ({ updates }: CommitBatch) => void updated.push(...updates.map(({ deliveryId }) => deliveryId));
	const { test, deliveries } = await open({}, { beforeCommit });
	const usedUp = await failed(test, MAX_RETRIES_BY_HAND);
	const oneLeft = await failed(test, MAX_RETRIES_BY_HAND - 1);
	updated.length = 0;
	const retried = await deliveries.retryMany(test.change, FAILED);
	expect(retried).toEqual({ matched: 2, changed: 1, complete: true, goesOnAt: null });
	expect(updated).toEqual([oneLeft.id]);
	test.clock.advance(20);
	await test.delivery(oneLeft.eventId, { status: "Failed", attemptCount: MAX_RETRIES_BY_HAND + 1 });
	expect(await test.store.delivery(test.scope, usedUp.id)).toEqual(usedUp);
	expect(await deliveries.retryMany(test.change, FAILED)).toMatchObject({ matched: 2, changed: 0 });
});

describe("retries by hand of a project that has used up its quota of stored bytes, each of which would store an attempt,", () => {
	const OF_ACME = { customerId: "acme" };
	const EVENT = { customers: ["acme"] };
	const REFUSAL = { code: "stored_bytes_exceeded", retryAfterMs: expect.any(Number) };

	/** Gives the project a quota of this many bytes more than it has stored. */
	async function limit(test: TestEngine, more: number): Promise<void> {
		const { storedBytes } = await test.engine.projects.usage(test.scope);
		await test.engine.projects.update(test.change, { maxStoredBytes: storedBytes + more });
	}

	it("are refused as its sends are, one or many, and change nothing; with room they are made", async () => {
		const { test, deliveries } = await open(OF_ACME);
		const { id, eventId } = await test.delivery(await test.send(EVENT), { status: "Failed", attemptCount: 1 });
		await limit(test, 0);
		await expect(test.send(EVENT)).rejects.toMatchObject(REFUSAL);
		const message = expect.stringMatching(/quota of \d+ \(maxStoredBytes\)\. Retry again when/);
		await expect(deliveries.retry(test.change, id)).rejects.toMatchObject({ ...REFUSAL, message });
		await expect(deliveries.retryMany(test.change, FAILED)).rejects.toMatchObject({ ...REFUSAL, message });
		expect(await test.delivery(eventId, {})).toMatchObject({ status: "Failed", attemptCount: 1 });
		// Only sends are counted.
		expect(test.observer.refusals).toEqual(["stored_bytes_exceeded"]);

		await limit(test, 1_000);
		await deliveries.retry(test.change, id);
		test.clock.advance(20);
		await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
		expect(await deliveries.retryMany(test.change, FAILED)).toMatchObject({ matched: 1, changed: 1 });
	});

	it("end with what was done when the quota is used up meanwhile, and the next call says why", async () => {
		const { test, deliveries } = await open(OF_ACME);
		const batch = Array.from({ length: 110 }, () => eventInput(EVENT));
		for (let n = 0; n < 2; n++) await test.engine.intake.sendBatch(test.scope, batch);
		await eventually("all to have failed", async () => {
			test.clock.advance(20);
			return (await deliveries.count(test.scope, FAILED)).count === 220;
		});
		test.engineStore.deliveries = async (...parameters) => {
			const page = await test.store.deliveries(...parameters);
			await limit(test, 0);
			return page;
		};
		const first = await deliveries.retryMany(test.change, FAILED);
		expect(first).toEqual({ matched: 200, changed: 200, complete: false, goesOnAt: expect.any(String) });
		await expect(deliveries.retryMany(test.change, FAILED, first.goesOnAt)).rejects.toMatchObject(REFUSAL);
		await limit(test, 100_000);
		expect(await deliveries.retryMany(test.change, FAILED, first.goesOnAt)).toMatchObject({ matched: 20, changed: 20 });
	});

	it("leave attempts on schedule and cancellations alone", async () => {
		const { test, deliveries } = await open({ ...OF_ACME, retries: { maxRetries: 1, maxBackoffMs: 1_000 } });
		const { id, eventId } = await test.delivery(await test.send(EVENT), { status: "Pending", attemptCount: 1 });
		const other = await test.delivery(await test.send(EVENT), { status: "Pending", attemptCount: 1 });
		await limit(test, 0);
		await expect(deliveries.retry(test.change, id)).rejects.toMatchObject(REFUSAL);
		await deliveries.cancel(test.change, other.id);
		test.clock.advance(1_001);
		await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
	});

	it("tell a customer nothing of what the project has stored", async () => {
		const { test, deliveries } = await open(OF_ACME);
		const { id } = await test.delivery(await test.send(EVENT), { status: "Failed", attemptCount: 1 });
		await limit(test, 0);
		const change = { scope: customerScope(test.projectId, "acme"), audit: null };
		const message = expect.stringMatching(/^The quota of stored bytes is used up[^0-9]*$/);
		await expect(deliveries.retry(change, id)).rejects.toMatchObject({ ...REFUSAL, message });
		await expect(deliveries.retryMany(change, FAILED)).rejects.toMatchObject({ ...REFUSAL, message });
	});
});
