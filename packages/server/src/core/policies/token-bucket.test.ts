import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TokenBucket } from "./token-bucket.ts";

describe("a token bucket", () => {
	it("gives at most twice the limit in any second, and no token too late", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 50 }),
				fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
				(perSecond, steps) => {
					const bucket = new TokenBucket(perSecond, perSecond, 0);
					const taken: number[] = [];
					let now = 0;
					for (const step of steps) {
						now += step;
						while (bucket.take(now)) taken.push(now);
						const next = bucket.nextAt(now);
						expect(next).toBeGreaterThan(now);
						expect(next - now).toBeLessThanOrEqual(Math.ceil(1_000 / perSecond));
					}
					for (const at of taken) {
						const within = taken.filter((other) => other >= at && other < at + 1_000);
						expect(within.length).toBeLessThanOrEqual(2 * perSecond);
					}
				},
			),
		);
	});

	it("adds no tokens when the clock is set back, and continues from there", () => {
		const bucket = new TokenBucket(2, 0, 10_000);
		expect(bucket.take(5_000)).toBe(false);
		expect(bucket.nextAt(5_000)).toBe(5_500);
		expect(bucket.take(5_500)).toBe(true);
	});

	it("begins with the given tokens, but no more than the limit", () => {
		expect(new TokenBucket(3, 0, 0).take(0)).toBe(false);
		expect(new TokenBucket(3, 9, 0).isFull(0)).toBe(true);
	});

	it("is full again only when all taken tokens are refilled", () => {
		const bucket = new TokenBucket(2, 2, 0);
		bucket.take(0);
		expect(bucket.isFull(499)).toBe(false);
		expect(bucket.isFull(500)).toBe(true);
	});
});
