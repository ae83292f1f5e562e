// The pace follows live traffic: each case plays a few seconds of it, window by window.
import { expect, it } from "vitest";

import { Pace } from "./pace.ts";

const WINDOW_MS = 250;

/** Plays that many windows, each with one step and with commits whose first sends have waited so long. Returns the last pause. */
function play(pace: Pace, from: number, windows: number, waitsMs: readonly number[]): { pauseMs: number; now: number } {
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
const HELD_UP = [...QUICK, 30, 30, 30];

it("makes steps as often as it may while nobody sends, and while what is sent does not wait", () => {
	const pace = new Pace();
	const { pauseMs, now } = play(pace, 0, 40, []);
	expect(pauseMs).toBeLessThanOrEqual(3);
	expect(play(pace, now, 40, QUICK).pauseMs).toBe(pauseMs);
});

it("makes them rarely while sends wait long, never less than twice a second, and takes up speed again", () => {
	const pace = new Pace();
	const fast = play(pace, 0, 40, QUICK);
	// One send among many that waits long says nothing.
	const still = play(pace, fast.now, 10, [...QUICK, 30]);
	expect(still.pauseMs).toBe(fast.pauseMs);
	const slower = play(pace, still.now, 4, HELD_UP);
	expect(slower.pauseMs).toBeGreaterThan(4 * fast.pauseMs);
	const slowest = play(pace, slower.now, 40, HELD_UP);
	expect(slowest.pauseMs).toBe(499);
	expect(play(pace, slowest.now, 60, QUICK).pauseMs).toBe(fast.pauseMs);
});

it("waits as long as the step has taken at least, but never long because the clock was set in between", () => {
	const pace = new Pace();
	expect(pace.pauseMs(300, 0)).toBe(300);
	expect(pace.pauseMs(3_600_000, 0)).toBe(500);
	expect(pace.pauseMs(-3_600_000, 0)).toBeLessThanOrEqual(20);
});

it("judges whole windows, however many steps lie in one, and also after the clock was set back", () => {
	const pace = new Pace();
	const first = pace.pauseMs(1, 10_000);
	for (let n = 0; n < 10; n++) expect(pace.pauseMs(1, 10_000 + n)).toBe(first);
	expect(pace.pauseMs(1, 5_000)).toBeLessThan(first);
});
