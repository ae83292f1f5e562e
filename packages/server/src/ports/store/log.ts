// The slice for the log, which the API shows: events, deliveries and attempts, read in pages.
import type { Scope } from "../../core/access/principal.ts";
import type { Attempt, Delivery, DeliveryStatus } from "../../core/delivery.ts";
import type { Event } from "../../core/event.ts";
import type { Page, PageRequest, TimeRange } from "../../core/page.ts";

/** Selects events that match all fields. Null matches every event. The time range is about `createDate`. */
export interface EventFilter extends TimeRange {
	/** An exact name. */
	readonly type: string | null;
}

/** Selects deliveries that match all fields. Null matches every delivery. The time range is about `createDate`. */
export interface DeliveryFilter extends TimeRange {
	readonly webhookId: string | null;
	readonly eventId: string | null;
	/** An exact name. */
	readonly eventType: string | null;
	readonly status: DeliveryStatus | null;
	/** The response code of the last attempt; 0 matches deliveries whose last attempt got no response. */
	readonly responseCode: number | null;
}

/**
 * The `createDate` of an event or a delivery is the time in its id, so one order serves pages and time ranges.
 *
 * Every read is confined to its scope: rows outside of it are not found. A committed row is visible at once. A
 * page costs the same wherever its cursor is, and takes milliseconds for any filter over a million rows.
 *
 * A row is at its place in the order of ids, also if it is committed after rows with higher ids. So whoever follows a
 * list towards newer rows misses no row only if it begins again at the horizon (see `Store`), and then sees some rows
 * twice. A walk towards older rows that begins at the horizon or before it needs no such care.
 */
export interface LogStore {
	/** A page of events, newest first. */
	events(scope: Scope, filter: EventFilter, page: PageRequest): Promise<Page<Event>>;
	event(scope: Scope, eventId: string): Promise<Event | null>;
	/** The request body that receivers get; null if there is no such event or its payload was erased. */
	eventBody(scope: Scope, eventId: string): Promise<Uint8Array | null>;
	/** A page of deliveries, newest first. */
	deliveries(scope: Scope, filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>>;
	delivery(scope: Scope, deliveryId: string): Promise<Delivery | null>;
	/**
	 * The attempts of a delivery, in the order of their numbers. Not confined to a scope: the caller has looked up the
	 * delivery first.
	 */
	attempts(deliveryId: string): Promise<readonly Attempt[]>;
}
