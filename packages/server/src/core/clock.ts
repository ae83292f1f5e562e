// Time, handed in: production uses the system's, tests move their own.

/** A source of time and timers. All times are integer milliseconds since the epoch. */
export interface Clock {
	now(): number;
	/** Calls `fire` once after `delayMs`; the returned function cancels it. The timer does not keep the process alive. */
	after(delayMs: number, fire: () => void): () => void;
}

/** `setTimeout` counts in a signed 32-bit integer; a longer wait would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The computer's clock. */
export const systemClock: Clock = {
	now: () => Date.now(),
	after(delayMs, fire) {
		const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
		timer.unref();
		return () => clearTimeout(timer);
	},
};
