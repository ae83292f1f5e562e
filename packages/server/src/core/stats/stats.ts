// Stats: counts and latencies of deliveries in buckets of a minute, an hour or a day.
import type { Issue } from "../errors.ts";
import { ATTEMPT_CAUSES, causeAt, type AttemptCause } from "../log/attempt-cause.ts";
import { addLatencyCounts, emptyLatencyCounts, type LatencyCounts } from "./latency-histogram.ts";

/** The width of a bucket in ms, by name. */
export const STATS_WIDTHS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export const STATS_WIDTHS = ["minute", "hour", "day"] as const;
export type StatsWidth = (typeof STATS_WIDTHS)[number];

/** For how long buckets are kept; days for ever. */
export const STATS_KEPT_MS = { minute: 48 * 3_600_000, hour: 90 * 86_400_000, day: Infinity } as const;
/** The largest number of buckets in one response. */
export const MAX_STATS_BUCKETS = 1_500;
/** The largest number of webhooks in one response, and of buckets of each. */
export const MAX_SERIES_WEBHOOKS = 100;
export const MAX_SERIES_BUCKETS = 200;
/** The number of buckets, up to now, if a request has no `from`. */
const DEFAULT_BUCKETS = { minute: 60, hour: 24, day: 30 } as const;

/** One bucket of a webhook or of a project. */
export interface StatsBucket {
	/** The start of the bucket: a multiple of the width, in ms since the epoch (UTC). */
	readonly start: number;
	/** Accepted events with a delivery to the webhook; for a project, all accepted events. */
	readonly accepted: number;
	readonly attemptsSucceeded: number;
	readonly attemptsFailed: number;
	/** Deliveries that became Succeeded. */
	readonly succeeded: number;
	/** Deliveries that became Failed, whatever the reason. */
	readonly exhausted: number;
	/** The durations of attempts that got a response or timed out. */
	readonly latency: LatencyCounts;
	/** Failed attempts by cause; causes without any are omitted. Attempts that version 0.1 has made are in none. */
	readonly failures: CauseCounts;
}

/** Counts above 0, in the order of `ATTEMPT_CAUSES`. */
export type CauseCounts = ReadonlyMap<AttemptCause, number>;

/** Adds up counts by the numbers of their causes. Throws a `RangeError` for a number that this program does not know. */
export function causeCounts(pairs: Iterable<readonly [code: number, count: number]>): CauseCounts {
	const sums = new Map<AttemptCause, number>();
	for (const [code, count] of pairs) {
		const cause = causeAt(code);
		if (cause !== null) sums.set(cause, (sums.get(cause) ?? 0) + count);
	}
	return inOrder(sums);
}

function inOrder(counts: CauseCounts): CauseCounts {
	return new Map(
		ATTEMPT_CAUSES.flatMap((cause) => ((counts.get(cause) ?? 0) > 0 ? [[cause, counts.get(cause) ?? 0]] : [])),
	);
}

/** A request for stats. `from` and `to` are times in ms; null means the default. */
export interface StatsRequest {
	readonly width: StatsWidth;
	/** Inclusive. Defaults to the last 60 minutes, 24 hours or 30 days before `to`. */
	readonly from: number | null;
	/** Exclusive. Defaults to now, with the current bucket. */
	readonly to: number | null;
}

/** A range of whole buckets: both ends are multiples of the width. */
export interface StatsRange {
	/** Inclusive. */
	readonly from: number;
	/** Exclusive. */
	readonly to: number;
}

/** The attempts of one webhook in each bucket of a range, oldest first, empty buckets too. */
export interface WebhookSeries {
	readonly webhookId: string;
	readonly attemptsSucceeded: readonly number[];
	readonly attemptsFailed: readonly number[];
}

/** The smallest range of whole buckets that contains the requested time, or the issue with the request. */
export function statsRange(
	{ width, from, to }: StatsRequest,
	now: number,
	maxBuckets = MAX_STATS_BUCKETS,
): StatsRange | Issue {
	const widthMs = STATS_WIDTHS_MS[width];
	const end = ceilTo(to ?? now + 1, widthMs);
	const start = from === null ? Math.max(0, end - DEFAULT_BUCKETS[width] * widthMs) : floorTo(from, widthMs);
	if (start >= end || (from !== null && to !== null && from >= to)) {
		return { path: "from", message: `must be earlier than \`to\`, which is ${to ?? "now"}` };
	}
	const count = (end - start) / widthMs;
	if (count > maxBuckets) {
		return {
			path: "from",
			message: `asks for ${count} buckets of one ${width}, but at most ${maxBuckets} are returned: ask for a shorter time or a larger width`,
		};
	}
	const keptFrom = now - STATS_KEPT_MS[width];
	if (start < floorTo(keptFrom, widthMs)) {
		return {
			path: "from",
			message: `must not be earlier than ${keptFrom}, since buckets of one ${width} are kept for ${STATS_KEPT_MS[width] / 3_600_000} hours: ask for a larger width`,
		};
	}
	return { from: start, to: end };
}

/** Every bucket of a range: those in `buckets`, and empty ones for the rest. */
export function fillBuckets(buckets: readonly StatsBucket[], width: StatsWidth, range: StatsRange): StatsBucket[] {
	const byStart = new Map(buckets.map((bucket) => [bucket.start, bucket]));
	const filled: StatsBucket[] = [];
	for (let start = range.from; start < range.to; start += STATS_WIDTHS_MS[width]) {
		filled.push(byStart.get(start) ?? emptyBucket(start));
	}
	return filled;
}

/** The sum of all buckets, as one bucket that starts at `start`. */
export function sumBuckets(buckets: readonly StatsBucket[], start: number): StatsBucket {
	const sum = { ...emptyBucket(start), latency: emptyLatencyCounts() };
	const failures = new Map<AttemptCause, number>();
	for (const bucket of buckets) {
		sum.accepted += bucket.accepted;
		sum.attemptsSucceeded += bucket.attemptsSucceeded;
		sum.attemptsFailed += bucket.attemptsFailed;
		sum.succeeded += bucket.succeeded;
		sum.exhausted += bucket.exhausted;
		addLatencyCounts(sum.latency, bucket.latency);
		for (const [cause, count] of bucket.failures) failures.set(cause, (failures.get(cause) ?? 0) + count);
	}
	return { ...sum, failures: inOrder(failures) };
}

/** Shared by all empty buckets; never written to. */
const NO_LATENCY = emptyLatencyCounts();
const NO_FAILURES: CauseCounts = new Map();

function emptyBucket(start: number) {
	return {
		start,
		accepted: 0,
		attemptsSucceeded: 0,
		attemptsFailed: 0,
		succeeded: 0,
		exhausted: 0,
		latency: NO_LATENCY,
		failures: NO_FAILURES,
	};
}

function floorTo(time: number, widthMs: number): number {
	return Math.floor(time / widthMs) * widthMs;
}

function ceilTo(time: number, widthMs: number): number {
	return Math.ceil(time / widthMs) * widthMs;
}
