// What accepting events and writing outcomes needs of the store: one transaction of the busy path.
import type { Attempt, Delivery, DeliveryChange, DeliveryState } from "../../core/delivery.ts";
import type { Event } from "../../core/event.ts";
import type { WebhookHealth } from "../../core/policies/webhook-health.ts";

/** An event to accept, with a delivery for each webhook that wants it. */
export interface NewEvent {
	readonly event: Event;
	readonly body: Uint8Array;
	readonly idempotency: {
		readonly key: string;
		/** SHA-256 of what was sent, to tell the same send from another under the same key. */
		readonly fingerprint: Uint8Array;
	} | null;
	readonly deliveries: readonly { readonly id: string; readonly webhookId: string; readonly state: DeliveryState }[];
}

/** What became of a NewEvent: accepted, the same as one before, or refused since its key belongs to another send. */
export type AcceptResult =
	| { readonly kind: "accepted" }
	| { readonly kind: "duplicate"; readonly event: Event }
	| { readonly kind: "conflict" };

/** A change of one delivery, with the attempt that it comes from, if any: both are one write. */
export interface DeliveryUpdate {
	readonly deliveryId: string;
	readonly change: DeliveryChange;
	readonly attempt: Attempt | null;
	readonly at: number;
}

/** What an update in a commit has meant for its webhook: a delivery was exhausted, or the first success came after such ones. */
export interface HealthChange {
	readonly kind: "exhausted" | "recovered";
	/** As it is after the update. */
	readonly delivery: Delivery;
	readonly at: number;
	readonly before: WebhookHealth;
	readonly after: WebhookHealth;
}

/** One transaction of the busy path. */
export interface CommitBatch {
	readonly events: readonly NewEvent[];
	readonly updates: readonly DeliveryUpdate[];
}

export interface CommitResult {
	/** What the updates have meant for the health of webhooks, in order. */
	readonly healthChanges: readonly HealthChange[];
	/** One for each of `events`, in order. */
	readonly events: readonly AcceptResult[];
	/** The state after each of `updates`, in order; null if there is no such delivery. */
	readonly updates: readonly (DeliveryState | null)[];
}

export interface AcceptStore {
	/** Does all of the batch in one transaction. An event whose idempotency key is known does not fail the others. */
	commit(batch: CommitBatch): Promise<CommitResult>;
}
