// Statements that depend on a filter, prepared when a filter first needs them.
import type { DatabaseSync, StatementSync } from "node:sqlite";

export type Prepare = (sql: string) => StatementSync;

/**
 * Returns a `prepare` that prepares each text once. It forgets no statement, so call it only with texts made of constants: their
 * number is bounded by the combinations of filters.
 */
export function createStatementCache(db: DatabaseSync): Prepare {
	const statements = new Map<string, StatementSync>();
	return (sql) => {
		const known = statements.get(sql);
		if (known !== undefined) return known;
		const statement = db.prepare(sql);
		statements.set(sql, statement);
		return statement;
	};
}
