// Statements that are compiled when they are first used. Most of the time of opening a store is compiling its 500 statements, of which a test
// uses a few.
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** What the store calls of a statement. */
type Used = Pick<StatementSync, "all" | "get" | "iterate" | "run">;

/**
 * Makes a connection compile each statement when it is first used. An error in its SQL is thrown then, and not by `prepare`.
 *
 * @example
 * await openSqliteStore({ path: ":memory:", onConnected: prepareLate });
 */
export function prepareLate(db: DatabaseSync): void {
	const prepare = db.prepare.bind(db);
	db.prepare = (sql) => new LateStatement(() => prepare(sql)) as Used as StatementSync;
}

class LateStatement implements Used {
	readonly #prepare: () => StatementSync;
	#compiled: StatementSync | null = null;

	constructor(prepare: () => StatementSync) {
		this.#prepare = prepare;
	}

	get #statement(): StatementSync {
		this.#compiled ??= this.#prepare();
		return this.#compiled;
	}

	// The first parameter may be an object with the named ones.
	all(...parameters: readonly unknown[]): ReturnType<Used["all"]> {
		return this.#statement.all(...(parameters as SQLInputValue[]));
	}

	get(...parameters: readonly unknown[]): ReturnType<Used["get"]> {
		return this.#statement.get(...(parameters as SQLInputValue[]));
	}

	iterate(...parameters: readonly unknown[]): ReturnType<Used["iterate"]> {
		return this.#statement.iterate(...(parameters as SQLInputValue[]));
	}

	run(...parameters: readonly unknown[]): ReturnType<Used["run"]> {
		return this.#statement.run(...(parameters as SQLInputValue[]));
	}
}
