// The system's clock: the limits of Node's timers, which it hides.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { systemClock } from "./system-clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("does not fire at once after a delay that is longer than Node's timers support", () => {
	let fired = 0;
	const cancel = systemClock.after(2 ** 31, () => fired++);
	vi.advanceTimersByTime(2 ** 31 - 2);
	expect(fired).toBe(0);
	cancel();
});

it("does not fire too early after a delay with a fraction, fires after a delay in the past, and can be cancelled", () => {
	const fired: string[] = [];
	systemClock.after(1.5, () => fired.push("fraction"));
	systemClock.after(-1, () => fired.push("past"));
	systemClock.after(1, () => fired.push("cancelled"))();
	vi.advanceTimersByTime(1);
	expect(fired).toEqual(["past"]);
	vi.advanceTimersByTime(1);
	expect(fired).toEqual(["past", "fraction"]);
});
