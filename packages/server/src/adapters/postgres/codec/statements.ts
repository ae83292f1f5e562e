// Statements: their texts, the names under which connections prepare them, and their lists of columns.
import { createHash } from "node:crypto";

/** A statement that each connection prepares once. Make one for each text, outside of calls. */
export interface Statement {
	readonly name: string;
	readonly text: string;
}

/**
 * A statement that is prepared.
 *
 * @example
 * const SELECT_VERSION = statement("SELECT version FROM projects WHERE id = $1");
 */
export function statement(text: string): Statement {
	return { name: createHash("sha256").update(text).digest("hex").slice(0, 32), text };
}

/** `a, b, c` */
export function list(columns: readonly string[]): string {
	return columns.join(", ");
}

/** `$1, $2, $3` */
export function placeholders(columns: readonly string[]): string {
	return columns.map((_, index) => `$${index + 1}`).join(", ");
}

/** The columns of one table of a join: `e.a, e.b, e.c`. */
export function qualified(table: string, columns: readonly string[]): string {
	return columns.map((column) => `${table}.${column}`).join(", ");
}

/**
 * An `INSERT` that takes a value for each of `columns`.
 *
 * @example
 * session.run(insertInto("projects", PROJECT.columns), PROJECT.write(project));
 */
export function insertInto(table: string, columns: readonly string[], onConflict = ""): Statement {
	return statement(`INSERT INTO ${table} (${list(columns)}) VALUES (${placeholders(columns)}) ${onConflict}`);
}

/**
 * An `UPDATE` of the row that has the values of `keys`, which are among `columns`. It takes the same values as `insertInto`.
 *
 * @example
 * // UPDATE projects SET name = $2 WHERE id = $1 AND (delete_date IS NULL)
 * updateOf("projects", ["id", "name"], ["id"], "delete_date IS NULL");
 */
export function updateOf(
	table: string,
	columns: readonly string[],
	keys: readonly string[],
	condition = "TRUE",
): Statement {
	const equations = columns.map((column, index) => ({
		isKey: keys.includes(column),
		sql: `${column} = $${index + 1}`,
	}));
	const set = equations.filter(({ isKey }) => !isKey).map(({ sql }) => sql);
	const where = equations.filter(({ isKey }) => isKey).map(({ sql }) => sql);
	return statement(`UPDATE ${table} SET ${list(set)} WHERE ${where.join(" AND ")} AND (${condition})`);
}
