// A histogram of latencies with geometric buckets. Histograms are merged by addition; percentiles are within 5 %.

/** The ratio of one bucket's bound to the previous one. A percentile is off by at most half of the difference. */
const GROWTH = 1.1;
const LOG_GROWTH = Math.log(GROWTH);
/** The last bucket takes all latencies above about 33 s; an attempt may take 30 s at most. */
export const BUCKET_COUNT = 111;

/** The count of each bucket; `BUCKET_COUNT` entries. */
export type LatencyCounts = Uint32Array;

export function emptyLatencyCounts(): LatencyCounts {
	return new Uint32Array(BUCKET_COUNT);
}

/** The index of the bucket for a latency. The first bucket takes latencies up to 1 ms. */
export function latencyBucket(ms: number): number {
	if (ms <= 1) return 0;
	return Math.min(BUCKET_COUNT - 1, Math.ceil(Math.log(ms) / LOG_GROWTH));
}

/** Adds `count` to a bucket, in place. An index beyond the last bucket counts as the last. */
export function addLatencyCount(counts: LatencyCounts, bucket: number, count: number): void {
	const known = Math.min(bucket, BUCKET_COUNT - 1);
	counts[known] = (counts[known] ?? 0) + count;
}

/** Adds `more` to `counts`, in place. */
export function addLatencyCounts(counts: LatencyCounts, more: LatencyCounts): void {
	for (let index = 0; index < BUCKET_COUNT; index++) counts[index] = (counts[index] ?? 0) + (more[index] ?? 0);
}

/** The quantile `q` (0–1) of the latencies, in ms; null if there are no latencies. */
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
