// Migrates the schema to the newest version. A migration is a file migrations/NNNN-name.sql, which never changes once released.
import { readdirSync, readFileSync } from "node:fs";

import { StoreError } from "../../../ports/store/errors.ts";
import { number } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { SCHEMA_LOCK } from "../connection/locks.ts";
import type { Session } from "../connection/session.ts";

export interface Migration {
	readonly id: number;
	readonly name: string;
	readonly sql: string;
}

const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** Reads the migrations of this program, in order. */
export function readMigrations(folder: URL = FOLDER): Migration[] {
	const migrations: Migration[] = [];
	for (const file of readdirSync(folder).sort()) {
		const [, id, name] = FILE_NAME.exec(file) ?? [];
		if (id === undefined || name === undefined) continue;
		migrations.push({ id: Number(id), name, sql: readFileSync(new URL(file, folder), "utf8") });
	}
	return migrations;
}

const CREATE_MIGRATIONS = statement(`
	CREATE TABLE IF NOT EXISTS migrations (id integer PRIMARY KEY, name text NOT NULL, apply_date bigint NOT NULL)
`);
const SELECT_APPLIED = statement("SELECT coalesce(max(id), 0) AS id FROM migrations");
const INSERT_MIGRATION = statement("INSERT INTO migrations (id, name, apply_date) VALUES ($1, $2, $3)");
const LOCK = `SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}, 0)`;
/** Another process may be migrating for a while. */
const WAIT = statement("SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)");

/**
 * Applies the migrations that are missing, each in a transaction of its own. Of several processes that start at once, one applies each
 * migration, and the others wait. `now` is recorded as their date. Throws a `StoreError` if the data was written by a newer program.
 */
export async function migrate(
	database: Database,
	now: number,
	migrations: readonly Migration[] = readMigrations(),
): Promise<void> {
	const applied = await database.define(async (session) => {
		await lock(session);
		await session.run(CREATE_MIGRATIONS);
		return appliedMigration(session);
	});
	const known = migrations.at(-1)?.id ?? 0;
	if (applied > known) {
		throw new StoreError(
			"store_unavailable",
			`this database was written by a newer Fanfare (schema ${applied}, this program knows ${known}): run that version or restore a backup`,
		);
	}
	for (const { id, name, sql } of migrations) {
		if (id <= applied) continue;
		await database.define(async (session) => {
			await lock(session);
			if ((await appliedMigration(session)) >= id) return;
			await session.run(INSERT_MIGRATION, [id, name, now]);
			// A statement without parameters can be several.
			await session.longScript(sql);
		});
	}
}

/** Taken by the statement after the settings, so that it waits as long as it takes. */
export async function lock(session: Session): Promise<void> {
	await session.run(WAIT);
	await session.longScript(LOCK);
}

async function appliedMigration(session: Session): Promise<number> {
	const [row] = await session.run(SELECT_APPLIED);
	return number(row?.["id"]);
}
