// How many bytes each project has in the store: the table `stored_bytes`, and in memory the same with what is in the journal only.
//
// A sum is changed in the transaction that inserts or deletes, as part of the journal of the stats: so it is never read from the rows, and
// right after a crash. It is exact in what it counts: bodies, records of attempts, tags, idempotency keys and customers, and a fixed
// number for each event and each delivery (core/policies/quota.ts). Pages and indexes are not counted exactly, so the file is a little larger or smaller.
import type { DatabaseSync } from "node:sqlite";

import { STORED_COPIES_OF_TAGS, STORED_DELIVERY_BYTES, STORED_EVENT_BYTES } from "../../../core/policies/quota.ts";
import { number } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";

/** By the numbers of projects. */
export class StoredTotals {
	readonly #byProject = new Map<number, number>();
	#total = 0;

	/** Reads the table. `changes` are those that are not in it. */
	constructor(db: DatabaseSync, changes: ReadonlyMap<number, number>) {
		const select = db.prepare(`
			SELECT number, coalesce(bytes, 0) AS bytes FROM projects LEFT JOIN stored_bytes ON stored_bytes.project = projects.number
		`);
		for (const row of select.iterate()) {
			const project = number(row["number"]);
			this.#set(project, number(row["bytes"]) + (changes.get(project) ?? 0));
		}
	}

	get total(): number {
		return this.#total;
	}

	of(project: number): number {
		return this.#byProject.get(project) ?? 0;
	}

	/** The project with the most bytes; null if there are none. */
	largest(): { readonly project: number; readonly bytes: number } | null {
		let largest: { project: number; bytes: number } | null = null;
		for (const [project, bytes] of this.#byProject) {
			if (largest === null || bytes > largest.bytes) largest = { project, bytes };
		}
		return largest;
	}

	/** Adds changes that are committed. */
	add(changes: ReadonlyMap<number, number>): void {
		for (const [project, bytes] of changes) this.#set(project, this.of(project) + bytes);
	}

	#set(project: number, bytes: number): void {
		this.#total += bytes - this.of(project);
		if (bytes === 0) this.#byProject.delete(project);
		else this.#byProject.set(project, bytes);
	}
}

/** Prepares adding changes to the table. `exists` says whether a project is still there. */
export function createAddStored(
	db: DatabaseSync,
	exists: (project: number) => boolean,
): (changes: ReadonlyMap<number, number>) => void {
	const add = db.prepare(`
		INSERT INTO stored_bytes (project, bytes) VALUES (?, ?) ON CONFLICT (project) DO UPDATE SET bytes = bytes + excluded.bytes
	`);
	return (changes) => {
		for (const [project, bytes] of changes) if (exists(project)) add.run(project, bytes);
	};
}

/**
 * Counts what an earlier version has stored, once, before the store is used. It reads all rows, though not the long bodies: seconds for a
 * million deliveries. Each row is added to its project's sum at once: `GROUP BY` would sort the rows, and keep every body in memory for that.
 */
export function countStored(db: DatabaseSync, transact: Transact): void {
	if (number(db.prepare("SELECT bytes_counted FROM stats_state").get()?.["bytes_counted"]) === 1) return;
	transact(() => {
		db.exec("DELETE FROM stored_bytes");
		for (const rows of STORED_ROWS) {
			db.exec(`
				INSERT INTO stored_bytes (project, bytes) ${rows} WHERE true
				ON CONFLICT (project) DO UPDATE SET bytes = bytes + excluded.bytes
			`);
		}
		db.exec("UPDATE stats_state SET bytes_counted = 1");
	});
}

/** SQL for what each row counts, with the number of its project. */
const STORED_ROWS = [
	`
		SELECT project, octet_length(body) + ${STORED_EVENT_BYTES} + coalesce(octet_length(tags) * ${STORED_COPIES_OF_TAGS}, 0)
			+ coalesce(details ->> 'counted', 0) AS bytes
		FROM events NOT INDEXED
	`,
	`SELECT project, ${STORED_DELIVERY_BYTES} AS bytes FROM open NOT INDEXED`,
	`SELECT project, ${STORED_DELIVERY_BYTES} + coalesce(octet_length(attempt), 0) AS bytes FROM deliveries NOT INDEXED`,
	`
		SELECT project, octet_length(attempts.attempt) AS bytes
		FROM attempts CROSS JOIN deliveries ON deliveries.seq = attempts.delivery
	`,
];

/** SQL for the bytes of each project, by its number, as the rows have them. For tests of small stores: it sorts all rows. */
export const STORED_SQL = `SELECT project, sum(bytes) AS bytes FROM (${STORED_ROWS.join(" UNION ALL ")}) GROUP BY project`;
