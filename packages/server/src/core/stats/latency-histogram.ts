// Latencies as counts in fixed, geometric buckets: mergeable by addition, with percentiles to within a few per cent.

/** Each bound is this much larger than the last, so that a percentile is off by at most half of it. */
const GROWTH = 1.1;
const LOG_GROWTH = Math.log(GROWTH);
/** The last bucket takes all that is longer than about half a minute, the longest that an attempt may take. */
export const BUCKET_COUNT = 111;

/** Counts by bucket; `BUCKET_COUNT` long. */
export type LatencyCounts = Uint32Array;

export function emptyLatencyCounts(): LatencyCounts {
	return new Uint32Array(BUCKET_COUNT);
}

/** The bucket that a latency falls into; the first has all up to 1 ms. */
export function latencyBucket(ms: number): number {
	if (ms <= 1) return 0;
	return Math.min(BUCKET_COUNT - 1, Math.ceil(Math.log(ms) / LOG_GROWTH));
}

/** Adds to a bucket, in place. Beyond the last one it counts as that. */
export function addLatencyCount(counts: LatencyCounts, bucket: number, count: number): void {
	const known = Math.min(bucket, BUCKET_COUNT - 1);
	counts[known] = (counts[known] ?? 0) + count;
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
		if (seen >= rank) return Math.round(GROWTH ** Math.max(0, bucket - 0.5));
	}
	return null;
}
