// Writes the column lists and placeholders of statements, so that nobody has to count question marks.
import type { DatabaseSync, SQLInputValue, StatementResultingChanges } from "node:sqlite";

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
