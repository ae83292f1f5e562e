// A webhook is stopped (paused or deleted) while its deliveries are claimed, attempted, given back or retried: the store
// decides what becomes of each of them, whatever the sweeper does and whatever this process knows of the webhook.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { newDelivery } from "../../core/delivery.ts";
import type { LiveItem } from "../../core/live.ts";
import { ANY_DELIVERY, setWebhook } from "../../ports/contract/store/records/records.ts";
import { allWebhooks } from "../../ports/contract/store/records/webhooks.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import type { Store } from "../../ports/store/store.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

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

/** A store with gates behind commits, and in front of claims and sweeps. */
async function openGatedStore() {
	const real = await openSqliteStore({ path: ":memory:" });
	const gates = { committed: new Gate(), claimDue: new Gate(), sweepWebhook: new Gate() };
	const store: Store = {
		...real,
		async commit(batch) {
			const result = await real.commit(batch);
			await gates.committed.pass();
			return result;
		},
		async claimDue(request) {
			await gates.claimDue.pass();
			return real.claimDue(request);
		},
		async sweepWebhook(...parameters) {
			await gates.sweepWebhook.pass();
			return real.sweepWebhook(...parameters);
		},
	};
	return { store, gates };
}

/** Changes the webhook in the store, as another process does: this one does not know. */
async function changeElsewhere({ store }: TestEngine, changes: Partial<WebhookRecord>): Promise<void> {
	const [record] = await allWebhooks(store);
	await setWebhook(store, record!.id, changes);
}

const STOPS = [
	["pause", "Held", "the webhook is paused"],
	["delete", "Cancelled", "the webhook was deleted"],
] as const;

describe.each(STOPS)("without a sweep after a %s", (action, status, reason) => {
	it(`a delivery whose attempt fails afterwards is ${status} at once`, async () => {
		const { store, gates } = await openGatedStore();
		await using receiver = await startReceiver();
		const { promise: answer, resolve: respond } = Promise.withResolvers<{ status: number }>();
		receiver.script(() => answer);
		await using test = await openTestEngine({ store });
		const items = watch(test);
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await receiver.waitFor(1);
		const letSweep = gates.sweepWebhook.shut();
		await test.engine.webhooks[action](test.change, webhook.id);
		respond({ status: 500 });
		await test.delivery(eventId, { status, reason, attemptCount: 1, responseCode: 500, nextAttemptAt: null });
		await eventually("the attempt is over", () => test.engine.gauges().inFlightAttempts === 0);
		expect(items).toContainEqual(expect.objectContaining({ kind: "delivery.updated", eventId, status, reason }));
		letSweep();
	});

	it(`a delivery that was just committed is given back, and is ${status} at once`, async () => {
		const { store, gates } = await openGatedStore();
		await using receiver = await startReceiver();
		await using test = await openTestEngine({ store });
		const items = watch(test);
		const webhook = await test.createWebhook(receiver.url);
		const letReturn = gates.committed.shut();
		const sending = test.send();
		await eventually("it is committed", () => gates.committed.waiting === 1);
		const letSweep = gates.sweepWebhook.shut();
		await test.engine.webhooks[action](test.change, webhook.id);
		letReturn();
		const eventId = await sending;
		await test.delivery(eventId, { status, reason, attemptCount: 0, leaseUntil: null });
		await eventually("it is given back", () => test.engine.gauges().inFlightAttempts === 0);
		expect(items).toContainEqual(expect.objectContaining({ kind: "delivery.updated", eventId, status, reason }));
		expect(receiver.requests).toHaveLength(0);
		letSweep();
	});

	it("a claim that is under way claims nothing", async () => {
		const { store, gates } = await openGatedStore();
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using test = await openTestEngine({ store });
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await test.delivery(eventId, { status: "Pending", attemptCount: 1 });
		await eventually("its attempt is over", () => test.engine.gauges().inFlightAttempts === 0);
		const letClaim = gates.claimDue.shut();
		test.clock.advance(1_020);
		await eventually("the claim is under way", () => gates.claimDue.waiting === 1);
		const letSweep = gates.sweepWebhook.shut();
		await test.engine.webhooks[action](test.change, webhook.id);
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
			await using receiver = await startReceiver();
			receiver.respond([{ status: 500 }]);
			await using test = await openTestEngine();
			await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
			const failed = await test.delivery(await test.send(), { status: "Failed" });
			await changeElsewhere(test, changes);
			expect(await test.engine.deliveries.retry(test.change, failed.id)).toEqual(failed);
			const filter = { ...ANY_DELIVERY, webhookId: failed.webhookId };
			expect(await test.engine.deliveries.retryMany(test.change, filter)).toMatchObject({ matched: 1, changed: 0 });
			expect(await test.deliveries()).toEqual([failed]);
			expect(receiver.requests).toHaveLength(1);
		},
	);

	it("is delivered to at once after a resume, also if it was not swept in between", async () => {
		const first = Promise.withResolvers<object>();
		await using receiver = await startReceiver();
		receiver.script((_request, index) => (index === 0 ? first.promise : {}));
		const { store, gates } = await openGatedStore();
		await using test = await openTestEngine({ store, limits: { maxInFlightPerWebhook: 1 } });
		const webhook = await test.createWebhook(receiver.url);
		const eventIds = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		expect(test.engine.gauges().readyDeliveries).toBe(2);
		const openGate = gates.sweepWebhook.shut();
		await test.engine.webhooks.pause(test.change, webhook.id);
		await eventually("the sweep waits", () => gates.sweepWebhook.waiting > 0);
		expect(test.engine.gauges().readyDeliveries).toBe(0);
		await test.engine.webhooks.resume(test.change, webhook.id);
		openGate();
		first.resolve({});
		// The clock stands still: their leases have not ended.
		for (const id of eventIds) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(3);
	});

	it("is delivered to at once after a resume, also if another process has swept its deliveries", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		await test.engine.webhooks.pause(test.change, webhook.id);
		const eventId = await test.send();
		await test.delivery(eventId, { status: "Held" });
		await changeElsewhere(test, { status: "Enabled" });
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
