import { describe, expect, it } from "vitest";

import { disableReason, hasFailedForLong, healthAfter, HEALTHY } from "./webhook-health.ts";

const DAY = 86_400_000;

describe("a webhook's health", () => {
	it("is the same object if an attempt changes nothing", () => {
		const failing = healthAfter(HEALTHY, { at: 5, success: false, exhausted: false });
		expect(healthAfter(HEALTHY, { at: 5, success: true, exhausted: false })).toBe(HEALTHY);
		expect(healthAfter(failing, { at: 9, success: false, exhausted: false })).toBe(failing);
	});

	it("fails since the earliest failure, even if a later update reports it", () => {
		const failing = healthAfter(HEALTHY, { at: 9, success: false, exhausted: false });
		expect(healthAfter(failing, { at: 5, success: false, exhausted: true })).toEqual({
			failingSince: 5,
			exhaustedCount: 1,
		});
	});

	it("has failed for long only after the time and ten exhausted deliveries, and never if that is switched off", () => {
		const failing = { failingSince: 1_000, exhaustedCount: 10 };
		expect(hasFailedForLong(failing, 5 * DAY, 1_000 + 5 * DAY)).toBe(true);
		expect(hasFailedForLong(failing, 5 * DAY, 999 + 5 * DAY)).toBe(false);
		expect(hasFailedForLong({ ...failing, exhaustedCount: 9 }, 5 * DAY, 1_000 + 50 * DAY)).toBe(false);
		expect(hasFailedForLong(failing, 0, 1_000 + 50 * DAY)).toBe(false);
		expect(hasFailedForLong(HEALTHY, 1, 50 * DAY)).toBe(false);
	});

	it("gives the reason for disabling in words", () => {
		const reason = (ms: number) => disableReason({ failingSince: 0, exhaustedCount: 12 }, ms);
		expect(reason(5 * DAY + 3_600_000)).toBe("no success for 5 days and 12 exhausted deliveries");
		expect(reason(3_600_000)).toBe("no success for 1 hour and 12 exhausted deliveries");
		expect(reason(1)).toBe("no success for 1 millisecond and 12 exhausted deliveries");
	});
});
