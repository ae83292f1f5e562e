// The least rate at which a body has to arrive: bytes that wait for the rest of a body take memory that others could use.
import type { Clock } from "../../../core/clock.ts";

/** How often the progress of the bodies is looked at. */
export const PACE_WINDOW_MS = 5_000;
/** 8 KiB per second. The largest body has 60 s for itself, and so needs ten times as much. */
export const BYTES_PER_WINDOW = 40 * 1_024;

/** A body that is being read. */
export interface PacedBody {
	/** The bytes that have come. */
	readonly size: number;
	/** Ends the reading. */
	tooSlow(): void;
}

/** Ends bodies that bring too little in a whole window. One timer serves all of them, and runs only while there are some. */
export class BodyPace {
	readonly #clock: Pick<Clock, "after">;
	/** The bodies that are being read, with their size when they were last looked at; -1 for those that have come since. */
	readonly #bodies = new Map<PacedBody, number>();
	#isWatching = false;

	constructor(clock: Pick<Clock, "after">) {
		this.#clock = clock;
	}

	begin(body: PacedBody): void {
		this.#bodies.set(body, -1);
		this.#watch();
	}

	end(body: PacedBody): void {
		this.#bodies.delete(body);
	}

	#watch(): void {
		if (this.#isWatching) return;
		this.#isWatching = true;
		this.#clock.after(PACE_WINDOW_MS, () => {
			this.#isWatching = false;
			for (const [body, before] of this.#bodies) {
				if (before >= 0 && body.size - before < BYTES_PER_WINDOW) body.tooSlow();
				else this.#bodies.set(body, body.size);
			}
			if (this.#bodies.size > 0) this.#watch();
		});
	}
}
