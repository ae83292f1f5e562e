// The slice for stats, counts by status, and the health of webhooks: rolled up in the background, shown by the API.
import type { Scope } from "../../core/access/principal.ts";
import type { Attempt, DeliveryStatus } from "../../core/delivery.ts";
import type { WebhookHealth } from "../../core/policies/webhook-health.ts";
import type { StatsBucket, StatsRange, StatsWidth, WebhookSeries } from "../../core/stats/stats.ts";

export interface StatsQuery {
	readonly scope: Scope;
	/** Null for the stats of the whole scope. */
	readonly webhookId: string | null;
	readonly width: StatsWidth;
	/** The start of the first bucket, inclusive. A multiple of the width. */
	readonly from: number;
	/** The end of the last bucket, exclusive. A multiple of the width. */
	readonly to: number;
}

/** A question for the attempts of several webhooks. Both ends of the range are multiples of the width. */
export interface SeriesQuery extends StatsRange {
	readonly scope: Scope;
	readonly webhookIds: readonly string[];
	readonly width: StatsWidth;
}

/** One step of rolling up. */
export interface RollUpStep {
	/** Buckets of a minute that start before this time are deleted. */
	readonly keepMinutesFrom: number;
	/** Buckets of an hour that start before this time are deleted. Days stay for ever. */
	readonly keepHoursFrom: number;
	/** About how many rows to read or delete in one transaction. */
	readonly limit: number;
}

/** The attempt of a webhook whose outcome was recorded last. */
export interface LastAttempt extends Pick<Attempt, "startDate" | "responseCode" | "error" | "cause"> {
	readonly deliveryId: string;
}

/** What is going on at a webhook, beside its health. */
export interface WebhookActivity {
	/** How many of its deliveries are in each of these statuses now. */
	readonly deliveries: Readonly<Record<"Pending" | "Held" | "Failed", number>>;
	/** Null if there was none, or if its delivery is not in the log any more. */
	readonly lastAttempt: LastAttempt | null;
}

/** What is to be reported about a webhook: what `after` says, and `before` did not. */
export interface HealthReport {
	readonly webhookId: string;
	readonly before: WebhookHealth;
	readonly after: WebhookHealth;
	/** The webhook's setting at that moment. */
	readonly disableAfterMs: number;
}

export interface HealthReports {
	readonly reports: readonly HealthReport[];
	/** Whether nothing else is due. */
	readonly isLast: boolean;
}

/**
 * Stats are exact: they equal what the log says until it is purged, also after a crash, whether or not they were rolled
 * up. A purge changes only the counts by status.
 *
 * An event counts in the minute of its `createDate`, and an attempt or the end of a delivery in the minute of its
 * update's `at`.
 */
export interface StatsStore {
	/** The buckets of the range in which something happened, oldest first. Empty buckets are omitted. */
	stats(query: StatsQuery): Promise<readonly StatsBucket[]>;
	/**
	 * The attempts of webhooks in each bucket of the range, in their order; zeros for those that are not in the scope. The cost grows
	 * with webhooks × buckets, and not with what is stored.
	 */
	webhookSeries(query: SeriesQuery): Promise<readonly WebhookSeries[]>;
	/**
	 * How many deliveries are in each status now, for a webhook or (null) for the whole scope. All zero for an unknown
	 * one. Maintained by each write, not counted when asked.
	 */
	statusCounts(scope: Scope, webhookId: string | null): Promise<Readonly<Record<DeliveryStatus, number>>>;
	/**
	 * The activity of webhooks, in their order; nothing for those that are not in the scope. It costs the same however many
	 * deliveries a webhook has. A customer sees no attempt of an event whose type is internal.
	 */
	webhookActivity(scope: Scope, webhookIds: readonly string[]): Promise<readonly WebhookActivity[]>;
	/**
	 * Performs one step of a round. A round adds all stats recorded so far to the buckets of minutes, hours and days, and
	 * then deletes old buckets. Returns the number of rows it processed; 0 ends the round, and the next call starts
	 * another.
	 *
	 * Reads return the same before, during and after a round. A crash neither loses stats nor counts them twice. Unlike
	 * other writes, a step may resolve before it is synced.
	 */
	rollUpStats(step: RollUpStep): Promise<number>;
	/**
	 * The health of webhooks, in their order; healthy if one is unknown. `commit` maintains it with `healthAfter` of
	 * core/policies/webhook-health.ts, in the order of the updates, and `updateWebhook` can reset it. Deliveries of own
	 * events (`fanfare.*`) do not change it.
	 */
	webhookHealth(webhookIds: readonly string[]): Promise<readonly WebhookHealth[]>;
	/**
	 * Notes what is due to be reported at `at`, by `healthReported` of core/policies/webhook-health.ts, about `limit`
	 * webhooks at most, and returns it. Each thing is returned once, also if several processes ask. Nothing is reported
	 * about a webhook that is not deliverable.
	 */
	reportHealth(at: number, limit: number): Promise<HealthReports>;
}
