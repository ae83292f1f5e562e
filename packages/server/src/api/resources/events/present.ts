// Events as responses show them.
import type { z } from "@hono/zod-openapi";

import { EVERY_CUSTOMER, type EventCustomers } from "../../../core/access/customer.ts";
import { FanfareError } from "../../../core/errors.ts";
import type { Event } from "../../../core/event.ts";
import type { LoggedEvent } from "../../../ports/store/log.ts";
import type { eventSchema, loggedEventSchema } from "./schemas.ts";

export function presentEvent(event: Event, duplicate: boolean): z.infer<typeof eventSchema> {
	const { id, projectId, type, timestamp, createDate, deliveryCount, customers, tags } = event;
	const shown = { id, object: "event", projectId, type, timestamp, createDate, duplicate, deliveryCount } as const;
	if (customers === null && tags.length === 0) return shown;
	return {
		...shown,
		...(customers !== null && presentCustomers(customers)),
		...(tags.length > 0 && { tags: [...tags] }),
	};
}

/** An event in the log. */
export function presentLoggedEvent(event: LoggedEvent): z.infer<typeof loggedEventSchema> {
	const { idempotencyKey, deliveries } = event;
	return { ...presentEvent(event, false), idempotencyKey, deliveries };
}

function presentCustomers(customers: NonNullable<EventCustomers>) {
	if (customers === EVERY_CUSTOMER) return { customerIds: EVERY_CUSTOMER } as const;
	return typeof customers === "string" ? { customerId: customers } : { customerIds: [...customers] };
}

/** The same refusal for an event that does not exist and for one of others. */
export function eventNotFound(): FanfareError {
	return new FanfareError("event_not_found", "There is no such event in this project.");
}
