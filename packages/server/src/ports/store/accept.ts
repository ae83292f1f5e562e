// The slice for the committer, which writes accepted events and the outcomes of attempts: the busy path.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { Attempt, Delivery, DeliveryChange, DeliveryState } from "../../core/delivery.ts";
import type { Event, EventTargets } from "../../core/event.ts";
import type { WebhookHealth } from "../../core/policies/webhook-health.ts";

/** A delivery of an event to accept. */
interface NewDelivery {
	readonly id: string;
	readonly webhookId: string;
	/** The webhook's customer. Whoever sends may need it; a store ignores it. Null or omitted for none. */
	readonly customerId?: string | null;
	readonly state: DeliveryState;
}

/** An event to accept, with one delivery for each webhook that wants it. */
export interface NewEvent {
	readonly event: Event;
	/**
	 * The version of the project that the event's deliveries were matched with. Null if the store need not compare it.
	 */
	readonly projectVersion: number | null;
	/** The request body that receivers get. Never empty: an empty body in the store means that the payload was erased. */
	readonly body: Uint8Array;
	/** Null if the producer gave no idempotency key. */
	readonly idempotency: {
		/** Unique within the project. */
		readonly key: string;
		/** SHA-256 of the producer's input. It tells a repeated send from a different one under the same key. */
		readonly fingerprint: Uint8Array;
	} | null;
	/** Whom the sender named: kept with the event, as is the idempotency key. */
	readonly targets: EventTargets;
	/** See `EventDetails`. */
	readonly traceparent: string | null;
	/** Their ids are those of `deliveryIdAt(event.id, index)`. A store may rely on that. */
	readonly deliveries: readonly NewDelivery[];
}

/**
 * What became of a `NewEvent`:
 *
 * - `accepted`: the event and its deliveries are stored.
 * - `duplicate`: the key is known and the fingerprints are equal. Nothing was stored; `event` is the one accepted
 *   earlier.
 * - `conflict`: the key is known and the fingerprints differ. Nothing was stored.
 * - `stale`: the project's version is no longer `projectVersion`, or the project is deleted. Nothing was stored: the
 *   event must be matched with the project's webhooks again.
 */
export type AcceptResult =
	| { readonly kind: "accepted" }
	| { readonly kind: "duplicate"; readonly event: Event }
	| { readonly kind: "conflict" }
	| { readonly kind: "stale" };

/** A change of one delivery, written together with the attempt that caused it. */
export interface DeliveryUpdate {
	readonly deliveryId: string;
	readonly change: DeliveryChange;
	/** The attempt to add to the log; null if no attempt caused the change. */
	readonly attempt: Attempt | null;
	/** The time of the change: the delivery's new `updateDate`, and the minute in which stats count it. */
	readonly at: number;
	/**
	 * The audit entry of a change that was made by hand, written if the state of the delivery changes. Several updates can
	 * have the same entry, which is then written once. Null or omitted for none.
	 */
	readonly entry?: AuditEntry | null;
}

/** A health change of a webhook that the engine reacts to. */
export interface HealthChange {
	/**
	 * `exhausted`: the delivery became Failed. `recovered`: it is the first success after the webhook was reported as
	 * failing.
	 */
	readonly kind: "exhausted" | "recovered";
	/** The delivery after the update. */
	readonly delivery: Delivery;
	/** The time of the update. */
	readonly at: number;
	readonly before: WebhookHealth;
	readonly after: WebhookHealth;
}

/** The work of one transaction. */
export interface CommitBatch {
	readonly events: readonly NewEvent[];
	readonly updates: readonly DeliveryUpdate[];
}

/** What became of an update of a delivery that exists. */
export interface UpdateResult {
	/** The state after the update. */
	readonly state: DeliveryState;
	/** Whether this update has changed it. False for a change that does not apply (any more), such as a second cancellation. */
	readonly changed: boolean;
}

export interface CommitResult {
	/** One result for each of the batch's `events`, in the same order. */
	readonly events: readonly AcceptResult[];
	/** One result for each of the batch's `updates`, in the same order; null if the store has no such delivery. */
	readonly updates: readonly (UpdateResult | null)[];
	/** The health changes that the updates caused, in the order of the updates. */
	readonly healthChanges: readonly HealthChange[];
}

export interface AcceptStore {
	/**
	 * Writes a batch in one transaction: first its events in order, then its updates in order. An update may concern a
	 * delivery of the same batch, and a later update of the same delivery sees the earlier one.
	 *
	 * Events: an idempotency key counts as known from the event that used it first, in this batch or before, until the
	 * event is deleted or `forgetIdempotencyKeys` forgets the key. After that another event can use it. A known key counts before
	 * a stale version. A duplicate, a conflict or a stale event does not affect the other events.
	 *
	 * Updates: the new state is `transition(state, change)` of core/delivery.ts. If that is Pending and the webhook is not
	 * deliverable as it is stored at that moment, `sweepChange` of core/webhook.ts is applied, too: the delivery is Held,
	 * or Cancelled if the webhook is deleted or unknown. This also holds for a `release`. A `retry` leaves the delivery as
	 * it is if the webhook is not deliverable, if the payload of the event was erased, or if `transition` refuses it, as
	 * after 100 retries by hand.
	 *
	 * Attempts of one delivery have unique numbers: if the number is already taken, the attempt is stored under the
	 * highest number plus one (an outcome that was thought lost came in late). The response body of a late attempt is not
	 * stored if the payload of the event was erased. An update of an unknown delivery stores nothing.
	 *
	 * The same transaction maintains stats, counts by status, and the health of webhooks (see `StatsStore`).
	 *
	 * Rejects with `store_conflict` if an id already exists or a delivery names an unknown webhook.
	 */
	commit(batch: CommitBatch): Promise<CommitResult>;
}
