// Turns for what relays write: a few at once, project by project, so that calls of others find connections to the store.

/**
 * Many clients come and go together: when a process ends, or a network. What is stored then waits for its turn.
 *
 * @example
 * const turns = new FairTurns(8);
 * await turns.run(projectId, () => store.holdRelay(webhookId, now));
 */
export class FairTurns {
	#free: number;
	/** By project, the next one first. */
	readonly #waiting = new Map<string, (() => void)[]>();
	#count = 0;

	constructor(most: number) {
		this.#free = most;
	}

	/** How many tasks wait for their turn. */
	get waiting(): number {
		return this.#count;
	}

	/** Runs `task` when it is its turn. Resolves or rejects as `task` does. */
	async run<T>(projectId: string, task: () => Promise<T>): Promise<T> {
		if (this.#free > 0) this.#free--;
		else await this.#turn(projectId);
		try {
			return await task();
		} finally {
			this.#next();
		}
	}

	#turn(projectId: string): Promise<void> {
		this.#count++;
		return new Promise((resolve) => {
			const waiting = this.#waiting.get(projectId);
			if (waiting === undefined) this.#waiting.set(projectId, [resolve]);
			else waiting.push(resolve);
		});
	}

	/** Gives the place of a task that has ended to the next project, which then waits behind the others. */
	#next(): void {
		const [first] = this.#waiting;
		if (first === undefined) {
			this.#free++;
			return;
		}
		const [projectId, waiting] = first;
		const begin = waiting.shift();
		this.#count--;
		this.#waiting.delete(projectId);
		if (waiting.length > 0) this.#waiting.set(projectId, waiting);
		begin?.();
	}
}
