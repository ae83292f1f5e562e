// The store that tests of the engine and the API run on: SQLite in memory, or PostgreSQL in the tests' second run (vitest.rest.config.ts).
import { TestDatabase } from "../../adapters/postgres/test/test-store.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { prepareLate } from "../../adapters/sqlite/test/late-statements.ts";
import type { Store } from "../../ports/store/store.ts";

/** Databases that no test uses at the moment. Their connections stay open for the next one. */
const free: TestDatabase[] = [];

/** Opens an empty store. `close` releases it. */
export async function openTestStore(now: number): Promise<Store> {
	if (process.env["TEST_STORE"] !== "postgres") {
		return openSqliteStore({ path: ":memory:", now, onConnected: prepareLate });
	}
	const database = free.pop() ?? (await new TestDatabase().start());
	const store = await database.openEmpty();
	return { ...store, close: async () => void free.push(database) };
}
