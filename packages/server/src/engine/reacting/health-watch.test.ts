// Automatic disabling on the real store, with receivers that fail.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { ShownHealth } from "../../core/policies/webhook-health.ts";
import { DISABLE_AFTER_EXHAUSTED, type Webhook } from "../../core/webhook.ts";
import type { Store } from "../../ports/store/store.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const DAY = 86_400_000;
const ONCE = { retries: { maxRetries: 0, maxBackoffMs: 0 } };
const FIVE_DAYS = { ...ONCE, disableAfterMs: 5 * DAY };

const HEALTHY_SHOWN: ShownHealth = { state: "Healthy", failingSince: null, exhaustedCount: 0, disableDate: null };

/** Sends events one after the other, each once the delivery of the one before has ended in `status`. */
async function sendAll(test: TestEngine, count: number, status: "Failed" | "Succeeded" = "Failed"): Promise<void> {
	for (let sent = 0; sent < count; sent++) await test.delivery(await test.send(), { status });
}

function get(test: TestEngine, { id }: Webhook): Promise<Webhook> {
	return test.engine.webhooks.get(test.scope, id);
}

/** Waits until the health watch has reacted to the last commit. */
async function watched(test: TestEngine): Promise<void> {
	await test.store.probe(0);
	await new Promise((resolve) => setImmediate(resolve));
}

async function healthOf(test: TestEngine, webhook: Webhook): Promise<ShownHealth> {
	const [health] = await test.engine.webhooks.health([await get(test, webhook)]);
	if (health === undefined) throw new Error("no health was returned");
	return health;
}

/** Moves the clock on in small steps until the health reporter has brought the webhook into this state. */
function reported(test: TestEngine, webhook: Webhook, state: ShownHealth["state"]): Promise<ShownHealth> {
	return eventually(`the webhook is reported as ${state}`, async () => {
		test.clock.advance(10_000);
		const health = await healthOf(test, webhook);
		return health.state === state ? health : null;
	});
}

/** Moves the clock on to half of `FIVE_DAYS`, and waits for the warning. */
async function warned(test: TestEngine, webhook: Webhook): Promise<ShownHealth> {
	test.clock.advance(2.5 * DAY);
	return reported(test, webhook, "Disabling");
}

function disabled(test: TestEngine, webhook: Webhook): Promise<unknown> {
	return eventually("the webhook is disabled", async () => (await get(test, webhook)).status === "Disabled");
}

describe("automatic disabling", () => {
	it("happens with the tenth exhausted delivery after five days without a success, and holds deliveries", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, FIVE_DAYS);
		await sendAll(test, DISABLE_AFTER_EXHAUSTED - 2);
		await warned(test, webhook);
		test.clock.advance(2.5 * DAY);
		await sendAll(test, 1);
		await watched(test);
		expect((await get(test, webhook)).status).toBe("Enabled");
		await sendAll(test, 1);
		await disabled(test, webhook);
		expect((await get(test, webhook)).disabledReason).toBe("no success for 5 days and 10 exhausted deliveries");
		const held = await test.send();
		const reason = "the webhook is disabled: no success for 5 days and 10 exhausted deliveries";
		await test.delivery(held, { status: "Held", reason });
		expect(receiver.requests).toHaveLength(DISABLE_AFTER_EXHAUSTED);
	});

	it("does not happen before the time is over, after a success in that time, or when it is switched off", async () => {
		await using receiver = await startReceiver();
		receiver.script((_, index) => ({ status: index === 24 || index === 25 ? 200 : 500 }));
		await using test = await openTestEngine();
		const five = await test.createWebhook(receiver.url, FIVE_DAYS);
		const since = test.clock.now();
		await sendAll(test, 12);
		await warned(test, five);
		test.clock.advance(since + 5 * DAY - 1 - test.clock.now());
		await sendAll(test, 12);
		await watched(test);
		expect((await get(test, five)).status).toBe("Enabled");
		await sendAll(test, 2, "Succeeded");
		await sendAll(test, 12);
		test.clock.advance(DAY);
		await sendAll(test, 1);
		const never = await test.createWebhook(receiver.url, { ...ONCE, disableAfterMs: 0, eventTypes: ["never"] });
		for (let count = 0; count < 12; count++) await test.send({ type: "never", webhookIds: [never.id] });
		await eventually("all have failed", async () => (await healthOf(test, never)).exhaustedCount === 12);
		test.clock.advance(50 * DAY);
		expect(await reported(test, never, "Failing")).toMatchObject({ disableDate: null });
		await test.delivery(await test.send({ webhookIds: [never.id] }), { status: "Failed" });
		await watched(test);
		for (const webhook of [five, never]) expect((await get(test, webhook)).status).toBe("Enabled");
	});

	it("counts from zero after the webhook is resumed, or its endpoint or its secret is changed", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, FIVE_DAYS);
		await sendAll(test, 12);
		await warned(test, webhook);
		test.clock.advance(2.5 * DAY);
		await sendAll(test, 1);
		await disabled(test, webhook);
		expect(await healthOf(test, webhook)).toMatchObject({ state: "Disabled", exhaustedCount: 13, disableDate: null });
		await test.engine.webhooks.resume(test.change, webhook.id);
		expect(await healthOf(test, webhook)).toEqual(HEALTHY_SHOWN);
		await sendAll(test, 12);
		await watched(test);
		expect(await get(test, webhook)).toMatchObject({ status: "Enabled", disabledReason: null });
		for (const change of [
			() => test.engine.webhooks.update(test.change, webhook.id, { endpoint: `${receiver.url}/new` }),
			() => test.engine.webhooks.updateSecret(test.change, webhook.id, Buffer.alloc(32, 7), null),
		]) {
			await warned(test, webhook);
			test.clock.advance(2.5 * DAY);
			await change();
			expect(await healthOf(test, webhook)).toEqual(HEALTHY_SHOWN);
			await sendAll(test, 12);
			await watched(test);
			expect((await get(test, webhook)).status).toBe("Enabled");
		}
		// The same secret again is no change.
		await warned(test, webhook);
		await test.engine.webhooks.updateSecret(test.change, webhook.id, Buffer.alloc(32, 7), null);
		expect(await healthOf(test, webhook)).toMatchObject({ state: "Disabling" });
		expect((await get(test, webhook)).status).toBe("Enabled");
	});

	it("keeps its counts through a restart, and through a change of another setting", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const store = await openSqliteStore({ path: ":memory:" });
		let webhook: Webhook;
		{
			await using first = await openTestEngine({ store });
			webhook = await first.createWebhook(receiver.url, FIVE_DAYS);
			await sendAll(first, 12);
			await first.engine.webhooks.update(first.change, webhook.id, { name: "other" });
		}
		await using second = await openTestEngine({ store });
		await warned(second, webhook);
		second.clock.advance(2.5 * DAY);
		await sendAll(second, 1);
		await disabled(second, webhook);
	});

	it("does not happen within a day of the first warning, however late that comes, as after a long stop", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, FIVE_DAYS);
		await sendAll(test, 12);
		test.clock.advance(9 * DAY);
		await sendAll(test, 1);
		await watched(test);
		expect((await get(test, webhook)).status).toBe("Enabled");
		const { disableDate } = await reported(test, webhook, "Disabling");
		expect(disableDate).toBeGreaterThan(test.clock.now() + DAY - 10 * 60_000);
		test.clock.advance(disableDate! - 1 - test.clock.now());
		await sendAll(test, 1);
		await watched(test);
		expect((await get(test, webhook)).status).toBe("Enabled");
		test.clock.advance(1);
		await sendAll(test, 1);
		await disabled(test, webhook);
	});

	it("comes at its time although the clock was ten days ahead when the webhook began to fail, and was put right", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const store = await openSqliteStore({ path: ":memory:" });
		const now = new ManualClock().now();
		let webhook: Webhook;
		{
			await using ahead = await openTestEngine({ store, clock: new ManualClock(now + 10 * DAY) });
			webhook = await ahead.createWebhook(receiver.url, FIVE_DAYS);
			await sendAll(ahead, 12);
			await warned(ahead, webhook);
		}
		await using test = await openTestEngine({ store, clock: new ManualClock(now) });
		await sendAll(test, 1);
		expect(await healthOf(test, webhook)).toMatchObject({ failingSince: now, disableDate: now + 5 * DAY });
		test.clock.advance(5 * DAY - 1);
		await sendAll(test, 1);
		await watched(test);
		expect((await get(test, webhook)).status).toBe("Enabled");
		test.clock.advance(1);
		await sendAll(test, 1);
		await disabled(test, webhook);
	});

	it("leaves a webhook alone that is changed at the same moment", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const real = await openSqliteStore({ path: ":memory:" });
		let resume: (() => Promise<unknown>) | null = null;
		const store: Store = {
			...real,
			async webhookHealth(ids) {
				const health = await real.webhookHealth(ids);
				await resume?.();
				return health;
			},
		};
		await using test = await openTestEngine({ store });
		const webhook = await test.createWebhook(receiver.url, FIVE_DAYS);
		await sendAll(test, 12);
		await warned(test, webhook);
		test.clock.advance(2.5 * DAY);
		let resumed = false;
		resume = async () => {
			await test.engine.webhooks.pause(test.change, webhook.id);
			await test.engine.webhooks.resume(test.change, webhook.id);
			resumed = true;
		};
		await sendAll(test, 1);
		await eventually("it was resumed", () => resumed);
		await watched(test);
		expect((await get(test, webhook)).status).toBe("Enabled");
		expect(test.observer.problems).toEqual([]);
	});
});
