import { describe, expect, it } from "vitest";

import {
	disableReason,
	earliestDisableDate,
	FAILING_AFTER_FAILED,
	hasFailedForLong,
	healthAfter,
	healthReported,
	HEALTHY,
	reportDueAt,
	shownHealth,
	withoutWarnings,
	type HealthSign,
	type WebhookHealth,
} from "./webhook-health.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
/** The time of the first failed attempt. */
const SINCE = 1_000_000;
const FIVE_DAYS = 5 * DAY;

function failed(health: WebhookHealth, sign: Partial<HealthSign> = {}): WebhookHealth {
	return healthAfter(health, { at: SINCE, success: false, exhausted: false, reason: "it broke", ...sign });
}

/** The health after so many failed attempts in a row. */
function afterFailed(count: number): WebhookHealth {
	let health = HEALTHY;
	for (let number = 0; number < count; number++) health = failed(health, { at: SINCE + number });
	return health;
}

const FAILING = afterFailed(FAILING_AFTER_FAILED);
/** Everything that a webhook with `disableAfterMs` is reported with, looked at every `stepMs`. */
function reports(disableAfterMs: number, stepMs: number, untilMs: number) {
	const seen: [string, number][] = [];
	let health = FAILING;
	for (let ms = 0; ms <= untilMs; ms += stepMs) {
		const before = health;
		health = healthReported(before, disableAfterMs, SINCE + ms);
		for (const name of ["reportDate", "warnDate", "remindDate"] as const) {
			if (before[name] !== health[name]) seen.push([name, ms]);
		}
	}
	return seen;
}

describe("a webhook's health", () => {
	it("is the same object if an attempt changes nothing", () => {
		expect(healthAfter(HEALTHY, { at: 5, success: true, exhausted: false, reason: null })).toBe(HEALTHY);
		expect(failed(FAILING, { at: SINCE + 9_000 })).toBe(FAILING);
	});

	it("counts failed attempts in a row up to the number that matters, and a success ends all", () => {
		expect(afterFailed(4)).toMatchObject({ failingSince: SINCE, failedCount: 4, reason: "it broke" });
		expect(FAILING).toMatchObject({ failedCount: 5 });
		const reported = { ...FAILING, reportDate: SINCE, warnDate: SINCE, remindDate: SINCE };
		expect(healthAfter(reported, { at: SINCE, success: true, exhausted: false, reason: null })).toBe(HEALTHY);
	});

	it("fails since the earliest failure, and was warned about no later than that, after a clock was put back", () => {
		const ahead = { ...FAILING, reportDate: SINCE, warnDate: SINCE + 2 * DAY };
		const after = failed(ahead, { at: SINCE - 9 });
		expect(after).toMatchObject({ failingSince: SINCE - 9, warnDate: SINCE - 9 });
		expect(failed(ahead, { at: SINCE + DAY })).toMatchObject({ failingSince: SINCE, warnDate: SINCE + DAY });
	});

	it("is reported as failing after five failed attempts and five minutes, not after one of them", () => {
		expect(reportDueAt(afterFailed(4), 0)).toBeNull();
		expect(reportDueAt(FAILING, 0)).toBe(SINCE + 5 * MINUTE);
		expect(healthReported(FAILING, 0, SINCE + 5 * MINUTE - 1)).toBe(FAILING);
		const reported = healthReported(FAILING, 0, SINCE + 5 * MINUTE);
		expect(reported).toEqual({ ...FAILING, reportDate: SINCE + 5 * MINUTE });
		expect(reportDueAt(reported, 0)).toBeNull();
	});

	it("is warned about at half of the time, and a day before if that is longer than two days", () => {
		expect(reports(FIVE_DAYS, MINUTE, 6 * DAY)).toEqual([
			["reportDate", 5 * MINUTE],
			["warnDate", 2.5 * DAY],
			["remindDate", 4 * DAY],
		]);
		expect(reports(2 * DAY, MINUTE, 3 * DAY)).toEqual([
			["reportDate", 5 * MINUTE],
			["warnDate", DAY],
		]);
		// Never disabled before it was reported as failing, however short the time is.
		expect(reports(MINUTE, 1_000, 10 * MINUTE)).toEqual([
			["reportDate", 30_000],
			["warnDate", 30_000],
		]);
		expect(reports(0, MINUTE, 6 * DAY)).toEqual([["reportDate", 5 * MINUTE]]);
	});

	it("is disabled after the time and ten exhausted deliveries, and never if that is switched off", () => {
		const warned = { ...FAILING, exhaustedCount: 10, reportDate: SINCE, warnDate: SINCE + 2.5 * DAY };
		expect(hasFailedForLong(warned, FIVE_DAYS, SINCE + FIVE_DAYS)).toBe(true);
		expect(hasFailedForLong(warned, FIVE_DAYS, SINCE + FIVE_DAYS - 1)).toBe(false);
		expect(hasFailedForLong({ ...warned, exhaustedCount: 9 }, FIVE_DAYS, SINCE + 50 * DAY)).toBe(false);
		expect(hasFailedForLong(warned, 0, SINCE + 50 * DAY)).toBe(false);
		expect(hasFailedForLong(HEALTHY, 1, SINCE + 50 * DAY)).toBe(false);
	});

	it("is disabled a day after the first warning at the earliest, or half of a shorter time", () => {
		const failing = { ...FAILING, exhaustedCount: 10, reportDate: SINCE };
		expect(hasFailedForLong(failing, FIVE_DAYS, SINCE + 50 * DAY)).toBe(false);
		const late = healthReported(failing, FIVE_DAYS, SINCE + 9 * DAY);
		expect(late).toMatchObject({ warnDate: SINCE + 9 * DAY, remindDate: SINCE + 9 * DAY });
		expect(hasFailedForLong(late, FIVE_DAYS, SINCE + 10 * DAY - 1)).toBe(false);
		expect(hasFailedForLong(late, FIVE_DAYS, SINCE + 10 * DAY)).toBe(true);
		const short = { ...failing, warnDate: SINCE + DAY };
		expect(hasFailedForLong(short, 10 * MINUTE, SINCE + DAY + 5 * MINUTE - 1)).toBe(false);
		expect(hasFailedForLong(short, 10 * MINUTE, SINCE + DAY + 5 * MINUTE)).toBe(true);
	});

	it("shows the earliest time at which the webhook can be disabled", () => {
		const webhook = { status: "Enabled", disableAfterMs: FIVE_DAYS } as const;
		const failing = { ...FAILING, reportDate: SINCE + 5 * MINUTE };
		const dateAt = (health: WebhookHealth, ms: number) => earliestDisableDate(health, webhook, SINCE + ms);
		expect(dateAt(failing, DAY)).toBe(SINCE + FIVE_DAYS);
		// Not warned in time, as after a long stop of the server.
		expect(dateAt(failing, 9 * DAY)).toBe(SINCE + 10 * DAY);
		expect(dateAt({ ...failing, warnDate: SINCE + 9 * DAY }, 9.5 * DAY)).toBe(SINCE + 10 * DAY);
		// The time is over, and only exhausted deliveries are missing.
		expect(dateAt({ ...failing, warnDate: SINCE + 3 * DAY }, 6 * DAY)).toBe(SINCE + 6 * DAY);
		expect(dateAt(FAILING, DAY)).toBeNull();
		expect(earliestDisableDate(failing, { ...webhook, status: "Paused" }, SINCE)).toBeNull();
		expect(earliestDisableDate(failing, { ...webhook, disableAfterMs: 0 }, SINCE)).toBeNull();
	});

	it("has a state that follows from what was reported and from the webhook's status", () => {
		const failing = { ...FAILING, reportDate: SINCE };
		const warned = { ...failing, warnDate: SINCE };
		const table = [
			[HEALTHY, "Healthy", "Healthy", "Disabled"],
			[FAILING, "Healthy", "Healthy", "Disabled"],
			[failing, "Failing", "Failing", "Disabled"],
			[warned, "Disabling", "Failing", "Disabled"],
		] as const;
		for (const [health, ...states] of table) {
			const stateWhen = (status: "Enabled" | "Paused" | "Disabled") =>
				shownHealth(health, { status, disableAfterMs: FIVE_DAYS }, SINCE).state;
			expect([stateWhen("Enabled"), stateWhen("Paused"), stateWhen("Disabled")]).toEqual(states);
		}
	});

	it("is warned about anew for another time", () => {
		const warned = healthReported(FAILING, FIVE_DAYS, SINCE + 4 * DAY);
		const longer = withoutWarnings(warned);
		expect(reportDueAt(longer, 30 * DAY)).toBe(SINCE + 15 * DAY);
		expect(longer.reportDate).toBe(warned.reportDate);
	});

	it("gives the reason for disabling in words", () => {
		const reason = (ms: number) => disableReason({ ...HEALTHY, failingSince: 0, exhaustedCount: 12 }, ms);
		expect(reason(5 * DAY + 3_600_000)).toBe("no success for 5 days and 12 exhausted deliveries");
		expect(reason(3_600_000)).toBe("no success for 1 hour and 12 exhausted deliveries");
		expect(reason(1)).toBe("no success for 1 millisecond and 12 exhausted deliveries");
	});
});
