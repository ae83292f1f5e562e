// A webhook is stopped (paused or deleted) while its deliveries are claimed, attempted, given back or retried: the store
// decides what becomes of each of them, whatever the sweeper does and whatever this process knows of the webhook.
import type { Script } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { newDelivery } from "../../core/delivery.ts";
import type { LiveItem } from "../../core/live.ts";
import { ANY_DELIVERY, setWebhook } from "../../ports/contract/store/records/records.ts";
import { holdCommits, holdFirst, ONCE, openDelivering } from "../test/delivering.ts";
import { eventually, type TestEngine } from "../test/test-engine.ts";

/** A gate in front of a call of the store. While it is shut, calls wait. */
class Gate {
	#open = Promise.resolve();
	waiting = 0;

	/** Shuts the gate. The returned function opens it. */
	shut(): () => void {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#open = promise;
		return resolve;
	}

	async pass(): Promise<void> {
		this.waiting++;
		await this.#open;
		this.waiting--;
	}
}

/** An engine with gates in front of claims and sweeps. */
async function openGated(...options: Parameters<typeof openDelivering>) {
	const opened = await openDelivering(...options);
	const { store, engineStore, engine } = opened.test;
	const gates = { claimDue: new Gate(), sweepWebhook: new Gate() };
	engineStore.claimDue = async (request) => {
		await gates.claimDue.pass();
		return store.claimDue(request);
	};
	engineStore.sweepWebhook = async (...parameters) => {
		await gates.sweepWebhook.pass();
		return store.sweepWebhook(...parameters);
	};
	const isOver = () => eventually("the attempt is over", () => engine.gauges().inFlightAttempts === 0);
	return { ...opened, gates, isOver, items: watch(opened.test) };
}

describe.each([
	["pause", "Held", "the webhook is paused"],
	["delete", "Cancelled", "the webhook was deleted"],
] as const)("without a sweep after a %s", (action, status, reason) => {
	async function openStoppable(script: Script | null = null) {
		const opened = await openGated(script);
		const { test, webhook, gates, items } = opened;
		/** Returns what lets it be swept. */
		const stop = async () => {
			const letSweep = gates.sweepWebhook.shut();
			await test.engine.webhooks[action](test.change, webhook.id);
			return letSweep;
		};
		const expectUpdated = (eventId: string) =>
			expect(items).toContainEqual(expect.objectContaining({ kind: "delivery.updated", eventId, status, reason }));
		return { ...opened, stop, expectUpdated };
	}

	it(`a delivery whose attempt fails afterwards is ${status} at once`, async () => {
		const { script, answer } = holdFirst();
		const { test, receiver, stop, isOver, expectUpdated } = await openStoppable(script);
		const eventId = await test.send();
		await receiver.waitFor(1);
		const letSweep = await stop();
		answer({ status: 500 });
		await test.delivery(eventId, { status, reason, attemptCount: 1, responseCode: 500, nextAttemptAt: null });
		await isOver();
		expectUpdated(eventId);
		letSweep();
	});

	it(`a delivery that was just committed is given back, and is ${status} at once`, async () => {
		const { test, receiver, stop, isOver, expectUpdated } = await openStoppable();
		const { executed, answer } = holdCommits(test);
		const sending = test.send();
		await executed;
		const letSweep = await stop();
		answer();
		const eventId = await sending;
		await test.delivery(eventId, { status, reason, attemptCount: 0, leaseUntil: null });
		await isOver();
		expectUpdated(eventId);
		expect(receiver.requests).toHaveLength(0);
		letSweep();
	});

	it("a claim that is under way claims nothing", async () => {
		const { test, receiver, gates, stop, isOver } = await openStoppable();
		receiver.respond([{ status: 500 }]);
		const eventId = await test.send();
		await test.delivery(eventId, { status: "Pending", attemptCount: 1 });
		await isOver();
		const letClaim = gates.claimDue.shut();
		test.clock.advance(1_020);
		await eventually("the claim is under way", () => gates.claimDue.waiting === 1);
		const letSweep = await stop();
		letClaim();
		await eventually("the claim is over", () => gates.claimDue.waiting === 0);
		// It is neither leased nor attempted.
		await test.delivery(eventId, { status: "Pending", attemptCount: 1, leaseUntil: null });
		expect(test.engine.gauges()).toMatchObject({ readyDeliveries: 0, inFlightAttempts: 0 });
		letSweep();
		await test.delivery(eventId, { status, reason, attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
	});
});

describe("a webhook that another process has changed", () => {
	it.each([{ status: "Paused" }, { deleteDate: 1 }] as const)(
		"with %o: its deliveries can't be retried by hand",
		async (changes) => {
			const { test, receiver, webhook } = await openDelivering(null, { webhook: ONCE });
			receiver.respond([{ status: 500 }]);
			const failed = await test.delivery(await test.send(), { status: "Failed" });
			await setWebhook(test.store, webhook.id, changes);
			expect(await test.engine.deliveries.retry(test.change, failed.id)).toEqual(failed);
			const filter = { ...ANY_DELIVERY, webhookId: failed.webhookId };
			expect(await test.engine.deliveries.retryMany(test.change, filter)).toMatchObject({ matched: 1, changed: 0 });
			expect(await test.deliveries()).toEqual([failed]);
			expect(receiver.requests).toHaveLength(1);
		},
	);

	it("is delivered to at once after a resume, also if it was not swept in between", async () => {
		const { script, answer } = holdFirst();
		const { test, receiver, webhook, gates } = await openGated(script, { limits: { maxInFlightPerWebhook: 1 } });
		const eventIds = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		expect(test.engine.gauges().readyDeliveries).toBe(2);
		const openGate = gates.sweepWebhook.shut();
		await test.engine.webhooks.pause(test.change, webhook.id);
		await eventually("the sweep waits", () => gates.sweepWebhook.waiting > 0);
		expect(test.engine.gauges().readyDeliveries).toBe(0);
		await test.engine.webhooks.resume(test.change, webhook.id);
		openGate();
		answer({});
		// The clock stands still: their leases have not ended.
		for (const id of eventIds) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(3);
	});

	it("is delivered to at once after a resume, also if another process has swept its deliveries", async () => {
		const { test, webhook } = await openDelivering();
		await test.engine.webhooks.pause(test.change, webhook.id);
		const eventId = await test.send();
		await test.delivery(eventId, { status: "Held" });
		await setWebhook(test.store, webhook.id, { status: "Enabled" });
		await test.store.sweepWebhook(webhook.id, test.clock.now(), 100);
		await test.delivery(eventId, newDelivery(test.clock.now(), null));
		await test.engine.webhooks.resume(test.change, webhook.id);
		await test.delivery(eventId, { status: "Succeeded" });
	});
});

/** The items of the live stream of the test's project. They are added as they come. */
function watch(test: TestEngine): readonly LiveItem[] {
	const subscription = test.engine.live.subscribe({
		kind: "api",
		scope: test.scope,
		principal: null,
		filter: { kinds: null, customerId: null, webhookId: null, eventTypes: null },
		lastEventId: null,
		abandon: () => {},
	});
	const items: LiveItem[] = [];
	const read = async () => {
		for (let signals = await subscription.next(); signals !== null; signals = await subscription.next()) {
			for (const signal of signals) if (signal.type === "item") items.push(signal.item);
		}
	};
	void read();
	return items;
}
