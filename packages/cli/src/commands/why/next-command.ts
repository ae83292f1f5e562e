// The command that `fanfare why` recommends.
import type { Event, Routing } from "@fanfare/sdk";

import type { ToldDelivery } from "./told.ts";

/** The command for what needs somebody most; null if nothing does. */
export function nextCommand(
	event: Pick<Event, "id" | "deliveryCount"> & { readonly dataErased: boolean },
	deliveries: readonly ToldDelivery[],
	notDelivered: readonly Routing[],
): string | null {
	for (const delivery of deliveries) {
		const command = forDelivery(delivery, event.dataErased);
		if (command !== null) return command;
	}
	if (deliveries.length > 0) return null;
	const [first] = notDelivered;
	if (first === undefined) return "fanfare webhooks create";
	return first.reason === "type_filter" ? `fanfare webhooks update ${first.webhookId} --event-types <list>` : null;
}

function forDelivery({ id, status, webhookId, webhook, attempts }: ToldDelivery, dataErased: boolean): string | null {
	if (webhook === null) return null;
	if (status === "Held")
		return webhook.pausedReason === "restored"
			? `fanfare release --webhook ${webhookId}`
			: `fanfare webhooks resume ${webhookId}`;
	if (status === "Failed" || status === "Cancelled") return dataErased ? null : `fanfare deliveries retry ${id}`;
	if (status === "Pending" && attempts.length > 0) return `fanfare webhooks test ${webhookId}`;
	return null;
}
