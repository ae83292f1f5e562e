// How an event is shown.
import type { Event, EventWithData } from "@fanfare/sdk";

import { printable } from "../../text/printable.ts";
import { fullTime } from "../../text/times.ts";

/** The fields of an event, as names and values. */
export function eventFields(event: Event | EventWithData): (readonly [string, string | null])[] {
	const { idempotencyKey = null, targets = null } = event as Partial<EventWithData>;
	return [
		["Id", event.id],
		["Type", printable(event.type)],
		["Accepted", fullTime(event.createDate)],
		["Happened", event.timestamp === event.createDate ? null : fullTime(event.timestamp)],
		["Deliveries", event.deliveryCount === 0 ? "none: no webhook wanted it" : String(event.deliveryCount)],
		["For", customersOf(event)],
		["Sent to", targets === "webhooks" ? "webhooks that were named" : null],
		["Tags", event.tags === undefined ? null : event.tags.join(", ")],
		["Idempotency key", idempotencyKey === null ? null : printable(idempotencyKey)],
	];
}

/** Whom an event is for; null if no customer was named. */
export function customersOf({ customerId, customerIds }: Pick<Event, "customerId" | "customerIds">): string | null {
	if (customerIds === "*") return "all customers";
	return customerId ?? customerIds?.join(", ") ?? null;
}
