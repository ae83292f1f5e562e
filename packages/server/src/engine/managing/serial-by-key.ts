// Runs works that share a key one after the other, so that no read-change-write of one loses the change of another.

/**
 * Works of one key run in the order of their calls; works of different keys run side by side. A key takes no memory once all of
 * its works have ended.
 *
 * @example
 * const changes = new SerialByKey();
 * await changes.run(webhookId, async () => store.update(change(await store.read(webhookId))));
 */
export class SerialByKey {
	/** The last work of each key that has not ended, as a promise that never rejects. */
	readonly #last = new Map<string, Promise<void>>();

	/** How many keys have a work that has not ended. */
	get size(): number {
		return this.#last.size;
	}

	/** Runs `work` after all earlier ones of this key, also if they failed. Resolves or rejects as `work` does. */
	run<T>(key: string, work: () => Promise<T>): Promise<T> {
		const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
		const forget = (): void => {
			if (this.#last.get(key) === ended) this.#last.delete(key);
		};
		const ended = result.then(forget, forget);
		this.#last.set(key, ended);
		return result;
	}

	/** Resolves when all works that were given before this call have ended. */
	async idle(): Promise<void> {
		await Promise.all(this.#last.values());
	}
}
