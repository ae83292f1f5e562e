// Steps of background work that give way to live traffic: small ones, with a pause after each while there is something to give way to.
import type { Clock } from "../../core/clock.ts";
import type { Committer } from "../committing/committer.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import { nextTurn } from "./next-turn.ts";

/** Who knows whether there is live traffic, and what it adds. */
export interface LiveTraffic {
	readonly committer: Pick<Committer, "waitingSends" | "writtenRows">;
	readonly line: Pick<DeliveryLine, "busy">;
}

interface Parts {
	readonly clock: Clock;
	/** Waits for so long, or until the work is stopped. */
	readonly pause: (delayMs: number) => Promise<void>;
}

/**
 * How long one step should occupy the store. The number of rows follows from the measured time per row: a slow disk
 * gets few.
 */
const STEP_MS = 2;
const ROWS = { first: 50, min: 20, max: 200 } as const;
/**
 * A slow step says more about other work, or about a checkpoint of the WAL, than about its rows, so it has less weight.
 */
const WEIGHT = { ofFaster: 0.5, ofSlower: 0.05 } as const;
/** While others wait, each step is followed by a pause of this many times its own duration, within these bounds. */
const PAUSE_FACTOR = 4;
const PAUSE_MS = { min: 5, max: 100 } as const;
/**
 * Steps that have to keep up. They occupy the store for `stepMs`, which sends wait for; the further they are behind, the larger they may be:
 * at `far` rows, the largest. `behind` is the most that is made up for.
 */
const KEEP_UP = { stepMs: 3, rows: 500, far: 5_000, behind: 50_000 } as const;

/**
 * Beside live traffic at its limit, each step waits behind a commit, and its measured time says that it should be small and seldom. Where
 * this matters, `keepUp` makes steps larger and pauses shorter than that: the work gives way only as long as it does not fall behind.
 *
 * @example
 * const result = await steps.make((rows) => store.purgeEvents({ ...step, limit: rows }), ({ done }) => !done);
 */
export class GentleSteps {
	readonly #parts: Parts;
	readonly #near: LiveTraffic;
	#rows: number = ROWS.first;
	#rowMs = STEP_MS / ROWS.first;
	/** How many rows the steps have to work on for each one that is written. */
	#perWritten = 0;
	#seenWritten = 0;
	/** How many rows are still to be worked on for what was written. */
	#behind = 0;

	constructor(parts: Parts, near: LiveTraffic) {
		this.#parts = parts;
		this.#near = near;
	}

	/**
	 * From now on, the steps work on so many rows for each event, delivery and attempt that this process writes meanwhile, or on more. What they
	 * are behind by counts until this is called again: call it also when there is nothing more to do, with 0 if the next steps need not keep up.
	 */
	keepUp(perWritten: number): void {
		this.#perWritten = perWritten;
		this.#seenWritten = this.#near.committer.writtenRows;
		this.#behind = 0;
	}

	/**
	 * Makes a step with about so many rows, and then lets other work go on. `isFull` says whether the step has used up its rows: then
	 * its duration decides about the next one. One that has not used them up takes nothing off what they are behind by: it ends the work on one of
	 * many projects, and what was written belongs to the next ones, too.
	 */
	async make<T>(work: (rows: number) => Promise<T>, isFull: (result: T) => boolean = () => false): Promise<T> {
		const { clock } = this.#parts;
		const startedAt = clock.monotonicMs();
		const rows = this.#rowsOfStep();
		const result = await work(rows);
		const tookMs = clock.monotonicMs() - startedAt;
		if (isFull(result)) {
			this.#behind = Math.max(0, this.#behind - rows);
			this.#learn(tookMs / rows);
		}
		await this.#letOthersWork(tookMs);
		return result;
	}

	#rowsOfStep(): number {
		const { writtenRows } = this.#near.committer;
		const added = (writtenRows - this.#seenWritten) * this.#perWritten;
		this.#seenWritten = writtenRows;
		this.#behind = Math.min(KEEP_UP.behind, this.#behind + added);
		return Math.max(this.#rows, Math.min(this.#rowsToKeepUp(), Math.ceil(this.#behind)));
	}

	/** The most rows of a step, as far as it is behind. */
	#rowsToKeepUp(): number {
		const small = Math.min(KEEP_UP.rows, KEEP_UP.stepMs / this.#rowMs);
		return Math.round(small + (KEEP_UP.rows - small) * Math.min(1, this.#behind / KEEP_UP.far));
	}

	/** Adapts the size of the next step to the duration of one that has used up its rows. */
	#learn(rowMs: number): void {
		this.#rowMs += (rowMs - this.#rowMs) * (rowMs < this.#rowMs ? WEIGHT.ofFaster : WEIGHT.ofSlower);
		this.#rows = Math.round(Math.min(ROWS.max, Math.max(ROWS.min, STEP_MS / this.#rowMs)));
	}

	#letOthersWork(tookMs: number): Promise<void> {
		const { committer, line } = this.#near;
		if (committer.waitingSends === 0 && !line.busy) return nextTurn(this.#parts.clock);
		if (this.#behind > 0) return nextTurn(this.#parts.clock);
		return this.#parts.pause(Math.min(PAUSE_MS.max, Math.max(PAUSE_MS.min, tookMs * PAUSE_FACTOR)));
	}
}
