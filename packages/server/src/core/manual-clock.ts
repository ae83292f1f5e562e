// A clock that is moved by hand, for tests and for demos that show days in seconds.
import { parseTime, type Clock } from "./clock.ts";

interface Timer {
	/** In monotonic time. */
	readonly at: number;
	readonly fire: () => void;
}

export interface ManualClockOptions {
	/** How `nextTurn` calls back. Defaults to the real event loop: turns are not time, so they pass by themselves. */
	readonly nextTurn?: (fire: () => void) => void;
}

/**
 * Stands still until `advance` or `step` is called. Its monotonic time begins at 0. Timers fire in the order of their
 * times, and `now` is each timer's time when it fires.
 *
 * @example
 * const clock = new ManualClock(0);
 * clock.after(1_000, () => console.log(clock.now())); // prints 1000
 * clock.advance(5_000);
 */
export class ManualClock implements Clock {
	#monotonicMs = 0;
	/** The wall time at monotonic time 0. */
	#wallStart: number;
	/** In the order in which they were set. */
	readonly #timers: Timer[] = [];
	readonly #nextTurn: (fire: () => void) => void;

	constructor(now = parseTime("2026-11-24T12:00:00Z"), options: ManualClockOptions = {}) {
		this.#wallStart = now;
		this.#nextTurn = options.nextTurn ?? ((fire) => void setImmediate(fire));
	}

	now(): number {
		return Math.floor(this.#wallStart + this.#monotonicMs);
	}

	monotonicMs(): number {
		return this.#monotonicMs;
	}

	after(delayMs: number, fire: () => void): () => void {
		const timer = { at: this.#monotonicMs + Math.max(0, delayMs), fire };
		this.#timers.push(timer);
		return () => this.#remove(timer);
	}

	nextTurn(fire: () => void): void {
		this.#nextTurn(fire);
	}

	/** Moves both times forward and fires the timers that become due, including those that are set on the way. */
	advance(ms: number): void {
		const end = this.#monotonicMs + ms;
		for (let due = this.#firstUntil(end); due !== null; due = this.#firstUntil(end)) {
			this.#remove(due);
			this.#monotonicMs = Math.max(this.#monotonicMs, due.at);
			due.fire();
		}
		this.#monotonicMs = Math.max(this.#monotonicMs, end);
	}

	/**
	 * Sets the wall time forward or back, as an operator or NTP does. Monotonic time stays, and so does the remaining time
	 * of each timer.
	 */
	step(ms: number): void {
		this.#wallStart += ms;
	}

	/** The first timer at this time or before; of several at the same time, the one that was set first. */
	#firstUntil(end: number): Timer | null {
		let first: Timer | null = null;
		for (const timer of this.#timers) {
			if (timer.at <= end && (first === null || timer.at < first.at)) first = timer;
		}
		return first;
	}

	#remove(timer: Timer): void {
		const index = this.#timers.indexOf(timer);
		if (index !== -1) this.#timers.splice(index, 1);
	}
}
