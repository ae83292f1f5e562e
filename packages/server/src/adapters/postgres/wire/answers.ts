// Waits for answers of other members: looks for them several times a second, and at once when a signal says so.
import type { Clock } from "../../../core/clock.ts";

export class Answers {
	readonly #clock: Pick<Clock, "after">;
	readonly #waiting = new Set<() => void>();

	constructor(clock: Pick<Clock, "after">) {
		this.#clock = clock;
	}

	/** Somebody has answered. */
	came(): void {
		for (const wake of this.#waiting) wake();
	}

	/** Resolves when somebody has answered, or after this time. */
	next(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const wake = () => {
				cancel();
				this.#waiting.delete(wake);
				resolve();
			};
			const cancel = this.#clock.after(ms, wake);
			this.#waiting.add(wake);
		});
	}
}
