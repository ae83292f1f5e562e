// Leases of the deliveries in memory: they are renewed in the store before they end, so that no delivery is claimed
// twice.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { openTestEngine } from "../test/test-engine.ts";

it("keeps ready deliveries and those in flight leased in the store, for however long, and even if a poll fails", async () => {
	await using hanging = await startReceiver();
	hanging.script(() => ({ kind: "hang" }));
	const real = await openSqliteStore({ path: ":memory:" });
	let failures = 0;
	const store: Store = {
		...real,
		dueWebhooks(shards) {
			if (failures-- > 0) throw new StoreError("store_unavailable", "not now");
			return real.dueWebhooks(shards);
		},
	};
	await using test = await openTestEngine({ store, limits: { maxInFlightPerWebhook: 1 } });
	await test.createWebhook(hanging.url);
	const ids = [await test.send(), await test.send()];
	await hanging.waitFor(1);
	expect(test.engine.gauges()).toMatchObject({ inFlightAttempts: 1, readyDeliveries: 1 });
	failures = 1;
	for (let step = 0; step < 60; step++) {
		test.clock.advance(10_000);
		// The poll is asynchronous, though the store in this thread is not.
		await new Promise((resolve) => setImmediate(resolve));
		const leftMs = (await test.deliveries()).map(({ leaseUntil }) => (leaseUntil ?? 0) - test.clock.now());
		expect(Math.min(...leftMs)).toBeGreaterThanOrEqual(30_000);
	}
	expect(failures).toBeLessThan(0);
	expect(await test.deliveries()).toHaveLength(ids.length);
	expect(hanging.requests).toHaveLength(1);
});
