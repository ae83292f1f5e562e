// Shares the main thread's time for what anybody may ask for without a key, and what takes long to make or to write.
import type { Clock } from "../../../core/clock.ts";
import { FanfareError } from "../../../core/errors.ts";

/** A client may send many requests on one connection without waiting for responses. */
const MOST_WAITING = 256;
const RETRY_AFTER_MS = 1_000;

/** Gives leave to one at a time, each in a turn of the event loop of its own: calls of others are served between them. */
export class OwnTurns {
	readonly #clock: Pick<Clock, "nextTurn">;
	#last: Promise<void> = Promise.resolve();
	#waiting = 0;

	constructor(clock: Pick<Clock, "nextTurn">) {
		this.#clock = clock;
	}

	/** The first turn of a request. Rejects with `overloaded` if very many wait. */
	async begin(): Promise<void> {
		if (this.#waiting >= MOST_WAITING) {
			throw new FanfareError("overloaded", "Very many ask for this at once. Try again in a second.", {
				retryAfterMs: RETRY_AFTER_MS,
			});
		}
		await this.take();
	}

	/**
	 * Resolves in a turn after that of the last one who has asked.
	 *
	 * @example
	 * await turns.take();
	 * return renderPage();
	 */
	take(): Promise<void> {
		this.#waiting++;
		const own = this.#last.then(() => this.#nextTurn());
		this.#last = own;
		return own;
	}

	async #nextTurn(): Promise<void> {
		await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
		this.#waiting--;
	}
}
