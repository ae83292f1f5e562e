// Event types in memory, so that a send does not read from the store: those used last, within a bound. It remembers
// which names do not exist, too.
import { LRUCache } from "lru-cache";

import type { EventType } from "../../core/event-type.ts";

type Found = Promise<EventType | null>;

const MAX_ENTRIES = 10_000;
/** The most characters of schemas and examples in memory. */
const MAX_SIZE = 16 * 1_024 * 1_024;

/**
 * An LRU cache of promises. The states of an event type here:
 *
 *     absent ──get──▶ being read ──▶ known ──forget, or least recently used──▶ absent
 *
 * - being read: all callers share one read. `forget` removes the entry, so that the next caller reads what is in the
 *   store then. If the read fails, the entry is removed, too.
 * - known: the promise is resolved, and the entry has its size.
 */
export class EventTypeCache {
	readonly #read: (projectId: string, name: string) => Found;
	readonly #entries = new LRUCache<string, Found>({ max: MAX_ENTRIES, maxSize: MAX_SIZE });

	/** `read` reads an event type from the store; null if there is none. */
	constructor(read: (projectId: string, name: string) => Found) {
		this.#read = read;
	}

	/** Resolves with null if the project has no event type of this name. Rejects if the read fails. */
	get(projectId: string, name: string): Found {
		const key = keyOf(projectId, name);
		const known = this.#entries.get(key);
		if (known !== undefined) return known;
		const found = this.#read(projectId, name);
		this.#entries.set(key, found, { size: 1 });
		found.then(
			(eventType) => this.#resize(key, found, eventType),
			() => this.#drop(key, found),
		);
		return found;
	}

	/** Call this after an event type was changed or deleted in the store. */
	forget(projectId: string, name: string): void {
		this.#entries.delete(keyOf(projectId, name));
	}

	/** Call this after any of a project's event types may have changed in the store. Looks at every entry. */
	forgetProject(projectId: string): void {
		const prefix = keyOf(projectId, "");
		const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
		for (const key of keys) this.#entries.delete(key);
	}

	/** Gives an entry its size, which is not known before the read has ended. */
	#resize(key: string, found: Found, eventType: EventType | null): void {
		const size = (eventType?.schemaJson?.length ?? 0) + (eventType?.exampleJson?.length ?? 0);
		if (size <= 1 || this.#entries.peek(key) !== found) return;
		// `set` with the same value would keep the old size.
		this.#entries.delete(key);
		this.#entries.set(key, found, { size });
	}

	/** Removes the entry, unless another read has replaced it. */
	#drop(key: string, found: Found): void {
		if (this.#entries.peek(key) === found) this.#entries.delete(key);
	}
}

/** Neither ids nor names contain a space. */
function keyOf(projectId: string, name: string): string {
	return `${projectId} ${name}`;
}
