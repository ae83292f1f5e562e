// The slice for stats, counts by status, and the health of webhooks: rolled up in the background, shown by the API.
import type { Scope } from "../../core/access/principal.ts";
import type { DeliveryStatus } from "../../core/delivery.ts";
import type { WebhookHealth } from "../../core/policies/webhook-health.ts";
import type { StatsBucket, StatsWidth } from "../../core/stats/stats.ts";

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

/** One step of rolling up. */
export interface RollUpStep {
	/** Buckets of a minute that start before this time are deleted. */
	readonly keepMinutesFrom: number;
	/** Buckets of an hour that start before this time are deleted. Days stay for ever. */
	readonly keepHoursFrom: number;
	/** About how many rows to read or delete in one transaction. */
	readonly limit: number;
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
	 * How many deliveries are in each status now, for a webhook or (null) for the whole scope. All zero for an unknown
	 * one. Maintained by each write, not counted when asked.
	 */
	statusCounts(scope: Scope, webhookId: string | null): Promise<Readonly<Record<DeliveryStatus, number>>>;
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
	 * The health of a webhook; healthy if it is unknown. `commit` maintains it with `healthAfter` of
	 * core/policies/webhook-health.ts, in the order of the updates, and `updateWebhook` can reset it. Deliveries of own
	 * events (`fanfare.*`) do not change it.
	 */
	webhookHealth(webhookId: string): Promise<WebhookHealth>;
}
