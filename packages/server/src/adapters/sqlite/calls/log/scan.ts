// Reads a page of the log from several sources at once.
import TinyQueue from "tinyqueue";

import { number, type Row } from "../../codec/rows.ts";
import type { Order, Scan, Scanned, SeqRange } from "./seq-page.ts";
import type { Source } from "./sources.ts";

/** What a page may look at: each source knows what its own entries take of it. All of it is some 10 to 20 ms. */
export const BUDGET = 10_000;
/** Sources are read at least this many rows at once. */
const LEAST_ROWS = 4;
/** With a smaller share of the budget left, nothing more is read. */
const LEAST_LEFT = 0.05;
/** The largest share for one read: what it finds beyond the place where others stop is found in vain. */
const LARGEST_SHARE = 0.25;

/**
 * Reads from all sources, those that have got less far first. Each is read once at least, whatever the budget: otherwise a page of very
 * many sources, as a customer has who has made and deleted very many webhooks, would end where it began.
 */
export function createScan(sources: readonly Source[]): Scan {
	return (range: SeqRange, order: Order, limit: number, budget = BUDGET): Scanned => {
		if (range.low >= range.high) return { rows: [], stoppedAt: null };
		const [only] = sources;
		if (only !== undefined && sources.length === 1) return only(range, order, limit, budget);
		const sign = order === "ASC" ? 1 : -1;
		const all = sources.map((source) => new Part(source, range, order, budget / (2 * sources.length)));
		const largest = budget * LARGEST_SHARE;
		const parts = new TinyQueue(all, (a, b) => sign * (a.reached - b.reached));
		const waiting = new TinyQueue<Row>([], (a, b) => sign * (number(a["seq"]) - number(b["seq"])));
		const rowsAtOnce = Math.min(limit, Math.max(LEAST_ROWS, Math.ceil((2 * limit) / sources.length)));
		const rows: Row[] = [];
		for (let left = budget; ;) {
			// Nothing can come any more that belongs before the rows up to there.
			const behind = parts.pop();
			while (rows.length < limit) {
				const next = waiting.peek();
				if (next === undefined || (behind && sign * (number(next["seq"]) - behind.reached) > 0)) break;
				rows.push(next);
				waiting.pop();
			}
			if (behind === undefined || rows.length === limit) return { rows, stoppedAt: null };
			if (left <= budget * LEAST_LEFT && behind.isBegun) return { rows, stoppedAt: behind.reached };
			const read = behind.goOn(rowsAtOnce, Math.min(left, largest));
			for (const row of read.rows) waiting.push(row);
			left -= read.cost;
			if (!behind.hasEnded) parts.push(behind);
		}
	};
}

/** A source, and how far it was read. */
class Part {
	readonly #source: Source;
	readonly #order: Order;
	#rest: SeqRange;
	/** What the next read may look at. It grows, so that few reads are made of a source with few matches. */
	#share: number;
	isBegun = false;
	hasEnded = false;

	constructor(source: Source, range: SeqRange, order: Order, share: number) {
		this.#source = source;
		this.#order = order;
		this.#rest = range;
		this.#share = share;
	}

	/** Everything up to this number is known, itself included. */
	get reached(): number {
		return this.#order === "ASC" ? this.#rest.low - 1 : this.#rest.high;
	}

	/** Reads on, by so much of the budget at most. Returns the rows, and what they have taken of it. */
	goOn(limit: number, most: number): { readonly rows: readonly Row[]; readonly cost: number } {
		const share = Math.max(0, Math.min(most, this.#share));
		const budget = Math.max(1, Math.ceil(share));
		const { rows, stoppedAt, cost } = this.#source(this.#rest, this.#order, limit, budget);
		this.isBegun = true;
		const last = rows.length === limit ? rows.at(-1) : undefined;
		const reached = last === undefined ? stoppedAt : number(last["seq"]);
		if (reached === null) this.hasEnded = true;
		else if (this.#order === "ASC") this.#rest = { low: reached + 1, high: this.#rest.high };
		else this.#rest = { low: this.#rest.low, high: reached };
		if (last !== undefined) return { rows, cost: cost ?? rows.length };
		this.#share *= 2;
		return { rows, cost: cost ?? share };
	}
}
