// Stats of a project or a webhook: counts and latencies over time.
import { milliseconds } from "../arguments.ts";
import { type RequestOptions, type Transport } from "../transport.ts";
import type { AttemptCause } from "./deliveries/attempts.ts";

/** The time range of stats, and the width of its buckets. All are optional. */
export interface StatsParams {
	/** Defaults to `"hour"`. Minutes are kept for 48 hours, hours for 90 days, days forever. */
	readonly width?: "minute" | "hour" | "day" | undefined;
	/** Start of the range, rounded down to a bucket. Defaults to 60 minutes, 24 hours or 30 days before `to`. */
	readonly from?: Date | number | undefined;
	/** End of the range (exclusive), rounded up to a bucket. Defaults to now. */
	readonly to?: Date | number | undefined;
}

/** Counts and latencies of a period. */
export interface StatsValues {
	/** Events accepted. For a webhook: those with a delivery to it. */
	readonly accepted: number;
	/** Attempts made. */
	readonly attempts: {
		/** Attempts that got a 2xx. */
		readonly succeeded: number;
		/** All others. */
		readonly failed: number;
	};
	/** Deliveries that succeeded in this period. */
	readonly succeeded: number;
	/** Deliveries that became `Failed` in this period. */
	readonly exhausted: number;
	/** The failed attempts by cause; causes without any are omitted. Attempts that version 0.1 has made are in none. */
	readonly failures: Readonly<Partial<Record<AttemptCause, number>>>;
	/** Percentiles over attempts that got a response or timed out, within 5 %; null if there were none. */
	readonly latencyMs: {
		/** Half of them took at most this long. */
		readonly p50: number | null;
		/** 95 % of them took at most this long. */
		readonly p95: number | null;
		/** 99 % of them took at most this long. */
		readonly p99: number | null;
	};
}

/** The stats of one minute, hour or day. */
export interface StatsBucket extends StatsValues {
	/** Start of the bucket, in milliseconds since the epoch. */
	readonly start: number;
}

/** Counts and latencies of deliveries over time. */
export interface Stats {
	/** Always `"stats"`. */
	readonly object: "stats";
	/** The width of its buckets. */
	readonly width: "minute" | "hour" | "day";
	/** The start of the first bucket, in milliseconds since the epoch. */
	readonly from: number;
	/** The end of the last bucket, in milliseconds since the epoch. */
	readonly to: number;
	/** All buckets from `from` to `to`, oldest first, including empty ones. At most 1,500. */
	readonly data: readonly StatsBucket[];
	/** The sum of all buckets. */
	readonly totals: StatsValues;
	/** The current number of deliveries by status, whenever they were created. */
	readonly deliveries: Readonly<Record<"Pending" | "Succeeded" | "Failed" | "Held" | "Cancelled", number>>;
	/** The `createDate` of the oldest delivery that is `Pending` now, and of the oldest that is `Held`; null if there is none. */
	readonly waitingSince: Readonly<Record<"Pending" | "Held", number | null>>;
}

/** The attempts of several webhooks over time: what small charts in a list show. */
export interface WebhookStats {
	/** Always `"webhookStats"`. */
	readonly object: "webhookStats";
	/** The width of its buckets. */
	readonly width: "minute" | "hour" | "day";
	/** The start of the first bucket, in milliseconds since the epoch. */
	readonly from: number;
	/** The end of the last bucket, in milliseconds since the epoch. */
	readonly to: number;
	/** One entry for each webhook, in the order of the call. */
	readonly data: readonly WebhookSeries[];
}

/** The attempts of one webhook in each bucket, oldest first, with 0 where there were none. */
export interface WebhookSeries {
	/** The webhook. */
	readonly webhookId: string;
	/** Attempts that ended in each bucket. */
	readonly attempts: {
		/** Attempts that got a 2xx. */
		readonly succeeded: readonly number[];
		/** All others. */
		readonly failed: readonly number[];
	};
}

/** Fetches the attempts of several webhooks, which are at `base`. */
export async function getSeries(
	transport: Transport,
	base: string,
	webhookIds: readonly string[],
	{ from, to, ...params }: StatsParams,
	options: RequestOptions | undefined,
): Promise<WebhookStats> {
	const ids = idList(webhookIds);
	const query = { ids, ...params, from: milliseconds("from", from), to: milliseconds("to", to) };
	return transport.request<WebhookStats>(
		{ method: "GET", path: `${base}:stats`, query, answer: "webhookStats" },
		options,
	);
}

function idList(webhookIds: readonly string[]): string {
	if (Array.isArray(webhookIds)) return webhookIds.join(",");
	throw new TypeError('webhookIds must be a list of ids, such as ["webhook_…"].');
}

/** Fetches the stats at `base`, the path of a project or a webhook. */
export async function getStats(
	transport: Transport,
	base: string,
	{ from, to, ...params }: StatsParams,
	options: RequestOptions | undefined,
): Promise<Stats> {
	const query = { ...params, from: milliseconds("from", from), to: milliseconds("to", to) };
	return transport.request<Stats>({ method: "GET", path: `${base}/stats`, query, answer: "stats" }, options);
}
