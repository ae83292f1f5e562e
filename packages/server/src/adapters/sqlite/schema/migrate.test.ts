// Migrations are applied completely or not at all, in order and once; newer data is refused; schema.sql makes the same.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import { FIRST_VERSION } from "../../../core/workspace.ts";
import { changeWebhook } from "../../../ports/contract/store/records/records.ts";
import { allWebhooks, changesSince, summaryOf } from "../../../ports/contract/store/records/webhooks.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { migrate, readMigrations, type Migration } from "./migrate.ts";
import { upgrade } from "./upgrade.ts";

const FIRST: Migration = { id: 1, name: "first", sql: "CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1)" };
const SECOND: Migration = { id: 2, name: "second", sql: "ALTER TABLE a ADD COLUMN m INTEGER; UPDATE a SET m = n + 1" };
const BROKEN: Migration = {
	id: 2,
	name: "broken",
	sql: "CREATE TABLE b (n INTEGER) STRICT; INSERT INTO nowhere VALUES (1)",
};

const HOW_TO_UPDATE =
	"If the change is intended, generate the file again and check the difference: " +
	"UPDATE_SCHEMA=1 npx vitest run packages/server/src/adapters/sqlite/schema/migrate.test.ts && git diff";

function tables(db: DatabaseSync): unknown[] {
	return db
		.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
		.all()
		.map((row) => row["name"]);
}

describe("migrations", () => {
	it("are applied in order, once, and are recorded with their date", () => {
		using db = new DatabaseSync(":memory:");
		migrate(db, 100, [FIRST]);
		migrate(db, 200, [FIRST, SECOND]);
		migrate(db, 300, [FIRST, SECOND]);
		expect(db.prepare("SELECT n, m FROM a").all()).toMatchObject([{ n: 1, m: 2 }]);
		expect(db.prepare("SELECT id, name, apply_date FROM migrations").all()).toMatchObject([
			{ id: 1, name: "first", apply_date: 100 },
			{ id: 2, name: "second", apply_date: 200 },
		]);
	});

	it("leave nothing behind if one fails halfway, and can be applied when it is fixed", () => {
		using db = new DatabaseSync(":memory:");
		expect(() => migrate(db, 100, [FIRST, BROKEN])).toThrow("nowhere");
		expect(tables(db)).toEqual(["a", "migrations"]);
		migrate(db, 200, [FIRST, SECOND]);
		expect(db.prepare("SELECT id FROM migrations").all()).toMatchObject([{ id: 1 }, { id: 2 }]);
	});

	it("are numbered from 1 without a gap", () => {
		const ids = readMigrations().map(({ id }) => id);
		expect(ids).toEqual(ids.map((_, index) => index + 1));
		expect(ids.length).toBeGreaterThan(0);
	});

	it("refuse data of a newer program, and say what to do", async () => {
		using dir = new TemporaryDir(fastParent());
		const path = dir.join("newer.db");
		const known = readMigrations().at(-1)?.id ?? 0;
		await (await openSqliteStore({ path })).close();
		using db = new DatabaseSync(path);
		db.exec(`INSERT INTO migrations (id, name, apply_date) VALUES (${known + 3}, 'of-tomorrow', 0)`);
		db.close();
		await expect(openSqliteStore({ path })).rejects.toMatchObject({
			name: "StoreError",
			code: "store_unavailable",
			message: `this data was written by a newer Fanfare (schema ${known + 3}, this program knows ${known}): run that version or restore a backup`,
		});
	});

	it("keep the retry policy of a stored webhook, even if the default has changed since", () => {
		using db = new DatabaseSync(":memory:");
		const [initial, ...later] = readMigrations();
		migrate(db, 0, [initial!]);
		db.exec(`
			INSERT INTO projects (id, workspace_id, name, create_date) VALUES (zeroblob(16), zeroblob(16), 'p', 0);
			INSERT INTO webhooks VALUES (zeroblob(16), zeroblob(16), 'old', NULL, 'https://example.com/', 3, 15000, NULL, 15000, '{}', 0,
				NULL, '[]', NULL, '', 0, 0, NULL);
		`);
		migrate(db, 0, [initial!, ...later]);
		expect(db.prepare("SELECT name, max_retries, max_backoff_ms FROM webhooks").all()).toMatchObject([
			{ name: "old", max_retries: 3, max_backoff_ms: 15_000 },
		]);
	});

	it("give the records of version 0.1 the first revision, on which they can be changed", async () => {
		using fixture = openDataFixture("0.1");
		const store = await openSqliteStore({ path: join(fixture.dataDir, "fanfare.db") });
		const { workspace, projects } = await store.directoryVersions();
		expect(new Set([workspace, ...projects.map(({ version }) => version)])).toEqual(new Set([FIRST_VERSION]));
		const records = await allWebhooks(store);
		expect(records.length).toBeGreaterThan(0);
		for (const { projectId } of projects) {
			const { project, webhooks } = await changesSince(store, projectId, 0);
			const types = await store.eventTypes(projectScope(projectId), null, { limit: 100, cursor: null });
			const revisions = [project, ...webhooks, ...types.rows].map((each) => each?.revision);
			expect(new Set(revisions)).toEqual(new Set([FIRST_VERSION]));
			const known = records.filter((record) => record.projectId === projectId && record.deleteDate === null);
			expect(webhooks).toEqual(expect.arrayContaining(known.map(summaryOf)));
			expect((await changesSince(store, projectId, FIRST_VERSION)).webhooks).toEqual([]);
		}
		// What was there before limits existed is counted.
		const live = records.filter(({ deleteDate }) => deleteDate === null);
		const counted = await store.projectsOverLimits({ maxWebhooks: 0, maxWebhookBytes: 0 }, projects.length);
		expect(counted.projects.reduce((sum, { webhooks }) => sum + webhooks, 0)).toBe(live.length);
		expect(counted.projects.filter(({ webhooks, webhookBytes }) => webhookBytes < 30 * webhooks)).toEqual([]);
		const enabled = records.find(({ deleteDate }) => deleteDate === null);
		expect(await changeWebhook(store, enabled!, { name: "Renamed" })).toMatchObject({ revision: FIRST_VERSION + 1 });
		await store.close();
	});

	it("make what a new database gets from schema.sql at once", () => {
		using migrated = new DatabaseSync(":memory:");
		migrate(migrated, 0, readMigrations().slice(0, 1));
		upgrade(migrated, { path: ":memory:", now: 0 });
		const dump = dumpSchema(migrated);
		const file = new URL("./schema.sql", import.meta.url);
		if (process.env["UPDATE_SCHEMA"] === "1") writeFileSync(file, dump);
		const differs = readFileSync(file, "utf8") !== dump;
		expect(differs ? `schema.sql is not the schema that the migrations make. ${HOW_TO_UPDATE}` : "").toBe("");

		using created = new DatabaseSync(":memory:");
		upgrade(created, { path: ":memory:", now: 0 });
		expect(contents(created)).toEqual(contents(migrated));
	});
});

const ALL = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid";

/** Everything in a database: its tables and indexes in their order, on which plans can depend, and all rows. */
function contents(db: DatabaseSync): unknown {
	const rows = tables(db).map((table) => [table, db.prepare(`SELECT * FROM "${String(table)}"`).all()]);
	return { schema: db.prepare(ALL).all(), rows };
}

function dumpSchema(db: DatabaseSync): string {
	const made = db.prepare(ALL).all();
	const statements = made.flatMap(({ name, sql }) =>
		sql === null || name === "migrations" ? [] : [`${String(sql)};\n`],
	);
	const inserts = tables(db).flatMap((table) => {
		if (table === "migrations") return [];
		const rows = db.prepare(`SELECT * FROM "${String(table)}"`).all();
		return rows.map(
			(row) =>
				`INSERT INTO ${String(table)} (${Object.keys(row).join(", ")}) VALUES (${Object.values(row).map(String).join(", ")});\n`,
		);
	});
	return [HEAD, ...statements, ...inserts].join("\n");
}

const HEAD =
	"-- What a new database gets. Generated from migrations/ by migrate.test.ts, in the order in which they make it.\n";
