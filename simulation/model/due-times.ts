// When each waiting delivery must be attempted at the latest, in monotonic time: a step of the wall clock changes nothing
// about that.
import type { SimClock } from "../world/sim-clock.ts";

interface DueTime {
	/** As the store has it, in wall time. */
	readonly nextAttemptAt: number;
	/** The latest moment for that in monotonic time, from the wait when it was set. */
	readonly monotonic: number;
}

/** After a step back of the clock, the engine's time is slowed, and a wait takes up to this much longer. */
const SLOWED = 1 / 9;

export class DueTimes {
	readonly #clock: Pick<SimClock, "monotonicMs">;
	readonly #times = new Map<string, DueTime>();

	constructor(clock: Pick<SimClock, "monotonicMs">) {
		this.#clock = clock;
	}

	/** The next attempt of a delivery was set at the time `now` of the engine; null if there is none. */
	note(deliveryId: string, nextAttemptAt: number | null, now: number): void {
		if (nextAttemptAt === null) {
			this.#times.delete(deliveryId);
			return;
		}
		if (this.#times.get(deliveryId)?.nextAttemptAt === nextAttemptAt) return;
		const waitMs = Math.max(0, nextAttemptAt - now) * (1 + SLOWED);
		const monotonic = this.#clock.monotonicMs() + waitMs;
		this.#times.set(deliveryId, { nextAttemptAt, monotonic });
	}

	/** When the delivery must be attempted at the latest, in monotonic time. */
	of(deliveryId: string, nextAttemptAt: number, now: number): number {
		this.note(deliveryId, nextAttemptAt, now);
		return this.#times.get(deliveryId)?.monotonic ?? 0;
	}

	/** A new run knows only the wall time of the next attempts. */
	forget(): void {
		this.#times.clear();
	}
}
