// The commits under way. A commit may be answered after later calls, if the store has several connections: a delivery that
// it brings may have been cancelled since it was executed, and must not be attempted.

/**
 * Knows the reservations of new deliveries, which end in the order in which they were made: one commit follows the other.
 * What is remembered is forgotten with the last commit that can bring it.
 */
export class OpenCommits {
	/** How many reservations were ever made, and how many of them have ended. */
	#made = 0;
	#ended = 0;
	/** Deliveries that were cancelled while commits were under way, with `#made` at that time. */
	readonly #cancelled = new Map<string, number>();

	readonly #waiting: { readonly made: number; readonly resolve: () => void }[] = [];

	/** Resolves when all reservations made so far have ended. */
	settled(): Promise<void> {
		if (this.#made === this.#ended) return Promise.resolve();
		return new Promise((resolve) => void this.#waiting.push({ made: this.#made, resolve }));
	}

	/** How many reservations were ever made. */
	get made(): number {
		return this.#made;
	}

	/** Whether a reservation that was made after this many others may still be open. */
	isOpen(made: number): boolean {
		return this.#ended < made;
	}

	/** A delivery is about to be committed with a lease. */
	reserved(): void {
		this.#made++;
	}

	/** These reservations have ended. Call it when the deliveries are in the ready queue, or are not committed. */
	ended(count: number): void {
		this.#ended += count;
		while (this.#waiting[0] !== undefined && this.#waiting[0].made <= this.#ended) this.#waiting.shift()?.resolve();
		for (const [id, made] of this.#cancelled) {
			if (made > this.#ended) return;
			this.#cancelled.delete(id);
		}
	}

	cancelled(deliveryId: string): void {
		if (this.#made > this.#ended) this.#cancelled.set(deliveryId, this.#made);
	}

	isCancelled(deliveryId: string): boolean {
		// There is hardly ever one, and a new id would be hashed.
		return this.#cancelled.size > 0 && this.#cancelled.has(deliveryId);
	}

	/** Deliveries that are remembered: what this takes of memory. */
	get size(): number {
		return this.#cancelled.size;
	}
}
