// An LRU cache that projects share: when it is full, a project that has most of it loses what it has used least recently.

export interface SharedLruOptions {
	readonly maxEntries: number;
	/** The most that the sizes of all entries add up to. */
	readonly maxSize: number;
}

/** How much less than the largest share a project may have to count among those that have most. */
const ABOUT = 0.9;
/** The most projects that one search finds: where 10,000 have about the same, which is the worst case, a `set` that evicts takes 8 µs. */
const MOST_FOUND = 256;

interface Entry<V> {
	readonly value: V;
	readonly size: number;
}

/** A project's entries, those that were used last at the end. */
interface Own<V> {
	readonly entries: Map<string, Entry<V>>;
	size: number;
}

/**
 * Each project has a cache of its own, so that a project that asks for ever new things pushes out nothing of projects that have less. What
 * was just set stays until something else is set.
 */
export class SharedLru<V extends {}> {
	readonly #options: SharedLruOptions;
	readonly #projects = new Map<string, Own<V>>();
	#entries = 0;
	#size = 0;
	/** The largest share since the last search, and projects that had about as much. */
	#largestShare = 0;
	#most: string[] = [];

	constructor(options: SharedLruOptions) {
		this.#options = options;
	}

	get(projectId: string, key: string): V | undefined {
		const entries = this.#projects.get(projectId)?.entries;
		const entry = entries?.get(key);
		if (entries === undefined || entry === undefined) return undefined;
		if (entries.size > 1) {
			entries.delete(key);
			entries.set(key, entry);
		}
		return entry.value;
	}

	/** The same without a use. */
	peek(projectId: string, key: string): V | undefined {
		return this.#projects.get(projectId)?.entries.get(key)?.value;
	}

	/** `size` is 1 at least. One that is larger than all that there is room for is not kept. */
	set(projectId: string, key: string, value: V, size: number): void {
		this.delete(projectId, key);
		if (size > this.#options.maxSize) return;
		const own = this.#projects.get(projectId) ?? { entries: new Map<string, Entry<V>>(), size: 0 };
		this.#projects.set(projectId, own);
		own.entries.set(key, { value, size });
		own.size += size;
		this.#entries++;
		this.#size += size;
		const share = this.#share(own);
		if (share > this.#largestShare) [this.#largestShare, this.#most] = [share, [projectId]];
		while (this.#entries > this.#options.maxEntries || this.#size > this.#options.maxSize) this.#evict(projectId, own);
	}

	delete(projectId: string, key: string): void {
		const own = this.#projects.get(projectId);
		const entry = own?.entries.get(key);
		if (own === undefined || entry === undefined) return;
		own.entries.delete(key);
		own.size -= entry.size;
		this.#entries--;
		this.#size -= entry.size;
		if (own.entries.size === 0) this.#projects.delete(projectId);
	}

	deleteProject(projectId: string): void {
		for (const key of this.#projects.get(projectId)?.entries.keys() ?? []) this.delete(projectId, key);
	}

	/** Removes an entry of a project that has most, but not the only one of the project that has just got it. */
	#evict(setterId: string, setter: Own<V>): void {
		const mayLose = (id: string) => id !== setterId || setter.entries.size > 1;
		const loser = this.#oneOfMost(mayLose) ?? this.#search(mayLose);
		const [oldest] = this.#projects.get(loser)?.entries.keys() ?? [];
		if (oldest === undefined) throw new Error("the cache is full of nothing");
		this.delete(loser, oldest);
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
	#share({ entries, size }: Own<V>): number {
		return Math.max(entries.size / this.#options.maxEntries, size / this.#options.maxSize);
	}
}
