// An LRU cache that projects share: when it is full, a project that has most of it loses what it has used least recently.
import { LRUCache } from "lru-cache";

export interface SharedLruOptions {
	readonly maxEntries: number;
	/** The most that the sizes of all entries add up to. */
	readonly maxSize: number;
}

/** How much less than the largest share a project may have to count among those that have most. */
const ABOUT = 0.9;
/** The most projects that one search finds: where 10,000 have about the same, which is the worst case, a `set` that evicts takes some 10 µs. */
const MOST_FOUND = 256;

/**
 * Each project has a cache of its own, so that a project that asks for ever new things pushes out nothing of projects that have less. What
 * was just set stays until something else is set.
 */
export class SharedLru<V extends {}> {
	readonly #options: SharedLruOptions;
	readonly #projects = new Map<string, LRUCache<string, V>>();
	#entries = 0;
	#size = 0;
	/** The largest share since the last search, and projects that had about as much. */
	#largestShare = 0;
	#most: string[] = [];

	constructor(options: SharedLruOptions) {
		this.#options = options;
	}

	get(projectId: string, key: string): V | undefined {
		return this.#projects.get(projectId)?.get(key);
	}

	/** The same without a use. */
	peek(projectId: string, key: string): V | undefined {
		return this.#projects.get(projectId)?.peek(key);
	}

	/** `size` is 1 at least. One that is larger than all that there is room for is not kept. */
	set(projectId: string, key: string, value: V, size: number): void {
		this.delete(projectId, key);
		if (size > this.#options.maxSize) return;
		const own = this.#projects.get(projectId) ?? new LRUCache<string, V>({ maxSize: this.#options.maxSize });
		this.#projects.set(projectId, own);
		this.#change(projectId, own, () => own.set(key, value, { size }));
		const share = this.#share(own);
		if (share > this.#largestShare) [this.#largestShare, this.#most] = [share, [projectId]];
		while (this.#entries > this.#options.maxEntries || this.#size > this.#options.maxSize) this.#evict(projectId, own);
	}

	delete(projectId: string, key: string): void {
		const own = this.#projects.get(projectId);
		if (own !== undefined) this.#change(projectId, own, () => own.delete(key));
	}

	deleteProject(projectId: string): void {
		const own = this.#projects.get(projectId);
		if (own !== undefined) this.#change(projectId, own, () => own.clear());
	}

	#change(projectId: string, own: LRUCache<string, V>, change: () => void): void {
		const before = { entries: own.size, size: own.calculatedSize };
		change();
		this.#entries += own.size - before.entries;
		this.#size += own.calculatedSize - before.size;
		if (own.size === 0) this.#projects.delete(projectId);
	}

	/** Removes an entry of a project that has most, but not the only one of the project that has just got it. */
	#evict(setterId: string, setter: LRUCache<string, V>): void {
		const mayLose = (id: string) => id !== setterId || setter.size > 1;
		const loser = this.#oneOfMost(mayLose) ?? this.#search(mayLose);
		const own = this.#projects.get(loser);
		if (own === undefined) throw new Error("the cache is full of nothing");
		this.#change(loser, own, () => own.pop());
	}

	#oneOfMost(mayLose: (id: string) => boolean): string | undefined {
		for (let id = this.#most.at(-1); id !== undefined; id = this.#most.at(-1)) {
			const own = this.#projects.get(id);
			if (own !== undefined && mayLose(id) && this.#share(own) >= ABOUT * this.#largestShare) return id;
			this.#most.pop();
		}
		return undefined;
	}

	/** Looks through all projects for those that have most, of which it returns one. */
	#search(mayLose: (id: string) => boolean): string {
		this.#largestShare = 0;
		for (const [id, own] of this.#projects) {
			if (mayLose(id)) this.#largestShare = Math.max(this.#largestShare, this.#share(own));
		}
		for (const [id, own] of this.#projects) {
			if (this.#most.length === MOST_FOUND) break;
			if (mayLose(id) && this.#share(own) >= ABOUT * this.#largestShare) this.#most.push(id);
		}
		const found = this.#most.at(-1);
		if (found === undefined) throw new Error("the cache is full of nothing");
		return found;
	}

	/** What part of the room a project has. */
	#share({ size, calculatedSize }: LRUCache<string, V>): number {
		return Math.max(size / this.#options.maxEntries, calculatedSize / this.#options.maxSize);
	}
}
