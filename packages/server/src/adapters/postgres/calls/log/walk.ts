// Walks along entries of indexes, in the order of ids, for those that match. A walk looks at a bounded number of entries, in one or a few
// statements: if few match, it ends early and says where.
import { uuidTime } from "../../codec/ids.ts";
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
/** A page goes on so often from the place up to which all owners were looked at, with what is left of its time. */
const MOST_ROUNDS = 3;
/** With a smaller share of it left, it does not. */
const LEAST_LEFT = 0.2;
/** An owner whose entries have reached so many times as far need not be looked at further. */
const FAR_AHEAD = 2;

/** The values of a statement's parameters. */
export class Values {
	readonly list: unknown[] = [];

	/** Adds a value. Returns its placeholder. */
	add(value: unknown): string {
		return `$${this.list.push(value)}`;
	}

	/** Forgets all values but the first ones. */
	keep(count: number): void {
		this.list.length = count;
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

/** Owners of a source, and how many entries of each are looked at. */
interface Group {
	readonly source: Source;
	readonly share: number;
}

/** How far the entries of an owner were looked at; null: to their end. */
interface Owned {
	readonly group: Group;
	readonly owner: string;
	readonly reached: string | null;
}

/**
 * Finds the ids of up to `part.limit` entries that match, in order. All owners are looked at equally first, and those that have got less
 * far than others again: what is beyond the place where the first of them stops is found in vain.
 */
export async function walk(
	session: Session,
	sources: readonly Source[],
	values: Values,
	part: Part,
	budget: number,
): Promise<Scanned> {
	const whole = part.isLookBehind ? budget * LOOK_SHARE : budget;
	const shares = sharesOf(sources, whole);
	if (shares === null) return { rows: [], stoppedAt: null };
	const given = values.list.length;
	const rows: Row[] = [];
	let groups = sources.map((source, index): Group => ({ source, share: shares[index] ?? LEAST }));
	let [left, rest] = [whole, part];
	for (let round = 1; ; round++) {
		values.keep(given);
		const found = merge(await look(session, groups, values, rest), groups, rest);
		rows.push(...found.rows);
		const { edge } = found;
		if (rows.length >= part.limit || edge === null) return { rows: rows.slice(0, part.limit), stoppedAt: null };
		const goingOn = found.owned.filter(({ reached }) => reached !== null);
		left -= goingOn.reduce((sum, { group }) => sum + group.share * group.source.cost, 0);
		const isOver = part.isLookBehind || round === MOST_ROUNDS || left < whole * LEAST_LEFT;
		if (isOver) return { rows, stoppedAt: edge };
		groups = nextGroups(found.owned, left, (reached) => isFarAhead(reached, edge, rest));
		rest = { ...rest, ...(rest.order === "ASC" ? { above: edge } : { below: edge }), limit: part.limit - rows.length };
	}
}

/** Divides what is left of a page's time among the owners that must be looked at further. The others are looked at as far as before. */
function nextGroups(owned: readonly Owned[], left: number, isFarAhead: (reached: string) => boolean): Group[] {
	const isBehind = ({ reached }: Owned) => reached !== null && !isFarAhead(reached);
	const behind = owned.filter(isBehind).length;
	return [...new Set(owned.map(({ group }) => group))].flatMap((group): Group[] => {
		const own = owned.filter((each) => each.group === group);
		const part = (some: readonly Owned[], share: number): Group[] =>
			some.length === 0 ? [] : [{ source: { ...group.source, owners: some.map(({ owner }) => owner) }, share }];
		const more = Math.max(LEAST, Math.ceil(left / behind / group.source.cost));
		return [
			...part(own.filter(isBehind), more),
			...part(
				own.filter((each) => !isBehind(each)),
				group.share,
			),
		];
	});
}

/** Whether entries have reached much further than up to the edge, from where the part begins. */
function isFarAhead(reached: string, edge: string, { above, below, order }: Part): boolean {
	const start = order === "ASC" ? above : below;
	if (start === null) return false;
	const distance = (to: string) => Math.abs(uuidTime(to) - uuidTime(start));
	return distance(reached) > FAR_AHEAD * distance(edge);
}

/** Looks at the entries of all groups. */
function look(session: Session, groups: readonly Group[], values: Values, part: Part): Promise<readonly Row[]> {
	const [range, limit] = [rangeOf(part, values), values.add(part.limit)];
	const parts = groups.map(({ source, share }, index) => {
		const looked = looksAt(source, { values, range, order: part.order, share, number: index });
		return `(
			SELECT given.owner, looked.* FROM ${looked.owners} CROSS JOIN LATERAL (
				SELECT * FROM (${looked.sql}) looked WHERE matches OR is_last ORDER BY id ${part.order} LIMIT ${limit}::bigint
			) looked
		)`;
	});
	return session.query(parts.join(" UNION ALL "), values.list);
}

/** The rows of all owners as far as all of them were looked at, where that is, and how far each was; null for their ends. */
function merge(rows: readonly Row[], groups: readonly Group[], { order, limit }: Part) {
	const isBefore = (a: string, b: string) => (order === "ASC" ? a < b : a > b);
	const matches = new Map<string, number>();
	const ends = new Map<string, string>();
	const matching: Row[] = [];
	let edge: string | null = null;
	for (const row of rows) {
		const [id, owner] = [text(row["id"]), `${number(row["source"])}:${number(row["owner"])}`];
		const count = (matches.get(owner) ?? 0) + (row["matches"] === true ? 1 : 0);
		matches.set(owner, count);
		if (row["matches"] === true) matching.push(row);
		if (row["is_last"] !== true && count < limit) continue;
		ends.set(owner, id);
		if (edge === null || isBefore(id, edge)) edge = id;
	}
	const known = matching.filter(({ id }) => edge === null || !isBefore(edge, text(id)));
	known.sort((a, b) => (isBefore(text(a["id"]), text(b["id"])) ? -1 : 1));
	// Ordinalities begin at 1.
	const owned = groups.flatMap((group, index) =>
		group.source.owners.map((owner, n): Owned => ({ group, owner, reached: ends.get(`${index}:${n + 1}`) ?? null })),
	);
	return { rows: known, edge, owned };
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
