// The engine's public calls for stats.
import type { Scope } from "../core/access/principal.ts";
import type { DeliveryStatus } from "../core/delivery.ts";
import type { StatsBucket, StatsRange, StatsRequest, StatsWidth, WebhookSeries } from "../core/stats/stats.ts";

/** The stats of a range of time. */
export interface StatsReport extends StatsRange {
	readonly width: StatsWidth;
	/** Every bucket of the range, oldest first, empty ones too. */
	readonly buckets: readonly StatsBucket[];
	/** The sum of the buckets. */
	readonly totals: StatsBucket;
	/** How many deliveries are in each status now. */
	readonly deliveries: Readonly<Record<DeliveryStatus, number>>;
	/** The `createDate` of the oldest delivery in each status that waits; null if there is none. */
	readonly waitingSince: Readonly<Record<"Pending" | "Held", number | null>>;
}

/** The attempts of several webhooks in a range of time. */
export interface SeriesReport extends StatsRange {
	readonly width: StatsWidth;
	/** In the order of the request. */
	readonly series: readonly WebhookSeries[];
}

/** Counts and latencies of deliveries. */
export interface Stats {
	/**
	 * Reads the stats of a webhook, or of the whole scope if `webhookId` is null. Throws `project_not_found`,
	 * `webhook_not_found`, and `invalid_request` for a range that is not allowed.
	 */
	read(scope: Scope, webhookId: string | null, request: StatsRequest): Promise<StatsReport>;
	/**
	 * Reads the attempts of several webhooks, each named once, at most `MAX_SERIES_WEBHOOKS`. Throws `project_not_found`,
	 * `webhook_not_found` if one of them is not in the scope, and `invalid_request` for a range that is not allowed.
	 */
	readSeries(scope: Scope, webhookIds: readonly string[], request: StatsRequest): Promise<SeriesReport>;
}
