import { answers, startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openTestEngine } from "../test/test-engine.ts";

const WAIT_S = 60;
const JUMP_MS = WAIT_S * 1_000 + 1;
/** A first retry's wait, and the moment that timers may be late. */
const RETRY_MS = 1_000 + 20;

describe("after the clock has jumped past the time for which the next look at the store was set", () => {
	it("other webhooks' retries are made at their time, and so is what has become due", async () => {
		await using receiver = await startReceiver();
		receiver.script(({ path }, index) => {
			if (path === "/waits") return index === 0 ? answers.retryAfter(WAIT_S, 429) : {};
			return index === 1 ? { status: 500 } : {};
		});
		await using test = await openTestEngine();
		const waits = await test.createWebhook(`${receiver.url}/waits`, { eventTypes: ["first.type"] });
		const fails = await test.createWebhook(`${receiver.url}/fails`, { eventTypes: ["second.type"] });
		const first = await test.send({ type: "first.type" });
		await test.delivery(first, { webhookId: waits.id, attemptCount: 1 });

		test.clock.jump(JUMP_MS);
		const second = await test.send({ type: "second.type" });
		await test.delivery(second, { webhookId: fails.id, attemptCount: 1 });
		test.clock.advance(RETRY_MS);
		await receiver.waitFor(4);
		await test.delivery(second, { status: "Succeeded", attemptCount: 2 });
		await test.delivery(first, { status: "Succeeded", attemptCount: 2 });
		expect(receiver.requests).toHaveLength(4);
	});
});
