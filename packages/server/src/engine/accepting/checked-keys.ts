// The idempotency keys of sends that a schema has checked: what has one of them is likely a repeat.
import { SharedLru } from "../directory/shared-lru.ts";

const MAX_KEYS = 10_000;
/** The most characters of all keys: a repeat usually comes within seconds. */
const MAX_CHARACTERS = 1_024 * 1_024;

/**
 * Remembers the keys that were used last, within a bound that projects share. A key that is known here is looked up in the store before the
 * event is checked by its type's schema. For every other one that would be a message more to the store's thread, and most sends have a key
 * that is new. So this is a hint: a repeat whose key is not known here (after a restart, or in another process) is checked, and answered all the same.
 */
export class CheckedKeys {
	readonly #keys = new SharedLru<true>({ maxEntries: MAX_KEYS, maxSize: MAX_CHARACTERS });

	/** An event with this key was checked by a schema, and is stored. */
	note(projectId: string, key: string): void {
		this.#keys.set(projectId, key, true, key.length);
	}

	has(projectId: string, key: string | null): boolean {
		return key !== null && this.#keys.get(projectId, key) === true;
	}
}
