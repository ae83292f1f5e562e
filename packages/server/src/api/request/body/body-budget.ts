// The memory for request bodies, divided between those who send them.

/**
 * Limits the bytes of request bodies that are in memory at once, over all requests of one app. An owner (a project, or a key
 * where the call names no project) has at most half of what the others leave free, so that nobody can use it up alone.
 */
export class BodyBudget {
	readonly #limit: number;
	#reserved = 0;
	readonly #byOwner = new Map<string, number>();

	constructor(limit: number) {
		this.#limit = limit;
	}

	get reserved(): number {
		return this.#reserved;
	}

	/** Reserves `bytes`; false if there is no room for this owner. */
	take(owner: string, bytes: number): boolean {
		const own = this.#byOwner.get(owner) ?? 0;
		const leftByOthers = this.#limit - (this.#reserved - own);
		if (own + bytes > leftByOthers / 2) return false;
		this.#byOwner.set(owner, own + bytes);
		this.#reserved += bytes;
		return true;
	}

	/** Gives back bytes that were reserved. */
	give(owner: string, bytes: number): void {
		const own = (this.#byOwner.get(owner) ?? 0) - bytes;
		if (own > 0) this.#byOwner.set(owner, own);
		else this.#byOwner.delete(owner);
		this.#reserved -= bytes;
	}
}
