// Deliveries that tests of the page look at.
import { startReceiver } from "@fanfare/testkit/receiver";

import type { Tab, World } from "./suite.ts";

/** Tells a tab, as another one would that has the stream, that items were missed: it fetches its lists again. */
export async function tellOfGap(page: Tab["page"], projectId: string): Promise<void> {
	await page.evaluate((name) => {
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target
		new BroadcastChannel(name).postMessage({ items: [{ object: "streamItem", kind: "gap", reason: "A test." }] });
	}, `fanfare.live.${projectId}`);
}

/** A webhook whose receiver answers with `status`, and an event for it whose delivery has ended. */
export async function deliverTo(world: World, status: number, type: string, tags: readonly string[] = []) {
	const receiver = await startReceiver();
	receiver.script(() => ({ status, body: "the answer" }));
	const webhook = await world.server.createWebhook(receiver.url, {
		eventTypes: [type],
		retries: { maxRetries: 0, maxRetryDelay: 0 },
	});
	const { id } = await world.server.project.events.send({ type, data: { total: 1 }, tags });
	const delivery = await world.server.waitForDelivery(
		id,
		(one) => one.status === "Succeeded" || one.status === "Failed",
	);
	return { receiver, webhook, delivery, [Symbol.asyncDispose]: () => receiver.close() };
}
