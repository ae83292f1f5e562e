// Statistics of a project or of a webhook.
import { milliseconds, type RequestOptions, type Transport } from "../transport.ts";

/** Which time, in buckets of which width. */
export interface StatsParams {
	/** Default: `"hour"`. Minutes are kept for 48 hours, hours for 90 days, days for ever. */
	readonly width?: "minute" | "hour" | "day" | undefined;
	/** Taken back to the beginning of its bucket. Default: 60 minutes, 24 hours or 30 days before `to`. */
	readonly from?: Date | number | undefined;
	/** Not included; taken on to the end of its bucket. Default: now. */
	readonly to?: Date | number | undefined;
}

export interface StatsFigures {
	/** Events accepted; of a webhook, those with a delivery to it. */
	readonly accepted: number;
	readonly attempts: { readonly succeeded: number; readonly failed: number };
	/** Deliveries that succeeded in this time. */
	readonly succeeded: number;
	/** Deliveries that became `Failed` in this time. */
	readonly exhausted: number;
	/** Of attempts that got an answer or timed out, to within 5 %; null if there were none. */
	readonly latencyMs: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
}

export interface StatsBucket extends StatsFigures {
	readonly start: number;
}

export interface Stats {
	readonly object: "stats";
	readonly width: "minute" | "hour" | "day";
	readonly from: number;
	readonly to: number;
	/** Every bucket from `from` to `to`, oldest first, also those in which nothing happened. At most 1,500. */
	readonly data: readonly StatsBucket[];
	/** Of all buckets together. */
	readonly totals: StatsFigures;
	/** How many deliveries are in each status now, whenever they were made. */
	readonly deliveries: Readonly<Record<"Pending" | "Succeeded" | "Failed" | "Held" | "Cancelled", number>>;
}

/** The statistics at `base`, the path of a project or of a webhook. */
export async function getStats(
	transport: Transport,
	base: string,
	{ from, to, ...params }: StatsParams,
	options: RequestOptions | undefined,
): Promise<Stats> {
	const query = { ...params, from: milliseconds("from", from), to: milliseconds("to", to) };
	return transport.request<Stats>({ method: "GET", path: `${base}/stats`, query, answer: "stats" }, options);
}
