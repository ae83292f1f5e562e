// The slice for delivering (dispatcher, refiller, sweeper): due deliveries, leases, and sweeps of webhooks.
import type { AttemptTrigger } from "../../core/delivery.ts";
import type { SweepChange } from "../../core/webhook.ts";

/** A delivery that is leased for the owner of its webhook, with all data that an attempt needs. */
export interface LeasedDelivery {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly trigger: AttemptTrigger;
	/** Attempts recorded so far. */
	readonly attemptCount: number;
	readonly leaseUntil: number;
	/** When the event was accepted. */
	readonly createDate: number;
	/** The request body of the event. */
	readonly body: Uint8Array;
	/** See `EventDetails` of core/event.ts: passed on to the receiver. */
	readonly traceparent: string | null;
}

/** How many due deliveries a claim gets, if it wants as many and their bodies fit, however many other claims there are. */
export const LEAST_SHARE = 50;

export interface ClaimRequest {
	readonly webhookId: string;
	/** The webhook's project. Only claims that name the same one may be made together. */
	readonly projectId?: string;
	readonly now: number;
	/** The largest number of deliveries to claim. A store that makes several claims together may claim only `LEAST_SHARE` of more. */
	readonly limit: number;
	/** The largest sum of body sizes, in bytes. The first delivery is claimed even if its body alone is larger. */
	readonly maxBytes: number;
	/** Until when the claimed deliveries are leased. */
	readonly leaseUntil: number;
}

export interface Claim {
	/** The claimed deliveries, the earliest due first. */
	readonly deliveries: readonly LeasedDelivery[];
	/**
	 * When the earliest Pending delivery of the webhook is due after the claim; for a leased one, also one of this claim,
	 * that is the end of its lease. Null if the webhook has no Pending delivery or is not deliverable.
	 */
	readonly nextDueAt: number | null;
}

/** A lease of a delivery. */
export interface DeliveryLease {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly leaseUntil: number;
}

/** How long the policy of a webhook lets a delivery wait between two attempts, at most. */
export interface LongestWait {
	readonly webhookId: string;
	readonly waitMs: number;
}

/** What one step of a sweep has done. */
export interface SweepStep {
	/** The change that follows from the webhook. `cancel` means that the webhook is deleted or unknown. */
	readonly change: SweepChange;
	/** How many deliveries it changed. */
	readonly count: number;
	/** True if no delivery is left to change. If false, there may be more: another step tells. */
	readonly done: boolean;
}

/**
 * A delivery is due when it is Pending and `dueAt(state)` of core/delivery.ts is not later than now: its lease has
 * ended, or it has no lease and its next attempt is due.
 *
 * A lease belongs to the owner of the webhook's shard (`shardOf` of core/cluster/shard.ts): the process that delivers the
 * webhook. A process that runs alone owns all shards.
 */
/** A page of the webhooks that have deliveries for a sweep to change. */
export interface WebhooksToSweep {
	readonly webhookIds: readonly string[];
	/** Where the next page begins; null if there is none. */
	readonly next: string | null;
}

/** Where a step begins that marks the webhooks of deleted projects. */
export interface MarkPlace {
	/** Null for any project that is deleted and has a webhook to mark. */
	readonly projectId: string | null;
	/** The step looks at webhooks whose ids come after this one; null for all. */
	readonly after: string | null;
}

/** What such a step has done. */
export interface MarkStep {
	/** Those that it has marked and that have Pending or Held deliveries: they are to be swept, since a sweep before the mark may have missed some. */
	readonly waiting: readonly string[];
	/**
	 * Where the next step begins, in the same project; null if no webhook is left to mark: of the project that the place names, or of
	 * any, if it names none.
	 */
	readonly next: MarkPlace | null;
}

export interface QueueStore {
	/**
	 * Claims due deliveries of one webhook: leases them until `leaseUntil` and returns them, the earliest due first. Two
	 * claims never return the same delivery while its lease lasts.
	 *
	 * Claims nothing for a webhook that is not deliverable (`isDeliverable` of core/webhook.ts) or unknown. Then
	 * `nextDueAt` is null, also if the webhook has Pending deliveries: a sweep holds or cancels them.
	 *
	 * A due delivery whose payload was erased is cancelled instead of claimed. So fewer deliveries than `limit` do not
	 * prove that nothing else is due; `nextDueAt` tells.
	 */
	claimDue(request: ClaimRequest): Promise<Claim>;
	/**
	 * Every webhook in these shards (null: all) that has Pending deliveries, deleted webhooks included, with the time at
	 * which its earliest delivery is due. For a leased delivery that is the end of its lease. In no particular order.
	 */
	dueWebhooks(
		shards: readonly number[] | null,
	): Promise<readonly { readonly webhookId: string; readonly dueAt: number }[]>;
	/**
	 * The deliveries of webhooks in these shards (null: all) that are leased, were never attempted, and whose ids were made at `since` or
	 * later. It may be called with a `since` some minutes ago, not more. In no particular order.
	 */
	leasedDeliveries(shards: readonly number[] | null, since: number): Promise<readonly DeliveryLease[]>;
	/** Moves the end of the lease of these deliveries to `until`. Skips deliveries that are not leased or not Pending. */
	renewLeases(deliveryIds: readonly string[], until: number): Promise<void>;
	/**
	 * Ends every lease of deliveries of webhooks in these shards (null: all), and returns how many there were. The
	 * deliveries are then due at the time of their next attempt.
	 *
	 * Called by the new owner of the shards, when their earlier owner is known to be gone or to have given them up. A
	 * process that runs alone takes over all shards at its start.
	 */
	takeOver(shards: readonly number[] | null): Promise<number>;
	/**
	 * Makes Pending deliveries of these webhooks due earlier if the clock of an earlier process, which ran ahead, has set
	 * their times. Nothing else can have set a time that is so far away:
	 *
	 * - A delivery that was never attempted, and whose `createDate` is after `now`, is due at `now` at the latest.
	 * - Any other delivery is due `waitMs` after `now` at the latest.
	 *
	 * Leaves leased deliveries alone. Returns how many deliveries were changed.
	 */
	pullIn(now: number, waits: readonly LongestWait[]): Promise<number>;
	/**
	 * Makes one step of a sweep: reads the webhook, and applies `sweepChange(webhook, at)` of core/webhook.ts to up to
	 * `limit` of its waiting deliveries that the change applies to, all in one transaction. So what becomes of a delivery
	 * follows from the webhook as it is stored at that moment, whatever the caller knows of it. Leased deliveries are
	 * changed, too.
	 *
	 * Pending deliveries come first, then Held ones, about the oldest first. Their `updateDate` becomes `at`. A caller
	 * repeats the step until it returns `done`.
	 *
	 * `lockWaitMs`: where others can hold a lock on what is changed, the step rejects with a `StoreLockedError`, and changes nothing, once it
	 * has waited for one lock for so long. If omitted, it waits as long as any change.
	 */
	sweepWebhook(webhookId: string, at: number, limit: number, lockWaitMs?: number): Promise<SweepStep>;
	/**
	 * The webhooks that have deliveries for a sweep to change: Pending ones although they are not deliverable, Held ones
	 * although they are, or Pending or Held ones although they are deleted. Looks at the oldest `limit` webhooks whose ids
	 * come after `after`; null for the first ones.
	 *
	 * The time it takes depends on `limit`, not on the number of deliveries.
	 */
	webhooksToSweep(after: string | null, limit: number): Promise<WebhooksToSweep>;
	/**
	 * Marks up to `limit` webhooks of a deleted project as deleted, each in its own row. This version needs no such marks, but the
	 * versions that know no other ones may work on the same store, or later. Changes nothing if the project is not deleted. A caller
	 * repeats the step at `next`. All steps of a project together take time in proportion to its webhooks.
	 */
	markWebhooksDeleted(place: MarkPlace, limit: number): Promise<MarkStep>;
	/**
	 * The number of Pending and of Held deliveries in the whole store. Maintained by each write, so that reading it is
	 * cheap.
	 */
	countOpen(): Promise<Readonly<Record<"Pending" | "Held", number>>>;
}
