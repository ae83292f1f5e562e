// Runs the contract of the store's port on PostgreSQL.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, describe } from "vitest";

import { storeContract } from "../../ports/contract/store.contract.ts";
import { HORIZON_MS } from "./connection/pools.ts";
import { TestDatabase } from "./test/test-store.ts";

const issue = postgresIssue();

describe.skipIf(issue !== null)(`on PostgreSQL${issue === null ? "" : ` (${issue})`}`, () => {
	let database: TestDatabase;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());

	storeContract({
		name: "PostgreSQL",
		open: () => database.openEmpty(),
		// The next test gets it, without rows.
		end: async () => {},
		// See calls/ids-ahead.test.ts.
		keepsLeads: true,
		reopen: () => database.reopen(),
		// Opening a store takes some 50 ms.
		effort: 0.3,
		capabilities: { horizonMs: HORIZON_MS, returnsSpace: false },
	});
});
