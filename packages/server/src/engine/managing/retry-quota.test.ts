// Retries by hand of a project that has used up its quota of stored bytes: each would store an attempt.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter, LoggedDelivery } from "../../ports/store/log.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const FAILED: DeliveryFilter = { ...ANY_DELIVERY, statuses: ["Failed"] };
const EVENT = { customers: ["acme"] };
const ONCE = { maxRetries: 0, maxBackoffMs: 0 };
const REFUSAL = { code: "stored_bytes_exceeded", retryAfterMs: expect.any(Number) };

/** An engine with a webhook of the customer acme, to a receiver that responds with 500. */
async function world(retries = ONCE): Promise<{ receiver: Receiver; test: TestEngine }> {
	const receiver = await startReceiver();
	receiver.script(() => ({ status: 500 }));
	const test = await openTestEngine();
	await test.createWebhook(receiver.url, { customerId: "acme", retries });
	return { receiver, test };
}

async function failed(test: TestEngine): Promise<LoggedDelivery> {
	return test.delivery(await test.send(EVENT), { status: "Failed", attemptCount: 1 });
}

/** Gives the project a quota of this many bytes more than it has stored. */
async function limit(test: TestEngine, more: number): Promise<void> {
	const { storedBytes } = await test.engine.projects.usage(test.scope);
	await test.engine.projects.update(test.change, { maxStoredBytes: storedBytes + more });
}

it("are refused as its sends are, one or many, and change nothing; with room they are made", async () => {
	const { receiver, test } = await world();
	await using _receiver = receiver;
	await using _test = test;
	const { deliveries } = test.engine;
	const { id, eventId } = await failed(test);
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
	const { receiver, test } = await world();
	await using _receiver = receiver;
	await using _test = test;
	const batch = Array.from({ length: 110 }, () => eventInput(EVENT));
	for (let n = 0; n < 2; n++) await test.engine.intake.sendBatch(test.scope, batch);
	await eventually("all to have failed", async () => {
		test.clock.advance(20);
		return (await test.engine.deliveries.count(test.scope, FAILED)).count === 220;
	});
	const { deliveries } = test.engine;
	const { engineStore } = test;
	const read = engineStore.deliveries.bind(engineStore);
	engineStore.deliveries = async (...parameters) => {
		const page = await read(...parameters);
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
	const { receiver, test } = await world({ maxRetries: 1, maxBackoffMs: 1_000 });
	await using _receiver = receiver;
	await using _test = test;
	const { id, eventId } = await test.delivery(await test.send(EVENT), { status: "Pending", attemptCount: 1 });
	const other = await test.delivery(await test.send(EVENT), { status: "Pending", attemptCount: 1 });
	await limit(test, 0);
	await expect(test.engine.deliveries.retry(test.change, id)).rejects.toMatchObject(REFUSAL);
	await test.engine.deliveries.cancel(test.change, other.id);
	test.clock.advance(1_001);
	await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
});

it("tell a customer nothing of what the project has stored", async () => {
	const { receiver, test } = await world();
	await using _receiver = receiver;
	await using _test = test;
	const { id } = await failed(test);
	await limit(test, 0);
	const change = {
		scope: { kind: "customer", projectId: test.scope.projectId, customerId: "acme" },
		audit: null,
	} as const;
	const message = expect.stringMatching(/^The quota of stored bytes is used up[^0-9]*$/);
	await expect(test.engine.deliveries.retry(change, id)).rejects.toMatchObject({ ...REFUSAL, message });
	await expect(test.engine.deliveries.retryMany(change, FAILED)).rejects.toMatchObject({ ...REFUSAL, message });
});
