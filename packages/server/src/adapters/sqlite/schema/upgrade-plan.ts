// What an upgrade of a store would do, without doing it: how many rows it moves, and how much room it needs.
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../../ports/store/errors.ts";
import { countOf } from "../codec/rows.ts";
import { diskSpaceFor } from "./disk-space.ts";
import { readMigrations } from "./migrate.ts";
import { isMoving } from "./move/end-move.ts";
import { NEW_TABLES } from "./upgrade.ts";

/** A plan of an upgrade. */
export interface UpgradePlan {
	/** The schema of the data, and the one of this program. */
	readonly schemaVersion: number;
	readonly knownVersion: number;
	/** Events and deliveries that must be moved; 0 if none must. */
	readonly rows: number;
	readonly usedBytes: number;
	/** The most that is needed beside that while rows are moved; 0 if none are. */
	readonly neededBytes: number;
	readonly freeBytes: number;
}

/** Reads the plan, and changes nothing. Throws a `StoreError` if a newer program has written the data. A server may be running. */
export function planUpgrade(path: string): UpgradePlan {
	const db = new DatabaseSync(path, { readOnly: true });
	try {
		const applied = db.prepare("SELECT coalesce(max(id), 0) AS count FROM migrations").get();
		const schemaVersion = countOf(applied);
		const knownVersion = readMigrations().at(-1)?.id ?? 0;
		if (schemaVersion > knownVersion) {
			throw new StoreError(
				"store_unavailable",
				`this data was written by a newer Fanfare (schema ${schemaVersion}, this program knows ${knownVersion}): use the command of that version`,
			);
		}
		const prefix = isMoving(db) ? "former_" : schemaVersion < NEW_TABLES ? "" : null;
		const rows = prefix === null ? 0 : countRows(db, prefix);
		const { used, needed, free } = diskSpaceFor(path);
		return {
			schemaVersion,
			knownVersion,
			rows,
			usedBytes: used,
			neededBytes: rows === 0 ? 0 : needed,
			freeBytes: free,
		};
	} finally {
		db.close();
	}
}

function countRows(db: DatabaseSync, prefix: "" | "former_"): number {
	const select = db.prepare(
		`SELECT (SELECT count(*) FROM ${prefix}events) + (SELECT count(*) FROM ${prefix}deliveries) AS count`,
	);
	return countOf(select.get());
}
