// Gives free pages of the file back to the file system.
import type { DatabaseSync } from "node:sqlite";

import { countOf } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";

/** This part of the file is kept free for what comes next: what is filled again at once need not be given back first. */
const KEPT_PART = 1 / 16;

/** Prepares `releaseSpace`. The file itself gets shorter with a checkpoint. */
export function createReleaseSpace(db: DatabaseSync): (maxBytes: number) => number {
	const read = (name: "page_size" | "page_count" | "freelist_count"): number =>
		countOf(db.prepare(`SELECT ${name} AS count FROM pragma_${name}`).get());

	return (maxBytes) => {
		const [pageBytes, free] = [read("page_size"), read("freelist_count")];
		const spare = free - Math.ceil(read("page_count") * KEPT_PART);
		const pages = Math.min(spare, Math.ceil(maxBytes / pageBytes));
		// A loss of power brings free pages back, and nothing else.
		if (pages > 0) inBackground(db, () => db.exec(`PRAGMA incremental_vacuum(${Math.trunc(pages)})`));
		// A file that was made before `auto_vacuum` keeps its free pages, for itself.
		const released = free - read("freelist_count");
		if (released <= 0) emptyLog(db);
		return Math.max(0, released) * pageBytes;
	};
}

/** What was erased stands in the log until it is overwritten there. Not waited for if somebody else reads the file. */
function emptyLog(db: DatabaseSync): void {
	const timeoutMs = countOf(db.prepare("SELECT timeout AS count FROM pragma_busy_timeout").get());
	db.exec("PRAGMA busy_timeout = 0");
	try {
		db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
	} finally {
		db.exec(`PRAGMA busy_timeout = ${timeoutMs}`);
	}
}
