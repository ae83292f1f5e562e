// The schema: migrated once although many processes start at once, refused if it is newer, and partitions made when they are needed.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { createIdMaker } from "../../../core/ids.ts";
import { systemChance } from "../../system/system-chance.ts";
import { systemClock } from "../../system/system-clock.ts";
import { uuidOf } from "../codec/ids.ts";
import { Database } from "../connection/database.ts";
import { SCHEMA_LOCK } from "../connection/locks.ts";
import { TestDatabase } from "../test/test-store.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { PARTITIONED, partitionName, Partitions } from "./partitions.ts";

const DAY_MS = 86_400_000;

describe.skipIf(postgresIssue() !== null)("the schema on PostgreSQL", () => {
	let test: TestDatabase;
	const opened: Database[] = [];
	beforeAll(async () => {
		test = await TestDatabase.create();
	});
	afterEach(async () => {
		await Promise.all(opened.splice(0).map((each) => each.close()));
	});
	afterAll(() => test[Symbol.asyncDispose]());
	const open = async (url?: string) => {
		const database = new Database({ url: url ?? (await test.server.createDatabase()), clock: systemClock });
		opened.push(database);
		return database;
	};

	it("is made once when many processes start at once", async () => {
		const url = await test.server.createDatabase();
		const databases = await Promise.all(Array.from({ length: 12 }, () => open(url)));
		await Promise.all(databases.map((database) => migrate(database, 7)));
		const rows = await test.server.query("SELECT id, name, apply_date::int AS date FROM migrations ORDER BY id", url);
		expect(rows).toEqual(readMigrations().map(({ id, name }) => ({ id, name, date: 7 })));
	});

	it("waits for another process that migrates for longer than an answer usually takes", async () => {
		const url = await test.server.createDatabase();
		const other = new pg.Client({ connectionString: url });
		await other.connect();
		try {
			await other.query(`BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}, 0)`);
			const waiting = migrate(await open(`${url}?query_timeout=300&lock_timeout=100&statement_timeout=100`), 1, [
				{ id: 1, name: "slow", sql: "SELECT pg_sleep(0.5)" },
			]);
			// Until it would have been given up.
			await other.query("SELECT pg_sleep(0.5)");
			await other.query("COMMIT");
			await waiting;
			expect(await test.server.query("SELECT id FROM migrations", url)).toEqual([{ id: 1 }]);
		} finally {
			await other.end();
		}
	});

	it("undoes a migration that fails, and is refused by an older program", async () => {
		const url = await test.server.createDatabase();
		const database = await open(url);
		const known = readMigrations();
		const id = known.length + 1;
		const bad = { id, name: "bad", sql: "CREATE TABLE half (id integer); SELECT missing FROM half" };
		await expect(migrate(database, 1, [...known, bad])).rejects.toThrow(/missing/);
		expect(await test.server.query("SELECT to_regclass('half') AS half", url)).toEqual([{ half: null }]);
		await migrate(database, 1, [...known, { ...bad, sql: "CREATE TABLE half (id integer)" }]);
		await expect(migrate(database, 1, known)).rejects.toMatchObject({
			code: "store_unavailable",
			message: expect.stringMatching(/newer Fanfare/),
		});
	});

	it("gets the partitions of a day from whoever needs them first", async () => {
		const url = await test.server.createDatabase();
		const databases = await Promise.all([open(url), open(url), open(url)]);
		await Promise.all(databases.map((database) => migrate(database, 1)));
		const ids = createIdMaker(systemChance);
		const uuids = [0, 1, DAY_MS].map((ms) => uuidOf("evt", ids.make("evt", 1_800_000_000_000 + ms)) ?? "");
		await Promise.all(databases.map((database) => new Partitions(database).ensure(uuids)));
		const names = await test.server.query(
			"SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r'",
			url,
		);
		const days = [20_833, 20_834];
		const expected = days.flatMap((day) => PARTITIONED.map((table) => partitionName(table, day)));
		expect(names.map(({ name }) => String(name)).toSorted()).toEqual(expected.toSorted());
		expect(expected).toContain("events_20270115");
	});
});
