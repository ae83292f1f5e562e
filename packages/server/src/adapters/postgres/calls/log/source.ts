// Sources of a list: ranges of an index whose entries are in the order of a key, and what is said about them as SQL.
import { lowOf, type Order, type Part } from "../keyset.ts";

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

/** A look into another table takes as long as this many entries. */
export const LOOK_COST = 7;
/** However many sources there are, each gets on by this many entries. */
export const LEAST = 4;

/** Ranges of an index, one for each owner, whose entries are in the order of a key. */
export interface Source {
	/** The table, with the name `entry`: `deliveries entry`. */
	readonly table: string;
	/** The column with the UUID in whose order the entries are. */
	readonly key: "id" | "event_id";
	/** The column that names whose entries they are. */
	readonly owner: string;
	readonly owners: readonly string[];
	/** If the index has the entries of an owner by status: the code of the status of each of `owners`, who are there once for each. */
	readonly statuses?: readonly number[];
	/** The type of the owners: a webhook, a project or an event; or a type of events, a tag or a customer. */
	readonly ownerType: "uuid" | "text";
	/** What else leads to the range: further columns of the index and its predicate. */
	readonly where: (values: Values) => readonly string[];
	/** Whether an entry matches: conditions, for which the one that a key is in the range that is walked along may be of use. */
	readonly matches: (values: Values, range: InRange) => readonly string[];
	/** What an entry that matches is looked at for in another table. */
	readonly look?: Look;
	/** How long an entry takes, in the time for one whose own row says whether it matches. */
	readonly cost: number;
	/** How much longer a page takes for an entry whose row lies between those of others. Left out: no longer. */
	readonly scatteredCost?: number;
}

/** A look at the events of entries, which have the column `event_id`, in a table with rows of some events. */
export interface Look {
	/**
	 * SQL whether there is a row for an entry, named `entry`. Given a range, the value is null if its event is not in it: only the partitions of
	 * the range are planned for.
	 */
	readonly hasRow: (values: Values, within: EventRange | null) => string;
	/** A statement that selects, as `event_id`, those of some events that have a row. Only the partitions of their days are planned for. */
	readonly among: (values: Values, events: readonly string[]) => string;
}

/** Events from `low` on, and below `high`; null: no limit. */
export interface EventRange {
	readonly low: string;
	readonly high: string | null;
}

/** SQL that a key is in the range that is walked along. */
export type InRange = (key: string) => string;

/** How long an entry takes a page, if this share of them is looked for in another table. */
export function pageCost({ cost, scatteredCost = 0, look }: Source, candidateShare = 0): number {
	return cost + scatteredCost + (look === undefined ? 0 : LOOK_COST * candidateShare);
}

/** The conditions of a part, whose values are added once for all sources. */
export function rangeOf({ above, from, below }: Pick<Part, "above" | "from" | "below">, values: Values): InRange {
	const low = values.add(lowOf({ above, from }));
	const isAbove = above !== null && above >= from;
	const high = below === null ? null : values.add(below);
	return (key) => `${key} ${isAbove ? ">" : ">="} ${low}${high === null ? "" : ` AND ${key} < ${high}`}`;
}

/** The entries of a source that are to be read. */
export interface Reading {
	readonly range: InRange;
	readonly order: Order;
	/** The last entry of each owner that was looked at before; null: none. */
	readonly reached: readonly (string | null)[];
	/** How many entries of each owner are read: `given.most`. */
	readonly most: readonly number[];
	/** How many entries of each owner are looked for in another table, if they are: `given.looks`. */
	readonly looks?: readonly number[];
}

/**
 * SQL of the owners of a source, `given`, with their ordinality as `owner`, and of the entries of one of them, from FROM on, and their
 * order.
 */
export function entriesOf(source: Source, { range, order, reached, most, looks }: Reading, values: Values) {
	const { table, key, owner, owners, statuses, ownerType, where } = source;
	const columns = ["id", "most"];
	const arrays = [`${values.add(owners)}::${ownerType}[]`, `${values.add(most)}::integer[]`];
	if (looks !== undefined) {
		columns.push("looks");
		arrays.push(`${values.add(looks)}::integer[]`);
	}
	const conditions = [`entry.${owner} = given.id`];
	if (statuses !== undefined) {
		columns.push("status");
		arrays.push(`${values.add(statuses)}::smallint[]`);
		conditions.push("entry.status = given.status");
	}
	conditions.push(...where(values), range(`entry.${key}`));
	if (reached.some((place) => place !== null)) {
		columns.push("reached");
		arrays.push(`${values.add(reached)}::uuid[]`);
		conditions.push(`entry.${key} ${order === "ASC" ? ">" : "<"} given.reached`);
	}
	return {
		owners: `unnest(${arrays.join(", ")}) WITH ORDINALITY AS given(${columns.join(", ")}, owner)`,
		from: `${table} WHERE ${conditions.join(" AND ")} ORDER BY entry.${key} ${order} LIMIT given.most`,
		order: `entry.${key} ${order}`,
	};
}
