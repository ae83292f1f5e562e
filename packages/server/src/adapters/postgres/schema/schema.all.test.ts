// Migrations beside others who hold a lock for long.
import { afterEach, expect, it } from "vitest";

import { systemClock } from "../../system/system-clock.ts";
import { Database, type DatabaseOptions } from "../connection/database.ts";
import { SCHEMA_LOCK } from "../connection/locks.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { migrate, readMigrations } from "./migrate.ts";

describeOnPostgres("the schema on PostgreSQL", (test) => {
	const opened: Database[] = [];
	afterEach(async () => {
		await Promise.all(opened.splice(0).map((each) => each.close()));
	});
	const open = (url: string, options: Partial<DatabaseOptions> = {}) => {
		const database = new Database({ url, clock: systemClock, ...options });
		opened.push(database);
		return database;
	};

	it("waits for another process that migrates for longer than an answer usually takes", async () => {
		const url = await test.server.createDatabase();
		const other = await test.connect(url);
		try {
			await other.query(`BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}, 0)`);
			// Long enough for the other statements of the migration, also on a busy machine.
			const limits = { statementTimeoutMs: 1_000, lockTimeoutMs: 1_000 };
			const waiting = migrate(open(url, limits), 1, [{ id: 1, name: "slow", sql: "SELECT pg_sleep(2)", worksWith: 1 }]);
			// Until it would have been given up.
			await other.query("SELECT pg_sleep(2)");
			await other.query("COMMIT");
			await waiting;
			expect(await test.server.query("SELECT id FROM migrations", url)).toEqual([{ id: 1 }]);
		} finally {
			await other.end();
		}
	});

	it("lets others use a table that it can't change now, and changes it when it can", async () => {
		const url = await test.server.createDatabase();
		const database = open(url);
		const known = readMigrations();
		await migrate(database, 1, known);
		const other = await test.connect(url);
		try {
			// As a dump does.
			await other.query("BEGIN; LOCK TABLE projects IN ACCESS SHARE MODE");
			const sql = "ALTER TABLE projects ADD COLUMN flag boolean";
			const migrating = migrate(database, 1, [...known, { id: known.length + 1, name: "flag", sql, worksWith: 1 }]);
			await waitsFor(url, "ALTER TABLE projects");
			// It waits behind the migration, which gives up first.
			await test.server.query("SELECT id FROM projects", url);
			await waitsFor(url, "SELECT pg_sleep");
			await other.query("COMMIT");
			await migrating;
			expect(await test.server.query("SELECT flag FROM projects", url)).toEqual([]);
		} finally {
			await other.end();
		}
	});

	const waitsFor = (url: string, statement: string) =>
		expect
			.poll(
				() =>
					test.server.query(
						`SELECT 1 FROM pg_stat_activity WHERE query LIKE '${statement}%' AND state = 'active'`,
						url,
					),
				{
					interval: 20,
				},
			)
			.toHaveLength(1);
});
