// The schema: migrated once although many processes start at once, refused if it is too new, and partitions made when they are needed.
import { afterEach, expect, it } from "vitest";

import { createIdMaker } from "../../../core/ids.ts";
import { systemChance } from "../../system/system-chance.ts";
import { systemClock } from "../../system/system-clock.ts";
import { uuidOf } from "../codec/ids.ts";
import { Database } from "../connection/database.ts";
import { openPostgres } from "../postgres-store.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { migrate, readMigrations, requireOwnSchema } from "./migrate.ts";
import { PARTITIONED, partitionName, Partitions } from "./partitions.ts";

const DAY_MS = 86_400_000;

describeOnPostgres("the schema on PostgreSQL", (test) => {
	const opened: Database[] = [];
	afterEach(async () => {
		await Promise.all(opened.splice(0).map((each) => each.close()));
	});
	const open = (url: string) => {
		const database = new Database({ url, clock: systemClock });
		opened.push(database);
		return database;
	};

	it("is made once when twenty processes start at once", async () => {
		const url = await test.server.createDatabase();
		const databases = Array.from({ length: 20 }, () => open(url));
		await Promise.all(databases.map((database) => migrate(database, 7)));
		const rows = await test.server.query("SELECT id, name, apply_date::int AS date FROM migrations ORDER BY id", url);
		expect(rows).toEqual(readMigrations().map(({ id, name }) => ({ id, name, date: 7 })));
	});

	it("is not made on a server that is too old", async () => {
		const url = await test.server.createDatabase();
		// There is no such server here: this one says so.
		const name = new URL(url).pathname.slice(1);
		await test.server.query(
			`CREATE FUNCTION current_setting(name text) RETURNS text LANGUAGE sql STABLE AS $$
				SELECT CASE name WHEN 'server_version_num' THEN '140013' WHEN 'server_version' THEN '14.13' ELSE pg_catalog.current_setting(name) END
			$$`,
			url,
		);
		await test.server.query(`ALTER ROLE CURRENT_USER IN DATABASE ${name} SET search_path = fanfare, pg_catalog`, url);
		const message = expect.stringContaining("this server is PostgreSQL 14.13, and Fanfare needs 15 or later") as string;
		await expect(migrate(open(url), 1)).rejects.toMatchObject({ code: "store_unavailable", message });
		await expect(openPostgres({ url, clock: systemClock })).rejects.toMatchObject({ message });
		expect(await test.server.query("SELECT to_regclass('fanfare.migrations') AS made", url)).toEqual([{ made: null }]);
	});

	it("undoes a migration that fails, and is used by older programs, if they can work on it", async () => {
		const url = await test.server.createDatabase();
		const database = open(url);
		const known = readMigrations();
		const id = known.length + 1;
		const bad = { id, name: "bad", sql: "CREATE TABLE half (id integer); SELECT missing FROM half", worksWith: 1 };
		await expect(migrate(database, 1, [...known, bad])).rejects.toThrow(/missing/);
		expect(await test.server.query("SELECT to_regclass('half') AS half", url)).toEqual([{ half: null }]);
		const good = { ...bad, sql: "CREATE TABLE half (id integer)" };
		await migrate(database, 1, [...known, good]);
		const versions = await migrate(database, 1, known);
		expect(versions).toEqual({ current: id, known: id - 1 });
		const newer = expect.objectContaining({
			code: "store_unavailable",
			message: expect.stringMatching(/newer Fanfare/) as string,
		}) as Error;
		expect(() => requireOwnSchema(versions)).toThrow(newer);
		await migrate(database, 1, [...known, good, { ...good, id: id + 1, sql: "DROP TABLE half", worksWith: id }]);
		await expect(migrate(database, 1, known)).rejects.toEqual(newer);
		expect(await migrate(database, 1, [...known, good])).toEqual({ current: id + 1, known: id });
	});

	it("is not made one on which processes could not work that are at work", async () => {
		const url = await test.server.createDatabase();
		const database = open(url);
		const known = readMigrations();
		await migrate(database, 1, known);
		const query = (sql: string) => test.server.query(sql, url);
		const id = known.length + 1;
		const next = { id, name: "contract", sql: "DROP TABLE probe", worksWith: id - 1 };
		const addMember = (name: string, schema: number | null, endsIn: number) =>
			query(`
				INSERT INTO members (id, name, version, role, join_date, seen_date, expire_date, load, known_schema)
				SELECT gen_random_uuid(), '${name}', '0.2.0', 0, now, now, now + ${endsIn}, '{}', ${schema} FROM (SELECT cluster_now() AS now) AS clock
			`);
		await addMember("old", id - 2, 60_000);
		await addMember("silent", null, 60_000);
		await addMember("dead", null, 0);
		await addMember("young", id - 1, 60_000);
		await expect(migrate(database, 1, [...known, next])).rejects.toMatchObject({
			code: "store_unavailable",
			message: expect.stringContaining("version: old (0.2.0), silent (0.2.0). Replace") as string,
		});
		expect(await query("SELECT max(id) AS id, to_regclass('probe')::text AS probe FROM migrations")).toEqual([
			{ id: id - 1, probe: "probe" },
		]);
		await query("DELETE FROM members WHERE name IN ('old', 'silent')");
		await migrate(database, 1, [...known, next]);
		expect(await query("SELECT to_regclass('probe') AS probe")).toEqual([{ probe: null }]);
	});

	it("gets the partitions of a day from whoever needs them first", async () => {
		const url = await test.server.createDatabase();
		const databases = [open(url), open(url), open(url)];
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
