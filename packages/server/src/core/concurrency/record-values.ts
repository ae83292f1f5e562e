// The values of many records in one array, which is cheap to send to another thread. A value that is the same as in the record before is not
// repeated: most records of a batch have much in common.

type Value = string | number | boolean | null;

/** Writes the values of records, one record after another. */
export class ValueWriter {
	readonly values: unknown[] = [];
	/** The values of the record before, by place. */
	readonly #last: unknown[] = [];
	#place = 0;

	begin(): void {
		this.#place = 0;
	}

	put(value: Value): void {
		const place = this.#place++;
		if (this.#last[place] === value) {
			this.values.push(undefined);
			return;
		}
		this.#last[place] = value;
		this.values.push(value);
	}

	/** Names and values, and null after the last. */
	putMap(map: Readonly<Record<string, string>>): void {
		for (const name in map) {
			this.put(name);
			this.put(map[name] ?? "");
		}
		this.put(null);
	}
}

/** Reads what a `ValueWriter` has written. */
export class ValueReader {
	readonly #values: readonly unknown[];
	readonly #last: unknown[] = [];
	#place = 0;
	#at = 0;

	constructor(values: readonly unknown[]) {
		this.#values = values;
	}

	/** Begins the next record. False if there is none. */
	begin(): boolean {
		this.#place = 0;
		return this.#at < this.#values.length;
	}

	// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type that was written there
	take<T>(): T {
		const value = this.#values[this.#at++];
		const place = this.#place++;
		if (value === undefined) return this.#last[place] as T;
		this.#last[place] = value;
		return value as T;
	}

	takeMap(): Record<string, string> {
		const map: Record<string, string> = {};
		for (let name = this.take<string | null>(); name !== null; name = this.take<string | null>()) {
			const value = this.take<string>();
			// Assigned, it would be the object's prototype.
			if (name === "__proto__") Object.defineProperty(map, name, { value, enumerable: true, configurable: true });
			else map[name] = value;
		}
		return map;
	}
}
