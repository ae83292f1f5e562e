// Events whose ids are ahead of their dates: a database keeps how far they ever were, so these tests have one of their own.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, beforeEach, describe } from "vitest";

import { describeHorizon } from "../../../ports/contract/store/horizon.contract.ts";
import { describeIdsAhead } from "../../../ports/contract/store/ids-ahead.contract.ts";
import type { Store } from "../../../ports/store/store.ts";
import { HORIZON_MS } from "../connection/pools.ts";
import { TestDatabase } from "../test/test-store.ts";

const issue = postgresIssue();

describe.skipIf(issue !== null)(`ids that are ahead of dates${issue === null ? "" : ` (${issue})`}`, () => {
	let database: TestDatabase;
	let store: Store;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());
	beforeEach(async () => {
		store = await database.openEmpty();
	});
	describeIdsAhead(() => store);
	// By then, the database has a lead.
	describeHorizon(() => store, { horizonMs: HORIZON_MS, returnsSpace: false });
});
