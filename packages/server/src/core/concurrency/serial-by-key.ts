// Runs tasks that share a key one after the other, so that no read-change-write of one loses the change of another.

/**
 * Tasks of one key run in the order of their calls; tasks of different keys run side by side. A key takes no memory
 * once all of its tasks have ended.
 *
 * @example
 * const changes = new SerialByKey();
 * await changes.run(webhookId, async () => store.update(change(await store.read(webhookId))));
 */
export class SerialByKey {
	/** The last task of each key that has not ended, as a promise that never rejects. */
	readonly #last = new Map<string, Promise<void>>();

	/** How many keys have a task that has not ended. */
	get size(): number {
		return this.#last.size;
	}

	/** Runs `task` after all earlier ones of this key, also if they failed. Resolves or rejects as `task` does. */
	run<T>(key: string, task: () => Promise<T>): Promise<T> {
		const result = (this.#last.get(key) ?? Promise.resolve()).then(task);
		const forget = (): void => {
			if (this.#last.get(key) === ended) this.#last.delete(key);
		};
		const ended = result.then(forget, forget);
		this.#last.set(key, ended);
		return result;
	}

	/** Resolves when all tasks that were given before this call have ended. */
	async idle(): Promise<void> {
		await Promise.all(this.#last.values());
	}
}
