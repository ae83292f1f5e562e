// Reads the values of rows. Casts are here and nowhere else in this adapter: every value read here was written by this adapter
// into a STRICT table.
import type { SQLOutputValue } from "node:sqlite";

/** A row, as `get` and `all` return it. */
export type Row = Record<string, SQLOutputValue>;

type Value = SQLOutputValue | undefined;

export const text = (value: Value): string => value as string;
export const textOrNull = (value: Value): string | null => value as string | null;
export const number = (value: Value): number => value as number;
export const numberOrNull = (value: Value): number | null => value as number | null;
export const bytes = (value: Value): Uint8Array => value as Uint8Array;
export const bytesOrNull = (value: Value): Uint8Array | null => value as Uint8Array | null;
/** Parses JSON text; the column names what it contains. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type that was written there
export const json = <T>(value: Value): T => JSON.parse(value as string) as T;

/** The names in an array, with each name at the index of its code. */
export function namesByCode<Name extends string>(codes: Readonly<Record<Name, number>>): readonly Name[] {
	const names: Name[] = [];
	for (const [name, code] of Object.entries(codes)) names[code as number] = name as Name;
	return names;
}

/** The name that a column's code stands for. Throws a `RangeError` for an unknown code. */
export function nameOf<Name extends string>(names: readonly Name[], code: Value): Name {
	const name = names[code as number];
	if (name === undefined) throw new RangeError(`a row has the unknown code ${String(code)}`);
	return name;
}

/** Builds a record from `read`, which is called for each name in order. */
export function recordOf<T extends object>(names: readonly (keyof T & string)[], read: (name: keyof T) => unknown): T {
	return Object.fromEntries(names.map((name) => [name, read(name)])) as T;
}

/** The number in a row such as `SELECT count(*) AS count`. */
export function countOf(row: Row | undefined): number {
	return number(row?.["count"]);
}

/** The id in a row, as bytes. */
export function rowId(row: Row): Uint8Array {
	return bytes(row["id"]);
}
