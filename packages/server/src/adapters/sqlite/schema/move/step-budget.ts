// How much one step of the move may do: a step is one transaction, so its size bounds the log of the database and a stop.
export interface StepLimits {
	readonly rows: number;
	/** The most bytes of bodies of events, and of attempts. */
	readonly bytes: number;
}

export class StepBudget {
	readonly #limits: StepLimits;
	rows = 0;
	bytes = 0;

	constructor(limits: StepLimits) {
		this.#limits = limits;
	}

	get isSpent(): boolean {
		return this.rows >= this.#limits.rows || this.bytes >= this.#limits.bytes;
	}

	/** Counts a row. */
	spend(bytes: number): void {
		this.rows++;
		this.bytes += bytes;
	}
}
