// What the refiller remembers of lanes that are due later: no more than the store has, however often it changes.
import { expect, it } from "vitest";

import { createAloneTenure } from "../../adapters/alone/alone-tenure.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { newDelivery } from "../../core/delivery.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { fillStore } from "../../ports/contract/store/records/records.ts";
import { DEFAULT_LIMITS } from "../parts.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { Refiller } from "./refiller.ts";

const HOUR_MS = 3_600_000;

async function open() {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const clock = new ManualClock(world.records.now);
	const queue = new ReadyQueue(DEFAULT_LIMITS, clock, {
		webhook: () => ({ ...world, customerId: null, rateLimit: null }),
		hasCustomers: () => false,
	});
	const parts = { store: world.store, clock, observer: new RecordingObserver(), tenure: createAloneTenure() };
	const near = {
		queue,
		directory: { isDeliverable: () => true, webhook: () => undefined },
		line: { filled() {} },
		sweeper: { sweep() {} },
	};
	const refiller = new Refiller(parts, DEFAULT_LIMITS, near);
	const [deliveryId = ""] = await world.accept({ state: newDelivery(clock.now() + HOUR_MS, null) });
	await refiller.start();
	expect(refiller.lanesDueLater).toBe(1);
	return { ...world, clock, queue, refiller, deliveryId };
}

it("forgets the time of a lane whose delivery was claimed earlier, or is no longer due", async () => {
	const { store, webhookId, records, clock, queue, refiller, deliveryId, update } = await open();
	await update({ deliveryId, change: { type: "cancel", reason: "by hand" }, attempt: null, at: records.now });
	const lane = queue.lane(webhookId);
	lane.noteDue(clock.now());
	refiller.refill(lane);
	await refiller.stop();
	expect(refiller.lanesDueLater).toBe(0);
	await store.close();
});

it("forgets the time of a lane that is dropped", async () => {
	const { store, webhookId, queue, refiller } = await open();
	const dropped = queue.drop(webhookId);
	expect(dropped?.lane.webhookId).toBe(webhookId);
	refiller.forget(dropped!.lane);
	expect(refiller.lanesDueLater).toBe(0);
	await refiller.stop();
	await store.close();
});
