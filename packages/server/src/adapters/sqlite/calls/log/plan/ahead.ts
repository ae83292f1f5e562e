// Entries of several webhooks in one order. Each webhook is read ahead in chunks, and up to where all were read, their entries are known.
import type { Order, SeqRange } from "../seq-page.ts";
import type { Chunk, ReadChunks } from "./chunks.ts";

/** What going on has taken. */
export interface Steps {
	/** The webhooks whose entries were looked for, and the entries that were read. */
	readonly webhooks: number;
	readonly entries: number;
	/** The entries that are known now, of those that pass what their columns tell. */
	readonly passing: number;
}

/** No entry is read twice: one beyond the place up to which all were read waits until that is reached. */
export class Ahead {
	readonly #readers: readonly Reader[];
	readonly #readChunks: ReadChunks;
	readonly #order: Order;
	#edge: number | null = null;
	#isBegun = false;
	/** In order. */
	#known: readonly number[] = [];

	constructor(
		webhooks: readonly number[],
		{ range, order }: { range: SeqRange; order: Order },
		readChunks: ReadChunks,
	) {
		this.#readers = webhooks.map((webhook) => new Reader(webhook, range, order));
		this.#order = order;
		this.#readChunks = readChunks;
	}

	/** Whether there are entries that can be taken. */
	get isKnown(): boolean {
		return this.#known.length > 0;
	}

	/** The webhooks that must be read for the next entries. */
	get behind(): number {
		return this.#behind().length;
	}

	/** Reads the next entries, up to `size` of each webhook that may hold up the others. */
	goOn(size: number): Steps {
		const behind = this.#behind();
		const chunks = this.#readChunks(behind, this.#order, size);
		for (const [index, chunk] of chunks.entries()) behind[index]?.add(chunk, size);
		this.#isBegun = true;
		const places = this.#readers.map(({ reached }) => reached).filter((place) => place !== null);
		const isOlder = this.#order === "DESC";
		this.#edge = places.length === 0 ? null : isOlder ? Math.max(...places) : Math.min(...places);
		const known = this.#readers.flatMap((reader) => reader.take(this.#edge));
		known.sort((a, b) => (isOlder ? b - a : a - b));
		this.#known = [...this.#known, ...known];
		const entries = chunks.reduce((sum, { count }) => sum + count, 0);
		return { webhooks: behind.length, entries, passing: known.length };
	}

	/** Takes up to `most` entries, in order. `place`: nothing is left up to there, itself included; null: there is nothing at all. */
	take(most: number): { readonly seqs: readonly number[]; readonly place: number | null } {
		const seqs = this.#known.slice(0, most);
		this.#known = this.#known.slice(most);
		return { seqs, place: this.isKnown ? (seqs.at(-1) ?? null) : this.#edge };
	}

	#behind(): readonly Reader[] {
		if (!this.#isBegun) return this.#readers;
		const edge = this.#edge;
		return edge === null ? [] : this.#readers.filter((reader) => reader.isAt(edge));
	}
}

/** A webhook, how far it was read, and what waits of it. */
class Reader {
	readonly webhook: number;
	readonly #order: Order;
	#rest: SeqRange;
	#hasEnded = false;
	/** The first entry of the last chunk. */
	#begin: number | null = null;
	/** In order, from `#next` on. */
	#waiting: readonly number[] = [];
	#next = 0;

	constructor(webhook: number, range: SeqRange, order: Order) {
		this.webhook = webhook;
		this.#order = order;
		this.#rest = range;
	}

	get rest(): SeqRange {
		return this.#rest;
	}

	/** Everything up to this number is known, itself included; null: to the end. */
	get reached(): number | null {
		if (this.#hasEnded) return null;
		return this.#order === "ASC" ? this.#rest.low - 1 : this.#rest.high;
	}

	/** Whether its last chunk begins before a place, so that it may soon hold up others; not if it has ended. */
	isAt(place: number): boolean {
		return !this.#hasEnded && this.#begin !== null && !this.#isBeyond(this.#begin, place);
	}

	/** Adds the entries that come next. */
	add({ count, first, last, passing }: Chunk, most: number): void {
		this.#begin = first;
		this.#waiting = [...this.#waiting.slice(this.#next), ...passing];
		this.#next = 0;
		if (count < most || last === null) this.#hasEnded = true;
		else this.#rest = this.#order === "ASC" ? { ...this.#rest, low: last + 1 } : { ...this.#rest, high: last };
	}

	/** Removes and returns the entries up to a place, or all if that is null. */
	take(place: number | null): readonly number[] {
		const from = this.#next;
		for (; this.#next < this.#waiting.length; this.#next++) {
			const seq = this.#waiting[this.#next];
			if (seq !== undefined && place !== null && this.#isBeyond(seq, place)) break;
		}
		return this.#waiting.slice(from, this.#next);
	}

	#isBeyond(seq: number, place: number): boolean {
		return this.#order === "ASC" ? seq > place : seq < place;
	}
}
