// Keyset paging: the cursor is an id, so pages stay right while rows come and go, and reading a page costs the same at any depth.
import type { Page, PageRequest, TimeRange } from "../../../core/page.ts";
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, firstIdAt, idBytes, justAfter, type StoredPrefix } from "../codec/ids.ts";
import type { Row } from "../codec/rows.ts";

/** Ids from `low` (inclusive) to `high` (exclusive). */
export interface IdRange {
	readonly low: Uint8Array;
	readonly high: Uint8Array;
}

/** A page ends early when its rows have more characters and bytes than this. */
const MAX_PAGE_SIZE = 4 * 1_024 * 1_024;

export type Order = "ASC" | "DESC";

/** Reads up to `limit` rows whose ids lie in the range, in order of id. */
export type Scan = (range: IdRange, order: Order, limit: number) => Row[];

/** The range of the ids that were made within a time range. */
export function idRange({ after, before }: TimeRange): IdRange {
	return {
		low: after === null ? BEFORE_ALL_IDS : firstIdAt(after),
		high: before === null ? AFTER_ALL_IDS : firstIdAt(before),
	};
}

/** Reads a page, newest first, and finds out whether there are rows before and after it. */
export function readPage(prefix: StoredPrefix, request: PageRequest, range: IdRange, scan: Scan): Page<Row> {
	const { limit, cursor } = request;
	if (cursor === null) {
		const rows = scan(range, "DESC", limit + 1);
		return { rows: rows.slice(0, limit), hasNewer: false, hasOlder: rows.length > limit };
	}
	const edge = idBytes(prefix, cursor.id);
	if (cursor.direction === "older") {
		const rows = scan({ low: range.low, high: lower(range.high, edge) }, "DESC", limit + 1);
		const newer = scan({ low: higher(range.low, edge), high: range.high }, "ASC", 1);
		return { rows: rows.slice(0, limit), hasNewer: newer.length > 0, hasOlder: rows.length > limit };
	}
	const afterEdge = justAfter(edge);
	const rows = scan({ low: higher(range.low, afterEdge), high: range.high }, "ASC", limit + 1);
	const older = scan({ low: range.low, high: lower(range.high, afterEdge) }, "DESC", 1);
	return { rows: rows.slice(0, limit).toReversed(), hasNewer: rows.length > limit, hasOlder: older.length > 0 };
}

/** Reads up to `limit` rows, and fewer if they are large. */
export function readSome(found: Iterable<Row>, limit: number): { rows: Row[]; more: boolean } {
	const rows: Row[] = [];
	let size = 0;
	for (const row of found) {
		if (rows.length === limit || size > MAX_PAGE_SIZE) return { rows, more: true };
		size += sizeOf(row);
		rows.push(row);
	}
	return { rows, more: false };
}

/** The characters and bytes of the row's values; numbers are too small to count. */
function sizeOf(row: Row): number {
	let size = 0;
	for (const value of Object.values(row)) {
		if (typeof value === "string" || value instanceof Uint8Array) size += value.length;
	}
	return size;
}

/** The ids that are in both ranges. */
export function common(one: IdRange, other: IdRange): IdRange {
	return { low: higher(one.low, other.low), high: lower(one.high, other.high) };
}

function lower(a: Uint8Array, b: Uint8Array): Uint8Array {
	return Buffer.compare(a, b) < 0 ? a : b;
}

function higher(a: Uint8Array, b: Uint8Array): Uint8Array {
	return Buffer.compare(a, b) > 0 ? a : b;
}

/** The page with its rows translated. */
export function mapPage<T>(page: Page<Row>, translate: (row: Row) => T): Page<T> {
	return { ...page, rows: page.rows.map(translate) };
}
