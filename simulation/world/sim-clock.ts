// Virtual time: it moves only when the simulation moves it, and everything happens in an order that follows from the seed.

interface Timer {
	readonly at: number;
	readonly sequence: number;
	readonly fire: () => void;
}

/** Timers fire after this long at the latest, as those of the system do. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** More turns than this without time passing mean that the server is busy with nothing, for ever. */
const MAX_TURNS = 200_000;

/**
 * Wall time and monotonic time, apart from each other: `step` moves only the wall time, as an operator or NTP does.
 * Timers follow the monotonic time.
 *
 * @example
 * const clock = new SimClock(Date.parse("2026-11-24T12:00:00Z"));
 * clock.after(1_000, () => console.log(clock.monotonicMs())); // prints 1000
 * await clock.advance(5_000);
 */
export class SimClock {
	#wallOffset: number;
	#monotonic = 0;
	#sequence = 0;
	/** Sorted by time, and by sequence within a millisecond. */
	readonly #timers: Timer[] = [];
	#turns: (() => void)[] = [];

	/** @param now the wall time at the beginning */
	constructor(now: number) {
		this.#wallOffset = now;
	}

	/** The wall time, in milliseconds since the epoch. */
	now(): number {
		return this.#wallOffset + this.#monotonic;
	}

	/** The time since the beginning of the simulation. It never goes back. */
	monotonicMs(): number {
		return this.#monotonic;
	}

	/** Calls `fire` once after `delayMs`; the returned function cancels it. */
	after(delayMs: number, fire: () => void): () => void {
		const at = this.#monotonic + Math.min(MAX_TIMER_MS, Math.max(0, Math.ceil(delayMs)));
		const timer = { at, sequence: this.#sequence++, fire };
		this.#timers.splice(this.#placeOf(at), 0, timer);
		return () => {
			const index = this.#timers.indexOf(timer);
			if (index >= 0) this.#timers.splice(index, 1);
		};
	}

	/** Calls `act` in the next turn, before any time passes. */
	nextTurn(act: () => void): void {
		this.#turns.push(act);
	}

	/** Sets the wall clock forward or back. Timers are not affected. */
	step(ms: number): void {
		this.#wallOffset += ms;
	}

	/** Lets everything happen that needs no time. Rejects if that never ends. */
	async settle(): Promise<void> {
		for (let count = 0; count < MAX_TURNS;) {
			// All promises that can settle have settled when the event loop comes to its next turn.
			await new Promise((resolve) => setImmediate(resolve));
			if (this.#turns.length === 0) return;
			const turns = this.#turns;
			this.#turns = [];
			count += turns.length;
			for (const turn of turns) turn();
		}
		throw new Error(`the server was busy for ${MAX_TURNS} turns without any time passing`);
	}

	/**
	 * Lets time pass, up to `ms` or until `isDone` returns true, which is asked each time that everything has settled.
	 * Returns whether it was true.
	 */
	async advance(ms: number, isDone: () => boolean = () => false): Promise<boolean> {
		const end = this.#monotonic + ms;
		await this.settle();
		while (!isDone()) {
			const timer = this.#timers[0];
			if (timer === undefined || timer.at > end) {
				this.#monotonic = end;
				return isDone();
			}
			this.#timers.shift();
			this.#monotonic = Math.max(this.#monotonic, timer.at);
			timer.fire();
			await this.settle();
		}
		return true;
	}

	/** Where a new timer belongs: behind the others of its time. */
	#placeOf(at: number): number {
		let [low, high] = [0, this.#timers.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			const other = this.#timers[middle];
			if (other !== undefined && other.at <= at) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}
