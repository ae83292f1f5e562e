// Gives free pages of the database file back to the file system.
import type { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../../../ports/store/errors.ts";
import { countOf } from "../../codec/rows.ts";
import { emptyWal, inBackground } from "../../connection.ts";

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
		if (released <= 0 && !emptyWal(db) && maxBytes === 0) {
			throw new StoreError("store_unavailable", "another program reads the store, so nothing can be overwritten yet");
		}
		return Math.max(0, released) * pageBytes;
	};
}
