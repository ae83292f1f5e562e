// Event types in memory, so that a send asks the store for none: those used last, within a bound, and which ones do not exist.
import type { EventType } from "../../core/event-type.ts";

type Found = Promise<EventType | null>;

interface Entry {
	readonly found: Found;
	/** Characters of its texts, once they are here. */
	size: number;
}

const MAX_ENTRIES = 10_000;
const MAX_SIZE = 16 * 1_024 * 1_024;

/**
 * Keeps promises, not values: a change that comes while an event type is being read takes the reading out, and the next one
 * to ask reads what is there then.
 */
export class EventTypeCache {
	readonly #read: (projectId: string, name: string) => Found;
	/** Least recently used first. */
	readonly #entries = new Map<string, Entry>();
	#size = 0;

	constructor(read: (projectId: string, name: string) => Found) {
		this.#read = read;
	}

	/** Null if the project has none of this name. What could not be read is not kept. */
	get(projectId: string, name: string): Found {
		const key = keyOf(projectId, name);
		const known = this.#entries.get(key);
		if (known !== undefined) {
			this.#entries.delete(key);
			this.#entries.set(key, known);
			return known.found;
		}
		const entry: Entry = { found: this.#read(projectId, name), size: 0 };
		this.#entries.set(key, entry);
		entry.found.then(
			(eventType) => this.#measure(key, entry, eventType),
			() => this.#drop(key, entry),
		);
		return entry.found;
	}

	/** To be called when the store has another one, or none any more. */
	forget(projectId: string, name: string): void {
		const key = keyOf(projectId, name);
		const entry = this.#entries.get(key);
		if (entry !== undefined) this.#drop(key, entry);
	}

	#measure(key: string, entry: Entry, eventType: EventType | null): void {
		if (this.#entries.get(key) !== entry) return;
		entry.size = (eventType?.schemaJson?.length ?? 0) + (eventType?.exampleJson?.length ?? 0);
		this.#size += entry.size;
		for (const [oldest, other] of this.#entries) {
			if (this.#entries.size <= MAX_ENTRIES && this.#size <= MAX_SIZE) return;
			this.#drop(oldest, other);
		}
	}

	#drop(key: string, entry: Entry): void {
		if (this.#entries.get(key) !== entry) return;
		this.#entries.delete(key);
		this.#size -= entry.size;
	}
}

/** No id and no name has a space. */
function keyOf(projectId: string, name: string): string {
	return `${projectId} ${name}`;
}
