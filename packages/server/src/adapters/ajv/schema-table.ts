// Keeps track of the schemas in the thread: the most recently used ones, within limits.

/** Limit for the total length of the schemas' texts. A compiled schema takes about ten times the memory of its text. */
const MAX_TEXT = 1_024 * 1_024;
const MAX_SCHEMAS = 500;

/**
 * An LRU by hand rather than lru-cache: schemas of the batch being assembled must not be evicted, and evictions happen
 * in one step at its end, because the thread is told about them.
 */
export class SchemaTable {
	/**
	 * Ids by text, least recently used first. The keys are the same strings that the engine keeps, so look-ups are fast.
	 */
	readonly #ids = new Map<string, number>();
	#textLength = 0;
	#nextId = 1;

	/** The schema's id in the thread. If `isNew`, the schema has to be sent to the thread. */
	use(schemaJson: string): { id: number; isNew: boolean } {
		const known = this.#ids.get(schemaJson);
		const id = known ?? this.#nextId++;
		this.#ids.delete(schemaJson);
		this.#ids.set(schemaJson, id);
		if (known === undefined) this.#textLength += schemaJson.length;
		return { id, isNew: known === undefined };
	}

	/** Removes the least recently used schemas beyond the limits, except `needed`. Returns the removed ids. */
	trim(needed: ReadonlySet<number>): number[] {
		const dropped: number[] = [];
		for (const [text, id] of this.#ids) {
			if (this.#ids.size <= MAX_SCHEMAS && this.#textLength <= MAX_TEXT) break;
			if (needed.has(id)) continue;
			this.#ids.delete(text);
			this.#textLength -= text.length;
			dropped.push(id);
		}
		return dropped;
	}
}
