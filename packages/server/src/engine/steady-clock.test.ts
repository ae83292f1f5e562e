// The steady clock: it follows steps forward at once, and steps back slowly.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ManualClock } from "../core/manual-clock.ts";
import { SteadyClock } from "./steady-clock.ts";

const HOUR = 3_600_000;

function setUp() {
	const wall = new ManualClock(1_000_000_000);
	return { wall, clock: new SteadyClock(wall) };
}

describe("a steady clock", () => {
	it("goes on after a step back, at nine tenths of the rate, until the wall time has caught up", () => {
		const { wall, clock } = setUp();
		wall.advance(5);
		const before = clock.now();
		wall.step(-HOUR);
		expect(clock.now()).toBe(before);
		wall.advance(1_000);
		expect(clock.now()).toBe(before + 900);
		wall.advance(10 * HOUR - 1_000);
		expect(clock.now()).toBe(wall.now());
		expect(wall.now()).toBe(before + 9 * HOUR);
		wall.advance(1_000);
		expect(clock.now()).toBe(before + 9 * HOUR + 1_000);
	});

	it("notices a step back that was as long as nobody had looked, when a timer fires", () => {
		const { wall, clock } = setUp();
		const before = clock.now();
		const seen: number[] = [];
		clock.after(1_000, () => seen.push(clock.now()));
		wall.step(-990);
		wall.advance(1_000);
		expect(seen).toEqual([before + 900]);
	});

	it("shows the wall time once that is ahead, never goes back, and lets no wait take more than a ninth longer", () => {
		const step = fc.oneof(fc.integer({ min: -2 * HOUR, max: 2 * HOUR }), fc.integer({ min: -50, max: 50 }));
		const passed = fc.oneof(fc.integer({ min: 0, max: HOUR }), fc.integer({ min: 0, max: 50 }));
		fc.assert(
			fc.property(fc.array(fc.tuple(step, passed, fc.boolean()), { maxLength: 50 }), (moves) => {
				const { wall, clock } = setUp();
				let before = clock.now();
				let wasWaited = true;
				for (const [stepMs, passedMs, isWaited] of moves) {
					wall.step(stepMs);
					// The end of a wait is the firing of a timer.
					if (isWaited) clock.after(passedMs, () => {});
					wall.advance(passedMs);
					const now = clock.now();
					expect(now).toBeGreaterThanOrEqual(Math.max(before, wall.now()));
					// Steps between two looks without a timer may go unnoticed.
					if (wasWaited) expect(now).toBeLessThanOrEqual(Math.max(wall.now(), before + passedMs));
					if (wasWaited && isWaited) expect(now).toBeGreaterThanOrEqual(before + Math.floor(passedMs * 0.9) - 1);
					[before, wasWaited] = [now, isWaited];
				}
			}),
			{ numRuns: runs(200) },
		);
	});
});
