// Ids that are remembered for a while.
import type { Clock } from "../../../core/clock.ts";

/**
 * Remembers ids for at least `keepMs` and at most twice as long. Of more than `most` at least the last `most` are remembered, and at most
 * twice as many.
 *
 * @example
 * const recent = new RecentIds(clock, 10_000, 50_000);
 * recent.add("dlv_1");
 * recent.has("dlv_1"); // true
 */
export class RecentIds {
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #keepMs: number;
	readonly #most: number;
	#since = -Infinity;
	#ids = new Set<string>();
	/** Those of the generation before. */
	#before = new Set<string>();

	constructor(clock: Pick<Clock, "monotonicMs">, keepMs: number, most: number) {
		this.#clock = clock;
		this.#keepMs = keepMs;
		this.#most = most;
	}

	add(id: string): void {
		this.#turn();
		this.#ids.add(id);
	}

	has(id: string): boolean {
		this.#turn();
		return this.#ids.has(id) || this.#before.has(id);
	}

	#turn(): void {
		const now = this.#clock.monotonicMs();
		const ageMs = now - this.#since;
		if (ageMs < this.#keepMs && this.#ids.size < this.#most) return;
		this.#before = ageMs < 2 * this.#keepMs ? this.#ids : new Set();
		this.#ids = new Set();
		this.#since = now;
	}
}
