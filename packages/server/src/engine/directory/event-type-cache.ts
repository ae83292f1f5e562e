// Event types in memory, so that a send does not read from the store: those used last, within a bound that projects share. It
// remembers which names do not exist, too.
import type { EventType } from "../../core/event-type.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import { NamedTypes } from "./named-types.ts";
import { SharedLru } from "./shared-lru.ts";

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
	readonly #entries = new SharedLru<Found>({ maxEntries: MAX_ENTRIES, maxSize: MAX_SIZE });

	/** `read` reads an event type from the store; null if there is none. */
	constructor(read: (projectId: string, name: string) => Found) {
		this.#read = read;
	}

	/** A cache of what is in a store. */
	static of(store: Pick<DirectoryStore, "eventTypesByName">): EventTypeCache {
		const types = new NamedTypes((projectId, names) => store.eventTypesByName(projectId, names));
		return new EventTypeCache((projectId, name) => types.read(projectId, name));
	}

	/** Resolves with null if the project has no event type of this name. Rejects if the read fails. */
	get(projectId: string, name: string): Found {
		const known = this.#entries.get(projectId, name);
		if (known !== undefined) return known;
		const found = this.#read(projectId, name);
		this.#entries.set(projectId, name, found, 1);
		found.then(
			(eventType) => this.#resize(projectId, name, found, eventType),
			() => this.#drop(projectId, name, found),
		);
		return found;
	}

	/** Call this after an event type was changed or deleted in the store. */
	forget(projectId: string, name: string): void {
		this.#entries.delete(projectId, name);
	}

	/** Call this after any of a project's event types may have changed in the store. */
	forgetProject(projectId: string): void {
		this.#entries.deleteProject(projectId);
	}

	/** Gives an entry its size, which is not known before the read has ended. */
	#resize(projectId: string, name: string, found: Found, eventType: EventType | null): void {
		const size = (eventType?.schemaJson?.length ?? 0) + (eventType?.exampleJson?.length ?? 0);
		if (size <= 1 || this.#entries.peek(projectId, name) !== found) return;
		this.#entries.set(projectId, name, found, size);
	}

	/** Removes the entry, unless another read has replaced it. */
	#drop(projectId: string, name: string, found: Found): void {
		if (this.#entries.peek(projectId, name) === found) this.#entries.delete(projectId, name);
	}
}
