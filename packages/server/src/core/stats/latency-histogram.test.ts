import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
	addLatencyCount,
	addLatencyCounts,
	BUCKET_COUNT,
	emptyLatencyCounts,
	latencyBucket,
	latencyQuantileMs,
} from "./latency-histogram.ts";

const latencies = fc.array(fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 30_000 })), { minLength: 1, maxLength: 300 });

function countsOf(list: readonly number[]) {
	const counts = emptyLatencyCounts();
	for (const ms of list) addLatencyCount(counts, latencyBucket(ms), 1);
	return counts;
}

/** The value of this rank in the sorted list. */
function exactQuantile(list: readonly number[], q: number): number {
	const sorted = [...list].sort((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

describe("the latency histogram", () => {
	it("has percentiles within 5 % and 1 ms of the exact ones", () => {
		fc.assert(
			fc.property(latencies, fc.constantFrom(0.5, 0.95, 0.99), (list, q) => {
				const exact = exactQuantile(list, q);
				expect(Math.abs((latencyQuantileMs(countsOf(list), q) ?? -1) - exact)).toBeLessThanOrEqual(1 + 0.05 * exact);
			}),
		);
	});

	it("is the same whether latencies are counted together or histograms are added", () => {
		fc.assert(
			fc.property(latencies, latencies, (some, more) => {
				const sum = countsOf(some);
				addLatencyCounts(sum, countsOf(more));
				expect(sum).toEqual(countsOf([...some, ...more]));
			}),
		);
	});

	it("has no percentiles without latencies", () => {
		expect(latencyQuantileMs(emptyLatencyCounts(), 0.5)).toBeNull();
	});

	it("accepts latencies below 1 ms and above the longest attempt", () => {
		expect(latencyBucket(0)).toBe(0);
		expect(latencyBucket(10 ** 9)).toBe(BUCKET_COUNT - 1);
		expect(latencyQuantileMs(countsOf([0]), 0.99)).toBe(1);
	});
});
