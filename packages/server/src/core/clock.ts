// The clock, passed in as a dependency: the server uses the system's clock, tests move a clock of their own.

/** A source of time and timers. All times are integer milliseconds since the epoch. */
export interface Clock {
	/** The current time. It can go back when somebody sets the clock. */
	now(): number;
	/** Calls `fire` once after `delayMs`; the returned function cancels it. The timer does not keep the process alive. */
	after(delayMs: number, fire: () => void): () => void;
}

/** `setTimeout` stores the delay in a signed 32-bit integer; a longer delay would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of the operating system. Timers fire after about 24.8 days at the latest. */
export const systemClock: Clock = {
	now: () => Date.now(),
	after(delayMs, fire) {
		const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
		timer.unref();
		return () => clearTimeout(timer);
	},
};
