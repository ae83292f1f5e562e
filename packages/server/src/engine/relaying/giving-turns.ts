// When the clients of relays are given requests. An event can be for all relays of a project at once: what others send is not to wait for all of
// these, nor for their answers.
import type { Clock } from "../../core/clock.ts";
import { FairTurns } from "./fair-turns.ts";

/**
 * From one client that gets requests to the next one, if several wait for some: their answers come as close together as the requests have gone
 * out, and each takes the main thread some tenths of a millisecond. One client gets up to sixteen requests at a time.
 */
const GIVEN_APART_MS = 1;
/** While more clients than these wait for some, so many of them get theirs in each turn of the event loop: their time is running. */
const MOST_GIVEN_APART = 100;
const GIVEN_TOGETHER = 4;

export class GivingTurns {
	readonly #clock: Pick<Clock, "after" | "nextTurn">;
	readonly #turns = new FairTurns(1);
	/** The clients that have been given some in this turn of the event loop, if many wait. */
	#together = 0;

	constructor(clock: Pick<Clock, "after" | "nextTurn">) {
		this.#clock = clock;
	}

	/** Calls `give` when it is the project's turn. It returns false if there was nothing to give: the client has gone, or has read on by itself. */
	run(projectId: string, give: () => boolean): void {
		void this.#turns.run(projectId, async () => {
			if (!give()) return;
			const { waiting } = this.#turns;
			const areMany = waiting > MOST_GIVEN_APART;
			this.#together = areMany ? (this.#together + 1) % GIVEN_TOGETHER : 0;
			if (this.#together > 0) return;
			await new Promise<void>((resolve) => {
				if (waiting === 0 || areMany) this.#clock.nextTurn(resolve);
				else this.#clock.after(GIVEN_APART_MS, resolve);
			});
		});
	}
}
