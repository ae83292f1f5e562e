// An LRU cache that projects share: when it is full, the project that has most of it loses what it has used least recently.
import { LRUCache } from "lru-cache";

export interface SharedLruOptions {
	readonly maxEntries: number;
	/** The most that the sizes of all entries add up to. */
	readonly maxSize: number;
}

/**
 * Each project has a cache of its own, so that a project that asks for ever new things pushes out nothing of projects that have less.
 * An empty one takes no memory.
 */
export class SharedLru<V extends {}> {
	readonly #options: SharedLruOptions;
	readonly #projects = new Map<string, LRUCache<string, V>>();
	#entries = 0;
	#size = 0;

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
		while (this.#entries > this.#options.maxEntries) this.#evict(projectId, this.#entries, ({ size: count }) => count);
		while (this.#size > this.#options.maxSize)
			this.#evict(projectId, this.#size, ({ calculatedSize }) => calculatedSize);
	}

	delete(projectId: string, key: string): void {
		const own = this.#projects.get(projectId);
		if (own !== undefined) this.#change(projectId, own, () => own.delete(key));
	}

	deleteProject(projectId: string): void {
		const own = this.#projects.get(projectId);
		if (own !== undefined) this.#change(projectId, own, () => own.clear());
	}

	/** Removes an entry of the project that has most; of the one that has just got an entry if it has its part or more of it. */
	#evict(projectId: string, total: number, has: (cache: LRUCache<string, V>) => number): void {
		let [loser, most] = [projectId, this.#has(projectId, has)];
		if (most * this.#projects.size < total) {
			for (const [id, cache] of this.#projects) if (has(cache) > most) [loser, most] = [id, has(cache)];
		}
		const cache = this.#projects.get(loser);
		if (cache === undefined) throw new Error("the cache is full of nothing");
		this.#change(loser, cache, () => cache.pop());
	}

	#has(projectId: string, has: (cache: LRUCache<string, V>) => number): number {
		const cache = this.#projects.get(projectId);
		return cache === undefined ? 0 : has(cache);
	}

	#change(projectId: string, cache: LRUCache<string, V>, change: () => void): void {
		const before = { entries: cache.size, size: cache.calculatedSize };
		change();
		this.#entries += cache.size - before.entries;
		this.#size += cache.calculatedSize - before.size;
		if (cache.size === 0) this.#projects.delete(projectId);
	}
}
