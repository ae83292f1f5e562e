// Runs the contract of the store's port on the embedded store. How many cases its properties try comes from @fanfare/testkit/runs.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";

import { storeContract } from "../../ports/contract/store.contract.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { prepareLate } from "./test/late-statements.ts";

const dir = new TemporaryDir(fastParent());
let files = 0;
let path = "";

const open = () => openSqliteStore({ path, onConnected: prepareLate });

storeContract({
	name: "sqlite",
	open: () => {
		path = dir.join(`${files++}.db`);
		return open();
	},
	capabilities: { horizonMs: 0, returnsSpace: true },
	reopen: async (store) => {
		await store.close();
		return open();
	},
});
