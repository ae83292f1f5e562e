// Sweeps that a stop or a crash has interrupted are finished at the next start.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { openTestEngine } from "../test/test-engine.ts";

it("releases, at the next start, Held deliveries if a stop came between the resume of their webhook and its sweep", async () => {
	await using receiver = await startReceiver();
	await using first = await openTestEngine();
	const { id } = await first.createWebhook(receiver.url);
	await first.engine.webhooks.pause(first.projectId, id);
	const eventId = await first.send();
	await first.delivery(eventId, { status: "Held" });
	await first.engine.stop();
	const [record] = await first.store.webhookRecords();
	await first.store.updateWebhook({ ...record!, status: "Enabled" });
	await using second = await openTestEngine({ store: first.store });
	await second.delivery(eventId, { status: "Succeeded" });
	expect(receiver.requests).toHaveLength(1);
});
