// Walks along entries of indexes, in the order of ids, for those that match. A walk looks at a bounded number of entries, in one
// statement: if few match, it ends early and says where.
import { numberOrNull, number, text, textOrNull, type Row } from "../../codec/rows.ts";
import type { Session } from "../../connection/session.ts";
import type { Order, Part, Scanned } from "../keyset.ts";

/** What a page may look at: this many entries whose own row says whether they match. Some 10 ms. */
export const BUDGET = 8_000;
/** A look into another table takes as long as this many entries. */
export const LOOK_COST = 4;
/** A part of a count looks at twice as many, since it reads no rows to show. */
const COUNT_SHARE = 2;
/** A look behind the cursor at a tenth: if it ends before it has found a row, there may be one. */
const LOOK_SHARE = 0.1;
/** However many sources there are, each gets on by this many entries. */
const LEAST = 4;

/** The values of a statement's parameters. */
export class Values {
	readonly list: unknown[] = [];

	/** Adds a value. Returns its placeholder. */
	add(value: unknown): string {
		return `$${this.list.push(value)}`;
	}
}

/**
 * Whether a query has a row. For an EXISTS, PostgreSQL may read all rows of a table once and put them into a hash table, since it thinks
 * of all entries that there are; for this, it looks for each entry that it gets to.
 */
export function hasRow(from: string): string {
	return `coalesce((SELECT TRUE FROM ${from} LIMIT 1), FALSE)`;
}

/** Ranges of an index, one for each owner, whose entries are in the order of a key. */
export interface Source {
	/** The table, with the name `entry`: `deliveries entry`. */
	readonly table: string;
	/** The column with the UUID in whose order the entries are. */
	readonly key: "id" | "event_id";
	/** The column that names whose entries they are. */
	readonly owner: string;
	readonly owners: readonly string[];
	/** The type of the owners: a webhook, a project or an event; or a type of events, a tag or a customer. */
	readonly ownerType: "uuid" | "text";
	/** What else leads to the range: further columns of the index and its predicate. */
	readonly where: readonly string[];
	/** Whether an entry matches. */
	readonly matches: readonly string[];
	/** How long an entry takes, in the time for one whose own row says whether it matches. */
	readonly cost: number;
}

/** Finds the ids of up to `part.limit` entries that match, in order. */
export async function walk(
	session: Session,
	sources: readonly Source[],
	values: Values,
	part: Part,
	budget: number,
): Promise<Scanned> {
	const shares = sharesOf(sources, part.isLookBehind ? budget * LOOK_SHARE : budget);
	if (shares === null) return { rows: [], stoppedAt: null };
	const [range, limit] = [rangeOf(part, values), values.add(part.limit)];
	const parts = sources.map((source, index) => {
		const looked = looksAt(source, { values, range, order: part.order, share: shares[index] ?? LEAST, number: index });
		return `(
			SELECT given.owner, looked.* FROM ${looked.owners} CROSS JOIN LATERAL (
				SELECT * FROM (${looked.sql}) looked WHERE matches OR is_last ORDER BY id ${part.order} LIMIT ${limit}::bigint
			) looked
		)`;
	});
	const rows = await session.query(parts.join(" UNION ALL "), values.list);
	return merge(rows, part);
}

/** The rows of all sources, as far as all of them have looked. */
function merge(rows: readonly Row[], { order, limit }: Part): Scanned {
	const isBefore = (a: string, b: string) => (order === "ASC" ? a < b : a > b);
	const found = new Map<string, number>();
	let edge: string | null = null;
	const matching: Row[] = [];
	for (const row of rows) {
		const [id, source] = [text(row["id"]), `${number(row["source"])}:${number(row["owner"])}`];
		const count = (found.get(source) ?? 0) + (row["matches"] === true ? 1 : 0);
		found.set(source, count);
		if (row["matches"] === true) matching.push(row);
		const isEnd = row["is_last"] === true || count === limit;
		if (isEnd && (edge === null || isBefore(id, edge))) edge = id;
	}
	const known = matching.filter(({ id }) => edge === null || !isBefore(edge, text(id)));
	known.sort((a, b) => (isBefore(text(a["id"]), text(b["id"])) ? -1 : 1));
	return { rows: known.slice(0, limit), stoppedAt: known.length >= limit ? null : edge };
}

/** A part of a count, and the UUID of the last entry that it has looked at; null at the end. */
export interface Counted {
	readonly count: number;
	readonly stoppedAt: string | null;
}

/** Counts the entries that match from the end of a range downwards, as far as all sources have looked. */
export async function count(
	session: Session,
	sources: readonly Source[],
	values: Values,
	range: Pick<Part, "from" | "below">,
	budget: number,
): Promise<Counted> {
	const shares = sharesOf(sources, budget * COUNT_SHARE);
	if (shares === null) return { count: 0, stoppedAt: null };
	const conditions = rangeOf({ ...range, above: null }, values);
	const parts = sources.map((source, index) => {
		const share = shares[index] ?? LEAST;
		const looked = looksAt(source, { values, range: conditions, order: "DESC", share, number: index });
		return `(SELECT looked.* FROM ${looked.owners} CROSS JOIN LATERAL (${looked.sql}) looked)`;
	});
	const [row] = await session.query(
		`
			WITH looked AS MATERIALIZED (${parts.join(" UNION ALL ")}),
				edge AS MATERIALIZED (SELECT id FROM looked WHERE is_last ORDER BY id DESC LIMIT 1)
			SELECT count(*) FILTER (WHERE matches AND (id >= (SELECT id FROM edge) OR NOT EXISTS (SELECT 1 FROM edge))) AS count,
				(SELECT id FROM edge) AS edge
			FROM looked
		`,
		values.list,
	);
	return { count: numberOrNull(row?.["count"] ?? null) ?? 0, stoppedAt: textOrNull(row?.["edge"] ?? null) };
}

interface Look {
	readonly values: Values;
	/** The conditions of the range. */
	readonly range: (key: string) => string;
	readonly order: Order;
	/** The entries that are looked at of each owner. */
	readonly share: number;
	readonly number: number;
}

/**
 * SQL that goes through the entries of one owner, `given.id`, and marks the last one that it may look at. The row number makes no
 * further pass: entries come in its order.
 */
function looksAt(source: Source, { values, range, order, share, number: index }: Look) {
	const { table, key, owner, owners, ownerType, where, matches } = source;
	const most = values.add(share);
	const conditions = [`entry.${owner} = given.id`, ...where, range(`entry.${key}`)];
	return {
		owners: `unnest(${values.add(owners)}::${ownerType}[]) WITH ORDINALITY AS given(id, owner)`,
		sql: `
			SELECT ${index} AS source, entry.${key} AS id, (${matches.join(" AND ") || "TRUE"}) AS matches,
				row_number() OVER (ORDER BY entry.${key} ${order}) = ${most}::bigint AS is_last
			FROM ${table} WHERE ${conditions.join(" AND ")} ORDER BY entry.${key} ${order} LIMIT ${most}::bigint
		`,
	};
}

/** The conditions of a part, whose values are added once for all sources. */
function rangeOf({ above, from, below }: Pick<Part, "above" | "from" | "below">, values: Values) {
	const low = values.add(above === null || from > above ? from : above);
	const isAbove = above !== null && above >= from;
	const high = below === null ? null : values.add(below);
	return (key: string) => `${key} ${isAbove ? ">" : ">="} ${low}${high === null ? "" : ` AND ${key} < ${high}`}`;
}

/** How many entries of each owner a source may look at; null if there is nothing to look at. */
function sharesOf(sources: readonly Source[], budget: number): number[] | null {
	const parts = sources.reduce((sum, { owners }) => sum + owners.length, 0);
	if (parts === 0) return null;
	return sources.map(({ cost }) => Math.max(LEAST, Math.ceil(budget / parts / cost)));
}
