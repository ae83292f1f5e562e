// A line that is divided into parts, such as the customers of a project: they take turns, so that none waits behind all items of another one.

/**
 * Items in the order of their part's turns, and within a part in their own.
 *
 * @example
 * const line = new Parts<string>();
 * line.add("acme", "a1").add("acme", "a2").add("globex", "g1");
 * [line.next(), line.next(), line.next()]; // ["a1", "g1", "a2"]
 */
export class Parts<Item> {
	/** The one whose turn is next comes first. */
	readonly #parts = new Map<string, Set<Item>>();
	#size = 0;

	get size(): number {
		return this.#size;
	}

	sizeOf(part: string): number {
		return this.#parts.get(part)?.size ?? 0;
	}

	/** Adds an item that is not in the line yet. */
	add(part: string, item: Item): this {
		const items = this.#parts.get(part) ?? new Set();
		this.#parts.set(part, items.add(item));
		this.#size++;
		return this;
	}

	/** Takes an item away, if it is still in the line. */
	remove(part: string, item: Item): void {
		const items = this.#parts.get(part);
		if (items?.delete(item) !== true) return;
		this.#size--;
		if (items.size === 0) this.#parts.delete(part);
	}

	/** Takes the next item. Its part comes behind the others. */
	next(): Item | undefined {
		for (const [part, items] of this.#parts) {
			for (const item of items) {
				this.remove(part, item);
				if (items.size > 0) {
					this.#parts.delete(part);
					this.#parts.set(part, items);
				}
				return item;
			}
		}
		return undefined;
	}
}
