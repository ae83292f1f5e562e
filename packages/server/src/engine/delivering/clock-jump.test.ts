// A jump of the clock, such as after a suspend or a correction: deliveries that are due by then are still attempted.
import { answers, startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openTestEngine } from "../test/test-engine.ts";

const WAIT_S = 60;
const JUMP_MS = WAIT_S * 1_000 + 1;
/** The wait before the first retry, plus a tolerance for late timers. */
const RETRY_MS = 1_000 + 20;

describe("after the clock has jumped past the time for which the timer for due deliveries was set", () => {
	it("the retries of other webhooks are made on time, and so are those that became due by the jump", async () => {
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

		test.clock.step(JUMP_MS);
		const second = await test.send({ type: "second.type" });
		await test.delivery(second, { webhookId: fails.id, attemptCount: 1 });
		test.clock.advance(RETRY_MS);
		await receiver.waitFor(4);
		await test.delivery(second, { status: "Succeeded", attemptCount: 2 });
		await test.delivery(first, { status: "Succeeded", attemptCount: 2 });
		expect(receiver.requests).toHaveLength(4);
	});
});
