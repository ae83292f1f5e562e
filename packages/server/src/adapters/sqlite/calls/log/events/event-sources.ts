// Where a list of events reads them: each source is one way to find events in the order of their numbers.
import { EVERY_CUSTOMER } from "../../../../../core/access/customer.ts";
import { EVENT_COLUMNS } from "../../../codec/event-rows.ts";
import { countOf, number } from "../../../codec/rows.ts";
import { qualified } from "../../../codec/statements.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Condition } from "../condition.ts";
import type { Source } from "../sources.ts";

/** The entries of an index, or of a table of its own, that lead to events. */
export interface EventEntries {
	/** The table `entry`, with the index that is read. */
	readonly from: string;
	/** Its column with the number of the event. */
	readonly seq: string;
	/** What leads to the entries. It names the table `entry`. */
	readonly where: Condition;
}

/**
 * A condition on the events of the entries. It names the table `looked`, which has their numbers, and then needs no row of an event;
 * or the table `event`.
 */
export interface Check extends Condition {
	/** How long it takes for an entry, about, in µs. */
	readonly costUs: number;
}

/** A look into an index at a place near the last one, and into the row of an event, of 1 KB. */
const LOOK_US = 0.37;
export const ROW_US = 2;
/** Passing an entry. */
const ENTRY_US = 0.06;
/** One of the 10,000 parts of what a page may look at is as long as this: 15 ms in all. */
export const US_OF_BUDGET = 1.5;
/** More entries than these for a part would make a page longer, although each of them is looked at faster. */
const ENTRIES_OF_BUDGET = 3.5;

/** All events of a project. */
export function projectEntries(project: number): EventEntries {
	return { from: "events entry INDEXED BY events_by_project", seq: "seq", where: equal({ project }) };
}

/** Events of a type. */
export function typeEntries(project: number, type: string): EventEntries {
	return { from: "events entry INDEXED BY events_by_type", seq: "seq", where: equal({ project, type }) };
}

/** Events with a tag. */
export function tagEntries(project: number, tag: string): EventEntries {
	return { from: "event_tags entry", seq: "event", where: equal({ project, tag }) };
}

/** Events that were sent with an idempotency key: usually one. */
export function keyEntries(project: number, key: string): EventEntries {
	return { from: "idempotency_keys entry", seq: "event", where: equal({ project, key }) };
}

/** Events that no webhook wanted. SQLite uses a partial index only if a statement repeats its condition literally. */
export function unmatchedEntries(project: number): EventEntries {
	const { sql, values } = equal({ project });
	return {
		from: "events entry INDEXED BY events_unmatched",
		seq: "seq",
		where: { sql: `${sql} AND entry.delivery_count = 0`, values },
	};
}

/**
 * Those that are for a customer: by their `customerId`, by their `customerIds`, and those for every customer. Each event is in
 * one of these.
 */
export function customerEntries(project: number, customer: string): EventEntries[] {
	const from = "events entry INDEXED BY events_by_customer";
	return [
		{ from, seq: "seq", where: equal({ project, customer }) },
		{ from, seq: "seq", where: equal({ project, customer: EVERY_CUSTOMER }) },
		{ from: "event_customers entry", seq: "event", where: equal({ project, customer }) },
	];
}

function equal(columns: Readonly<Record<string, string | number>>): Condition {
	const names = Object.keys(columns);
	return { sql: names.map((name) => `entry.${name} = ?`).join(" AND "), values: Object.values(columns) };
}

/** That an event is among some entries. */
export function isAmong(entries: readonly EventEntries[]): Check {
	const among = entries.map(
		({ from, seq, where }) => `EXISTS (SELECT 1 FROM ${from} WHERE ${where.sql} AND entry.${seq} = looked.seq)`,
	);
	return {
		sql: `(${among.join(" OR ")})`,
		values: entries.flatMap(({ where }) => where.values),
		costUs: entries.length * LOOK_US,
	};
}

/** How long an entry takes with its checks, about, in µs. */
export function entryCostUs(checks: readonly Check[]): number {
	return checks.reduce((sum, { costUs }) => sum + costUs, ENTRY_US);
}

/** Reads the events of some entries that match the checks. Without checks, each entry is a match. */
export function createEventSource(
	prepare: Prepare,
	{ from, seq, where }: EventEntries,
	checks: readonly Check[],
): Source {
	const matches = checks.map(({ sql }) => sql).concat("TRUE");
	const values = checks.flatMap((check) => check.values);
	const entryUs = entryCostUs(checks);
	return ({ low, high }, order, limit, budget) => {
		const entries = Math.max(1, Math.floor(budget * Math.min(ENTRIES_OF_BUDGET, US_OF_BUDGET / entryUs)));
		const looked = `
			SELECT entry.${seq} AS seq FROM ${from} WHERE ${where.sql}
			AND entry.${seq} >= ? AND entry.${seq} < ? ORDER BY entry.${seq} ${order}
		`;
		const rows = prepare(`
			SELECT event.seq, ${qualified("event", EVENT_COLUMNS)}, event.details FROM (${looked} LIMIT ?) looked
			CROSS JOIN events event ON event.seq = looked.seq WHERE ${matches.join(" AND ")} LIMIT ?
		`).all(...where.values, low, high, entries, ...values, limit);
		if (rows.length === limit) return { rows, stoppedAt: null };
		const end = prepare(`
			SELECT count(*) AS count, ${order === "ASC" ? "max" : "min"}(seq) AS last FROM (${looked} LIMIT ?)
		`).get(...where.values, low, high, entries);
		const count = countOf(end);
		return { rows, stoppedAt: count < entries ? null : number(end?.["last"]), cost: (budget * count) / entries };
	};
}
