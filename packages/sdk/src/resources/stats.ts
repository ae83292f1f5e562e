// Stats of a project or a webhook: counts and latencies over time.
import { milliseconds, type RequestOptions, type Transport } from "../transport.ts";

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
	readonly attempts: { readonly succeeded: number; readonly failed: number };
	/** Deliveries that succeeded in this period. */
	readonly succeeded: number;
	/** Deliveries that became `Failed` in this period. */
	readonly exhausted: number;
	/** Percentiles over attempts that got a response or timed out, within 5 %; null if there were none. */
	readonly latencyMs: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
}

/** The stats of one minute, hour or day. */
export interface StatsBucket extends StatsValues {
	/** Start of the bucket, in milliseconds since the epoch. */
	readonly start: number;
}

/** Counts and latencies of deliveries over time. */
export interface Stats {
	readonly object: "stats";
	readonly width: "minute" | "hour" | "day";
	readonly from: number;
	readonly to: number;
	/** All buckets from `from` to `to`, oldest first, including empty ones. At most 1,500. */
	readonly data: readonly StatsBucket[];
	/** The sum of all buckets. */
	readonly totals: StatsValues;
	/** The current number of deliveries by status, whenever they were created. */
	readonly deliveries: Readonly<Record<"Pending" | "Succeeded" | "Failed" | "Held" | "Cancelled", number>>;
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
