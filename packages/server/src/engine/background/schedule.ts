// A schedule: what has to be looked at next, and when. Its cost depends on the items that are due, not on the number of items.
import TinyQueue from "tinyqueue";

interface Entry<Item> {
	readonly at: number;
	readonly item: Item;
}

/** Entries that were replaced stay in the heap until their time. It is rebuilt when more than this many are in it. */
const MAX_REPLACED = 1_024;

/**
 * A priority queue of items, such as lanes, with at most one valid entry for each. States of an item here:
 *
 * - not scheduled: the initial state, and the one after `takeDue` has returned it or `remove` was called.
 * - scheduled: entered by `schedule`, with the time at which the item is due.
 *
 * @example
 * schedule.schedule(lane, clock.now() + 1_000);
 * for (const lane of schedule.takeDue(clock.now())) refill(lane);
 */
export class Schedule<Item> {
	/** The valid time of each scheduled item. */
	readonly #times = new Map<Item, number>();
	#heap = new TinyQueue<Entry<Item>>([], earlierFirst);

	/** Items that are scheduled. */
	get size(): number {
		return this.#times.size;
	}

	/** Entries in the heap, those that were replaced included: what the schedule takes of memory. */
	get entries(): number {
		return this.#heap.length;
	}

	has(item: Item): boolean {
		return this.#times.has(item);
	}

	/** Schedules the item for this time. It replaces the time at which the item was scheduled before. */
	schedule(item: Item, at: number): void {
		if (this.#times.get(item) === at) return;
		this.#times.set(item, at);
		this.#heap.push({ at, item });
		if (this.#heap.length > this.#times.size + MAX_REPLACED) this.#rebuild();
	}

	remove(item: Item): void {
		this.#times.delete(item);
	}

	/** When the first item is due; Infinity if no item is scheduled. */
	nextAt(): number {
		return this.#first()?.at ?? Infinity;
	}

	/** Removes the items that are due at this time or earlier, and returns them, the earliest first. */
	takeDue(now: number): Item[] {
		const due: Item[] = [];
		for (let first = this.#first(); first !== undefined && first.at <= now; first = this.#first()) {
			this.#heap.pop();
			this.#times.delete(first.item);
			due.push(first.item);
		}
		return due;
	}

	/** The first valid entry. Drops entries that were replaced or removed. */
	#first(): Entry<Item> | undefined {
		for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
			if (this.#times.get(first.item) === first.at) return first;
			this.#heap.pop();
		}
		return undefined;
	}

	#rebuild(): void {
		const entries = [...this.#times].map(([item, at]) => ({ at, item }));
		this.#heap = new TinyQueue(entries, earlierFirst);
	}
}

function earlierFirst(a: Entry<unknown>, b: Entry<unknown>): number {
	return a.at - b.at;
}
