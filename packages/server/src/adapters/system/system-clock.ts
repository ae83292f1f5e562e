// The clock of the operating system. A lint rule makes this the place where the server reads the time and sets timers; the
// few files that may also do so are listed in .oxlintrc.json.
import type { Clock } from "../../core/clock.ts";

/** `setTimeout` stores the delay in a signed 32-bit integer; a longer delay would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of the operating system. Timers fire after about 24.8 days at the latest. */
export const systemClock: Clock = {
	now: () => Date.now(),
	monotonicMs: () => performance.now(),
	after(delayMs, fire) {
		// Node ignores fractions of a millisecond, so the timer would fire too early.
		const timer = setTimeout(fire, Math.min(Math.max(0, Math.ceil(delayMs)), MAX_TIMER_MS));
		timer.unref();
		return () => clearTimeout(timer);
	},
	nextTurn(fire) {
		setImmediate(fire);
	},
};
