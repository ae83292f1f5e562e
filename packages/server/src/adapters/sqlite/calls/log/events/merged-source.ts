// Reads events along many entries at once, such as those of all types with a prefix: their numbers first, in order, and then the rows.
import { EVENT_COLUMNS } from "../../../codec/event-rows.ts";
import { number, type Row } from "../../../codec/rows.ts";
import { qualified } from "../../../codec/statements.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import type { Source } from "../sources.ts";
import { entryCostUs, US_OF_BUDGET, type Check, type EventEntries } from "./event-sources.ts";

/** Reading the number of an entry, and passing it to the statement that reads the rows. */
const NUMBER_US = 1;
const LEAST = 4;
/** Numbers that are looked at together. */
const MOST = 2_000;

/** Reads the events that are in one of these entries, none of which share an event, and that match the checks. */
export function createMergedSource(
	prepare: Prepare,
	entries: readonly EventEntries[],
	checks: readonly Check[],
): Source {
	const rowsAt = createRowsAt(prepare, checks);
	const entryUs = NUMBER_US + entryCostUs(checks);
	return (range, order, limit, budget) => {
		const atOnce = Math.max(LEAST, Math.ceil((2 * limit) / entries.length));
		const parts = entries.map((one) => new Part(prepare, one, range, order, atOnce));
		const rows: Row[] = [];
		for (let left = Math.ceil((budget * US_OF_BUDGET) / entryUs); ;) {
			for (const part of parts) part.readIfEmpty();
			const reached = furthestBehind(parts, order);
			const ready = parts.flatMap((part) => part.takeUpTo(reached)).sort((a, b) => (order === "ASC" ? a - b : b - a));
			left -= ready.length;
			for (let at = 0; at < ready.length && rows.length < limit; at += MOST) {
				rows.push(...rowsAt(ready.slice(at, at + MOST), limit - rows.length));
			}
			if (rows.length === limit || reached === null) return { rows, stoppedAt: null };
			if (left <= 0) return { rows, stoppedAt: reached };
		}
	};
}

/** Prepares the reading of the rows of events, in the order of the numbers. */
function createRowsAt(prepare: Prepare, checks: readonly Check[]) {
	const matches = checks.map(({ sql }) => sql).concat("TRUE");
	const values = checks.flatMap((check) => check.values);
	const select = prepare(`
		SELECT event.seq, ${qualified("event", EVENT_COLUMNS)}, event.details
		FROM (SELECT value AS seq FROM json_each(?)) looked
		CROSS JOIN events event ON event.seq = looked.seq WHERE ${matches.join(" AND ")} LIMIT ?
	`);
	return (seqs: readonly number[], limit: number): Row[] => {
		const wanted = checks.length === 0 ? seqs.slice(0, limit) : seqs;
		return select.all(JSON.stringify(wanted), ...values, limit);
	};
}

/** How far all of the parts are read; null if they are read to their ends. */
function furthestBehind(parts: readonly Part[], order: Order): number | null {
	let reached: number | null = null;
	for (const part of parts) {
		if (part.reached === null) continue;
		if (reached === null || (order === "ASC" ? part.reached < reached : part.reached > reached)) reached = part.reached;
	}
	return reached;
}

/** The numbers of one of the entries, in order, some at a time. */
class Part {
	readonly #read: (range: SeqRange, limit: number) => number[];
	readonly #order: Order;
	#rest: SeqRange;
	#waiting: number[] = [];
	/** How many are read at once: more of those that many are read of. */
	#atOnce: number;
	/** The last number that was read; null if there is none left to read. */
	reached: number | null = 0;

	constructor(prepare: Prepare, { from, seq, where }: EventEntries, range: SeqRange, order: Order, atOnce: number) {
		const select = prepare(`
			SELECT entry.${seq} AS seq FROM ${from} WHERE ${where.sql}
			AND entry.${seq} >= ? AND entry.${seq} < ? ORDER BY entry.${seq} ${order} LIMIT ?
		`);
		this.#read = ({ low, high }, limit) =>
			select.all(...where.values, low, high, limit).map((row) => number(row["seq"]));
		this.#rest = range;
		this.#order = order;
		this.#atOnce = atOnce;
	}

	readIfEmpty(): void {
		if (this.#waiting.length > 0 || this.reached === null) return;
		this.#waiting = this.#read(this.#rest, this.#atOnce);
		const last = this.#waiting.at(-1);
		const isEnd = last === undefined || this.#waiting.length < this.#atOnce;
		this.reached = isEnd ? null : last;
		if (last !== undefined) {
			this.#rest = this.#order === "ASC" ? { ...this.#rest, low: last + 1 } : { ...this.#rest, high: last };
		}
		this.#atOnce = Math.min(MOST, this.#atOnce * 2);
	}

	/** Takes the numbers up to one; all if it is null. */
	takeUpTo(reached: number | null): number[] {
		const isBeyond = (seq: number) => reached !== null && (this.#order === "ASC" ? seq > reached : seq < reached);
		const end = this.#waiting.findIndex(isBeyond);
		return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
	}
}
