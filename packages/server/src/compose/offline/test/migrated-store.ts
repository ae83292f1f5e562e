// A data directory to migrate, and the comparison of its store with the database's.
import type { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect } from "vitest";

import { openPostgres } from "../../../adapters/postgres/postgres-store.ts";
import { openSqliteStore } from "../../../adapters/sqlite/sqlite-store.ts";
import { systemClock } from "../../../adapters/system/system-clock.ts";
import { readConfig } from "../../../config.ts";
import type { Store } from "../../../ports/store/store.ts";
import { fillWithEverything, type UnderWay } from "./fill-store.ts";
import { readStore } from "./whole-store.ts";

export async function filledDir(dir: TemporaryDir) {
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	const underWay = await fillWithEverything(store);
	await store.close();
	return { path, underWay, config: readConfig({ FANFARE_DATA_DIR: dir.path }) };
}

/** Opens both stores. */
export async function openBoth(path: string, url: string): Promise<{ readonly before: Store; readonly after: Store }> {
	const before = await openSqliteStore({ path });
	// Leases end with the process that has taken them.
	await before.takeOver(null);
	return { before, after: (await openPostgres({ url, clock: systemClock })).store };
}

/** The deletion of a customer has an event in hand, whose erasure ends by itself then. */
export async function expectMigrated(before: Store, after: Store, { records }: UnderWay): Promise<void> {
	const erasure = { projectId: expect.anything() as unknown, eventId: expect.anything() as unknown };
	await expectSame(before, after, records.now, { erasures: [erasure, ...(await before.erasures(10))] });
}

/** Compares the stores call by call. */
export async function expectSame(before: Store, after: Store, at: number, changes = {}, options = {}): Promise<void> {
	const [wanted, found] = [await readStore(before, at, options), await readStore(after, at, options)];
	for (const [name, value] of Object.entries({ ...wanted, ...changes })) {
		expect({ [name]: found[name] }).toEqual({ [name]: value });
	}
}
