// The limit of retries by hand. The store decides at the commit, whatever was read before.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { MAX_RETRIES_BY_HAND } from "../../core/delivery.ts";
import { ANY_DELIVERY, Records } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter, LoggedDelivery } from "../../ports/store/log.ts";
import { openTestEngine, type TestEngine, type TestEngineOptions } from "../test/test-engine.ts";

const ONCE = { maxRetries: 0, maxBackoffMs: 0 };
const FAILED: DeliveryFilter = { ...ANY_DELIVERY, statuses: ["Failed"] };

/** A receiver that always responds with 500, and an engine with a webhook to it. */
async function world(options: TestEngineOptions = {}): Promise<{ receiver: Receiver; test: TestEngine }> {
	const receiver = await startReceiver();
	receiver.script(() => ({ status: 500 }));
	const test = await openTestEngine(options);
	await test.createWebhook(receiver.url, { retries: ONCE });
	return { receiver, test };
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
	const { receiver, test } = await world();
	await using _receiver = receiver;
	await using _test = test;
	const { id, eventId } = await failed(test, MAX_RETRIES_BY_HAND - 1);
	const retry = () => test.engine.deliveries.retry(test.change, id);
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
	const { receiver, test } = await world();
	await using _receiver = receiver;
	await using _test = test;
	const early = await failed(test, MAX_RETRIES_BY_HAND - 1);
	const { deliveries } = test.engine;
	await deliveries.retry(test.change, early.id);
	test.clock.advance(20);
	const last = await test.delivery(early.eventId, { status: "Failed", attemptCount: MAX_RETRIES_BY_HAND + 1 });
	test.engineStore.delivery = () => Promise.resolve(early);
	test.engineStore.deliveries = () => Promise.resolve({ rows: [early], hasNewer: false, hasOlder: false });
	await expect(deliveries.retry(test.change, early.id)).rejects.toMatchObject({ code: "too_many_retries" });
	expect(await deliveries.retryMany(test.change, FAILED)).toEqual({
		matched: 1,
		changed: 0,
		complete: true,
		goesOnAt: null,
	});
	expect(await test.store.delivery(test.scope, early.id)).toEqual(last);
});

it("skips such deliveries in a retry of many, and does not count them as changed", async () => {
	const updated: string[] = [];
	const { receiver, test } = await world({
		beforeCommit: ({ updates }) => void updated.push(...updates.map(({ deliveryId }) => deliveryId)),
	});
	await using _receiver = receiver;
	await using _test = test;
	const usedUp = await failed(test, MAX_RETRIES_BY_HAND);
	const oneLeft = await failed(test, MAX_RETRIES_BY_HAND - 1);
	updated.length = 0;
	const retried = await test.engine.deliveries.retryMany(test.change, FAILED);
	expect(retried).toEqual({ matched: 2, changed: 1, complete: true, goesOnAt: null });
	expect(updated).toEqual([oneLeft.id]);
	test.clock.advance(20);
	await test.delivery(oneLeft.eventId, { status: "Failed", attemptCount: MAX_RETRIES_BY_HAND + 1 });
	expect(await test.store.delivery(test.scope, usedUp.id)).toEqual(usedUp);
	expect(await test.engine.deliveries.retryMany(test.change, FAILED)).toMatchObject({ matched: 2, changed: 0 });
});
