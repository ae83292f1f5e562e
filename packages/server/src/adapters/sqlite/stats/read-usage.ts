// Usage: the bytes of projects, from memory, and the room of the volume.
import { statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import type { StoreUsage, Volume } from "../../../ports/store/usage.ts";
import { number } from "../codec/rows.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import type { StoredTotals } from "./stored-totals.ts";

const MEMORY = ":memory:";

/** Prepares the calls of `UsageStore`. `path` is that of the database. */
export function createUsageCalls(db: DatabaseSync, path: string, { projects }: Numbers, stored: StoredTotals) {
	const heldBytes = createHeldBytes(db);
	return {
		usage(projectIds: readonly string[]): StoreUsage {
			const bytesOf = (projectId: string): number => {
				const project = projects.find(projectId);
				return project === null ? 0 : stored.of(project.number);
			};
			return {
				projects: projectIds.map(bytesOf),
				total: stored.total,
				largest: largestOf(projects, stored),
				...fileSizes(path),
				heldBytes: path === MEMORY ? null : heldBytes(),
				volume: volumeOf(path),
			};
		},
	};
}

function largestOf(projects: Numbers["projects"], stored: StoredTotals): StoreUsage["largest"] {
	const largest = stored.largest();
	const project = largest === null ? null : projects.atOrNull(largest.project);
	return largest === null || project === null ? null : { projectId: project.id, bytes: largest.bytes };
}

/** The database with its write-ahead log, and the latter alone. */
function fileSizes(path: string): Pick<StoreUsage, "fileBytes" | "walBytes"> {
	if (path === MEMORY) return { fileBytes: null, walBytes: null };
	const [database, walBytes] = [sizeOf(path), sizeOf(`${path}-wal`)];
	return { fileBytes: database + walBytes, walBytes };
}

/** Prepares the reading of how many bytes the pages take that are in use. SQLite keeps these numbers with the database. */
function createHeldBytes(db: DatabaseSync): () => number {
	const select = db.prepare(`
		SELECT (page_count - freelist_count) * page_size AS bytes
		FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()
	`);
	return () => number(select.get()?.["bytes"]);
}

function sizeOf(file: string): number {
	return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function volumeOf(path: string): Volume | null {
	if (path === MEMORY) return null;
	const { blocks, bavail, bsize } = statfsSync(resolve(dirname(path)));
	return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
}
