// Does something again some time after it is wanted, never twice at the same time.

/** A list that changes all the time is fetched again as often as it can be, and each time to the end: nothing breaks off what is under way. */
export class Refresher {
	readonly #refresh: () => Promise<unknown>;
	readonly #afterMs: () => number;
	#timer: ReturnType<typeof setTimeout> | undefined;
	/** From when it is wanted until it is done. */
	#isBusy = false;
	#isWanted = false;
	#isEnded = false;

	/** `refresh` never rejects. `afterMs` is asked when a wait begins. */
	constructor(refresh: () => Promise<unknown>, afterMs: () => number) {
		this.#refresh = refresh;
		this.#afterMs = afterMs;
	}

	/** Refreshes after a while, once for all that want it until then. If that is under way, once more after it. */
	want(): void {
		this.#isWanted = true;
		if (this.#isBusy || this.#isEnded) return;
		this.#isBusy = true;
		this.#timer = setTimeout(() => void this.#run(), this.#afterMs());
	}

	/** Nothing is refreshed any more. What is under way comes to its end. */
	end(): void {
		this.#isEnded = true;
		clearTimeout(this.#timer);
	}

	async #run(): Promise<void> {
		this.#isWanted = false;
		await this.#refresh();
		this.#isBusy = false;
		if (this.#isWanted) this.want();
	}
}
