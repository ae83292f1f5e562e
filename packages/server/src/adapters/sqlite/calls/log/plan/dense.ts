// Deliveries read along the tables themselves. Where those of a project are many of the rows, that takes 0.14 µs a row, a tenth of what
// an index takes that leads to each row by itself.
import { EVENT_OF_DELIVERY } from "../../../codec/delivery-rows.ts";
import { countOf, json, number, type Row } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Check, Condition } from "../condition.ts";
import type { Conditions } from "../filter/conditions.ts";
import type { Wanted } from "../filter/wanted.ts";
import { BUDGET } from "../scan.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import { COLUMNS, merge, type CountableSource, type Table } from "../sources.ts";

/** The rows that a page looks at, of any project. */
const ROWS = 40_000;
/** Up to so many types are looked up in their index for each row. */
const MAX_TYPES_BY_ROW = 3;
/** Of more types, what a look at the event of a row takes, and for each row of a stretch to find all of its events that have them, in µs. */
const TYPE_COSTS = { look: 2, row: 0.3 } as const;
/** So many rows are asked for their types first, and then each time so many times more. */
const FIRST_ROWS = 200;
const GROWTH = 4;
/** No limit of a statement, but a mark for SQLite to run it by itself, in its order. */
const ALL = -1;

/**
 * The rows of both tables that belong to the project and match. A read looks at all rows of a stretch of numbers, of which it has the
 * length: `numbersPerRow` says how dense the rows are.
 */
export function createDenseSource(
	prepare: Prepare,
	wanted: Wanted,
	conditions: Conditions,
	numbersPerRow: number,
): CountableSource {
	const tables: readonly Table[] = conditions.open === null ? ["deliveries"] : ["deliveries", "open"];
	const names = wanted.types?.names ?? null;
	const hasManyTypes = names !== null && names.length > MAX_TYPES_BY_ROW;
	const ofTypes = names === null || hasManyTypes ? [] : [byRow(wanted.project, names)];
	const stretchOf = ({ low, high }: SeqRange, order: Order, budget: number): SeqRange => {
		const length = Math.max(1, Math.ceil((budget / BUDGET) * ROWS * numbersPerRow));
		return order === "ASC" ? { low, high: Math.min(high, low + length) } : { low: Math.max(low, high - length), high };
	};
	/**
	 * The numbers of the rows of a table in a stretch that pass what their beginnings tell. A row is read only as far as these conditions
	 * need it, one after the other: in a statement around it, they would need all of their columns of each row.
	 */
	const passingIn = (
		table: Table,
		{ low, high }: SeqRange,
		order: Order,
		types: readonly Check[],
		most = ALL,
	): Condition => {
		const checks = [...(table === "open" ? conditions.openChecks : conditions.checks), ...types];
		const passed = checks.map(({ on }) => on("entry"));
		return {
			sql: `
				SELECT entry.seq FROM ${table} entry NOT INDEXED
				WHERE ${conjunction(passed)} AND entry.seq >= ? AND entry.seq < ? ORDER BY entry.seq ${order} LIMIT ?
			`,
			values: [...passed.flatMap(({ values }) => values), low, high, most],
		};
	};
	/** From `FROM` on: the rows with some numbers that match. */
	const rowsOf = (table: Table, numbers: Condition): Condition => {
		const more = (table === "open" ? conditions.open : conditions.full) ?? [];
		return {
			sql: `
				FROM (${numbers.sql}) looked
				CROSS JOIN ${table} delivery ON delivery.seq = looked.seq
				CROSS JOIN events event ON event.seq = delivery.event
				WHERE ${conjunction(more)}
			`,
			values: [...numbers.values, ...more.flatMap(({ values }) => values)],
		};
	};
	/** The same, of a stretch, in parts: how the types of their events are found best depends on how many pass what else there is. */
	function* partsOf(table: Table, stretch: SeqRange, order: Order): Iterable<Condition> {
		if (!hasManyTypes) {
			yield rowsOf(table, passingIn(table, stretch, order, ofTypes));
			return;
		}
		for (let [rest, most] = [stretch, FIRST_ROWS]; ; most *= GROWTH) {
			const { sql, values } = passingIn(table, rest, order, [], most);
			const found = prepare(`SELECT json_group_array(seq) AS seqs FROM (${sql})`).get(...values);
			const seqs = json<readonly number[]>(found?.["seqs"]);
			const last = seqs.length < most ? undefined : seqs.at(-1);
			const [part, beyond] = last === undefined ? [rest, null] : splitAt(rest, last, order);
			const isMany = seqs.length * TYPE_COSTS.look > ((part.high - part.low) / numbersPerRow) * TYPE_COSTS.row;
			const numbers = isMany
				? passingIn(table, part, order, [among(prepare, wanted.project, names, table, part)])
				: { sql: "SELECT value AS seq FROM json_each(?)", values: [JSON.stringify(seqs)] };
			yield rowsOf(table, numbers);
			if (beyond === null) return;
			rest = beyond;
		}
	}
	const isExact = (table: Table): boolean =>
		conditions.isChecksAndTypes[table] && (wanted.types === null || ofTypes.length > 0);
	return {
		read: (range, order, limit, budget) => {
			const stretch = stretchOf(range, order, budget);
			const lists = tables.map((table) => {
				const rows: Row[] = [];
				for (const { sql, values } of partsOf(table, stretch, order)) {
					const select = prepare(`SELECT ${COLUMNS[table]}, ${EVENT_OF_DELIVERY} ${sql} LIMIT ?`);
					rows.push(...select.all(...values, limit - rows.length));
					if (rows.length === limit) break;
				}
				return rows;
			});
			const rows = merge(lists, order).slice(0, limit);
			return { rows, stoppedAt: rows.length === limit ? null : endOf(stretch, range, order) };
		},
		count: (range, budget) => {
			const stretch = stretchOf(range, "DESC", budget);
			const countIn = ({ sql, values }: Condition) =>
				countOf(prepare(`SELECT count(*) AS count ${sql}`).get(...values));
			let count = 0;
			for (const table of tables) {
				if (isExact(table)) {
					const { sql, values } = passingIn(table, stretch, "DESC", ofTypes);
					count += countIn({ sql: `FROM (${sql})`, values });
				} else {
					for (const part of partsOf(table, stretch, "DESC")) count += countIn(part);
				}
			}
			return { count, stoppedAt: endOf(stretch, range, "DESC") };
		},
	};
}

/** Where a stretch ends before its range does. */
function endOf(stretch: SeqRange, range: SeqRange, order: Order): number | null {
	if (order === "ASC") return stretch.high < range.high ? stretch.high - 1 : null;
	return stretch.low > range.low ? stretch.low : null;
}

function conjunction(conditions: readonly Condition[]): string {
	return [...conditions.map(({ sql }) => sql), "TRUE"].join(" AND ");
}

/** What a page has read of a range when it has come to a number, and the rest. */
function splitAt({ low, high }: SeqRange, seq: number, order: Order): readonly [part: SeqRange, beyond: SeqRange] {
	if (order === "ASC")
		return [
			{ low, high: seq + 1 },
			{ low: seq + 1, high },
		];
	return [
		{ low: seq, high },
		{ low, high: seq },
	];
}

/** That the event of a row has one of few types, by the index of types, which has no bodies between its entries. */
function byRow(project: number, names: readonly string[]): Check {
	const one = (row: string) => `EXISTS (
		SELECT 1 FROM events typed INDEXED BY events_by_type
		WHERE typed.project = ? AND typed.type = ? AND typed.seq = ${row}.event
	)`;
	const on = (row: string): Condition => ({
		sql: `(${names.map(() => one(row)).join(" OR ")})`,
		values: names.flatMap((name) => [project, name]),
	});
	return { columns: ["event"], isExact: true, on };
}

/** The same of many types: all events of a part that have them are found at once. */
function among(
	prepare: Prepare,
	project: number,
	names: readonly string[],
	table: Table,
	{ low, high }: SeqRange,
): Check {
	// The block of the first row may begin before the part.
	const first = prepare("SELECT max(seq) AS seq FROM events WHERE seq <= ?").get(low)?.["seq"] ?? low;
	const events = `
		SELECT typed.seq FROM json_each(?) name CROSS JOIN events typed INDEXED BY events_by_type
		ON typed.project = ? AND typed.type = name.value AND typed.seq >= ? AND typed.seq < ?
	`;
	const values = [JSON.stringify(names), project, Number(first), high];
	// Those that a replay has made belong to events of any number.
	const outside = (row: string) => (table === "open" ? "" : `${row}.outside = 1 OR`);
	return {
		columns: table === "open" ? ["event"] : ["event", "outside"],
		isExact: false,
		on: (row) => ({ sql: `(${outside(row)} ${row}.event IN (${events}))`, values }),
	};
}

/** Prepares finding the end of what a project was read to: its own row or event there, or else before it. */
export function createOwnPlace(prepare: Prepare) {
	const nearest = (from: string, order: Order) =>
		prepare(`SELECT seq ${from} WHERE project = ? AND seq >= ? AND seq < ? ORDER BY seq ${order} LIMIT 1`);
	return (project: number, reached: number, range: SeqRange, order: Order): number | null => {
		const [low, high] = order === "ASC" ? [range.low, reached + 1] : [reached, range.high];
		const towards = order === "ASC" ? "DESC" : "ASC";
		const places = ["FROM deliveries NOT INDEXED", "FROM open NOT INDEXED", "FROM events INDEXED BY events_by_project"]
			.map((from): Row | undefined => nearest(from, towards).get(project, low, high))
			.flatMap((row) => (row === undefined ? [] : number(row["seq"])));
		if (places.length === 0) return null;
		return order === "ASC" ? Math.max(...places) : Math.min(...places);
	};
}
