// Statistics: what happened in each minute, hour and day.
import type { LatencyCounts } from "./latency-histogram.ts";

export const STATS_WIDTHS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type StatsWidth = keyof typeof STATS_WIDTHS_MS;

/** One bucket of a webhook or of a project. */
export interface StatsBucket {
	/** The beginning, a multiple of the width since the epoch (UTC). */
	readonly start: number;
	/** Events accepted that have a delivery to the webhook; for a project, all events accepted. */
	readonly accepted: number;
	readonly attemptsSucceeded: number;
	readonly attemptsFailed: number;
	/** Deliveries that reached these ends in this time. */
	readonly succeeded: number;
	readonly exhausted: number;
	/** How long attempts took that got an answer or timed out. */
	readonly latency: LatencyCounts;
}
