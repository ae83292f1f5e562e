// What delivery does when this process lacks descriptors or memory: it pauses, and then begins again with few attempts.
import type { Clock } from "../../core/clock.ts";
import { counted } from "../../core/errors.ts";
import type { Observer } from "../../ports/observer.ts";

interface Parts {
	readonly clock: Pick<Clock, "after" | "monotonicMs">;
	readonly observer: Pick<Observer, "problem" | "note">;
}

/** How long a pause lasts, and each step after it. */
const STEP_MS = 1_000;
const GROWTH = 4;

/**
 * States: none ──began──▶ pausing ──after STEP_MS──▶ limited ──steps──▶ none
 *
 * - none: attempts are limited by nothing here.
 * - pausing: no attempt begins. Entered with each attempt that fails for lack of resources, from any state.
 * - limited: at most `limit` attempts may be in flight, half of those that were in flight when the shortage began. With each
 *   step the limit becomes four times as high, until it is as high as the engine's own.
 */
export class Shortage {
	readonly #parts: Parts;
	readonly #maxInFlight: number;
	/** Called when more attempts may begin. */
	readonly #over: () => void;
	#reason: string | null = null;
	#beganAt = 0;
	#isPausing = false;
	#limit = Infinity;
	#cancelStep = (): void => {};

	constructor(parts: Parts, maxInFlight: number, over: () => void) {
		this.#parts = parts;
		this.#maxInFlight = maxInFlight;
		this.#over = over;
	}

	/** Whether another attempt may begin while so many are in flight. */
	allows(inFlight: number): boolean {
		return !this.#isPausing && inFlight < this.#limit;
	}

	/** An attempt could not be made for this reason. `inFlight` counts the others. */
	began(reason: string, inFlight: number): void {
		const { clock, observer } = this.#parts;
		if (this.#reason === null) {
			this.#beganAt = clock.monotonicMs();
			observer.problem("attempts pause: they are made as soon as there are resources again", new Error(reason));
		}
		this.#reason = reason;
		// Others that fail in the pause began before it.
		if (!this.#isPausing) this.#limit = Math.max(1, Math.floor(inFlight / 2));
		this.#isPausing = true;
		this.#stepLater();
	}

	stop(): void {
		this.#cancelStep();
	}

	/** In words, what is lacking and what that means now; null if nothing is. */
	get message(): string | null {
		if (this.#reason === null) return null;
		const now = this.#isPausing
			? "no attempt begins"
			: `at most ${counted(this.#limit, "attempt is", "attempts are")} made at once`;
		return `${this.#reason}: ${now}`;
	}

	#stepLater(): void {
		this.#cancelStep();
		this.#cancelStep = this.#parts.clock.after(STEP_MS, () => this.#step());
	}

	#step(): void {
		if (this.#isPausing) this.#isPausing = false;
		else this.#limit *= GROWTH;
		if (this.#limit >= this.#maxInFlight) this.#end();
		else this.#stepLater();
		this.#over();
	}

	#end(): void {
		const { clock, observer } = this.#parts;
		this.#limit = Infinity;
		this.#reason = null;
		observer.note("attempts are made as usual again", { shortageMs: Math.round(clock.monotonicMs() - this.#beganAt) });
	}
}
