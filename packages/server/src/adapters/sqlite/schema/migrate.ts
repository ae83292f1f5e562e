// Brings the schema to what this program knows. A migration is a file migrations/NNNN-name.sql and never changes once released.
import { readdirSync, readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../../ports/store/errors.ts";
import { createTransact } from "../connection.ts";

export interface Migration {
	readonly id: number;
	readonly name: string;
	readonly sql: string;
}

const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** The migrations that come with this program, in order. */
export function readMigrations(folder: URL = FOLDER): Migration[] {
	const migrations: Migration[] = [];
	for (const file of readdirSync(folder).sort()) {
		const [, number, name] = FILE_NAME.exec(file) ?? [];
		if (number === undefined || name === undefined) continue;
		migrations.push({ id: Number(number), name, sql: readFileSync(new URL(file, folder), "utf8") });
	}
	return migrations;
}

/**
 * Applies what is missing, each migration in its own transaction that first claims the migration's id.
 * Refuses data that a newer program has written.
 */
export function migrate(db: DatabaseSync, now: number, migrations: readonly Migration[] = readMigrations()): void {
	const transact = createTransact(db);
	transact(() => db.exec(MIGRATIONS_TABLE));
	const applied = appliedMigration(db);
	const known = migrations.at(-1)?.id ?? 0;
	if (applied > known) {
		throw new StoreError(
			"store_unavailable",
			`this data was written by a newer Fanfare (schema ${applied}, this program knows ${known}): run that version or restore a backup`,
		);
	}
	const claim = db.prepare("INSERT INTO migrations (id, name, apply_date) VALUES (?, ?, ?)");
	for (const { id, name, sql } of migrations) {
		if (id <= applied) continue;
		transact(() => {
			claim.run(id, name, now);
			db.exec(sql);
		});
	}
}

const MIGRATIONS_TABLE = `
	CREATE TABLE IF NOT EXISTS migrations (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL,
		apply_date INTEGER NOT NULL
	) STRICT
`;

function appliedMigration(db: DatabaseSync): number {
	const row = db.prepare("SELECT coalesce(max(id), 0) AS id FROM migrations").get();
	return Number(row?.["id"]);
}
