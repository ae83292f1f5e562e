// How the properties of a record are kept in columns. A record lists each property once, with its column: the columns of its
// statements, their values and the reading of a row all derive from that list. The busy path writes arrays of columns instead.
import { idOf, uuidOf, uuidTime, type StoredPrefix } from "./ids.ts";
import * as rows from "./rows.ts";
import type { Row } from "./rows.ts";

/** How a value is kept in columns of a row. */
export interface Codec<T> {
	readonly columns: readonly string[];
	/** The values of `columns`, in their order. */
	readonly write: (value: T) => readonly unknown[];
	readonly read: (row: Row) => T;
}

/** A codec for each property of a record: the compiler asks for all of them. */
export type Fields<T> = { readonly [Name in keyof T]-?: Codec<T[Name]> };

/** A record, from the codecs of its properties. */
export function record<T extends object>(fields: Fields<T>): Codec<T> {
	const names: (keyof T & string)[] = [];
	for (const name in fields) names.push(name);
	return {
		columns: names.flatMap((name) => fields[name].columns),
		write: (value) => names.flatMap((name) => fields[name].write(value[name])),
		read: (row) => rows.recordOf<T>(names, (name) => fields[name].read(row)),
	};
}

function plain<T>(read: (value: unknown) => T): (column: string) => Codec<T> {
	return (column) => ({ columns: [column], write: (value) => [value], read: (row) => read(row[column]) });
}

export const text = plain(rows.text);
export const number = plain(rows.number);
export const boolean = plain(rows.boolean);
export const bytes = plain(rows.bytes);

/** JSON text. The type `json` of PostgreSQL does not keep the character U+0000. */
export function json<T>(column: string): Codec<T> {
	return { columns: [column], write: (value) => [JSON.stringify(value)], read: (row) => rows.json<T>(row[column]) };
}

/** An id, kept as its UUID. */
export function id(column: string, prefix: StoredPrefix): Codec<string> {
	return {
		columns: [column],
		write: (value) => [uuidOf(prefix, value)],
		read: (row) => idOf(prefix, rows.text(row[column])),
	};
}

/** A name, kept as a small integer. */
export function code<Name extends string>(column: string, codes: Readonly<Record<Name, number>>): Codec<Name> {
	const names = rows.namesByCode(codes);
	return { columns: [column], write: (value) => [codes[value]], read: (row) => rows.nameOf(names, row[column]) };
}

/** Null (NULL in each column) or a value of `codec`. */
export function orNull<T>(codec: Codec<T>): Codec<T | null> {
	const [first = ""] = codec.columns;
	const nulls = codec.columns.map(() => null);
	return {
		columns: codec.columns,
		write: (value) => (value === null ? nulls : codec.write(value)),
		read: (row) => (row[first] === null ? null : codec.read(row)),
	};
}

/** A property that is computed from columns of other properties, and has none of its own. */
function computed<T>(read: (row: Row) => T): Codec<T> {
	return { columns: [], write: () => [], read };
}

/** The time in the id of the row. */
export const timeOfId: Codec<number> = computed((row) => uuidTime(rows.text(row["id"])));
