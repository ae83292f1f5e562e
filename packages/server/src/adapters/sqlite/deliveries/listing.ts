// Which rows of a table are in its partial indexes, which have rows with `listed = 1`. Rows enter them in steps and in the order of
// their numbers, since a step writes each page of an index once for many rows. The newest rows are the tail, which lists scan.
import type { DatabaseSync } from "node:sqlite";

import { number } from "../codec/rows.ts";
import type { TransactionMemory } from "../connection.ts";

export interface ListingOptions {
	/** Rows listed at once. A longer step writes fewer pages of the index, but the store stands still for longer. */
	readonly step: number;
	/** With more rows than this in the tail, `shorten` lists some: 50,000 narrow rows are scanned in 1.2 ms. */
	readonly maxTail: number;
	/** Rows that `shorten` lists at once; `step` if omitted. */
	readonly shortenStep?: number;
}

/** Every row up to `mark` is listed, and no row above it. The mark moves only after a commit. */
export class Listing implements TransactionMemory {
	readonly #maxTail: number;
	readonly #list: (from: number, to: number) => number;
	readonly #step: number;
	readonly #shortenStep: number;
	/** The number of the row that is `count` rows after `from`; null if it is above `to`. */
	readonly #endOfStep: (from: number, to: number, count: number) => number | null;
	#mark: number;
	#tail: number;
	/** What the transaction under way changes. */
	#stagedMark: number | null = null;
	#stagedTail = 0;

	constructor(db: DatabaseSync, table: "open" | "deliveries", { step, maxTail, shortenStep = step }: ListingOptions) {
		this.#maxTail = maxTail;
		this.#step = Math.max(1, Math.min(step, maxTail));
		this.#shortenStep = Math.max(1, Math.min(shortenStep, maxTail));
		const list = db.prepare(`UPDATE ${table} SET listed = 1 WHERE seq > ? AND seq <= ?`);
		this.#list = (from, to) => Number(list.run(from, to).changes);
		const endOfStep = db.prepare(
			`SELECT seq FROM ${table} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 1 OFFSET ? - 1`,
		);
		this.#endOfStep = (from, to, count) => {
			const row = endOfStep.get(from, to, count);
			return row === undefined ? null : number(row["seq"]);
		};
		// The last row that is listed is not far from the end, since the tail is short.
		const mark = db.prepare(`SELECT seq FROM ${table} NOT INDEXED WHERE listed = 1 ORDER BY seq DESC LIMIT 1`).get();
		this.#mark = mark === undefined ? 0 : number(mark["seq"]);
		const tail = db.prepare(`SELECT count(*) AS tail FROM ${table} WHERE seq > ?`).get(this.#mark);
		this.#tail = number(tail?.["tail"]);
	}

	/** Rows above this number are not in the indexes. */
	get mark(): number {
		return this.#stagedMark ?? this.#mark;
	}

	/** A row is being inserted. Returns its `listed`. */
	inserted(seq: number): 0 | 1 {
		if (seq <= this.mark) return 1;
		this.#stagedTail++;
		return 0;
	}

	/** A row was deleted. */
	deleted(seq: number): void {
		if (seq > this.mark) this.#stagedTail--;
	}

	/** Lists a step of the rows up to a number. Returns whether all of them are listed now. */
	listStep(to: number): boolean {
		const end = this.#endOfStep(this.mark, to, this.#step);
		this.#listTo(end ?? to);
		return end === null;
	}

	/** Lists rows until the tail is short enough. */
	shorten(): void {
		while (this.#tail + this.#stagedTail > this.#maxTail) {
			const end = this.#endOfStep(this.mark, Number.MAX_SAFE_INTEGER, this.#shortenStep);
			if (end === null) return;
			this.#listTo(end);
		}
	}

	commit(): void {
		this.#mark = this.mark;
		this.#tail += this.#stagedTail;
		this.rollback();
	}

	rollback(): void {
		this.#stagedMark = null;
		this.#stagedTail = 0;
	}

	#listTo(to: number): void {
		if (to <= this.mark) return;
		this.#stagedTail -= this.#list(this.mark, to);
		this.#stagedMark = to;
	}
}
