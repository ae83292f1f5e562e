// Copies a database that others write meanwhile, and checks a copy.
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../../ports/store/errors.ts";
import { IDENTITY } from "../codec/workspace-rows.ts";
import { readMigrations } from "../schema/migrate.ts";

/** What a copy contains. */
export interface DatabaseContents {
	/** The last migration that was applied to it. */
	readonly schemaVersion: number;
	/** The last migration that this program knows. */
	readonly knownVersion: number;
	readonly workspaceId: string;
	/** The fingerprint of the master key that the copy's secrets are encrypted under. */
	readonly masterKeyFingerprint: string;
}

/**
 * Copies the database into the file `target`, which must be empty: all that was committed when the copying begins, in one read
 * transaction. Meanwhile the write-ahead log can't begin anew, so it grows by what others write. The source is only read. The copy
 * has no free pages, and is one file without a log. It is not synced to the disk.
 *
 * Measured with a store of 520 MB and 800 sends a second on two cores: 1.8 s, in which the log grew from 4 to 22–28 MB. The backup
 * calls of SQLite were no faster in one step (1.7 s), and in several steps they begin again with each commit of another process, so
 * that they never end.
 */
export function copyDatabase(source: string, target: string): void {
	const db = new DatabaseSync(source, { readOnly: true });
	try {
		// The caller syncs the copy when the transaction has ended. Nothing else is written by this connection.
		db.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384");
		db.prepare("VACUUM INTO ?").run(target);
	} finally {
		db.close();
	}
}

/** Reads all of a file, and throws a `StoreError` if it is damaged, no database of Fanfare's, or of a newer version. */
export function checkDatabase(path: string): DatabaseContents {
	const db = new DatabaseSync(path, { readOnly: true });
	try {
		const result = String(db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"]);
		if (result !== "ok") throw unusable(`it is damaged (${result.replaceAll(/\s+/g, " ")})`);
		return readContents(db);
	} finally {
		db.close();
	}
}

function readContents(db: DatabaseSync): DatabaseContents {
	const tables = db.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE name IN ('migrations', 'workspace')");
	if (tables.get()?.["count"] !== 2) throw unusable("it is a database of another program");
	const schemaVersion = Number(db.prepare("SELECT coalesce(max(id), 0) AS id FROM migrations").get()?.["id"]);
	const knownVersion = readMigrations().at(-1)?.id ?? 0;
	if (schemaVersion > knownVersion) {
		throw unusable(
			`a newer Fanfare has written it (schema ${schemaVersion}, this program knows ${knownVersion}): use the command of that version`,
		);
	}
	const row = db.prepare("SELECT * FROM workspace").get();
	if (row === undefined) throw unusable("it is empty: no server has completed its first start on it");
	const { workspace, masterKeyFingerprint } = IDENTITY.read(row);
	return { schemaVersion, knownVersion, workspaceId: workspace.id, masterKeyFingerprint };
}

function unusable(why: string): StoreError {
	return new StoreError("store_unavailable", why);
}
