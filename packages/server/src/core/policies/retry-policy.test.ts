import { describe, expect, it, vi } from "vitest";

import {
	DEFAULT_RETRY_POLICY,
	longestWaitMs,
	MAX_RETRY_AFTER_MS,
	parseRetryAfterMs,
	retryDelayMs,
} from "./retry-policy.ts";

describe("retryDelayMs", () => {
	it("doubles from 1 s up to the cap, minus at most a fifth", () => {
		const policy = { maxRetries: 20, maxBackoffMs: 15_000 };
		const longest = [1, 2, 3, 4, 5, 6, 20].map((n) => retryDelayMs(policy, n, () => 1));
		expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
		expect(retryDelayMs(policy, 3, () => 0)).toBe(3_200);
		expect(retryDelayMs({ maxRetries: 1, maxBackoffMs: 0 }, 1, () => 0.5)).toBe(0);
	});
});

describe("the default policy", () => {
	it("retries for about a day, so that a receiver may be down for a night", () => {
		const attempts = Array.from({ length: DEFAULT_RETRY_POLICY.maxRetries }, (_, index) => index + 1);
		const totalMs = (random: number) =>
			attempts.reduce((sum, n) => sum + retryDelayMs(DEFAULT_RETRY_POLICY, n, () => random), 0);
		expect(totalMs(0)).toBe(72_293_600);
		expect(totalMs(1)).toBe(90_367_000);
	});
});

describe("a schedule", () => {
	it("sets the waits exactly, without jitter and without the cap", () => {
		const policy = { maxRetries: 2, maxBackoffMs: 1, scheduleMs: [5_000, 300_000] };
		expect([1, 2].map((n) => retryDelayMs(policy, n, () => 0))).toEqual([5_000, 300_000]);
	});
});

describe("the longest wait", () => {
	it("is that of a receiver's Retry-After, unless the schedule has a longer one", () => {
		expect(longestWaitMs(DEFAULT_RETRY_POLICY)).toBe(MAX_RETRY_AFTER_MS);
		expect(longestWaitMs({ maxRetries: 2, maxBackoffMs: 1, scheduleMs: [5_000, 3 * MAX_RETRY_AFTER_MS] })).toBe(
			3 * MAX_RETRY_AFTER_MS,
		);
	});
});

describe("parseRetryAfterMs", () => {
	const now = Date.parse("2026-11-24T12:00:00Z");

	it("reads seconds and dates, and caps at a day", () => {
		expect(parseRetryAfterMs("120", now)).toBe(120_000);
		expect(parseRetryAfterMs("Tue, 24 Nov 2026 12:05:00 GMT", now)).toBe(300_000);
		expect(parseRetryAfterMs("999999999", now)).toBe(MAX_RETRY_AFTER_MS);
		expect(parseRetryAfterMs("9".repeat(40), now)).toBe(MAX_RETRY_AFTER_MS);
		expect(parseRetryAfterMs("9".repeat(4_000), now)).toBe(MAX_RETRY_AFTER_MS);
	});

	it.each(["Tue, 24 Nov 2026 12:05:00 GMT", "Tuesday, 24-Nov-26 12:05:00 GMT", "Tue Nov 24 12:05:00 2026"])(
		"reads %s as the same time in every time zone",
		(value) => {
			vi.stubEnv("TZ", "America/New_York");
			const wait = parseRetryAfterMs(value, now);
			vi.unstubAllEnvs();
			expect(wait).toBe(300_000);
		},
	);

	it.each([undefined, "", "0", "-5", "soon", "1.5", "2026-11-24T12:05:00Z", "Tue, 24 Nov 2026 11:05:00 GMT"])(
		"ignores %s",
		(value) => expect(parseRetryAfterMs(value, now)).toBeNull(),
	);
});
