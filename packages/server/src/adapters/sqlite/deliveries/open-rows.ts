// The table `open`: deliveries without an attempt, one narrow row each. A row enters the indexes (it is listed) once it has
// waited for about a second, which few rows do; the others are the tail of the table.
import type { DatabaseSync } from "node:sqlite";

import { number, type Row } from "../codec/rows.ts";
import { RowGatherer } from "../codec/statements.ts";
import { Listing } from "./listing.ts";
import { OpenTail } from "./open-tail.ts";

/** How long a row waits before it is listed, in milliseconds; for tests, 0 lists at once and Infinity never. */
export const LIST_AFTER_MS = 1_000;
const MAX_TAIL = 20_000;
/** Some 1 ms. */
const STEP = 500;
/**
 * A step writes a page of the index by webhook for each webhook in it, however few rows that has. So if rows come faster than they are
 * served, as those of a batch to thousands of webhooks do, many are listed at once: with steps of 500, each event to 3,000 webhooks
 * writes 12 MB of the index, and a commit of two takes the store 41 ms of CPU; with these 10 ms, and 83 ms for the one in three
 * that lists.
 */
const SHORTEN_STEP = 15_000;
/** From as many rows on, one statement for all of them costs less than two for each. */
const MANY = 4;
const COLUMNS = ["seq", "event", "webhook", "project", "listed"] as const;
/** Times are noted this far apart. */
const TIME_STEP_MS = 100;

/** A row of `open`, without its number. */
export interface OpenRow {
	readonly event: number;
	readonly webhook: number;
	readonly project: number;
}

/** The rows of `open`. */
export class OpenRows {
	readonly listing: Listing;
	/** The rows that are not listed. */
	readonly tail: OpenTail;
	readonly #listAfterMs: number;
	/** Rows that are inserted, and may not be stored yet. */
	readonly gathered: RowGatherer<typeof COLUMNS>;
	readonly #takeAll: (seqs: readonly number[]) => Row[];
	readonly #delete: (seq: number) => boolean;
	readonly #select: (seq: number) => Row | undefined;
	/** The highest numbers that were given up to some times, oldest first. */
	readonly #times: { readonly at: number; seq: number }[] = [];

	constructor(db: DatabaseSync, listAfterMs: number) {
		const maxTail = listAfterMs === Infinity ? Infinity : MAX_TAIL;
		this.listing = new Listing(db, "open", { step: STEP, maxTail, shortenStep: SHORTEN_STEP });
		this.tail = new OpenTail(db, this.listing);
		this.#listAfterMs = listAfterMs;
		this.gathered = new RowGatherer(db, "open", COLUMNS);
		const takeAll = db.prepare(
			"DELETE FROM open WHERE seq IN (SELECT value FROM json_each(?)) RETURNING seq, event, webhook, project",
		);
		this.#takeAll = (seqs) => takeAll.all(JSON.stringify(seqs));
		const remove = db.prepare("DELETE FROM open WHERE seq = ?");
		this.#delete = (seq) => remove.run(seq).changes === 1;
		const select = db.prepare("SELECT event, webhook, project FROM open WHERE seq = ?");
		this.#select = (seq) => select.get(seq);
	}

	/** Rows above this number are not in the indexes. */
	get mark(): number {
		return this.listing.mark;
	}

	insert(seq: number, event: number, webhook: number, project: number): void {
		const listed = this.listing.inserted(seq);
		this.gathered.add(seq, event, webhook, project, listed);
		if (listed === 0) this.tail.inserted(seq, webhook);
	}

	/** Removes the row. It has one taker: null if there is no such row (any more). */
	take(seq: number): OpenRow | null {
		// `RETURNING` would take twice as long as the two statements, since it keeps its rows in a table of its own.
		const row = this.get(seq);
		if (row === null || !this.#delete(seq)) return null;
		this.#taken(seq);
		return row;
	}

	/** Removes rows, like `take`. Returns those that were there, by their numbers. */
	takeAll(seqs: readonly number[]): Map<number, OpenRow> {
		this.gathered.flush();
		const taken = new Map<number, OpenRow>();
		if (seqs.length < MANY) {
			for (const seq of seqs) {
				const row = this.take(seq);
				if (row !== null) taken.set(seq, row);
			}
			return taken;
		}
		for (const row of this.#takeAll(seqs)) {
			const seq = number(row["seq"]);
			this.#taken(seq);
			taken.set(seq, toOpenRow(row));
		}
		return taken;
	}

	#taken(seq: number): void {
		this.listing.deleted(seq);
		if (seq > this.mark) this.tail.taken(seq);
	}

	get(seq: number): OpenRow | null {
		this.gathered.flush();
		const row = this.#select(seq);
		return row === undefined ? null : toOpenRow(row);
	}

	/** Lists a step of the rows that have waited long enough, or some more if the tail is long. `now` is about the time. */
	listSome(now: number): void {
		this.gathered.flush();
		for (;;) {
			const [oldest] = this.#times;
			if (oldest === undefined || oldest.at > now - this.#listAfterMs || !this.listing.listStep(oldest.seq)) break;
			this.#times.shift();
		}
		this.listing.shorten();
	}

	/** Numbers up to `seq` were given by this time. */
	noteTime(at: number, seq: number): void {
		if (this.#listAfterMs === Infinity) return;
		const last = this.#times.at(-1);
		if (last !== undefined && at < last.at + TIME_STEP_MS && this.#listAfterMs > 0) last.seq = seq;
		else this.#times.push({ at, seq });
	}
}

function toOpenRow(row: Row): OpenRow {
	return { event: number(row["event"]), webhook: number(row["webhook"]), project: number(row["project"]) };
}
