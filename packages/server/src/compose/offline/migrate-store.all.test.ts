// `migrateStore` with data directories that servers have written, when it is interrupted, and what it refuses.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openPostgres } from "../../adapters/postgres/postgres-store.ts";
import { openConnection } from "../../adapters/sqlite/connection.ts";
import { lockDataDir } from "../../adapters/sqlite/data-dir-lock.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import { readConfig } from "../../config.ts";
import { fillStore, Records } from "../../ports/contract/store/records/records.ts";
import { LATE } from "../../ports/contract/store/records/two-days.ts";
import { PART_NAMES } from "../../ports/store/transfer/rows.ts";
import { migrateStore, type StoreMigrationProgress } from "./migrate-store.ts";
import { migrateDataDir } from "./migrate.ts";
import { expectMigrated, expectSame, filledDir, openBoth } from "./test/migrated-store.ts";

const issue = postgresIssue();

describe.skipIf(issue !== null)(`migrate-store${issue === null ? "" : ` (${issue})`}`, () => {
	let postgres: PostgresServer;
	beforeAll(async () => {
		postgres = await startPostgres();
	});
	afterAll(() => postgres[Symbol.asyncDispose]());

	it.each(["0.1", "0.2"] as const)(
		"carries everything of a data directory that version %s has written",
		async (version) => {
			using fixture = openDataFixture(version);
			const { dataDir, masterKey, expected } = fixture;
			const config = readConfig({ FANFARE_DATA_DIR: dataDir, FANFARE_MASTER_KEY: masterKey });
			await migrateDataDir(config);
			const url = await postgres.createDatabase();
			expect(await migrateStore(config, url)).toMatchObject({ hasGoneOn: false, hasMasterKey: true });
			const { before, after } = await openBoth(`${dataDir}/fanfare.db`, url);
			await expectSame(before, after, expected.startAt);
			await after.close();
			await before.close();
		},
	);

	it("carries what was counted for keys and customers, so that the stored bytes are 0 when all is purged", async () => {
		using dir = new TemporaryDir();
		const path = dir.join("fanfare.db");
		const world = await fillStore(await openSqliteStore({ path }));
		await world.accept({ key: "a".repeat(200), customers: ["acme", "globex"], webhookIds: [] });
		await world.accept({ key: "former", webhookIds: [] });
		await world.store.close();
		{
			using db = openConnection({ path });
			// As a version has stored it that did not count them.
			db.exec(`UPDATE events SET details = json_remove(details, '$.counted') WHERE details ->> 'key' = 'former'`);
			db.exec("DELETE FROM stored_bytes; DELETE FROM stats_journal; UPDATE stats_state SET bytes_counted = 0");
		}
		await (await openSqliteStore({ path })).close();
		const url = await postgres.createDatabase();
		await migrateStore(readConfig({ FANFARE_DATA_DIR: dir.path }), url);
		const { store } = await openPostgres({ url, clock: systemClock });
		const { projectId } = world;
		expect((await store.usage([projectId])).total).toBeGreaterThan(400);
		const { purged } = await store.purgeEvents({ projectId, at: LATE, before: LATE, after: null, limit: 100 });
		expect(purged.events).toBe(2);
		expect(await store.usage([projectId])).toMatchObject({ projects: [0], total: 0 });
		await store.close();
	});

	it("goes on after it was interrupted behind any of its steps, and changes nothing in the data directory", async () => {
		using dir = new TemporaryDir();
		const { path, config, underWay } = await filledDir(dir);
		const files = contentsOf(dir.path);
		const url = await postgres.createDatabase();
		const interrupted: unknown[] = [];
		const onProgress = ({ part }: StoreMigrationProgress) => {
			interrupted.push(part);
			throw new Error("interrupted");
		};
		for (;;) {
			const run = migrateStore(config, url, { onProgress });
			await expect(run).rejects.toThrow("interrupted");
			// No server can use what is there so far.
			await expect(openPostgres({ url, clock: systemClock })).rejects.toThrow(
				/has not ended.*fanfare migrate-store again/,
			);
			if (interrupted.at(-1) === null) break;
		}
		expect(new Set(interrupted)).toEqual(new Set([...PART_NAMES, null]));
		expect(await migrateStore(config, url)).toMatchObject({ hasGoneOn: true });
		expect(contentsOf(dir.path)).toEqual(files);
		const { before, after } = await openBoth(path, url);
		await expectMigrated(before, after, underWay);
		await after.close();
		await before.close();
	});

	it("begins anew if the data directory has changed since it was interrupted, or if that is asked for", async () => {
		using dir = new TemporaryDir();
		const { path, config } = await filledDir(dir);
		const url = await postgres.createDatabase();
		const interrupt = async (restart: boolean) => {
			const parts: unknown[] = [];
			const onProgress = ({ part }: StoreMigrationProgress) => {
				parts.push(part);
				if (part === "deliveries") throw new Error("interrupted");
			};
			await expect(migrateStore(config, url, { restart, onProgress })).rejects.toThrow("interrupted");
			return parts[0];
		};
		expect(await interrupt(false)).toBe("projects");
		expect(await interrupt(true)).toBe("projects");
		const changed = await openSqliteStore({ path });
		await changed.insertAuditEntry(new Records().entry());
		await changed.close();
		expect(await interrupt(false)).toBe("projects");
		expect(await migrateStore(config, url)).toMatchObject({ hasGoneOn: true });
	});

	describe("refuses", () => {
		it("a database that is not empty, and leaves it as it is", async () => {
			using dir = new TemporaryDir();
			const { config } = await filledDir(dir);
			const url = await postgres.createDatabase();
			await migrateStore(config, url);
			await expect(migrateStore(config, url)).rejects.toThrow(
				/has this workspace .* already: an earlier migration has ended/,
			);
			using other = new TemporaryDir();
			const second = await filledDir(other);
			await expect(migrateStore(second.config, url)).rejects.toThrow(
				/not empty: it has the data of another Fanfare \(workspace ws_/,
			);
			const foreign = await postgres.createDatabase();
			await postgres.query("CREATE TABLE workspace (a int)", foreign);
			await expect(migrateStore(config, foreign)).rejects.toThrow(/tables of another program .*name an empty database/);
		});

		it("the unfinished migration of another workspace", async () => {
			using dir = new TemporaryDir();
			using other = new TemporaryDir();
			const { config } = await filledDir(dir);
			const url = await postgres.createDatabase();
			const onProgress = () => {
				throw new Error("interrupted");
			};
			await expect(migrateStore(config, url, { onProgress })).rejects.toThrow("interrupted");
			const second = await filledDir(other);
			await expect(migrateStore(second.config, url)).rejects.toThrow(/unfinished migration of another workspace/);
		});

		it("a data directory of another version, without data or in use, and a wrong master key", async () => {
			using dir = new TemporaryDir();
			const { path, config } = await filledDir(dir);
			const url = await postgres.createDatabase();
			const key = Buffer.alloc(32, 1).toString("base64");
			const wrong = readConfig({ FANFARE_DATA_DIR: dir.path, FANFARE_MASTER_KEY: key });
			await expect(migrateStore(wrong, url)).rejects.toThrow(
				/FANFARE_MASTER_KEY \(fingerprint .*\) is not the key .*fingerprint 00ff/,
			);
			const lock = lockDataDir(dir.path);
			await expect(migrateStore(config, url)).rejects.toThrow(/already running on/);
			lock.release();
			using empty = new TemporaryDir();
			await expect(migrateStore(readConfig({ FANFARE_DATA_DIR: empty.path }), url)).rejects.toThrow(
				/no Fanfare data in/,
			);
			using db = openConnection({ path });
			db.exec("INSERT INTO migrations VALUES (9999, 'newer', 0)");
			await expect(migrateStore(config, url)).rejects.toThrow(/newer Fanfare \(schema 9999/);
			using fixture = openDataFixture("0.1");
			const former = readConfig({ FANFARE_DATA_DIR: fixture.dataDir, FANFARE_MASTER_KEY: fixture.masterKey });
			await expect(migrateStore(former, url)).rejects.toThrow(/run fanfare migrate first/);
		});

		it("what is no database, and one that can't be reached, without their passwords", async () => {
			using dir = new TemporaryDir();
			const { config } = await filledDir(dir);
			const messages: string[] = [];
			for (const url of ["mysql://a:swordfish@b/c", "swordfish", "postgres://a:swordfish@127.0.0.1:1/c"]) {
				await migrateStore(config, url).catch((error: unknown) => messages.push(String(error)));
			}
			expect(messages).toEqual([
				expect.stringContaining("must be a URL such as"),
				expect.stringContaining("must be a URL such as"),
				expect.stringMatching(/database 127\.0\.0\.1:1\/c\).*cannot be reached/),
			]);
			expect(messages.join()).not.toContain("swordfish");
		});

		it("to end if rows are missing in the database", async () => {
			using dir = new TemporaryDir();
			const { config } = await filledDir(dir);
			const url = await postgres.createDatabase();
			const onProgress = ({ part }: StoreMigrationProgress) => {
				if (part === "storedBytes") throw new Error("interrupted");
			};
			await expect(migrateStore(config, url, { onProgress })).rejects.toThrow("interrupted");
			await postgres.query("DELETE FROM attempts WHERE number = 2", url);
			await expect(migrateStore(config, url)).rejects.toThrow(
				/attempts: \d+ in the data directory, \d+ in the database.*--restart/,
			);
			expect(await migrateStore(config, url, { restart: true })).toMatchObject({ hasGoneOn: false });
		});
	});
});

/** But for the files of locks, and those that SQLite makes to read: of these, the write-ahead log is empty unless something was written. */
function contentsOf(folder: string): Record<string, string> {
	const names = readdirSync(folder).filter((name) => !/(?:\.lock|-shm)$/.test(name));
	const contents = names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")] as const);
	return Object.fromEntries(contents.filter(([name, content]) => !(name.endsWith("-wal") && content === "")));
}
