// Shares reads: callers that want the same thing at the same time wait for one read.

interface Reading {
	readonly current: Promise<void>;
	/** The read that follows the current one, for callers that came after the current one had begun; null for none. */
	next: Promise<void> | null;
}

/**
 * States of a key: idle ──run──▶ reading ──run──▶ reading, another follows
 *                    ▲──────────────┘ ▲──────────────────┘
 *
 * - reading: one read is under way. Who calls `run` now gets the read that follows it, since the current one may have
 *   missed what the caller wants to see.
 *
 * @example
 * const reads = new SharedReads();
 * await Promise.all([reads.run("a", read), reads.run("a", read), reads.run("a", read)]); // reads twice
 */
export class SharedReads {
	readonly #reading = new Map<string, Reading>();

	/** Resolves after a run of `read` that began after this call; rejects if that run fails. */
	run(key: string, read: () => Promise<void>): Promise<void> {
		const reading = this.#reading.get(key);
		if (reading === undefined) return this.#start(key, read);
		reading.next ??= reading.current.then(
			() => this.#start(key, read),
			() => this.#start(key, read),
		);
		return reading.next;
	}

	#start(key: string, read: () => Promise<void>): Promise<void> {
		const current = read().finally(() => {
			// A read that follows replaces the entry.
			if (this.#reading.get(key)?.next === null) this.#reading.delete(key);
		});
		this.#reading.set(key, { current, next: null });
		return current;
	}
}
