// Replays that wait for paused webhooks: each customer may have some, and nobody else's replay waits for them.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { changeIn, eventually, openTestEngine } from "../test/test-engine.ts";

const MISSED = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;

it("are passed in a look, however many there are", async () => {
	await using receiver = await startReceiver();
	await using test = await openTestEngine();
	for (let n = 0; n < 100; n++) {
		const { id } = await test.createWebhook(receiver.url, { customerId: `customer-${n}` });
		await test.engine.webhooks.pause(test.change, id);
		await test.engine.replays.start(test.change, id, MISSED);
	}
	const other = await test.engine.projects.create("Other", null);
	const change = changeIn(other.id);
	const { id } = await test.createWebhook(receiver.url, {}, other.id);
	const replay = await test.engine.replays.start(change, id, MISSED);
	// The time of the first look, and no more.
	test.clock.advance(20);
	const finished = await eventually("the replay has ended", async () => {
		const { status } = await test.engine.replays.get(change.scope, replay.id);
		return status !== "Running" && status;
	});
	expect(finished).toBe("Finished");
});
