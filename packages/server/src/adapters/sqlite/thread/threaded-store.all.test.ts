// Runs the contract of the store's port on the embedded store in its thread.
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";

import { storeContract } from "../../../ports/contract/store.contract.ts";
import { systemClock } from "../../system/system-clock.ts";
import { READER_PROGRAM } from "../test/reader-program.ts";
import { openThreadedSqliteStore } from "./threaded-store.ts";

const dir = new TemporaryDir(fastParent());
let files = 0;
let path = "";

storeContract({
	name: "threaded sqlite",
	open: async () =>
		(
			await openThreadedSqliteStore({
				path: (path = dir.join(`${files++}.db`)),
				clock: systemClock,
				readerProgram: READER_PROGRAM,
			})
		).store,
	// Each opening starts a thread. The calls are those of the store without a thread, which gets all histories.
	effort: 0.1,
	capabilities: { horizonMs: 0, returnsSpace: true },
	reopen: async (store) => {
		await store.close();
		return (await openThreadedSqliteStore({ path, clock: systemClock, readerProgram: READER_PROGRAM })).store;
	},
});
