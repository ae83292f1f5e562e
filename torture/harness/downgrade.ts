// Takes a data directory back to an older schema, with the rows of all tables and columns that the older schema has.
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { migrate, readMigrations } from "../../packages/server/src/adapters/sqlite/schema/migrate.ts";

interface Column {
	readonly name: string;
	readonly isRequired: boolean;
	readonly isText: boolean;
}

/** The number of migrations. */
export function migrationCount(): number {
	return readMigrations().length;
}

/** Leaves the directory as a Fanfare with only the first `version` migrations would have it. No server may use it. */
export function downgrade(dataDir: string, version: number): void {
	const path = join(dataDir, "fanfare.db");
	const olderPath = join(dataDir, "older.db");
	const db = new DatabaseSync(olderPath, { enableForeignKeyConstraints: false });
	try {
		db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
		migrate(db, Date.now(), readMigrations().slice(0, version));
		db.exec(`ATTACH '${path.replaceAll("'", "''")}' AS newer`);
		db.exec("BEGIN");
		for (const table of tablesOf(db, "main")) {
			if (table !== "migrations" && tablesOf(db, "newer").includes(table)) copyRows(db, table);
		}
		db.exec("COMMIT; DETACH newer; PRAGMA wal_checkpoint(TRUNCATE)");
	} finally {
		db.close();
	}
	for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
	renameSync(olderPath, path);
}

function copyRows(db: DatabaseSync, table: string): void {
	const known = new Set(columnsOf(db, "newer", table).map(({ name }) => name));
	const columns = columnsOf(db, "main", table);
	const values = columns.map(({ name, isRequired, isText }) => {
		if (known.has(name)) return `"${name}"`;
		if (!isRequired) return "NULL";
		return isText ? "'{}'" : "0";
	});
	const names = columns.map(({ name }) => `"${name}"`).join(", ");
	db.exec(`DELETE FROM main."${table}"`);
	db.exec(`INSERT INTO main."${table}" (${names}) SELECT ${values.join(", ")} FROM newer."${table}"`);
}

function tablesOf(db: DatabaseSync, schema: string): string[] {
	const sql = `SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`;
	return db
		.prepare(sql)
		.all()
		.map(({ name }) => String(name));
}

function columnsOf(db: DatabaseSync, schema: string, table: string): Column[] {
	return db
		.prepare(`PRAGMA ${schema}.table_info("${table}")`)
		.all()
		.map((row) => ({
			name: String(row["name"]),
			isRequired: Number(row["notnull"]) === 1 || Number(row["pk"]) > 0,
			isText: String(row["type"]) === "TEXT",
		}));
}
