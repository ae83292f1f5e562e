// Runs the contract of the store's port on the embedded store.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";

import { storeContract } from "../../ports/contract/store.contract.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const dir = new TemporaryDir(fastParent());
let files = 0;
let path = "";

storeContract({
	name: "sqlite",
	open: () => openSqliteStore({ path: (path = dir.join(`${files++}.db`)) }),
	capabilities: { horizonMs: 0, returnsSpace: true },
	reopen: async (store) => {
		await store.close();
		return openSqliteStore({ path });
	},
});
