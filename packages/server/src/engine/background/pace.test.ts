// The pace follows live traffic. Each test simulates some seconds of traffic, window by window.
import { expect, it } from "vitest";

import { Pace } from "./pace.ts";

const WINDOW_MS = 250;

/**
 * Simulates windows with one step each, and with commits whose first sends have waited `waitsMs`. Returns the last
 * pause.
 */
function simulate(
	pace: Pace,
	from: number,
	windows: number,
	waitsMs: readonly number[],
): { pauseMs: number; now: number } {
	let pauseMs = 0;
	let now = from;
	for (let n = 0; n < windows; n++) {
		for (const waitedMs of waitsMs) pace.sendsEnded(waitedMs);
		now += WINDOW_MS;
		pauseMs = pace.pauseMs(1, now);
	}
	return { pauseMs, now };
}

const QUICK = Array.from({ length: 50 }, () => 2);
const SLOW = [...QUICK, 30, 30, 30];

it("is fastest while there are no sends, and while sends do not wait long", () => {
	const pace = new Pace();
	const { pauseMs, now } = simulate(pace, 0, 40, []);
	expect(pauseMs).toBeLessThanOrEqual(3);
	expect(simulate(pace, now, 40, QUICK).pauseMs).toBe(pauseMs);
});

it("is slow while sends wait long, but never slower than twice a second, and speeds up again afterwards", () => {
	const pace = new Pace();
	const fast = simulate(pace, 0, 40, QUICK);
	// One slow commit among many changes nothing.
	const still = simulate(pace, fast.now, 10, [...QUICK, 30]);
	expect(still.pauseMs).toBe(fast.pauseMs);
	const slower = simulate(pace, still.now, 4, SLOW);
	expect(slower.pauseMs).toBeGreaterThan(4 * fast.pauseMs);
	const slowest = simulate(pace, slower.now, 40, SLOW);
	expect(slowest.pauseMs).toBe(499);
	expect(simulate(pace, slowest.now, 60, QUICK).pauseMs).toBe(fast.pauseMs);
});

it("pauses at least as long as the step took, but not for long after a step that took very long", () => {
	const pace = new Pace();
	expect(pace.pauseMs(300, 0)).toBe(300);
	expect(pace.pauseMs(3_600_000, 0)).toBe(500);
});

it("changes once per window, however many steps are in it", () => {
	const pace = new Pace();
	const first = pace.pauseMs(1, 10_000);
	for (let n = 0; n < 10; n++) expect(pace.pauseMs(1, 10_000 + n)).toBe(first);
	expect(pace.pauseMs(1, 10_000 + WINDOW_MS)).toBeLessThan(first);
});
