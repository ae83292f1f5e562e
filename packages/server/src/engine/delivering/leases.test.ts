// Leases of the deliveries in memory: they are renewed in the store before they end, so that no delivery is claimed
// twice.
import { expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { HANGS, openDelivering, passTurns } from "../test/delivering.ts";

it("keeps ready deliveries and those in flight leased in the store, for however long, and even if a poll fails", async () => {
	const { test, receiver: hanging } = await openDelivering(HANGS, { limits: { maxInFlightPerWebhook: 1 } });
	let failures = 0;
	test.engineStore.dueWebhooks = (shards) => {
		if (failures-- > 0) throw new StoreError("store_unavailable", "not now");
		return test.store.dueWebhooks(shards);
	};
	const ids = [await test.send(), await test.send()];
	await hanging.waitFor(1);
	expect(test.engine.gauges()).toMatchObject({ inFlightAttempts: 1, readyDeliveries: 1 });
	failures = 1;
	for (let step = 0; step < 60; step++) {
		test.clock.advance(10_000);
		// The poll is asynchronous, though the store in this thread is not.
		await passTurns(1);
		const leftMs = (await test.deliveries()).map(({ leaseUntil }) => (leaseUntil ?? 0) - test.clock.now());
		expect(Math.min(...leftMs)).toBeGreaterThanOrEqual(30_000);
	}
	expect(failures).toBeLessThan(0);
	expect(await test.deliveries()).toHaveLength(ids.length);
	expect(hanging.requests).toHaveLength(1);
});
