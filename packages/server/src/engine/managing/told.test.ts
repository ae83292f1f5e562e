// What a call that cancels deliveries answers if the other processes, which may have them in memory, were perhaps not told.
import { expect, it } from "vitest";

import { membershipOf, openTestEngine } from "../test/test-engine.ts";

it("says of what was cancelled or erased by a process that has lost touch with the others that they may not know", async () => {
	const member = { isMember: true };
	await using test = await openTestEngine({ membership: membershipOf(member) });
	const { id } = await test.createWebhook("http://127.0.0.1:9/");
	await test.engine.webhooks.pause(test.change, id);
	const [first, second, third] = [await test.send(), await test.send(), await test.send()];
	const delivery = await test.delivery(first, { status: "Held" });
	const { deliveries, events } = test.engine;
	expect(await events.erasePayload(test.change, third)).toEqual({ cancelledCount: 1 });
	member.isMember = false;
	const unknown = { code: "outcome_unknown" };
	await expect(deliveries.cancel(test.change, delivery.id)).rejects.toMatchObject(unknown);
	await expect(events.erasePayload(test.change, second)).rejects.toMatchObject(unknown);
	await test.delivery(first, { status: "Cancelled" });
	await test.delivery(second, { status: "Cancelled" });
	// Whoever makes the call again tells them again.
	await expect(events.erasePayload(test.change, second)).rejects.toMatchObject(unknown);
	member.isMember = true;
	expect(await events.erasePayload(test.change, second)).toEqual({ cancelledCount: 0 });
});
