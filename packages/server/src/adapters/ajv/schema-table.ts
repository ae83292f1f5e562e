// Keeps track of the schemas in the thread: the most recently used ones, within limits, divided by project.

/** Limit for the total length of the schemas' texts. A compiled schema takes about ten times the memory of its text. */
const MAX_TEXT = 1_024 * 1_024;
const MAX_SCHEMAS = 500;
/** What a schema counts besides its text when the shares of projects are compared. */
const BASE_LENGTH = MAX_TEXT / MAX_SCHEMAS;

interface Known {
	readonly id: number;
	/** The project that has used it last: it counts among this one's. */
	readonly projectId: string;
}

/** The schemas of one project, least recently used first. */
interface Share {
	readonly texts: Set<string>;
	size: number;
}

/**
 * Beyond the limits, the project that has most loses its least recently used schema: one that uses very many compiles its own again
 * and again, not those of others. Projects that use the same text share one schema.
 *
 * By hand rather than lru-cache: schemas of the batch being assembled must not be evicted, and evictions happen in one step at its
 * end, because the thread is told about them.
 */
export class SchemaTable {
	/** By text. The keys are the same strings that the engine keeps, so look-ups are fast. */
	readonly #known = new Map<string, Known>();
	readonly #shares = new Map<string, Share>();
	#textLength = 0;
	#nextId = 1;

	/** The schema's id in the thread. If `isNew`, the schema has to be sent to the thread. */
	use(projectId: string, schemaJson: string): { id: number; isNew: boolean } {
		const known = this.#known.get(schemaJson);
		const id = known?.id ?? this.#nextId++;
		if (known !== undefined) this.#remove(schemaJson, known.projectId);
		this.#known.set(schemaJson, { id, projectId });
		this.#add(schemaJson, projectId);
		return { id, isNew: known === undefined };
	}

	/** Removes schemas beyond the limits, except `needed`. Returns the removed ids. */
	trim(needed: ReadonlySet<number>): number[] {
		const dropped: number[] = [];
		const passed = new Set<string>();
		while (this.#known.size > MAX_SCHEMAS || this.#textLength > MAX_TEXT) {
			const largest = this.#largest(passed);
			if (largest === null) break;
			const [projectId, { texts }] = largest;
			const text = texts.values().find((one) => !needed.has(this.#known.get(one)?.id ?? 0));
			if (text === undefined) {
				passed.add(projectId);
				continue;
			}
			dropped.push(this.#known.get(text)?.id ?? 0);
			this.#known.delete(text);
			this.#remove(text, projectId);
		}
		return dropped;
	}

	/** The project whose schemas take most, except those that were passed over. */
	#largest(passed: ReadonlySet<string>): [string, Share] | null {
		let largest: [string, Share] | null = null;
		for (const entry of this.#shares) {
			if (!passed.has(entry[0]) && (largest === null || entry[1].size > largest[1].size)) largest = entry;
		}
		return largest;
	}

	#add(text: string, projectId: string): void {
		const share = this.#shares.get(projectId) ?? { texts: new Set(), size: 0 };
		share.texts.add(text);
		share.size += BASE_LENGTH + text.length;
		this.#shares.set(projectId, share);
		this.#textLength += text.length;
	}

	#remove(text: string, projectId: string): void {
		const share = this.#shares.get(projectId);
		share?.texts.delete(text);
		if (share !== undefined) share.size -= BASE_LENGTH + text.length;
		if (share?.texts.size === 0) this.#shares.delete(projectId);
		this.#textLength -= text.length;
	}
}
