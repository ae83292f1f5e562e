// Runs the contract of the store's port on the embedded store with other times at which a waiting delivery enters the indexes: they change
// nothing but the time that lists take.
import { storeContract } from "../../ports/contract/store.contract.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { prepareLate } from "./test/late-statements.ts";

const capabilities = { horizonMs: 0, returnsSpace: true };

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
