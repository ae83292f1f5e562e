// What becomes of the leases of deliveries that the ready queue skips, where other processes share the store.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import type { DeliveryLease, LeasedDelivery } from "../../ports/store/queue.ts";
import { leasedDelivery } from "../test/leased-delivery.ts";
import { ReadyQueue } from "./ready-queue.ts";

const limits = {
	maxReady: 1_000,
	maxReadyPerWebhook: 1_000,
	maxReadyBytes: 100_000,
	maxInFlight: 10,
	maxInFlightPerWebhook: 8,
	maxInFlightWhileFailing: 2,
};
const webhooks = {
	webhook: () => ({ projectId: "p", customerId: null, rateLimit: null }),
	hasCustomers: () => false,
};
let made = 0;

function delivery(webhookId: string): LeasedDelivery {
	return leasedDelivery(`dlv_${made++}`, webhookId, 10, "p");
}

/** Lets everything happen that needs no time. */
const settled = () => new Promise((resolve) => void setImmediate(resolve));

/** A queue, and the leases that it ends. With `hold`, ending one takes until `goOn` is called. */
function openQueue({ hold = false } = {}) {
	const ended: DeliveryLease[] = [];
	const held: (() => void)[] = [];
	const release = (lease: DeliveryLease) => {
		ended.push(lease);
		return hold ? new Promise<void>((resolve) => held.push(resolve)) : Promise.resolve();
	};
	const goOn = async () => {
		for (const resolve of held.splice(0)) resolve();
		await settled();
	};
	return { queue: new ReadyQueue(limits, new ManualClock(), webhooks, release), ended, goOn };
}

/** A delivery that is ready, and one that is in flight and was claimed for its next attempt. */
function openTwo() {
	const opened = openQueue();
	const { queue } = opened;
	const [ready, inFlight] = [delivery("a"), delivery("b")];
	queue.push(inFlight);
	expect(queue.take()).toBe(inFlight);
	queue.push({ ...inFlight, attemptCount: 1, leaseUntil: 2_000 });
	queue.push(ready);
	return { ...opened, ready, inFlight };
}

describe("the leases of what is skipped", () => {
	it("are ended, so that what was retried by hand since is not leased for nobody", async () => {
		const { queue, ended, ready, inFlight } = openTwo();
		for (const { id } of [inFlight, ready]) queue.discard(id);
		expect(queue.take()).toBeNull();
		queue.finish(inFlight);
		await settled();
		const lease = { projectId: "p", leaseUntil: 1_000 };
		expect(ended).toEqual([
			{ ...lease, id: ready.id, webhookId: "a" },
			{ ...lease, id: inFlight.id, webhookId: "b", leaseUntil: 2_000 },
		]);
	});

	it("stay if the payload was erased: the erasure cancels the deliveries itself, and counts them", async () => {
		const { queue, ended, ready, inFlight } = openTwo();
		for (const { id } of [inFlight, ready]) queue.discard(id, { isErased: true });
		expect(queue.take()).toBeNull();
		queue.finish(inFlight);
		await settled();
		expect(ended).toEqual([]);
	});

	it("are ended a hundred at a time, since they stand before the outcomes of everybody's attempts", async () => {
		const { queue, ended, goOn } = openQueue({ hold: true });
		const skipped = Array.from({ length: 250 }, () => delivery("a"));
		for (const each of skipped) queue.push(each);
		for (const { id } of skipped) queue.discard(id);
		expect(queue.take()).toBeNull();
		for (const sum of [1, 101, 201, 250]) {
			expect(ended).toHaveLength(sum);
			await goOn();
		}
		expect(ended.map(({ id }) => id)).toEqual(skipped.map(({ id }) => id));
	});

	it("stay if a delivery was claimed once more after it was discarded, or was in flight then", async () => {
		const { queue, ended } = openQueue();
		const first = delivery("a");
		queue.push(first);
		queue.discard(first.id);
		const retried = { ...first, leaseUntil: 2_000 };
		queue.push(retried);
		expect(queue.take()).toBe(retried);
		queue.discard(first.id);
		queue.finish(retried);
		await settled();
		expect(ended).toEqual([]);
	});
});
