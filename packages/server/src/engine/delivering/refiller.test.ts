// What the refiller remembers of lanes: when they are due later, no more than the store has, however often it changes; and whether the store had more.
import { expect, it, onTestFinished, vi } from "vitest";

import { createAloneTenure } from "../../adapters/alone/alone-tenure.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { newDelivery } from "../../core/delivery.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { fillStore } from "../../ports/contract/store/records/records.ts";
import type { ClaimRequest } from "../../ports/store/queue.ts";
import type { Store } from "../../ports/store/store.ts";
import { DEFAULT_LIMITS, type EngineLimits } from "../parts.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { Refiller } from "./refiller.ts";

const HOUR_MS = 3_600_000;

async function open(some: Partial<EngineLimits> = {}) {
	const limits = { ...DEFAULT_LIMITS, ...some };
	/** Reads whose results are held back until their function is called. */
	const claims: { areHeld: boolean; readonly held: (() => void)[]; readonly requests: ClaimRequest[] } = {
		areHeld: false,
		held: [],
		requests: [],
	};
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	onTestFinished(() => world.store.close());
	const clock = new ManualClock(world.records.now);
	const queue = new ReadyQueue(limits, clock, {
		webhook: () => ({ ...world, customerId: null, rateLimit: null }),
		hasCustomers: () => false,
	});
	const store: Store = {
		...world.store,
		async claimDue(request) {
			claims.requests.push(request);
			const claimed = await world.store.claimDue(request);
			if (claims.areHeld) await new Promise<void>((resolve) => claims.held.push(resolve));
			return claimed;
		},
	};
	const parts = { store, clock, observer: new RecordingObserver(), tenure: createAloneTenure() };
	const near = {
		queue,
		directory: { isDeliverable: () => true, webhook: () => undefined },
		line: { filled() {} },
		sweeper: { sweep() {} },
	};
	const refiller = new Refiller(parts, limits, near);
	const [deliveryId = ""] = await world.accept({ state: newDelivery(clock.now() + HOUR_MS, null) });
	await refiller.start();
	expect(refiller.lanesDueLater).toBe(1);
	/** Makes a delivery that is due, and tells the webhook's lane of it. */
	const lane = queue.lane(world.webhookId);
	const comeDue = async (count = 1) => {
		for (let n = 0; n < count; n++) await world.accept({ state: newDelivery(clock.now(), null) });
		lane.noteDue(clock.now());
	};
	return { ...world, clock, queue, lane, refiller, claims, deliveryId, comeDue };
}

it("forgets the time of a lane whose delivery was claimed earlier, or is no longer due", async () => {
	const { records, clock, lane, refiller, deliveryId, update } = await open();
	await update({ deliveryId, change: { type: "cancel", reason: "by hand" }, attempt: null, at: records.now });
	lane.noteDue(clock.now());
	refiller.refill(lane);
	await refiller.stop();
	expect(refiller.lanesDueLater).toBe(0);
});

it("leaves a busy webhook's new deliveries in memory again once a read has found all that was due", async () => {
	const { webhookId, projectId, clock, queue, lane, refiller, claims, comeDue } = await open();
	const customer = { projectId, customerId: null };
	const mayStay = () => {
		const isReserved = queue.reserve({ id: webhookId, ...customer }, 1, clock.now());
		if (isReserved) queue.unreserve(customer, 1, 1);
		return isReserved;
	};
	claims.areHeld = true;
	await comeDue();
	refiller.refill(lane);
	await vi.waitFor(() => expect(claims.held).toHaveLength(1));
	expect(mayStay()).toBe(false);
	// So this one went to the store, too late for the read under way.
	await comeDue();
	claims.held[0]?.();
	await vi.waitFor(() => expect(claims.held).toHaveLength(2));
	expect(mayStay()).toBe(true);
	claims.held[1]?.();
	await refiller.stop();
	expect(queue.ready).toBe(2);
	expect({ stays: mayStay(), claims: claims.held.length }).toEqual({ stays: true, claims: 2 });
});

it.each([
	["was full", { maxReadyPerWebhook: 2 }, 2],
	["the bytes of bodies have ended", { maxReadyBytes: 4 }, 1],
])("takes a read that %s for one of more", async (_, limits, ready) => {
	const { queue, lane, refiller, comeDue } = await open(limits);
	lane.isReadToEnd = true;
	await comeDue(3);
	refiller.refill(lane);
	await refiller.stop();
	expect({ ready: queue.ready, isReadToEnd: lane.isReadToEnd }).toEqual({ ready, isReadToEnd: false });
});

it("names the project, and asks for no more bytes than one of many claims may have", async () => {
	const { webhookId, projectId, clock, lane, refiller, claims } = await open({ maxClaimBytes: 1_000 });
	lane.noteDue(clock.now());
	refiller.refill(lane);
	await refiller.stop();
	expect(claims.requests).toMatchObject([{ webhookId, projectId, maxBytes: 1_000 }]);
});

it("forgets the time of a lane that is dropped", async () => {
	const { webhookId, queue, refiller } = await open();
	const dropped = queue.drop(webhookId);
	expect(dropped?.lane.webhookId).toBe(webhookId);
	refiller.forget(dropped!.lane);
	expect(refiller.lanesDueLater).toBe(0);
	await refiller.stop();
});
