// Reads the rows of a part in steps, in the order of a key. A place is the key of the last row, as JSON.
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

import type { TransferStep } from "../../../ports/store/transfer/transfer.ts";
import { countOf, type Row } from "../codec/rows.ts";
import { list } from "../codec/statements.ts";

/** The most that a step holds: one transaction writes it, and two of them are in memory. */
export const MAX_ROWS = 2_000;
const MAX_BYTES = 2 * 1_024 * 1_024;
/** The bytes that a value without a length counts. */
const VALUE_BYTES = 8;

/** The rows of one part. */
export interface PartReader<T> {
	count(): number;
	read(after: string | null): TransferStep<T>;
}

export interface PartSql<T> {
	/** What `toRow` reads. */
	readonly columns: readonly string[];
	/** The tables, with their joins. */
	readonly from: string;
	readonly where?: string;
	/** Columns that identify a row, and order the rows. An index should have that order. */
	readonly key: readonly string[];
	/** Null leaves the row out. */
	readonly toRow: (row: Row) => T | null;
}

/** Prepares the reading of a part. */
export function createPartReader<T>(db: DatabaseSync, { columns, from, where, key, toRow }: PartSql<T>): PartReader<T> {
	const isAfter = `(${list(key)}) > (${key.map(() => "?").join(", ")})`;
	const select = (conditions: readonly (string | undefined)[]) => {
		const wanted = conditions.filter((condition) => condition !== undefined);
		return db.prepare(`
			SELECT ${list([...columns, ...key.map((column, index) => `${column} AS key_${index}`)])} FROM ${from}
			${wanted.length === 0 ? "" : `WHERE ${wanted.join(" AND ")}`} ORDER BY ${list(key)} LIMIT ${MAX_ROWS}
		`);
	};
	const [selectFirst, selectNext] = [select([where]), select([where, isAfter])];
	const count = db.prepare(`SELECT count(*) AS count FROM ${from} ${where === undefined ? "" : `WHERE ${where}`}`);
	return {
		count: () => countOf(count.get()),
		read: (after) =>
			readStep(
				after === null ? selectFirst.iterate() : selectNext.iterate(...parsePlace(after)),
				(row) => placeText(key.map((_, index) => row[`key_${index}`] ?? null)),
				toRow,
			),
	};
}

/** Takes rows until a step is full. */
export function readStep<T>(
	found: Iterable<Row>,
	placeOf: (row: Row) => string,
	toRow: (row: Row) => T | null,
): TransferStep<T> {
	const rows: T[] = [];
	let [count, bytes] = [0, 0];
	let last: Row | null = null;
	for (const row of found) {
		const read = toRow(row);
		if (read !== null) rows.push(read);
		last = row;
		count++;
		bytes += bytesOf(row);
		if (bytes >= MAX_BYTES) return { rows, next: placeOf(row) };
	}
	return { rows, next: last === null || count < MAX_ROWS ? null : placeOf(last) };
}

function bytesOf(row: Row): number {
	let bytes = 0;
	for (const name in row) {
		const value = row[name];
		bytes += typeof value === "string" || value instanceof Uint8Array ? value.length : VALUE_BYTES;
	}
	return bytes;
}

/** Bytes are written as an array of their hexadecimal text. */
function placeText(key: readonly Row[string][]): string {
	return JSON.stringify(
		key.map((value) => (value instanceof Uint8Array ? [Buffer.from(value).toString("hex")] : value)),
	);
}

function parsePlace(place: string): SQLInputValue[] {
	const key = JSON.parse(place) as (string | number | [string])[];
	return key.map((value) => (Array.isArray(value) ? Buffer.from(value[0], "hex") : value));
}
