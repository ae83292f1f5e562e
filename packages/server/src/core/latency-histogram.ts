// Latencies as counts in fixed, geometric buckets: mergeable by addition, with percentiles to within a few per cent.

/** Each bound is this much larger than the last, so that a percentile is off by at most half of it. */
const GROWTH = 1.15;
const FIRST_BOUND_MS = 1;
/** The last bucket takes all that is longer than about a minute. */
export const BUCKET_COUNT = 81;

/** Counts by bucket; `BUCKET_COUNT` long. */
export type LatencyCounts = Uint32Array;

export function emptyLatencyCounts(): LatencyCounts {
	return new Uint32Array(BUCKET_COUNT);
}

/** The bucket that a latency falls into. */
export function latencyBucket(ms: number): number {
	if (ms <= FIRST_BOUND_MS) return 0;
	return Math.min(BUCKET_COUNT - 1, Math.ceil(Math.log(ms / FIRST_BOUND_MS) / Math.log(GROWTH)));
}

/** Adds `more` to `counts`, in place. */
export function addLatencyCounts(counts: LatencyCounts, more: LatencyCounts): void {
	for (let index = 0; index < BUCKET_COUNT; index++) counts[index] = (counts[index] ?? 0) + (more[index] ?? 0);
}

/** The latency in ms below which the share `q` (0–1) of all lie; null if there are none. */
export function latencyQuantileMs(counts: LatencyCounts, q: number): number | null {
	const total = counts.reduce((sum, count) => sum + count, 0);
	if (total === 0) return null;
	const rank = Math.max(1, Math.ceil(q * total));
	let seen = 0;
	for (const [bucket, count] of counts.entries()) {
		seen += count;
		if (seen >= rank) return Math.round(FIRST_BOUND_MS * GROWTH ** Math.max(0, bucket - 0.5));
	}
	return null;
}
