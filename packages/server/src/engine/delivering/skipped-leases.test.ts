// What becomes of the leases of deliveries that the ready queue skips, where other processes share the store.
import { describe, expect, it } from "vitest";

import type { DeliveryLease } from "../../ports/store/queue.ts";
import { passTurns } from "../test/delivering.ts";
import { delivery, openQueue } from "../test/filled-queue.ts";

/** A queue, and the leases that it ends. With `hold`, ending one takes until `goOn` is called. */
function openReleasing({ hold = false } = {}) {
	const ended: DeliveryLease[] = [];
	const held: (() => void)[] = [];
	const release = (lease: DeliveryLease) => {
		ended.push(lease);
		return hold ? new Promise<void>((resolve) => held.push(resolve)) : Promise.resolve();
	};
	const goOn = async () => {
		for (const resolve of held.splice(0)) resolve();
		await passTurns(1);
	};
	return {
		queue: openQueue({ maxReady: 1_000, maxReadyPerWebhook: 1_000, maxReadyBytes: 100_000 }, release),
		ended,
		goOn,
	};
}

/** A delivery that is ready, and one that is in flight and was claimed for its next attempt. */
function openTwo() {
	const opened = openReleasing();
	const { queue } = opened;
	const [ready, inFlight] = [delivery("a"), delivery("b")];
	queue.push(inFlight);
	expect(queue.take()).toBe(inFlight);
	queue.push({ ...inFlight, attemptCount: 1, leaseUntil: 2_000 });
	queue.push(ready);
	return { ...opened, ready, inFlight };
}

describe("the leases of what is skipped", () => {
	it.each([
		["are ended, so that what was retried by hand since is not leased for nobody", false],
		["stay if the payload was erased: the erasure cancels the deliveries itself, and counts them", true],
	])("%s", async (_, isErased) => {
		const { queue, ended, ready, inFlight } = openTwo();
		for (const { id } of [inFlight, ready]) queue.discard(id, { isErased });
		expect(queue.take()).toBeNull();
		queue.finish(inFlight);
		await passTurns(1);
		const leases = [
			{ projectId: "p", id: ready.id, webhookId: "a", leaseUntil: 1_000 },
			{ projectId: "p", id: inFlight.id, webhookId: "b", leaseUntil: 2_000 },
		];
		expect(ended).toEqual(isErased ? [] : leases);
	});

	it("are ended a hundred at a time, since they stand before the outcomes of everybody's attempts", async () => {
		const { queue, ended, goOn } = openReleasing({ hold: true });
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
		const { queue, ended } = openReleasing();
		const first = delivery("a");
		queue.push(first);
		queue.discard(first.id);
		const retried = { ...first, leaseUntil: 2_000 };
		queue.push(retried);
		expect(queue.take()).toBe(retried);
		queue.discard(first.id);
		queue.finish(retried);
		await passTurns(1);
		expect(ended).toEqual([]);
	});
});
