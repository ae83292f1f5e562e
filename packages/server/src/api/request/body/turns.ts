// Shares the main thread's time for request bodies: in one turn of the event loop, only so much text is parsed, and projects
// take turns.
import type { Clock } from "../../../core/clock.ts";

/** `JSON.parse` takes at most 60 ns for a character, so this is at most some 16 ms. */
export const CHARACTERS_PER_TURN = 256 * 1_024;

interface Waiting {
	readonly length: number;
	readonly go: () => void;
}

/** Gives leave to parse or scan text. */
export class Turns {
	readonly #clock: Pick<Clock, "nextTurn">;
	#left = CHARACTERS_PER_TURN;
	/** True if a call of `#next` in the next turn is on its way. */
	#armed = false;
	/** By owner, a project or a key; the owner whose turn is next comes first. */
	readonly #waiting = new Map<string, Waiting[]>();

	constructor(clock: Pick<Clock, "nextTurn">) {
		this.#clock = clock;
	}

	/** Null if `length` characters can be parsed now. Else a promise that resolves when they can: a long text has a turn alone. */
	take(owner: string, length: number): Promise<void> | null {
		if (this.#waiting.size === 0 && this.#fits(length)) {
			this.#use(length);
			return null;
		}
		return new Promise((resolve) => {
			const own = this.#waiting.get(owner);
			if (own === undefined) this.#waiting.set(owner, [{ length, go: resolve }]);
			else own.push({ length, go: resolve });
		});
	}

	/** Whether a text fits into what is left of this turn. One that is longer than the share of a turn begins one. */
	#fits(length: number): boolean {
		return length <= this.#left || this.#left === CHARACTERS_PER_TURN;
	}

	#use(length: number): void {
		this.#left -= length;
		if (this.#armed) return;
		this.#armed = true;
		this.#clock.nextTurn(() => this.#next());
	}

	#next(): void {
		this.#armed = false;
		this.#left = CHARACTERS_PER_TURN;
		for (const [owner, own] of this.#waiting) {
			const [waiting] = own;
			// The next turn begins with it.
			if (waiting !== undefined && !this.#fits(waiting.length)) return;
			this.#waiting.delete(owner);
			own.shift();
			// Behind the others: it is met again in this loop.
			if (own.length > 0) this.#waiting.set(owner, own);
			if (waiting === undefined) continue;
			this.#use(waiting.length);
			waiting.go();
		}
	}
}
