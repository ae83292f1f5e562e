// Runs the contract of the store's port on the embedded store.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";

import { storeContract } from "../../ports/contract/store.contract.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { prepareLate } from "./test/late-statements.ts";

const dir = new TemporaryDir(fastParent());
let files = 0;
let path = "";

const capabilities = { horizonMs: 0, returnsSpace: true };

storeContract({
	name: "sqlite",
	open: () => openSqliteStore({ path: (path = dir.join(`${files++}.db`)) }),
	capabilities,
	reopen: async (store) => {
		await store.close();
		return openSqliteStore({ path });
	},
});

// When a waiting delivery enters the indexes changes nothing but the time that lists take.
storeContract({
	name: "sqlite, with each delivery listed at once",
	open: () => openSqliteStore({ path: ":memory:", listAfterMs: 0, onConnected: prepareLate }),
	capabilities,
});

storeContract({
	name: "sqlite, with no delivery listed",
	open: () => openSqliteStore({ path: ":memory:", listAfterMs: Infinity, onConnected: prepareLate }),
	capabilities,
});
