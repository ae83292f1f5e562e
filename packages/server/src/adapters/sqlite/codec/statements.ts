// Writes the column lists and placeholders of statements, so that nobody has to count question marks.
import type { DatabaseSync, SQLInputValue, StatementResultingChanges, StatementSync } from "node:sqlite";

import type { TransactionMemory } from "../connection.ts";

/** One value for each column: the compiler counts them. */
export type ValuesOf<Columns extends readonly string[]> = { -readonly [Index in keyof Columns]: SQLInputValue };

/** A statement that takes exactly one value for each of its columns, bound by position. */
export interface WriteStatement<Columns extends readonly string[]> {
	run(...values: ValuesOf<Columns>): StatementResultingChanges;
}

/** `a, b, c` */
export function list(columns: readonly string[]): string {
	return columns.join(", ");
}

/** `?, ?, ?` */
export function placeholders(columns: readonly string[]): string {
	return columns.map(() => "?").join(", ");
}

/** The columns of one table of a join: `e.a, e.b, e.c`. */
export function qualified(table: string, columns: readonly string[]): string {
	return columns.map((column) => `${table}.${column}`).join(", ");
}

/**
 * Prepares an `INSERT` that takes a value for each of `columns`.
 *
 * @example
 * prepareInsert(db, "probe", ["one", "at"]).run(1, Date.now());
 */
export function prepareInsert<const Columns extends readonly string[]>(
	db: DatabaseSync,
	table: string,
	columns: Columns,
	onConflict = "",
): WriteStatement<Columns> {
	return db.prepare(`INSERT INTO ${table} (${list(columns)}) VALUES (${placeholders(columns)}) ${onConflict}`);
}

/** Prepares an `INSERT` that replaces the row with the same key, if there is one. */
export function prepareReplace<const Columns extends readonly string[]>(
	db: DatabaseSync,
	table: string,
	columns: Columns,
): WriteStatement<Columns> {
	return db.prepare(`INSERT OR REPLACE INTO ${table} (${list(columns)}) VALUES (${placeholders(columns)})`);
}

/**
 * Prepares an `UPDATE` of the row that has the values of `keys`, which are among `columns`. It takes the same values as
 * `prepareInsert`.
 *
 * @example
 * // UPDATE projects SET name = ?2 WHERE id = ?1 AND (delete_date IS NULL)
 * prepareUpdate(db, "projects", ["id", "name"], ["id"], "delete_date IS NULL");
 */
export function prepareUpdate<const Columns extends readonly string[]>(
	db: DatabaseSync,
	table: string,
	columns: Columns,
	keys: readonly Columns[number][],
	condition = "TRUE",
): WriteStatement<Columns> {
	const equations = columns.map((column, index) => ({
		isKey: keys.includes(column),
		sql: `${column} = ?${index + 1}`,
	}));
	const set = equations.filter(({ isKey }) => !isKey).map(({ sql }) => sql);
	const where = equations.filter(({ isKey }) => isKey).map(({ sql }) => sql);
	return db.prepare(`UPDATE ${table} SET ${list(set)} WHERE ${where.join(" AND ")} AND (${condition})`);
}

/** More gain little, and a statement takes a parameter for each value of each of its rows. */
const ROWS_AT_ONCE = 16;

/**
 * Inserts rows many at once, which takes about half of the CPU of as many statements: each opens a cursor on the table and on each of
 * its indexes. A row is stored when `ROWS_AT_ONCE` have gathered, by `flush`, or with the end of the transaction, which must know of
 * this as one of its memories. So whatever reads the rows in the same transaction calls `flush` before.
 *
 * @example
 * const probes = new RowGatherer(db, "probe", ["one", "at"], { kind: "0" });
 * for (const one of ones) probes.add(one, now);
 * probes.flush();
 */
export class RowGatherer<const Columns extends readonly string[]> implements TransactionMemory {
	readonly #many: StatementSync;
	readonly #single: StatementSync;
	readonly #width: number;
	#values: SQLInputValue[] = [];

	/** `fixed` has the SQL of columns that are the same in each row: a value that is not bound costs nearly nothing. */
	constructor(db: DatabaseSync, table: string, columns: Columns, fixed: Readonly<Record<string, string>> = {}) {
		const row = `(${list([...columns.map(() => "?"), ...Object.values(fixed)])})`;
		const insert = `INSERT INTO ${table} (${list([...columns, ...Object.keys(fixed)])}) VALUES`;
		this.#single = db.prepare(`${insert} ${row}`);
		this.#many = db.prepare(`${insert} ${list(Array.from({ length: ROWS_AT_ONCE }, () => row))}`);
		this.#width = columns.length;
	}

	add(...row: ValuesOf<Columns>): void {
		for (const value of row) this.#values.push(value);
		if (this.#values.length < ROWS_AT_ONCE * this.#width) return;
		const values = this.#values;
		this.#values = [];
		this.#many.run(...values);
	}

	/** Inserts the rows that have gathered. */
	flush(): void {
		if (this.#values.length === 0) return;
		const values = this.#values;
		this.#values = [];
		for (let at = 0; at < values.length; at += this.#width) this.#single.run(...values.slice(at, at + this.#width));
	}

	commit(): void {}

	rollback(): void {
		this.#values = [];
	}
}
