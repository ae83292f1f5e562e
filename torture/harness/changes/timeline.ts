// What a setting was while it was changed: between the call and its answer, the old and the new value are both possible.

interface Span<T> {
	readonly value: T;
	readonly from: number;
	readonly until: number;
}

/**
 * The values of one setting, whose changes are made one after the other.
 *
 * @example
 * const limit = new Timeline(5);
 * limit.changing(9);
 * await change(9);
 * limit.confirmed();
 * limit.possible(sentAt, answeredAt); // [9] if it was sent after the answer, [5, 9] during the call
 */
export class Timeline<T> {
	#spans: readonly Span<T>[];
	readonly #now: () => number;

	/** `clock` is `now`, unless a test moves the time. */
	constructor(first: T, clock: () => number = now) {
		this.#now = clock;
		this.#spans = [{ value: first, from: 0, until: Infinity }];
	}

	/** The newest value, confirmed or not, that was not withdrawn. */
	get latest(): T {
		const last = this.#spans.findLast(({ until }) => until === Infinity);
		if (last === undefined) throw new Error("a timeline always has a value");
		return last.value;
	}

	/** A change begins: from now on the new value is possible, too. */
	changing(value: T): void {
		this.#spans = [...this.#spans, { value, from: this.#now(), until: Infinity }];
	}

	/** The change has been acknowledged: from now on only the new value is possible. */
	confirmed(): void {
		const at = this.#now();
		const last = this.#spans.length - 1;
		this.#spans = this.#spans.map((span, index) =>
			index === last ? span : { ...span, until: Math.min(span.until, at) },
		);
	}

	/** The change was not made: from now on only the old value is possible. */
	withdrawn(): void {
		const at = this.#now();
		const last = this.#spans.length - 1;
		this.#spans = this.#spans.map((span, index) => (index === last ? { ...span, until: at } : span));
	}

	/** The values that were possible at any time from `from` to `to`. */
	possible(from: number, to: number): T[] {
		return this.#spans.filter((span) => span.from <= to && span.until >= from).map(({ value }) => value);
	}
}

/** Monotonic and fine enough for calls that follow each other at once. */
export function now(): number {
	return performance.now();
}
