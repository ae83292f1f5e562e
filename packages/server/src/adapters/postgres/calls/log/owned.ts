// How far a walk has come with the entries of one owner.
import type { Order } from "../keyset.ts";
import type { Source } from "./source.ts";

/** What a look has found of an owner. */
export interface Looked {
	/** The ids of entries that match, in order, up to as many as are missing. */
	readonly matching: readonly string[];
	/** How many entries were looked at, how many of them are to be looked for in another table, and how many of these were. */
	readonly entries: number;
	readonly candidates: number;
	readonly looks: number;
	/** The first entry; null if there is none. */
	readonly first: string | null;
	/** The last entry up to which all is known; null if there are no more. */
	readonly stoppedAt: string | null;
}

/** An owner of entries of a source, how far these were looked at, and what was found that others may still come before. */
export class Owned {
	readonly source: Source;
	/** Its place among the owners of the source. */
	readonly index: number;
	readonly #order: Order;
	/** The last entry that was looked at; null: none yet. */
	reached: string | null = null;
	/** The share of the entries of the last look that were to be looked for in another table. */
	candidateShare = 0;
	/** The entries that it had in the stretch before; null: nothing is known. */
	expected: number | null = null;
	#seen = 0;
	#hasEnded = false;
	/** The first entry of the last look. */
	#begin: string | null = null;
	#waiting: readonly string[] = [];

	constructor(source: Source, index: number, order: Order) {
		this.source = source;
		this.index = index;
		this.#order = order;
	}

	/** Goes on to the next stretch, when all of this one is known. */
	nextStretch(): void {
		this.expected = this.#seen;
		this.#seen = 0;
		this.reached = null;
		this.#hasEnded = false;
		this.#begin = null;
	}

	/** Up to where everything is known; null: to the end. */
	get end(): string | null {
		return this.#hasEnded ? null : this.reached;
	}

	/** Whether its last look has begun before a place, so that it may soon hold up others; not if it has ended. */
	isAt(place: string): boolean {
		return !this.#hasEnded && this.#begin !== null && !this.#isBeyond(this.#begin, place);
	}

	/** Adds what a look has found. */
	add({ matching, entries, candidates, first, stoppedAt }: Looked): void {
		this.#waiting = [...this.#waiting, ...matching];
		this.#begin = first;
		this.#hasEnded = stoppedAt === null;
		this.#seen += entries;
		this.candidateShare = candidates / Math.max(1, entries);
		if (stoppedAt !== null) this.reached = stoppedAt;
	}

	/** Removes and returns what was found up to a place, or all if that is null. */
	take(place: string | null): readonly string[] {
		const beyond = place === null ? -1 : this.#waiting.findIndex((id) => this.#isBeyond(id, place));
		const count = beyond === -1 ? this.#waiting.length : beyond;
		const taken = this.#waiting.slice(0, count);
		this.#waiting = this.#waiting.slice(count);
		return taken;
	}

	#isBeyond(id: string, place: string): boolean {
		return this.#order === "ASC" ? id > place : id < place;
	}
}
