// Automatic disabling on the real store, with receivers that fail.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { HEALTHY, type ShownHealth } from "../../core/policies/webhook-health.ts";
import { DISABLE_AFTER_EXHAUSTED, type Webhook } from "../../core/webhook.ts";
import { FAILS, ONCE, openDelivering, passTurns } from "../test/delivering.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const DAY = 86_400_000;
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
	await passTurns(1);
}

async function expectEnabled(test: TestEngine, webhook: Webhook): Promise<void> {
	await watched(test);
	expect((await get(test, webhook)).status).toBe("Enabled");
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
		const { test, receiver, webhook } = await openDelivering(FAILS, { webhook: FIVE_DAYS });
		await sendAll(test, DISABLE_AFTER_EXHAUSTED - 2);
		await warned(test, webhook);
		test.clock.advance(2.5 * DAY);
		await sendAll(test, 1);
		await expectEnabled(test, webhook);
		await sendAll(test, 1);
		await disabled(test, webhook);
		expect((await get(test, webhook)).disabledReason).toBe("no success for 5 days and 10 exhausted deliveries");
		const held = await test.send();
		const reason = "the webhook is disabled: no success for 5 days and 10 exhausted deliveries";
		await test.delivery(held, { status: "Held", reason });
		expect(receiver.requests).toHaveLength(DISABLE_AFTER_EXHAUSTED);
	});

	it("counts from zero after the webhook is resumed, or its endpoint or its secret is changed, but not with the same secret again", async () => {
		const { test, receiver, webhook } = await openDelivering(FAILS, { webhook: FIVE_DAYS });
		const { webhooks } = test.engine;
		const updateSecret = () => webhooks.updateSecret(test.change, webhook.id, Buffer.alloc(32, 7), null);
		for (const change of [
			() => webhooks.update(test.change, webhook.id, { endpoint: `${receiver.url}/new` }),
			updateSecret,
			async () => {
				test.clock.advance(2.5 * DAY);
				await sendAll(test, 1);
				await disabled(test, webhook);
				const health = { state: "Disabled", exhaustedCount: 13, disableDate: null };
				expect(await healthOf(test, webhook)).toMatchObject(health);
				await webhooks.resume(test.change, webhook.id);
			},
		]) {
			await sendAll(test, 12);
			await warned(test, webhook);
			await change();
			expect(await healthOf(test, webhook)).toEqual(HEALTHY_SHOWN);
			expect(await get(test, webhook)).toMatchObject({ status: "Enabled", disabledReason: null });
		}
		await sendAll(test, 12);
		await warned(test, webhook);
		await updateSecret();
		expect(await healthOf(test, webhook)).toMatchObject({ state: "Disabling" });
	});

	it("comes at its time although the clock was ten days ahead when the webhook began to fail, and was put right", async () => {
		const now = new ManualClock().now();
		const clock = new ManualClock(now + 10 * DAY);
		const { test: ahead, webhook } = await openDelivering(FAILS, { clock, webhook: FIVE_DAYS });
		await sendAll(ahead, 12);
		await warned(ahead, webhook);
		await ahead.stop();
		await using test = await openTestEngine({ store: ahead.store, clock: new ManualClock(now) });
		await sendAll(test, 1);
		expect(await healthOf(test, webhook)).toMatchObject({ failingSince: now, disableDate: now + 5 * DAY });
		test.clock.advance(5 * DAY - 1);
		await sendAll(test, 1);
		await expectEnabled(test, webhook);
		test.clock.advance(1);
		await sendAll(test, 1);
		await disabled(test, webhook);
	});

	it.each(["is changed", "succeeds"])("leaves a webhook alone that %s at the same moment", async (what) => {
		const { test, webhook } = await openDelivering(FAILS, { webhook: FIVE_DAYS });
		await sendAll(test, 12);
		await warned(test, webhook);
		test.clock.advance(2.5 * DAY);
		let isOver = false;
		test.engineStore.webhookHealth = async (ids) => {
			const health = await test.store.webhookHealth(ids);
			if (what === "is changed") {
				await test.engine.webhooks.pause(test.change, webhook.id);
				await test.engine.webhooks.resume(test.change, webhook.id);
			}
			isOver = true;
			return what === "succeeds" ? [HEALTHY] : health;
		};
		await sendAll(test, 1);
		await eventually("its health was read", () => isOver);
		await expectEnabled(test, webhook);
		expect(test.observer.problems).toEqual([]);
	});
});
