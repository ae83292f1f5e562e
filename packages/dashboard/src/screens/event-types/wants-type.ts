// Whether a webhook wants events of a type.
import type { EventTypeAsText, Webhook } from "@fanfare/sdk";

export function wantsType(
	{ eventTypes, customerId }: Pick<Webhook, "eventTypes" | "customerId">,
	{ name, visibility }: Pick<EventTypeAsText, "name" | "visibility">,
): boolean {
	if (visibility === "internal" && customerId !== undefined) return false;
	if (eventTypes === null) return true;
	return eventTypes.some((one) => (one.endsWith(".*") ? name.startsWith(one.slice(0, -1)) : one === name));
}
