// Shares the main thread's time for what anybody may ask for without a key, and what takes long to make or to write.
import type { Clock } from "../../core/clock.ts";

/** Gives leave to one at a time, each in a turn of the event loop of its own: calls of others are served between them. */
export class OwnTurns {
	readonly #clock: Pick<Clock, "nextTurn">;
	#last: Promise<void> = Promise.resolve();

	constructor(clock: Pick<Clock, "nextTurn">) {
		this.#clock = clock;
	}

	/**
	 * Resolves in a turn after that of the last one who has asked.
	 *
	 * @example
	 * await turns.take();
	 * return renderPage();
	 */
	take(): Promise<void> {
		const own = this.#last.then(() => new Promise<void>((resolve) => this.#clock.nextTurn(resolve)));
		this.#last = own;
		return own;
	}
}
