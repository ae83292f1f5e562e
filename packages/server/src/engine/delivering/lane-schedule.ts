// A schedule of lanes: which lane has to be looked at next, and when. Its cost depends on the lanes that are due, not on the
// number of lanes.
import TinyQueue from "tinyqueue";

import type { Lane } from "./lane.ts";

interface Entry {
	readonly at: number;
	readonly lane: Lane;
}

/** Entries that were replaced stay in the heap until their time. It is rebuilt when more than this many are in it. */
const MAX_REPLACED = 1_024;

/**
 * A priority queue of lanes with at most one valid entry for each. States of a lane here:
 *
 * - not scheduled: the initial state, and the one after `takeDue` has returned it or `remove` was called.
 * - scheduled: entered by `schedule`, with the time at which the lane is due.
 *
 * @example
 * schedule.schedule(lane, clock.now() + 1_000);
 * for (const lane of schedule.takeDue(clock.now())) refill(lane);
 */
export class LaneSchedule {
	/** The valid time of each scheduled lane. */
	readonly #times = new Map<Lane, number>();
	#heap = new TinyQueue<Entry>([], earlierFirst);

	/** Lanes that are scheduled. */
	get size(): number {
		return this.#times.size;
	}

	/** Entries in the heap, those that were replaced included: what the schedule takes of memory. */
	get entries(): number {
		return this.#heap.length;
	}

	has(lane: Lane): boolean {
		return this.#times.has(lane);
	}

	/** Schedules the lane for this time. It replaces the time at which the lane was scheduled before. */
	schedule(lane: Lane, at: number): void {
		if (this.#times.get(lane) === at) return;
		this.#times.set(lane, at);
		this.#heap.push({ at, lane });
		if (this.#heap.length > this.#times.size + MAX_REPLACED) this.#rebuild();
	}

	remove(lane: Lane): void {
		this.#times.delete(lane);
	}

	/** When the first lane is due; Infinity if no lane is scheduled. */
	nextAt(): number {
		return this.#first()?.at ?? Infinity;
	}

	/** Removes the lanes that are due at this time or earlier, and returns them, the earliest first. */
	takeDue(now: number): Lane[] {
		const due: Lane[] = [];
		for (let first = this.#first(); first !== undefined && first.at <= now; first = this.#first()) {
			this.#heap.pop();
			this.#times.delete(first.lane);
			due.push(first.lane);
		}
		return due;
	}

	/** The first valid entry. Drops entries that were replaced or removed. */
	#first(): Entry | undefined {
		for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
			if (this.#times.get(first.lane) === first.at) return first;
			this.#heap.pop();
		}
		return undefined;
	}

	#rebuild(): void {
		const entries = [...this.#times].map(([lane, at]) => ({ at, lane }));
		this.#heap = new TinyQueue(entries, earlierFirst);
	}
}

function earlierFirst(a: Entry, b: Entry): number {
	return a.at - b.at;
}
