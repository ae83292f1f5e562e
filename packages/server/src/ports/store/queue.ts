// What delivering needs of the store: what is due, leases, and changes of all waiting deliveries of a webhook.
import type { AttemptTrigger, DeliveryChange, DeliveryStatus } from "../../core/delivery.ts";

/** A delivery that somebody has leased, with all that an attempt needs. */
export interface LeasedDelivery {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly trigger: AttemptTrigger;
	readonly attemptCount: number;
	readonly leaseUntil: number;
	/** When its event was accepted. */
	readonly createDate: number;
	readonly body: Uint8Array;
}

export interface ClaimRequest {
	readonly webhookId: string;
	readonly now: number;
	/** Rows at most. */
	readonly limit: number;
	/** Bytes of bodies at most; the first row comes in any case. */
	readonly maxBytes: number;
	readonly leaseUntil: number;
}

export interface QueueStore {
	/** Leases up to `limit` due deliveries of one webhook, earliest due first. */
	claimDue(request: ClaimRequest): Promise<readonly LeasedDelivery[]>;
	/** Each webhook with Pending deliveries, and when the earliest is due (the end of its lease, if leased). */
	dueWebhooks(): Promise<readonly { readonly webhookId: string; readonly dueAt: number }[]>;
	/** The same for one webhook; null if nothing of it is Pending. */
	nextDueAt(webhookId: string): Promise<number | null>;
	/** Moves the leases of these deliveries, if they are still leased. */
	renewLeases(deliveryIds: readonly string[], until: number): Promise<void>;
	/** Ends every lease: for a start, when whoever held them is known to be gone. Returns how many there were. */
	releaseAllLeases(): Promise<number>;
	/**
	 * Applies `change` to up to `limit` deliveries of a webhook in status `from`, oldest first; returns how many were changed.
	 * A result below `limit` means that none is left.
	 */
	sweepWebhook(
		webhookId: string,
		from: DeliveryStatus,
		change: DeliveryChange,
		at: number,
		limit: number,
	): Promise<number>;
	/** How many deliveries there are in each status that is not an end. */
	countOpen(): Promise<Readonly<Record<"Pending" | "Held", number>>>;
}
