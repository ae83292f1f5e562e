// Deliveries in the blocks of events, found by what leads to the events.
import { EVENT_OF_DELIVERY } from "../../codec/delivery-rows.ts";
import { countOf, number, type Row } from "../../codec/rows.ts";
import type { Prepare } from "../statement-cache.ts";
import type { Condition } from "./condition.ts";
import type { EventEntries } from "./events/event-sources.ts";
import type { Order, SeqRange } from "./seq-page.ts";
import { COLUMNS, merge, type CountableSource, type Table } from "./sources.ts";

/** Events read at once, and about the number of their deliveries. */
const CHUNK_EVENTS = 200;
const CHUNK_DELIVERIES = 2_000;
/**
 * What looking at an event and for its block takes of a budget: as much as looking at so many deliveries, of 1.5 µs each. Tagged events mostly
 * lie alone on their pages, which takes twice as long as that of neighbours.
 */
const EVENT_COST = 3.2;

/** Reads the deliveries in the blocks of the events that some entries lead to. */
export function createBlockSource(
	prepare: Prepare,
	{ from, seq, where }: EventEntries,
	conditions: { readonly full: readonly Condition[]; readonly open: readonly Condition[] | null },
): CountableSource {
	const tables: readonly Table[] = conditions.open === null ? ["deliveries"] : ["deliveries", "open"];
	const conditionsOn = (table: Table) => (table === "open" ? (conditions.open ?? []) : conditions.full);
	const readChunk = (order: Order, low: number, high: number): readonly Row[] =>
		withinChunk(
			prepare(`
				SELECT event.seq, event.delivery_count FROM ${from} CROSS JOIN events event ON event.seq = entry.${seq}
				WHERE ${where.sql} AND entry.${seq} >= ? AND entry.${seq} < ? ORDER BY entry.${seq} ${order} LIMIT ${CHUNK_EVENTS}
			`).all(...where.values, low, high),
		);
	/** From `FROM` on: the rows of a table in the blocks of a chunk. */
	const rowsOf = (table: Table, chunk: SeqRange, { low, high }: SeqRange): Condition => {
		const more = conditionsOn(table);
		return {
			sql: `
				FROM ${from} CROSS JOIN events event ON event.seq = entry.${seq}
				CROSS JOIN ${table} delivery ON delivery.seq > event.seq AND delivery.seq <= event.seq + event.delivery_count
				WHERE ${[where.sql, ...more.map(({ sql }) => sql)].join(" AND ")}
				AND entry.${seq} >= ? AND entry.${seq} < ? AND +delivery.seq >= ? AND +delivery.seq < ?
			`,
			values: [...where.values, ...more.flatMap(({ values }) => values), chunk.low, chunk.high, low, high],
		};
	};
	const readRows = (table: Table, chunk: SeqRange, range: SeqRange, order: Order, limit: number): Row[] => {
		const { sql, values } = rowsOf(table, chunk, range);
		return prepare(`
			SELECT ${COLUMNS[table]}, ${EVENT_OF_DELIVERY} ${sql} ORDER BY entry.${seq} ${order}, delivery.seq ${order} LIMIT ?
		`).all(...values, limit);
	};
	const countRows = (table: Table, chunk: SeqRange, range: SeqRange): number => {
		const { sql, values } = rowsOf(table, chunk, range);
		return countOf(prepare(`SELECT count(*) AS count ${sql}`).get(...values));
	};
	const blockOf = (place: number): number => {
		const row = prepare(`
			SELECT entry.${seq} AS seq FROM ${from} WHERE ${where.sql} AND entry.${seq} <= ? ORDER BY entry.${seq} DESC LIMIT 1
		`).get(...where.values, place);
		return row === undefined ? place : number(row["seq"]);
	};

	/** Goes through the events of a range until `use` returns true. Returns where it has stopped because of its budget, and what it has taken. */
	const walk = (range: SeqRange, order: Order, budget: number, use: (chunk: SeqRange) => boolean) => {
		// The first event may lie before the range, with the end of its block in it.
		let rest = { low: blockOf(range.low), high: range.high };
		for (let looked = 0; ;) {
			const events = readChunk(order, rest.low, rest.high);
			const last = events.at(-1);
			if (last === undefined) return { stoppedAt: null, cost: looked };
			const seqs = [number(events[0]?.["seq"]), number(last["seq"])];
			const chunk = { low: Math.min(...seqs), high: Math.max(...seqs) + 1 };
			looked += events.reduce((sum, event) => sum + EVENT_COST + number(event["delivery_count"]), 0);
			if (use(chunk)) return { stoppedAt: null, cost: looked };
			rest = order === "ASC" ? { low: chunk.high, high: rest.high } : { low: rest.low, high: chunk.low };
			const end = number(last["seq"]) + (order === "ASC" ? number(last["delivery_count"]) : 0);
			if (looked >= budget) return { stoppedAt: end, cost: looked };
		}
	};

	return {
		read: (range, order, limit, budget) => {
			const found: Row[] = [];
			const walked = walk(range, order, budget, (chunk) => {
				const missing = limit - found.length;
				const rows = tables.map((table) => readRows(table, chunk, range, order, missing));
				found.push(...merge(rows, order).slice(0, missing));
				return found.length === limit;
			});
			return { rows: found, ...walked };
		},
		count: (range, budget) => {
			let count = 0;
			const walked = walk(range, "DESC", budget, (chunk) => {
				for (const table of tables) count += countRows(table, chunk, range);
				return false;
			});
			return { count, ...walked };
		},
	};
}

/** The first of the events, up to a number of their deliveries. */
function withinChunk(events: readonly Row[]): readonly Row[] {
	let count = 0;
	const end = events.findIndex((event) => (count += number(event["delivery_count"])) > CHUNK_DELIVERIES);
	return end === -1 ? events : events.slice(0, end + 1);
}
