// Shares runs of a task: callers that want the same thing at the same time, such as to read what is stored now, wait for one run.

interface Running<T> {
	readonly current: Promise<T>;
	/** The run that follows the current one, for callers that came after the current one had begun; null for none. */
	next: Promise<T> | null;
}

/**
 * States of a key: idle ──run──▶ running ──run──▶ running, another follows
 *                    ▲──────────────┘ ▲──────────────────┘
 *
 * - running: one run is under way. Who calls `run` now gets the run that follows it, since the current one may have
 *   missed what the caller wants to be in it.
 *
 * @example
 * const reads = new SharedRuns();
 * await Promise.all([reads.run("a", read), reads.run("a", read), reads.run("a", read)]); // reads twice
 */
export class SharedRuns<T = void> {
	readonly #running = new Map<string, Running<T>>();

	/** Resolves with the result of a run of `task` that began after this call; rejects if that run fails. */
	run(key: string, task: () => Promise<T>): Promise<T> {
		const running = this.#running.get(key);
		if (running === undefined) return this.#start(key, task);
		running.next ??= running.current.then(
			() => this.#start(key, task),
			() => this.#start(key, task),
		);
		return running.next;
	}

	#start(key: string, task: () => Promise<T>): Promise<T> {
		const current = task().finally(() => {
			// A run that follows replaces the entry.
			if (this.#running.get(key)?.next === null) this.#running.delete(key);
		});
		this.#running.set(key, { current, next: null });
		return current;
	}
}
