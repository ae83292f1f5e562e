// A clock that is moved by hand, for tests and for demos that show days in seconds.
import type { Clock } from "./clock.ts";

interface Timer {
	at: number;
	readonly fire: () => void;
}

/**
 * Stands still until `advance` or `jump` is called. Timers fire in the order of their times, and `now` is each timer's
 * time when it fires.
 *
 * @example
 * const clock = new ManualClock(0);
 * clock.after(1_000, () => console.log(clock.now())); // prints 1000
 * clock.advance(5_000);
 */
export class ManualClock implements Clock {
	#now: number;
	#timers: Timer[] = [];

	constructor(now = Date.parse("2026-11-24T12:00:00Z")) {
		this.#now = now;
	}

	now(): number {
		return this.#now;
	}

	after(delayMs: number, fire: () => void): () => void {
		const timer = { at: this.#now + Math.max(0, delayMs), fire };
		this.#timers.push(timer);
		return () => {
			this.#timers = this.#timers.filter((other) => other !== timer);
		};
	}

	/** Moves the time forward and fires the timers that become due, including those that are set on the way. */
	advance(ms: number): void {
		const end = this.#now + ms;
		for (;;) {
			const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
			if (due === undefined) break;
			this.#timers = this.#timers.filter((other) => other !== due);
			this.#now = Math.max(this.#now, due.at);
			due.fire();
		}
		this.#now = end;
	}

	/**
	 * Sets the clock forward or back, as an operator or NTP does. No timer fires; each still waits for its remaining
	 * delay.
	 */
	jump(ms: number): void {
		this.#now += ms;
		for (const timer of this.#timers) timer.at += ms;
	}
}
