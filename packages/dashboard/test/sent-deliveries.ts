// Deliveries that tests of the page look at.
import type { DeliveryDetail } from "@fanfare/sdk";

import { ONCE, type Tab, type World } from "./suite.ts";

/** Tells a tab, as another one would that has the stream, that items were missed: it fetches its lists again. */
export async function tellOfGap(page: Tab["page"], projectId: string): Promise<void> {
	await page.evaluate((name) => {
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target
		new BroadcastChannel(name).postMessage({ items: [{ object: "streamItem", kind: "gap", reason: "A test." }] });
	}, `fanfare.live.${projectId}`);
}

export interface SentOptions {
	readonly tags?: readonly string[];
	/** How many events of each type are sent. Defaults to 1. */
	readonly count?: number;
	/** The name of the webhook. */
	readonly name?: string;
	/** The data of each event, as JSON. Defaults to that of an order. */
	readonly json?: string;
}

/** A webhook whose receiver answers with `status`, and events of these types for it, whose deliveries have ended. */
export async function deliverTo(
	world: World,
	status: number,
	types: string | readonly string[],
	{ tags = [], count = 1, name = "test", json = '{"total":1}' }: SentOptions = {},
) {
	const eventTypes = [types].flat();
	const receiver = await world.receiver();
	receiver.script(() => ({ status, body: "the answer" }));
	const { batch } = world.server.project;
	const webhook = await batch.webhooks.create({ name, spec: { endpoint: receiver.url, eventTypes, retries: ONCE } });
	const deliveries: DeliveryDetail[] = [];
	for (const type of eventTypes.flatMap((each) => Array.from({ length: count }, () => each))) {
		const path = `/projects/${world.server.projectId}/events`;
		const sent = await world.server.call(
			"POST",
			path,
			`{"type":"${type}","data":${json},"tags":${JSON.stringify(tags)}}`,
		);
		const { id } = sent.json as { readonly id: string };
		const hasEnded = ({ status }: DeliveryDetail) => status === "Succeeded" || status === "Failed";
		deliveries.unshift(await world.server.waitForDelivery(id, hasEnded));
	}
	return {
		receiver,
		webhook,
		/** Newest first, as lists have them. */
		deliveries,
		/** The newest one. */
		delivery: deliveries[0]!,
		/** From now on, the receiver answers with 204. */
		mend: () => receiver.script(() => ({ status: 204 })),
		/** How many deliveries to the webhook have failed. */
		failedCount: async () => (await batch.webhooks.get(webhook.id)).deliveries.Failed,
	};
}
