// Brings a database to the form that this program uses: first its schema, then its rows.
import type { DatabaseSync } from "node:sqlite";

import { createTransact } from "../connection.ts";
import { countStored } from "../stats/stored-totals.ts";
import { requireDiskSpace } from "./disk-space.ts";
import { appliedMigration, createSchema, migrate } from "./migrate.ts";
import { moveRows, type MoveOptions, type MoveProgress } from "./move-rows.ts";

/** The migration that makes new tables for the rows of former ones. */
export const NEW_TABLES = 10;

export interface UpgradeOptions extends MoveOptions {
	/** The path of the database file, or ":memory:". */
	readonly path: string;
	/** The date of the upgrade, in milliseconds since the epoch. */
	readonly now: number;
	/** The free bytes of the disk with a directory. For tests. */
	readonly freeBytes?: (dir: string) => number;
}

/**
 * Throws a `StoreError` if the data was written by a newer program, or if the disk has too little room to move the rows. Nothing
 * has changed then.
 */
export function upgrade(db: DatabaseSync, options: UpgradeOptions): void {
	const { path, now, onProgress, freeBytes } = options;
	if (appliedMigration(db) === 0) {
		createSchema(db, now);
		return;
	}
	if (hasFormerRows(db)) {
		requireDiskSpace(path, freeBytes);
		onProgress?.(NOT_BEGUN);
		withoutOverwriting(db, () => migrate(db, now));
	} else migrate(db, now);
	moveRows(db, options);
	countStored(db, createTransact(db));
}

/**
 * The migration deletes large indexes, which contain no payloads. Overwriting them would make the write-ahead log as long as they
 * are. The former rows are overwritten when they are moved.
 */
function withoutOverwriting(db: DatabaseSync, work: () => void): void {
	db.exec("PRAGMA secure_delete = FAST");
	try {
		work();
	} finally {
		db.exec("PRAGMA secure_delete = ON");
	}
}

const NOT_BEGUN: MoveProgress = { moved: 0, total: null };

/** Whether there are rows that must be moved, and none of them is. */
function hasFormerRows(db: DatabaseSync): boolean {
	return appliedMigration(db) < NEW_TABLES && db.prepare("SELECT 1 FROM events LIMIT 1").get() !== undefined;
}
