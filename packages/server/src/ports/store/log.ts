// What the delivery log needs of the store: events, deliveries and attempts, read in pages.
import type { Attempt, Delivery, DeliveryStatus } from "../../core/delivery.ts";
import type { Event } from "../../core/event.ts";
import type { Page, PageRequest, TimeRange } from "../../core/page.ts";

export interface EventFilter extends TimeRange {
	readonly type: string | null;
}

export interface DeliveryFilter extends TimeRange {
	readonly webhookId: string | null;
	readonly eventId: string | null;
	readonly eventType: string | null;
	readonly status: DeliveryStatus | null;
	readonly responseCode: number | null;
}

export interface LogStore {
	events(projectId: string, filter: EventFilter, page: PageRequest): Promise<Page<Event>>;
	event(projectId: string, eventId: string): Promise<Event | null>;
	/** The body as receivers get it; null if there is no such event or its payload is erased. */
	eventBody(projectId: string, eventId: string): Promise<Uint8Array | null>;
	deliveries(projectId: string, filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>>;
	delivery(projectId: string, deliveryId: string): Promise<Delivery | null>;
	/** The attempts of a delivery, first one first. */
	attempts(deliveryId: string): Promise<readonly Attempt[]>;
}
