// Statements that depend on a filter, prepared when a filter first needs them.
import type { DatabaseSync, StatementSync } from "node:sqlite";

export type Prepare = (sql: string) => StatementSync;

/** Some 10 KB each. */
const MAX_STATEMENTS = 400;

/** Returns a `prepare` that keeps the statements that were used last. Call it only with texts made of constants. */
export function createStatementCache(db: DatabaseSync): Prepare {
	/** The one that was used longest ago comes first. */
	const statements = new Map<string, StatementSync>();
	return (sql) => {
		const known = statements.get(sql);
		const statement = known ?? db.prepare(sql);
		if (known !== undefined) statements.delete(sql);
		statements.set(sql, statement);
		if (statements.size > MAX_STATEMENTS) {
			for (const oldest of statements.keys()) {
				statements.delete(oldest);
				break;
			}
		}
		return statement;
	};
}
