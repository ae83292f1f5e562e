// Which rows of a list are near the window: those are the ones that must be true.

/** The rows that are near the window, by their keys, as the parts of the list report them. */
export class NearRows {
	readonly #parts = new Map<number, ReadonlySet<string>>();
	#onChange = () => {};

	/** Calls `onChange` when rows have come near, until the returned function is called. */
	listen(onChange: () => void): () => void {
		this.#onChange = onChange;
		return () => (this.#onChange = () => {});
	}

	/** The rows of a part of the list, if that is near; otherwise none. */
	report(part: number, keys: readonly string[]): void {
		if (keys.length === 0) {
			this.#parts.delete(part);
			return;
		}
		this.#parts.set(part, new Set(keys));
		this.#onChange();
	}

	has(key: string): boolean {
		return [...this.#parts.values()].some((keys) => keys.has(key));
	}
}
