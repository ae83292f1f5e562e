// The clock port: all time and all timers of the server. The server uses the system's clock (adapters/system), tests and
// simulations move a clock of their own. A lint rule makes this the one place that turns times into text and back: `Date` without
// a time reads the clock.

/** A source of time and timers, in milliseconds. Nothing else in the server reads the time or sets a timer. */
export interface Clock {
	/** The wall time: an integer number of milliseconds since the epoch. It steps when somebody sets the clock. */
	now(): number;
	/** Time since some moment before the first call, with fractions. It never goes back and never steps. */
	monotonicMs(): number;
	/**
	 * Calls `fire` once when `delayMs` of monotonic time have passed; the returned function cancels it. The timer does not
	 * keep the process alive.
	 */
	after(delayMs: number, fire: () => void): () => void;
	/**
	 * Calls `fire` in the next turn of the event loop, after the I/O that is ready now. It can't be cancelled, and it keeps
	 * the process alive.
	 */
	nextTurn(fire: () => void): void;
}

/** A time in ISO 8601, in UTC, such as `2026-11-24T12:00:00.000Z`. */
export function isoTime(time: number): string {
	return new Date(time).toISOString();
}

/** The time that a text names, in ISO 8601 or in the formats of HTTP; NaN if it names none. */
export function parseTime(text: string): number {
	return Date.parse(text);
}
