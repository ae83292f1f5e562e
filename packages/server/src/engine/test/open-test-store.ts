// The store that tests of the engine and the API run on: SQLite in memory, or PostgreSQL in the tests' second run (vitest.config.ts).
import { PostgresServer } from "@fanfare/testkit/programs/postgres";

import { TestDatabase } from "../../adapters/postgres/test/test-store.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { prepareLate } from "../../adapters/sqlite/test/late-statements.ts";
import type { Store } from "../../ports/store/store.ts";

/** Databases that no test uses at the moment. Their connections stay open for the next one. */
const free: TestDatabase[] = [];

/** Opens an empty store. `close` releases it. */
export async function openTestStore(now: number): Promise<Store> {
	const url = process.env["TEST_STORE_URL"];
	if (process.env["TEST_STORE"] !== "postgres") {
		return openSqliteStore({ path: ":memory:", now, onConnected: prepareLate });
	}
	if (url === undefined) throw new Error("TEST_STORE_URL must name the PostgreSQL server of these tests");
	const database = free.pop() ?? (await TestDatabase.on(new PostgresServer(url, null)));
	const store = await database.openEmpty();
	return { ...store, close: async () => void free.push(database) };
}
