// Where a list of deliveries reads them: each source is one way to find deliveries of one table in the order of their numbers.
import { DELIVERY_COLUMNS, EVENT_OF_DELIVERY } from "../../codec/delivery-rows.ts";
import { countOf, number, type Row } from "../../codec/rows.ts";
import { qualified } from "../../codec/statements.ts";
import type { Prepare } from "../statement-cache.ts";
import { rowsWithin, type Check, type Column, type Condition } from "./condition.ts";
import { LAST_ATTEMPT_COLUMNS } from "./rows.ts";
import type { Order, Scanned, SeqRange } from "./seq-page.ts";

/**
 * A part of the rows. `limit` is a number of rows that match, and `budget` says how much may be looked at: `BUDGET` of scan.ts for a
 * whole page.
 */
export type Source = (range: SeqRange, order: Order, limit: number, budget: number) => Scanned;

/** A source whose rows can be counted, too. */
export interface CountableSource {
	readonly read: Source;
	/** Counts from the end of the range downwards, and says where it has stopped. */
	readonly count: (range: SeqRange, budget: number) => Counted;
}

/** A number of rows that match, from the end of a range down to `stoppedAt`, or in the whole range if that is null. */
export interface Counted {
	readonly count: number;
	readonly stoppedAt: number | null;
	/** What it has taken of the budget; all of it if omitted. */
	readonly cost?: number;
}

/** The columns of a row of `open` that `toOpenDelivery` reads, beside those of its event, and a mark that tells it apart. */
const OPEN_COLUMNS = `${qualified("delivery", ["seq", "event", "webhook", "project"])}, 1 AS is_open`;
const FULL_COLUMNS = `${qualified("delivery", DELIVERY_COLUMNS)}, ${LAST_ATTEMPT_COLUMNS}, 0 AS is_open`;
export const COLUMNS = { open: OPEN_COLUMNS, deliveries: FULL_COLUMNS } as const;

export type Table = keyof typeof COLUMNS;

/** The entries of an index of a table that a source reads: `index` names it, or is null for the table itself. */
export interface Entries {
	readonly table: Table;
	readonly index: string | null;
	/** What leads to the entries, with the condition of a partial index. It names the table `entry`. */
	readonly where: Condition;
	/** The columns that an entry has beside those, so that conditions on them need no look at the row. */
	readonly columns: readonly Column[];
}

/** How much of a budget an entry of an index takes, and a row that must be looked at: 0.03 µs, and 2 to 4 µs with its event. */
const ENTRIES_OF_BUDGET = 8;
const ROWS_OF_BUDGET = 0.4;

/** What a source checks. */
export interface Checked {
	/** On whole rows with their events, named `delivery` and `event`. */
	readonly conditions: readonly Condition[];
	/** On the columns of rows alone. */
	readonly checks: readonly Check[];
	/** Whether the conditions say no more than the checks. */
	readonly isOnlyChecks: boolean;
}

/**
 * Reads the rows of some entries that match the conditions. The rows come in the order of the inner statement: an outer ORDER BY
 * would make SQLite read all entries before the first row.
 */
export function createEntrySource(prepare: Prepare, entries: Entries, checked: Checked): CountableSource {
	const { table, index, where, columns } = entries;
	const from = `${table} entry ${index === null ? "NOT INDEXED" : `INDEXED BY ${index}`}`;
	const inEntry = checked.checks.filter((check) => check.columns.every((column) => columns.includes(column)));
	const limits = (budget: number) => ({
		entries:
			inEntry.length > 0 ? Math.ceil(budget * ENTRIES_OF_BUDGET) : rowsWithin(budget * ROWS_OF_BUDGET, checked.checks),
		rows: rowsWithin(budget * ROWS_OF_BUDGET, checked.checks),
	});
	const looked = (order: Order): Condition => ({
		sql: `FROM ${from} WHERE ${where.sql} AND entry.seq >= ? AND entry.seq < ? ORDER BY entry.seq ${order}`,
		values: where.values,
	});
	return createLookingSource(prepare, { table, columns, looked, inEntry, checked, limits });
}

/** How a source finds the rows that it looks at. */
export interface Looking {
	readonly table: Table;
	readonly columns: readonly Column[];
	/** From `FROM` to `ORDER BY`, with the table named `entry`; two values for the range come last. */
	readonly looked: (order: Order) => Condition;
	/** What is checked before a whole row is looked at. */
	readonly inEntry: readonly Check[];
	readonly checked: Checked;
	/** How many entries and whole rows are looked at. */
	readonly limits: (budget: number) => { readonly entries: number; readonly rows: number };
}

/** Reads entries, checks them, looks at the rows of those that are left, and checks these. */
export function createLookingSource(prepare: Prepare, looking: Looking): CountableSource {
	const { table, columns, looked, inEntry, checked, limits } = looking;
	const passed = inEntry.map(({ on }) => on("looked"));
	const needsRows = !checked.isOnlyChecks || inEntry.length < checked.checks.length;
	const matches = checked.conditions.map(({ sql }) => sql).concat("TRUE");
	const matchValues = checked.conditions.flatMap(({ values }) => values);
	/** The numbers of the entries that pass. */
	const passing = (order: Order, range: SeqRange, entries: number): Condition => {
		const { sql, values } = looked(order);
		const inner = `SELECT entry.seq ${columns.map((column) => `, entry.${column}`).join("")} ${sql} LIMIT ?`;
		return {
			sql: `SELECT looked.seq FROM (${inner}) looked WHERE ${[...passed.map((each) => each.sql), "TRUE"].join(" AND ")}`,
			values: [...values, range.low, range.high, entries, ...passed.flatMap((each) => each.values)],
		};
	};
	const rowsOf = (order: Order, range: SeqRange, budget: number): Condition => {
		const { entries, rows } = limits(budget);
		const { sql, values } = passing(order, range, entries);
		return {
			sql: `
				FROM (${sql} LIMIT ?) looked
				CROSS JOIN ${table} delivery ON delivery.seq = looked.seq
				CROSS JOIN events event ON event.seq = delivery.event
				WHERE ${matches.join(" AND ")}
			`,
			values: [...values, rows, ...matchValues],
		};
	};
	/** How many of some numbers there are, up to so many, and the last of these if there are. */
	const lastOf = ({ sql, values }: Condition, order: Order, most: number) => {
		const last = order === "ASC" ? "max" : "min";
		const row = prepare(`SELECT count(*) AS count, ${last}(seq) AS last FROM (${sql} LIMIT ?)`).get(...values, most);
		const count = countOf(row);
		return { share: count / most, last: count < most ? null : number(row?.["last"]) };
	};
	/** Where the entries end that a budget is for, if there are so many, and what looking at them has taken of it. */
	const endOf = (order: Order, { low, high }: SeqRange, budget: number): Pick<Counted, "stoppedAt" | "cost"> => {
		const { sql, values } = looked(order);
		const entries = { sql: `SELECT entry.seq ${sql}`, values: [...values, low, high] };
		const { share, last } = lastOf(entries, order, limits(budget).entries);
		return { stoppedAt: last, cost: budget * share };
	};
	/** The same of those that pass. */
	const stopOf = (order: Order, range: SeqRange, budget: number): Pick<Counted, "stoppedAt" | "cost"> => {
		const { entries, rows } = limits(budget);
		const { share, last } = lastOf(passing(order, range, entries), order, rows);
		if (last !== null) return { stoppedAt: last, cost: budget };
		const { stoppedAt, cost = budget } = endOf(order, range, budget);
		return { stoppedAt, cost: Math.max(cost, budget * share) };
	};
	return {
		read: (range, order, limit, budget) => {
			const { sql, values } = rowsOf(order, range, budget);
			const rows = prepare(`SELECT ${COLUMNS[table]}, ${EVENT_OF_DELIVERY} ${sql} LIMIT ?`).all(...values, limit);
			return rows.length === limit ? { rows, stoppedAt: null } : { rows, ...stopOf(order, range, budget) };
		},
		count: (range, budget) => {
			const { entries } = limits(budget);
			const ofEntries = (): Condition => {
				const { sql, values } = passing("DESC", range, entries);
				return { sql: `FROM (${sql})`, values };
			};
			const { sql, values } = needsRows ? rowsOf("DESC", range, budget) : ofEntries();
			const count = countOf(prepare(`SELECT count(*) AS count ${sql}`).get(...values));
			return { count, ...(needsRows ? stopOf : endOf)("DESC", range, budget) };
		},
	};
}

/** Prepares the reading of the rows with some numbers, in the order of these. */
export function createRowsAt(prepare: Prepare, table: Table): (seqs: readonly number[]) => Row[] {
	return (seqs) =>
		prepare(`
			SELECT ${COLUMNS[table]}, ${EVENT_OF_DELIVERY} FROM (SELECT value AS seq FROM json_each(?)) looked
			CROSS JOIN ${table} delivery ON delivery.seq = looked.seq
			CROSS JOIN events event ON event.seq = delivery.event
		`).all(JSON.stringify(seqs));
}

/** Rows of several lists in one order. */
export function merge(lists: readonly (readonly Row[])[], order: Order): Row[] {
	const filled = lists.filter(({ length }) => length > 0);
	if (filled.length <= 1) return [...(filled[0] ?? [])];
	const sign = order === "ASC" ? 1 : -1;
	return filled.flat().sort((a, b) => sign * (number(a["seq"]) - number(b["seq"])));
}
