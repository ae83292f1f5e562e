// Which calls of the store faults of writes strike: compared with what the port, the embedded store and the server's own lists say.
import { expect, it } from "vitest";

import { openSqliteStore } from "../../packages/server/src/adapters/sqlite/sqlite-store.ts";
import { READ_NAMES } from "../../packages/server/src/ports/store/reads/read-owners.ts";
import { isOwnedWrite } from "../../packages/server/src/ports/store/writes/write-owners.ts";
import { Faults } from "./faults.ts";
import { isWrite, STORE_CALLS } from "./store-calls.ts";

/** Some of those that the server makes for itself. */
const OTHER_READS = [
	"dueWebhooks",
	"countOpen",
	"usage",
	"keyUses",
	"newestId",
	"erasures",
	"relay",
	"sessions",
] as const;

it("knows every call of the store, and no other one", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	expect(STORE_CALLS.toSorted()).toEqual(Object.keys(store).toSorted());
	await store.close();
});

it("takes what the server reads for somebody for reads, and what it changes for somebody for writes", () => {
	expect(READ_NAMES.filter(isWrite)).toEqual([]);
	const owned = STORE_CALLS.filter(isOwnedWrite);
	expect(owned.length).toBeGreaterThan(0);
	expect(owned.filter((name) => !isWrite(name))).toEqual([]);
});

it.each([...READ_NAMES, ...OTHER_READS])("lets %s pass while writes fail, and the next write fails", (name) => {
	const faults = new Faults();
	faults.plan({ kind: "failing", code: "store_full", after: 0, count: 1 });
	expect(faults.fateOf(name, [])).toEqual({ kind: "fine" });
	expect(faults.fateOf("commit", [])).toEqual({ kind: "fails", code: "store_full" });
	expect(faults.fateOf("commit", [])).toEqual({ kind: "fine" });
});
