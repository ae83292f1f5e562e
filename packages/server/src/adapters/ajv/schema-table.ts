// Which schemas the thread has: the ones used last, within a bound.

/** Compiled, a schema takes some ten times its text; the texts' sum is what bounds it. */
const MAX_TEXT = 1_024 * 1_024;
const MAX_SCHEMAS = 500;

export class SchemaTable {
	/** By text, least recently used first. The text is the very one that the engine keeps, so that finding it compares no characters. */
	readonly #ids = new Map<string, number>();
	#textLength = 0;
	#nextId = 1;

	/** The schema's number in the thread; `isNew` if the thread has yet to be told. */
	use(schemaJson: string): { id: number; isNew: boolean } {
		const known = this.#ids.get(schemaJson);
		const id = known ?? this.#nextId++;
		this.#ids.delete(schemaJson);
		this.#ids.set(schemaJson, id);
		if (known === undefined) this.#textLength += schemaJson.length;
		return { id, isNew: known === undefined };
	}

	/** Forgets the least recently used beyond the bounds, except `needed`; gives their numbers. */
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
