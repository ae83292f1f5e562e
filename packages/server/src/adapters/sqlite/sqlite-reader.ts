// The calls of the store that only read, on a connection of their own: each in one snapshot, beside the connection that writes.
import type { DatabaseSync } from "node:sqlite";

import type { ReadName } from "../../ports/store/reads/read-owners.ts";
import { createAuditReads } from "./calls/audit.ts";
import { createCustomerReads } from "./calls/customers/customers.ts";
import { createDirectoryReads } from "./calls/directory.ts";
import { createPortalSessionReads } from "./calls/directory/portal-sessions.ts";
import { createLogCalls } from "./calls/log.ts";
import { createRelayReads } from "./calls/relays/relays.ts";
import { createReplayReads } from "./calls/replays.ts";
import { createStatsReads } from "./calls/stats.ts";
import { openReadConnection } from "./connection.ts";
import { SnapshotView, type LogView } from "./deliveries/log-view.ts";
import type { PulledInNote } from "./deliveries/pulled-in.ts";
import { JournalReader } from "./stats/journal-reader.ts";
import type { RecentStats } from "./stats/stats-journal.ts";

/** Prepares the calls that a reader can make. */
export function createReads(db: DatabaseSync, view: LogView, recent: RecentStats) {
	return {
		...createLogCalls(db, view),
		...createDirectoryReads(db),
		...createCustomerReads(db),
		...createRelayReads(db),
		...createPortalSessionReads(db),
		...createReplayReads(db, view),
		...createStatsReads(db, view.numbers, recent),
		...createAuditReads(db),
	} satisfies Readonly<Record<ReadName, unknown>>;
}

export interface SqliteReader {
	/** Makes a call by its name, in a snapshot that begins now. Its errors are the driver's: see `toStoreError`. */
	readonly read: (name: ReadName, parameters: readonly unknown[]) => unknown;
	/** Webhooks or projects may have been deleted completely, or have no customer any more. */
	readonly forget: () => void;
	readonly pulledIn: (note: PulledInNote) => void;
	readonly close: () => void;
}

/** Opens a store that is open already, in this thread, for reading. */
export function openSqliteReader(path: string): SqliteReader {
	const db = openReadConnection(path);
	try {
		const view = new SnapshotView(db);
		const journal = new JournalReader(db, view.numbers);
		const reads = createReads(db, view, journal);
		const [begin, end] = [db.prepare("BEGIN"), db.prepare("COMMIT")];
		return {
			read: (name, parameters) => {
				const call = reads[name] as (...values: never[]) => unknown;
				view.begin();
				journal.begin();
				begin.run();
				try {
					return call(...(parameters as never[]));
				} finally {
					// After some errors, SQLite has ended it by itself.
					if (db.isTransaction) end.run();
				}
			},
			forget: () => view.numbers.forgetAll(),
			pulledIn: (note) => view.pulledIn.add(note),
			close: () => db.close(),
		};
	} catch (error) {
		db.close();
		throw error;
	}
}
