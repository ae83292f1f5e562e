// Walks along entries of indexes, in the order of ids, for those that match. A walk looks at a bounded number of entries, in one or a few
// statements: if few match, it ends early and says where.
import { FIRST_UUID, firstUuidAt, uuidTime } from "../../codec/ids.ts";
import { numberOrNull, number, text, textOrNull, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
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
/** If there are several owners, the first statement may take this share of a page's time, since it is not known who has how many entries. */
const FIRST_SHARE = 0.25;
/** A page goes on so often from the place up to which all owners were looked at, with what is left of its time. */
const MOST_ROUNDS = 4;
/** With a smaller share of it left, it does not. */
const LEAST_LEFT = 0.2;
/**
 * To plan a statement takes PostgreSQL longer than most pages need for their rows, the longer the more days it may read: each has partitions
 * of its own. So the days next to the place where a page begins are looked at first, then more, then all.
 */
const STRETCHES_MS = [2, 8, 24].map((days) => days * 86_400_000);
/** The sources of all deliveries of somebody: those that wait, that are held, and all others. */
const MOST_DENSE = 3;
/** Each stretch asks for all owners, so those of a customer with more webhooks are not cut. */
const MOST_DENSE_OWNERS = 20;

const SELECT_NOW = statement("SELECT cluster_now() AS now");

/** The time of the database. Where the newest entries are is told by it, nothing else. */
export async function readNow(session: Session): Promise<number> {
	const [row] = await session.run(SELECT_NOW);
	return number(row?.["now"] ?? null);
}

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
	/** How much longer a page takes for an entry whose row lies between those of others. Left out: no longer. */
	readonly scatteredCost?: number;
}

interface Walk {
	readonly part: Part;
	readonly budget: number;
	/** `readNow` */
	readonly now: number;
}

/** Finds the ids of up to `part.limit` entries that match, in order, in one stretch of time after the other. */
export async function walk(
	session: Session,
	sources: readonly Source[],
	values: Values,
	{ part, budget, now }: Walk,
): Promise<Scanned> {
	const rows: Row[] = [];
	if (sources.every(({ owners }) => owners.length === 0)) return { rows, stoppedAt: null };
	const given = values.list.length;
	let left = part.isLookBehind ? budget * LOOK_SHARE : budget;
	const stretches = isDense(sources) ? stretchesOf(part, now) : [part];
	for (const [index, stretch] of stretches.entries()) {
		values.keep(given);
		const found = await walkStretch(session, sources, values, { ...stretch, limit: part.limit - rows.length }, left);
		rows.push(...found.rows);
		left = found.left;
		if (rows.length === part.limit || found.stoppedAt !== null) return { rows, stoppedAt: found.stoppedAt };
		const isLast = index === stretches.length - 1;
		// No id is the first one of its millisecond, so there is none at the edge.
		if (left <= 0 && !isLast) return { rows, stoppedAt: part.order === "DESC" ? stretch.from : stretch.below };
	}
	return { rows, stoppedAt: null };
}

/**
 * Whether a few days are likely to have what a page needs or may look at. With more indexes or with looks into another table, planning takes
 * long for a few days, too, and a second statement would take more than it saves.
 */
function isDense(sources: readonly Source[]): boolean {
	return (
		sources.length <= MOST_DENSE &&
		sources.every(
			({ owner, owners, cost }) => owner !== "event_id" && owners.length <= MOST_DENSE_OWNERS && cost <= LOOK_COST,
		)
	);
}

/** Cuts a part into stretches that follow each other in its order. What is ahead of the clock is in the one next to it. */
function stretchesOf(part: Part, now: number): Part[] {
	const stretches: Part[] = [];
	let rest = part;
	const isDown = part.order === "DESC";
	const low = part.above === null || part.from > part.above ? part.from : part.above;
	const start = isDown ? Math.min(now, part.below === null ? now : uuidTime(part.below)) : uuidTime(low);
	// Nobody knows where the oldest entries are.
	if (!isDown && low === FIRST_UUID) return [part];
	for (const lengthMs of STRETCHES_MS) {
		if (!isDown && start + lengthMs >= now) break;
		const edge = firstUuidAt(isDown ? start - lengthMs : start + lengthMs);
		if (isDown ? edge <= low : rest.below !== null && edge >= rest.below) break;
		stretches.push(isDown ? { ...rest, above: null, from: edge } : { ...rest, below: edge });
		rest = isDown ? { ...rest, below: edge } : { ...rest, above: null, from: edge };
	}
	return [...stretches, rest];
}

/**
 * Walks along one stretch. All owners are looked at equally first, and after that those who may hold up the others. No entry is looked at
 * twice: what was found beyond the place up to which all were looked at waits until it is reached. Returns what is left of the time, too.
 */
async function walkStretch(
	session: Session,
	sources: readonly Source[],
	values: Values,
	part: Part,
	whole: number,
): Promise<Scanned & { readonly left: number }> {
	const owned = sources.flatMap((source) => source.owners.map((owner) => new Owned(source, owner, part.order)));
	const given = values.list.length;
	const rows: Row[] = [];
	let [left, asked] = [whole, owned];
	for (let round = 1; ; round++) {
		values.keep(given);
		const isFirst = round === 1 && asked.length > 1 && !part.isLookBehind;
		const time = (isFirst ? left * FIRST_SHARE : left) / asked.length;
		left -= await look(session, asked, values, { part, missing: part.limit - rows.length, time });
		const edge = nearest(owned, part.order);
		rows.push(
			...inOrder(
				owned.flatMap((each) => each.take(edge)),
				part.order,
			),
		);
		if (rows.length >= part.limit || edge === null) return { rows: rows.slice(0, part.limit), stoppedAt: null, left };
		const isOver = part.isLookBehind || round === MOST_ROUNDS || left < whole * LEAST_LEFT;
		if (isOver) return { rows, stoppedAt: edge, left };
		asked = owned.filter((each) => each.isAt(edge));
	}
}

/** An owner of entries of a source, how far these were looked at, and what was found that others may still come before. */
class Owned {
	readonly source: Source;
	readonly owner: string;
	readonly #order: Order;
	/** The last entry that was looked at; null: none yet. */
	reached: string | null = null;
	#hasEnded = false;
	/** The first entry of the last look. */
	#begin: string | null = null;
	#waiting: readonly Row[] = [];

	constructor(source: Source, owner: string, order: Order) {
		this.source = source;
		this.owner = owner;
		this.#order = order;
	}

	/** Up to where everything is known; null: to the end. */
	get end(): string | null {
		return this.#hasEnded ? null : this.reached;
	}

	/** Whether its last look has begun before a place, so that it may soon hold up others; not if it has ended. */
	isAt(place: string): boolean {
		return !this.#hasEnded && this.#begin !== null && !this.#isBeyond(this.#begin, place);
	}

	/** Adds what a look has found, in order: the first entry, those that match, and the last one. Returns how many it has looked at. */
	add(found: readonly Row[], most: number, limit: number): number {
		const matching = found.filter((row) => row["matches"] === true).slice(0, limit);
		const last = matching.length === limit ? matching.at(-1) : found.at(-1);
		this.#waiting = [...this.#waiting, ...matching];
		this.#begin = found[0] === undefined ? null : text(found[0]["id"]);
		const looked = last === undefined ? 0 : number(last["place"]);
		if (last !== undefined) this.reached = text(last["id"]);
		this.#hasEnded = looked < most && matching.length < limit;
		return looked;
	}

	/** Removes and returns what was found up to a place, or all if that is null. */
	take(place: string | null): readonly Row[] {
		const beyond = place === null ? -1 : this.#waiting.findIndex((row) => this.#isBeyond(text(row["id"]), place));
		const count = beyond === -1 ? this.#waiting.length : beyond;
		const taken = this.#waiting.slice(0, count);
		this.#waiting = this.#waiting.slice(count);
		return taken;
	}

	#isBeyond(id: string, place: string): boolean {
		return this.#order === "ASC" ? id > place : id < place;
	}
}

function inOrder(rows: Row[], order: Order): Row[] {
	const sign = order === "ASC" ? 1 : -1;
	return rows.sort((a, b) => (text(a["id"]) < text(b["id"]) ? -sign : sign));
}

/** The place up to which all owners were looked at; null if all have ended. */
function nearest(owned: readonly Owned[], order: Order): string | null {
	let place: string | null = null;
	for (const { end } of owned) {
		if (end !== null && (place === null || (order === "ASC" ? end < place : end > place))) place = end;
	}
	return place;
}

interface Looking {
	readonly part: Part;
	/** So many entries that match are enough. */
	readonly missing: number;
	/** The time for each owner. */
	readonly time: number;
}

/** Looks at the next entries of some owners. Returns the time that it has taken. */
async function look(
	session: Session,
	asked: readonly Owned[],
	values: Values,
	{ part, missing, time }: Looking,
): Promise<number> {
	const [range, limit] = [rangeOf(part, values), values.add(missing)];
	const groups = [...new Set(asked.map(({ source }) => source))].map((source) => {
		const share = Math.max(LEAST, Math.ceil(time / pageCost(source)));
		return { source, share, owned: asked.filter((each) => each.source === source) };
	});
	const parts = groups.map(({ source, share, owned }, index) => {
		const owners = owned.map(({ owner }) => owner);
		const reached = owned.map((each) => each.reached);
		const looked = looksAt({ ...source, owners }, { values, range, order: part.order, share, number: index, reached });
		return `(
			SELECT given.owner, looked.* FROM ${looked.owners} CROSS JOIN LATERAL (
				SELECT * FROM (${looked.sql}) looked WHERE matches OR place = 1 OR is_last
				ORDER BY id ${part.order} LIMIT ${limit}::bigint + 2
			) looked
		)`;
	});
	const found = new Map<string, Row[]>();
	for (const row of await session.query(parts.join(" UNION ALL "), values.list)) {
		const key = `${number(row["source"])}:${number(row["owner"])}`;
		const rows = found.get(key);
		if (rows === undefined) found.set(key, [row]);
		else rows.push(row);
	}
	let taken = 0;
	for (const [index, { source, share, owned }] of groups.entries()) {
		for (const [n, each] of owned.entries()) {
			// Ordinalities begin at 1.
			taken += each.add(found.get(`${index}:${n + 1}`) ?? [], share, missing) * pageCost(source);
		}
	}
	return taken;
}

/** How long an entry takes a page. */
function pageCost({ cost, scatteredCost = 0 }: Source): number {
	return cost + scatteredCost;
}

/** A part of a count, and the UUID of the last entry that it has looked at; null at the end. */
export interface Counted {
	readonly count: number;
	readonly stoppedAt: string | null;
}

/**
 * Counts the entries that match from the end of a range downwards, as far as all sources have looked. Where rows lie is left out, since
 * somebody waits for the whole count: in smaller parts, it would take longer.
 */
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
		const looked = looksAt(source, { values, range: conditions, order: "DESC", share, number: index, reached: [] });
		return `(
			SELECT looked.id, looked.matches, looked.place = ${values.add(share)}::bigint AS is_last
			FROM ${looked.owners} CROSS JOIN LATERAL (${looked.sql}) looked
		)`;
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
	/** The last entry of each owner that was looked at before; null: none. */
	readonly reached: readonly (string | null)[];
}

/**
 * SQL that goes through the next entries of one owner, `given.id`, with their places, and marks the last one that it may look at or that
 * there is. Row numbers make no further pass: entries come in their order.
 */
function looksAt(source: Source, { values, range, order, share, number: index, reached }: Look) {
	const { table, key, owner, owners, ownerType, where, matches } = source;
	const most = values.add(share);
	const isFirst = reached.every((place) => place === null);
	const next = `entry.${key} ${order === "ASC" ? ">" : "<"} given.reached`;
	const conditions = [`entry.${owner} = given.id`, ...where, range(`entry.${key}`), ...(isFirst ? [] : [next])];
	const given = [`${values.add(owners)}::${ownerType}[]`, ...(isFirst ? [] : [`${values.add(reached)}::uuid[]`])];
	return {
		owners: `unnest(${given.join(", ")}) WITH ORDINALITY AS given(id, ${isFirst ? "" : "reached, "}owner)`,
		sql: `
			SELECT ${index} AS source, entry.${key} AS id, (${matches.join(" AND ") || "TRUE"}) AS matches, row_number() OVER walked AS place,
				row_number() OVER walked = ${most}::bigint OR lead(entry.${key}) OVER walked IS NULL AS is_last
			FROM ${table} WHERE ${conditions.join(" AND ")}
			WINDOW walked AS (ORDER BY entry.${key} ${order}) ORDER BY entry.${key} ${order} LIMIT ${most}::bigint
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
