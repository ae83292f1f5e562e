// Runs the contract of the store's port on PostgreSQL.
import { beforeEach } from "vitest";

import { storeContract } from "../../ports/contract/store.contract.ts";
import { describeHorizon } from "../../ports/contract/store/horizon.contract.ts";
import { describeIdsAhead } from "../../ports/contract/store/ids-ahead.contract.ts";
import type { Store } from "../../ports/store/store.ts";
import { HORIZON_MS } from "./connection/pools.ts";
import { describeOnPostgres } from "./test/on-postgres.ts";

const CAPABILITIES = { horizonMs: HORIZON_MS, returnsSpace: false };

describeOnPostgres("on PostgreSQL", (database) => {
	storeContract({
		name: "PostgreSQL",
		open: () => database.openEmpty(),
		// The next test gets it, without rows.
		end: async () => {},
		keepsLeads: true,
		reopen: () => database.reopen(),
		// Opening a store takes some 50 ms.
		effort: 0.3,
		capabilities: CAPABILITIES,
	});
});

// A database keeps how far ids were ever ahead of dates, so these tests have one of their own.
describeOnPostgres("ids that are ahead of dates on PostgreSQL", (database) => {
	let store: Store;
	beforeEach(async () => {
		store = await database.openEmpty();
	});
	describeIdsAhead(() => store);
	// By then, the database has a lead.
	describeHorizon(() => store, CAPABILITIES);
});
