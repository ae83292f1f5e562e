// A clock that is moved by hand, for tests and for programs that tell a story of days in seconds.
import type { Clock } from "./clock.ts";

interface Timer {
	at: number;
	readonly fire: () => void;
}

/** Stands still until `advance` is called; timers fire in the order of their times, each at its own time. */
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

	/** Moves the time on, firing what is due on the way. */
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

	/** Sets the time without firing anything, as an operator or NTP does; also backwards. Timers wait as long as they would have. */
	jump(ms: number): void {
		this.#now += ms;
		for (const timer of this.#timers) timer.at += ms;
	}
}
