// Migrates the schema to the newest version. A migration is a file migrations/NNNN-name.sql, which never changes once released. A new
// database gets what all of them would make from schema.sql, at once.
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
const SCHEMA = new URL("./schema.sql", import.meta.url);
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** Reads the migrations of this program, in order. */
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
 * Applies the migrations that are missing, each in a transaction that first inserts the migration's id. `now` is recorded as their
 * date. Throws a `StoreError` if the data was written by a newer program.
 */
export function migrate(db: DatabaseSync, now: number, migrations: readonly Migration[] = readMigrations()): void {
	const transact = createTransact(db);
	const applied = appliedMigration(db);
	const known = migrations.at(-1)?.id ?? 0;
	if (applied > known) {
		throw new StoreError(
			"store_unavailable",
			`this data was written by a newer Fanfare (schema ${applied}, this program knows ${known}): run that version or restore a backup`,
		);
	}
	const record = createRecord(db, now);
	for (const migration of migrations) {
		if (migration.id <= applied) continue;
		transact(() => {
			record(migration);
			db.exec(migration.sql);
		});
	}
}

/** Makes the schema of a database to which no migration was applied, in one transaction. `now` is the date of all migrations then. */
export function createSchema(db: DatabaseSync, now: number): void {
	const schema = readFileSync(SCHEMA, "utf8");
	const record = createRecord(db, now);
	createTransact(db)(() => {
		db.exec(schema);
		for (const migration of readMigrations()) record(migration);
	});
}

function createRecord(db: DatabaseSync, now: number): (migration: Migration) => void {
	const insert = db.prepare("INSERT INTO migrations (id, name, apply_date) VALUES (?, ?, ?)");
	return ({ id, name }) => void insert.run(id, name, now);
}

const MIGRATIONS_TABLE = `
	CREATE TABLE IF NOT EXISTS migrations (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL,
		apply_date INTEGER NOT NULL
	) STRICT
`;

/** The last migration that was applied; 0 if the database is new. */
export function appliedMigration(db: DatabaseSync): number {
	db.exec(MIGRATIONS_TABLE);
	const row = db.prepare("SELECT coalesce(max(id), 0) AS id FROM migrations").get();
	return Number(row?.["id"]);
}
