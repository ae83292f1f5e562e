// Statistics: what happened in each minute, hour and day.
import type { Issue } from "../errors.ts";
import { addLatencyCounts, emptyLatencyCounts, type LatencyCounts } from "./latency-histogram.ts";

export const STATS_WIDTHS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export const STATS_WIDTHS = ["minute", "hour", "day"] as const;
export type StatsWidth = (typeof STATS_WIDTHS)[number];

/** How long buckets can be asked for; days for ever. */
export const STATS_KEPT_MS = { minute: 48 * 3_600_000, hour: 90 * 86_400_000, day: Infinity } as const;
/** Buckets that can be asked for at once. */
export const MAX_STATS_BUCKETS = 1_500;
/** So many, up to now, if no range is asked for. */
const DEFAULT_BUCKETS = { minute: 60, hour: 24, day: 30 } as const;

/** One bucket of a webhook or of a project. */
export interface StatsBucket {
	/** The beginning, a multiple of the width since the epoch (UTC). */
	readonly start: number;
	/** Events accepted that have a delivery to the webhook; for a project, all events accepted. */
	readonly accepted: number;
	readonly attemptsSucceeded: number;
	readonly attemptsFailed: number;
	/** Deliveries that reached these ends in this time; exhausted are all that became Failed. */
	readonly succeeded: number;
	readonly exhausted: number;
	/** How long attempts took that got an answer or timed out. */
	readonly latency: LatencyCounts;
}

/** What is asked for. Null: the default. */
export interface StatsRequest {
	readonly width: StatsWidth;
	readonly from: number | null;
	readonly to: number | null;
}

/** Inclusive and exclusive, multiples of the width. */
export interface StatsRange {
	readonly from: number;
	readonly to: number;
}

/** The range that a request means, in whole buckets that hold what was asked for; or what is wrong with it. */
export function statsRange({ width, from, to }: StatsRequest, now: number): StatsRange | Issue {
	const widthMs = STATS_WIDTHS_MS[width];
	const end = ceilTo(to ?? now + 1, widthMs);
	const start = from === null ? Math.max(0, end - DEFAULT_BUCKETS[width] * widthMs) : floorTo(from, widthMs);
	if (start >= end || (from !== null && to !== null && from >= to)) {
		return { path: "from", message: `must be earlier than \`to\`, which is ${to ?? "now"}` };
	}
	const count = (end - start) / widthMs;
	if (count > MAX_STATS_BUCKETS) {
		return {
			path: "from",
			message: `asks for ${count} buckets of one ${width}, at most ${MAX_STATS_BUCKETS} are given: ask for a shorter time or a larger width`,
		};
	}
	const keptFrom = now - STATS_KEPT_MS[width];
	if (start < floorTo(keptFrom, widthMs)) {
		return {
			path: "from",
			message: `buckets of one ${width} are kept for ${STATS_KEPT_MS[width] / 3_600_000} hours, so must not be earlier than ${keptFrom}: ask for a larger width`,
		};
	}
	return { from: start, to: end };
}

/** Every bucket of a range: those of `buckets`, and zeros where there is none. */
export function fillBuckets(buckets: readonly StatsBucket[], width: StatsWidth, range: StatsRange): StatsBucket[] {
	const byStart = new Map(buckets.map((bucket) => [bucket.start, bucket]));
	const filled: StatsBucket[] = [];
	for (let start = range.from; start < range.to; start += STATS_WIDTHS_MS[width]) {
		filled.push(byStart.get(start) ?? emptyBucket(start));
	}
	return filled;
}

/** All of `buckets` in one that begins at `start`. */
export function sumBuckets(buckets: readonly StatsBucket[], start: number): StatsBucket {
	const sum = { ...emptyBucket(start), latency: emptyLatencyCounts() };
	for (const bucket of buckets) {
		sum.accepted += bucket.accepted;
		sum.attemptsSucceeded += bucket.attemptsSucceeded;
		sum.attemptsFailed += bucket.attemptsFailed;
		sum.succeeded += bucket.succeeded;
		sum.exhausted += bucket.exhausted;
		addLatencyCounts(sum.latency, bucket.latency);
	}
	return sum;
}

/** Shared by all buckets in which nothing happened; nobody writes to it. */
const NO_LATENCY = emptyLatencyCounts();

function emptyBucket(start: number) {
	return {
		start,
		accepted: 0,
		attemptsSucceeded: 0,
		attemptsFailed: 0,
		succeeded: 0,
		exhausted: 0,
		latency: NO_LATENCY,
	};
}

function floorTo(time: number, widthMs: number): number {
	return Math.floor(time / widthMs) * widthMs;
}

function ceilTo(time: number, widthMs: number): number {
	return Math.ceil(time / widthMs) * widthMs;
}
