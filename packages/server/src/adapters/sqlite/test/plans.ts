// Databases in memory, and how their statements are made, for tests of what a read costs.
import type { DatabaseSync } from "node:sqlite";

import { openConnection } from "../connection.ts";
import { upgrade } from "../schema/upgrade.ts";

/** A database with the newest schema. */
export function openMemory(): DatabaseSync {
	const db = openConnection({ path: ":memory:" });
	upgrade(db, { path: ":memory:", now: 0, onProgress: () => {} });
	return db;
}

/** The steps of the plan of a statement. */
export function planOf(db: DatabaseSync, sql: string, prepare = db.prepare.bind(db)): string[] {
	return prepare(`EXPLAIN QUERY PLAN ${sql}`)
		.all()
		.map(({ detail }) => String(detail));
}

/** Notes the steps of each statement that is prepared from now on. */
export function notePlans(db: DatabaseSync): string[] {
	const steps: string[] = [];
	const prepare = db.prepare.bind(db);
	db.prepare = (sql) => {
		steps.push(...planOf(db, sql, prepare));
		return prepare(sql);
	};
	return steps;
}
