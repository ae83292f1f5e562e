// Gives free pages of the database file back to the file system.
import type { DatabaseSync } from "node:sqlite";

import { countOf } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";

/** This fraction of the file stays free for new data, which would otherwise enlarge the file again at once. */
const KEPT_FRACTION = 1 / 16;

/** Prepares `releaseSpace`. The file itself is truncated at the next checkpoint. */
export function createReleaseSpace(db: DatabaseSync): (maxBytes: number) => number {
	const read = (name: "page_size" | "page_count" | "freelist_count"): number =>
		countOf(db.prepare(`SELECT ${name} AS count FROM pragma_${name}`).get());

	return (maxBytes) => {
		const [pageBytes, free] = [read("page_size"), read("freelist_count")];
		const spare = free - Math.ceil(read("page_count") * KEPT_FRACTION);
		const pages = Math.min(spare, Math.ceil(maxBytes / pageBytes));
		// A loss of power can only bring free pages back.
		if (pages > 0) inBackground(db, () => db.exec(`PRAGMA incremental_vacuum(${Math.trunc(pages)})`));
		// A file that was created without `auto_vacuum` keeps its free pages and reuses them.
		const released = free - read("freelist_count");
		if (released <= 0) emptyWal(db);
		return Math.max(0, released) * pageBytes;
	};
}

/** Empties the WAL, which contains erased data until it is overwritten. Does nothing while another process reads the file. */
function emptyWal(db: DatabaseSync): void {
	const timeoutMs = countOf(db.prepare("SELECT timeout AS count FROM pragma_busy_timeout").get());
	db.exec("PRAGMA busy_timeout = 0");
	try {
		db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
	} finally {
		db.exec(`PRAGMA busy_timeout = ${timeoutMs}`);
	}
}
