// Keyset paging: the cursor is an id, so pages stay right while rows come and go, and reading a page costs the same at any depth.
import type { Page, PageRequest } from "../../../core/page.ts";
import { FIRST_UUID, uuidOf, type StoredPrefix, type UuidRange } from "../codec/ids.ts";
import { number, type Row } from "../codec/rows.ts";

export type Order = "ASC" | "DESC";

/** Which rows to read: UUIDs after `above` and before `below` (null: no limit), in this order. */
export interface Part {
	readonly above: string | null;
	/** Like `above`, but the row itself is included. */
	readonly from: string;
	readonly below: string | null;
	readonly order: Order;
	readonly limit: number;
	/** Whether it is only asked if there is a row behind the cursor: a scan may look at less for it. */
	readonly isLookBehind: boolean;
}

/** The lower end of a part. */
export function lowOf({ above, from }: Pick<Part, "above" | "from">): string {
	return above === null ? from : laterOf(above, from);
}

/** What a scan has found, with the column `bytes` if rows can be large, and the last UUID that it has looked at if it has stopped before it found enough. */
export interface Scanned {
	readonly rows: readonly Row[];
	readonly stoppedAt: string | null;
}

export type Scan = (part: Part) => Promise<Scanned>;

/**
 * Reads a page, newest first, and finds out whether there are rows before and after it. Both scans are sent at once; make the call in a
 * snapshot. `stoppedAt` of the page is a UUID: see `mapPage`.
 */
export async function readPage(
	prefix: StoredPrefix,
	{ limit, cursor }: PageRequest,
	range: UuidRange,
	scan: Scan,
): Promise<Page<Row>> {
	const part = mainPart(prefix, { limit, cursor }, range);
	if (cursor === null) {
		const found = await scan(part);
		const { rows, goesOn, stopped } = cut(found, limit);
		return { rows, hasNewer: false, hasOlder: goesOn, ...stopped };
	}
	const edge = uuidOf(prefix, cursor.id) ?? FIRST_UUID;
	const isNewer = cursor.direction === "newer";
	const all = { ...wholeOf(range), limit: 1, isLookBehind: true };
	// The row of the cursor is behind the page, if it is still there.
	const behind: Part = isNewer
		? { ...all, below: justAfter(edge, range.high), order: "DESC" }
		: { ...all, from: laterOf(edge, range.low), order: "ASC" };
	const [found, back] = await Promise.all([scan(part), scan(behind)]);
	const isBehind = back.rows.length > 0 || back.stoppedAt !== null;
	const { rows, goesOn, stopped } = cut(found, limit);
	if (isNewer) return { rows: rows.toReversed(), hasNewer: goesOn, hasOlder: isBehind, ...stopped };
	return { rows, hasNewer: isBehind, hasOlder: goesOn, ...stopped };
}

/** What the rows of a page are read from: from its cursor on, in its direction, and one row more than it has, if there is one. */
export function mainPart(prefix: StoredPrefix, { limit, cursor }: PageRequest, range: UuidRange): Part {
	const all = { ...wholeOf(range), limit: limit + 1, isLookBehind: false };
	if (cursor === null) return { ...all, order: "DESC" };
	const edge = uuidOf(prefix, cursor.id) ?? FIRST_UUID;
	if (cursor.direction === "newer") return { ...all, above: edge, order: "ASC" };
	return { ...all, below: range.high !== null && range.high < edge ? range.high : edge, order: "DESC" };
}

function wholeOf({ low, high }: UuidRange): Pick<Part, "above" | "from" | "below"> {
	return { above: null, from: low, below: high };
}

/** A page ends early when its rows have more bytes than this. */
const MAX_PAGE_BYTES = 4 * 1_024 * 1_024;

/** The rows of a page: up to `limit`, and fewer if the column `bytes` says that they are large. */
function cut({ rows: found, stoppedAt }: Scanned, limit: number) {
	const rows: Row[] = [];
	let size = 0;
	for (const row of found) {
		if (rows.length === limit || size > MAX_PAGE_BYTES) return { rows, goesOn: true, stopped: {} };
		size += row["bytes"] === undefined ? 0 : number(row["bytes"]);
		rows.push(row);
	}
	return { rows, goesOn: stoppedAt !== null, stopped: stoppedAt === null ? {} : { stoppedAt } };
}

function laterOf(a: string, b: string): string {
	return a > b ? a : b;
}

/** The end of the UUIDs up to this one, unless there is an earlier end; null if this is the last one. */
function justAfter(uuid: string, end: string | null): string | null {
	const next = (BigInt(`0x${uuid.replaceAll("-", "")}`) + 1n).toString(16).padStart(32, "0");
	if (next.length > 32) return end;
	const hyphenated = `${next.slice(0, 8)}-${next.slice(8, 12)}-${next.slice(12, 16)}-${next.slice(16, 20)}-${next.slice(20)}`;
	return end !== null && end < hyphenated ? end : hyphenated;
}

/** The conditions of a part as SQL on the column `id`; their values are appended to `values`. */
export function partConditions(part: Part, values: unknown[], column = "id"): string {
	const conditions = [`${column} ${part.above === null ? ">=" : ">"} $${values.push(lowOf(part))}`];
	if (part.below !== null) conditions.push(`${column} < $${values.push(part.below)}`);
	return conditions.join(" AND ");
}

/**
 * Reads rows whose names stand in this comparison to a name, in this order. `stoppedAt` is a name.
 *
 * @example
 * (comparison, name, order, limit) => `SELECT … WHERE name ${comparison} $1 ORDER BY name ${order} LIMIT $2`
 */
export type NamedScan = (
	comparison: ">" | ">=" | "<" | "<=",
	name: string,
	order: Order,
	limit: number,
) => Promise<Scanned>;

/** Reads a page that is sorted by name: "older" goes down the alphabet, "newer" goes up. Make the call in a snapshot. */
export async function readNamedPage({ cursor, limit }: PageRequest, scan: NamedScan): Promise<Page<Row>> {
	// The empty name comes before all others.
	const edge = cursor?.id ?? "";
	const isNewer = cursor?.direction === "newer";
	const [found, behind] = await Promise.all([
		isNewer ? scan("<", edge, "DESC", limit + 1) : scan(">", edge, "ASC", limit + 1),
		// The row of the cursor is behind the page, if it is still there.
		cursor === null ? null : isNewer ? scan(">=", edge, "ASC", 1) : scan("<=", edge, "DESC", 1),
	]);
	const isBehind = behind !== null && (behind.rows.length > 0 || behind.stoppedAt !== null);
	const { rows, goesOn, stopped } = cut(found, limit);
	if (isNewer) return { rows: rows.toReversed(), hasNewer: goesOn, hasOlder: isBehind, ...stopped };
	return { rows, hasNewer: isBehind, hasOlder: goesOn, ...stopped };
}
