// `migrateStore` carries a data directory that has a bit of everything. `migrate-store.all.test.ts` interrupts it, and has it refuse.
import { postgresIssue, startPostgres } from "@fanfare/testkit/programs/postgres";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { migrateStore } from "./migrate-store.ts";
import { goOn } from "./test/fill-store.ts";
import { expectMigrated, expectSame, filledDir, openBoth } from "./test/migrated-store.ts";

const issue = postgresIssue();
if (issue !== null) process.stderr.write(`migrate-store.test.ts is skipped: ${issue}\n`);

it.skipIf(issue !== null)(
	"carries sessions, customers, relays and what is under way, which goes on the same then",
	async () => {
		await using postgres = await startPostgres();
		using dir = new TemporaryDir();
		const { path, config, underWay } = await filledDir(dir);
		const url = await postgres.createDatabase();
		const { counts } = await migrateStore(config, url);
		expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
		const { before, after } = await openBoth(path, url);
		await expectMigrated(before, after, underWay);
		expect(await goOn(after, underWay)).toEqual(await goOn(before, underWay));
		await expectSame(before, after, underWay.records.now, {}, { numbers: false });
		await after.close();
		await before.close();
	},
);
