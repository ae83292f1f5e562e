// Ids that are remembered for a while.
import type { Clock } from "../../../core/clock.ts";

/** The most ids of a generation: some 2 MB. What is older is forgotten early then. */
const MAX_IDS = 10_000;

/**
 * Remembers ids for at least `keepMs` and at most twice as long, unless there are very many.
 *
 * @example
 * const recent = new RecentIds(clock, 10_000);
 * recent.add("dlv_1");
 * recent.has("dlv_1"); // true
 */
export class RecentIds {
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #keepMs: number;
	#since = -Infinity;
	#ids = new Set<string>();
	/** Those of the generation before. */
	#before = new Set<string>();

	constructor(clock: Pick<Clock, "monotonicMs">, keepMs: number) {
		this.#clock = clock;
		this.#keepMs = keepMs;
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
		if (ageMs < this.#keepMs && this.#ids.size < MAX_IDS) return;
		this.#before = ageMs < 2 * this.#keepMs ? this.#ids : new Set();
		this.#ids = new Set();
		this.#since = now;
	}
}
