// The slice for the log, which the API shows: events, deliveries and attempts, read in pages.
import type { Scope } from "../../core/access/principal.ts";
import type { Attempt, Delivery, DeliveryStatus } from "../../core/delivery.ts";
import type { Event, EventDetails } from "../../core/event.ts";
import type { AttemptCause } from "../../core/log/attempt-cause.ts";
import type { Page, PageRequest, TimeRange } from "../../core/page.ts";

/**
 * Selects events that match all fields. Null matches every event. The time range is about `createDate`. In the scope of a customer, no
 * event matches an idempotency key or `unmatched`.
 */
export interface EventFilter extends TimeRange {
	/** Exact names or `prefix.*`: one of them has to match. */
	readonly types: readonly string[] | null;
	/** Events that are for this customer, also beside others. Null if omitted. */
	readonly customerId?: string | null;
	/** Events that have this tag. Null if omitted. */
	readonly tag?: string | null;
	/** Events that were sent with this idempotency key, which another event can use again later. Null if omitted. */
	readonly idempotencyKey?: string | null;
	/** If true, only events that had no delivery when they were accepted. False if omitted. */
	readonly unmatched?: boolean;
}

/** An event with what its row in a list says beside it. */
export interface LoggedEvent extends Event {
	/** Null if it was sent without one, and in the scope of a customer. */
	readonly idempotencyKey: string | null;
	/** How many of its deliveries are in each status now; null if they were not counted, since a page would take too long. */
	readonly deliveries: Readonly<Record<DeliveryStatus, number>> | null;
}

/** An event as `eventsById` returns it. */
export type FoundEvent = Pick<Event, "createDate" | "customers">;

/** A delivery of an event to a webhook. */
export interface EventDelivery {
	readonly webhookId: string;
	readonly deliveryId: string;
	readonly status: DeliveryStatus;
	/** Whether a replay has made it. */
	readonly isReplayed: boolean;
}

/** Response codes from `from` to `to`, both included. */
export interface CodeRange {
	readonly from: number;
	readonly to: number;
}

/** What both orders of deliveries can be filtered by. Null matches every delivery; of a list, one entry has to match. */
interface SharedFilter {
	readonly webhookId: string | null;
	/** Deliveries to webhooks of this customer. Null if omitted. */
	readonly customerId?: string | null;
	/** Deliveries of events that have this tag. Null if omitted. */
	readonly tag?: string | null;
	/** Exact names or `prefix.*`. */
	readonly eventTypes: readonly string[] | null;
	/** The response code of the last attempt; 0 matches deliveries whose last attempt got no response. */
	readonly responseCodes: readonly CodeRange[] | null;
	/** Why the last attempt failed. */
	readonly causes: readonly AttemptCause[] | null;
	/** Deliveries whose `updateDate` is this time or later. */
	readonly updatedAfter: number | null;
	/** Deliveries whose `updateDate` is before this time. */
	readonly updatedBefore: number | null;
}

/** Selects deliveries that match all fields. The time range is about `createDate`. */
export interface DeliveryFilter extends SharedFilter, TimeRange {
	readonly eventId: string | null;
	readonly statuses: readonly DeliveryStatus[] | null;
	/** Leaves out those that have changed since: whose last change has a higher number. Null if omitted. */
	readonly changedUpTo?: number | null;
}

/** A status of deliveries that have a place in the order of changes. There are too many Succeeded ones. */
export type ChangingStatus = Exclude<DeliveryStatus, "Succeeded">;

/** Selects deliveries for a list in the order of their changes. */
export interface ChangeFilter extends SharedFilter {
	readonly statuses: readonly [ChangingStatus, ...ChangingStatus[]];
}

/** The last attempt of a delivery, as lists show it. */
export type LastAttempt = Pick<Attempt, "trigger" | "startDate" | "durationMs" | "responseCode" | "error" | "cause">;

/** A delivery with what its row in a list says beside it. */
export interface LoggedDelivery extends Delivery {
	/** The present name of its webhook, also of a deleted one. */
	readonly webhookName: string;
	/** Host and port of the webhook's endpoint now. */
	readonly webhookHost: string;
	/** Null before the first attempt. */
	readonly lastAttempt: LastAttempt | null;
}

/** A part of a count. */
export interface DeliveryCount {
	readonly count: number;
	/** Where the next part begins; null if this was the last. The store alone knows what it means. */
	readonly goesOnAt: string | null;
	/** The `createDate` that the count has come to; null if it has come to the end. */
	readonly scannedTo: number | null;
}

/** A delivery, and its place in the order of changes. */
export interface ChangedDelivery {
	readonly delivery: LoggedDelivery;
	/** What `changePosition` of core/page.ts returns: the id for cursors. */
	readonly position: string;
}

/** An attempt, with the endpoint that was called. */
export interface LoggedAttempt extends Attempt {
	/** Null if it is not known, or not any more. */
	readonly endpoint: string | null;
}

/**
 * The `createDate` of an event or a delivery is the time in its id, so one order serves pages and time ranges.
 *
 * Every read is confined to its scope: rows outside of it are not found. In the scope of a customer are the deliveries of the
 * customer's webhooks, deleted ones too, and the events of these deliveries, whose `deliveryCount` then counts only the
 * customer's, and whose `customers` is the customer. A committed row is visible at once. A
 * page costs the same wherever its cursor is, and takes milliseconds for any filter over a million rows.
 *
 * Leases are a matter of the queue: `leaseUntil` of a delivery that the log returns may be null although it is leased.
 *
 * A row is at its place in the order of ids, also if it is committed after rows with higher ids. So whoever follows a
 * list towards newer rows misses no row only if it begins again at the horizon (see `Store`), and then sees some rows
 * twice. A walk towards older rows that begins at the horizon or before it needs no such care.
 */
export interface LogStore {
	/** A page of events, newest first. */
	events(scope: Scope, filter: EventFilter, page: PageRequest): Promise<Page<LoggedEvent>>;
	event(scope: Scope, eventId: string): Promise<LoggedEvent | null>;
	/** When each of these events was accepted and whom it is for, in their order; null for one that `event` does not find. */
	eventsById(scope: Scope, eventIds: readonly string[]): Promise<readonly (FoundEvent | null)[]>;
	/** What was kept of the send of an event beside it; null if there is no such event. A customer sees none of it: all is null. */
	eventDetails(scope: Scope, eventId: string): Promise<EventDetails | null>;
	/**
	 * The deliveries of an event to these webhooks, up to 1,000 of them, in any order: those from when it was accepted, and of those
	 * that replays have made the 1,000 newest. Null if there is no such event. Webhooks outside of the scope have none.
	 */
	eventDeliveries(
		scope: Scope,
		eventId: string,
		webhookIds: readonly string[],
	): Promise<readonly EventDelivery[] | null>;
	/** The request body that receivers get; null if there is no such event or its payload was erased. */
	eventBody(scope: Scope, eventId: string): Promise<Uint8Array | null>;
	/** A page of deliveries, newest first. */
	deliveries(scope: Scope, filter: DeliveryFilter, page: PageRequest): Promise<Page<LoggedDelivery>>;
	/**
	 * A number that no change of a delivery in the scope has exceeded until now, and that each change in a later millisecond exceeds: for
	 * `changedUpTo`.
	 */
	changeBound(scope: Scope, now: number): Promise<number>;
	/** Counts deliveries, newest first, in parts of some 30 ms. `goesOnAt` is that of the part before; null for the first one. */
	countDeliveries(scope: Scope, filter: DeliveryFilter, goesOnAt: string | null): Promise<DeliveryCount>;
	/**
	 * A page of the deliveries that have one of some statuses, those that changed last first. A delivery that waits for its first attempt as it was
	 * accepted has not changed, and is in no such list. A delivery that changes while a list is read moves to its newer end.
	 */
	changedDeliveries(scope: Scope, filter: ChangeFilter, page: PageRequest): Promise<Page<ChangedDelivery>>;
	delivery(scope: Scope, deliveryId: string): Promise<LoggedDelivery | null>;
	/**
	 * A page of the attempts of a delivery, highest number first. In cursors, the number of an attempt stands for its id.
	 * A page whose texts are long ends early, at about 4 MB.
	 */
	attempts(scope: Scope, deliveryId: string, page: PageRequest): Promise<Page<LoggedAttempt>>;
}
