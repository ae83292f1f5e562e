// Opens the database with its settings, and runs transactions on it.
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../ports/store/errors.ts";
import { SQLITE_CANTOPEN, sqliteCode } from "./errors.ts";

const MEMORY = ":memory:";
const FILE_MODE = 0o600;

export interface ConnectionOptions {
	/** A file, or ":memory:". */
	readonly path: string;
	/** The most pages that the file may have: for tests of a full disk. */
	readonly maxPageCount?: number;
}

/** Opens the file, which is made if it is missing and is for its owner only. */
export function openConnection(options: ConnectionOptions): DatabaseSync {
	const db = openFile(options.path);
	try {
		db.exec(SETTINGS);
		if (options.maxPageCount !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(options.maxPageCount)}`);
		return db;
	} catch (error) {
		db.close();
		if (sqliteCode(error) !== SQLITE_NOTADB) throw error;
		throw new StoreError("store_unavailable", `${options.path} is not a database: restore it from a backup`, {
			cause: error,
		});
	}
}

const SQLITE_NOTADB = 26;

function openFile(path: string): DatabaseSync {
	try {
		if (path !== MEMORY) createPrivateFile(path);
		return new DatabaseSync(path);
	} catch (error) {
		if (!isNotAllowed(error)) throw error;
		throw new StoreError(
			"store_unavailable",
			`${path} can't be opened: this user may not write it. Give it and the files beside it to the user that runs the server`,
			{ cause: error },
		);
	}
}

function isNotAllowed(error: unknown): boolean {
	const code = error instanceof Error && "code" in error ? error.code : null;
	return code === "EPERM" || code === "EACCES" || sqliteCode(error) === SQLITE_CANTOPEN;
}

const SETTINGS = `
	-- Lets free pages be given back to the file system in small steps. Only a database without tables takes it: an older one
	-- needs a VACUUM. Costs nothing that could be measured (45 µs of CPU a cycle with and without).
	PRAGMA auto_vacuum = INCREMENTAL;
	-- Readers don't wait for the writer, and a commit is one append and one sync.
	PRAGMA journal_mode = WAL;
	-- Sync at each commit: a 2xx means that it is on the disk. NORMAL would lose the last commits with the power.
	PRAGMA synchronous = FULL;
	PRAGMA foreign_keys = ON;
	-- We are the only writer; this is for an operator's backup or shell. The wait blocks the process, so it is short.
	PRAGMA busy_timeout = 2000;
	-- 16 MiB hold the hot end of every index; the system's cache has the rest. More costs time: at each commit SQLite walks
	-- over the cache's hash table (64 MiB: 3 µs more a cycle in batches of 64, 30 µs more for a commit of one).
	PRAGMA cache_size = -16384;
	-- Off: a mapped file counts as resident memory, and a read error in it would kill the process instead of failing a call.
	PRAGMA mmap_size = 0;
	-- 4 MiB of log between checkpoints, which stop the store: with 16 MiB, as fast in all, the slowest commits of 64 cycles
	-- took twice as long (p99 16 ms instead of 9).
	PRAGMA wal_autocheckpoint = 1000;
	-- A log that grew under an operator's long read shrinks again.
	PRAGMA journal_size_limit = 67108864;
	PRAGMA temp_store = MEMORY;
`;

/** SQLite gives the files beside it (-wal, -shm) the same mode. An existing file is not opened: closing it would drop locks. */
function createPrivateFile(path: string): void {
	if (existsSync(path)) chmodSync(path, FILE_MODE);
	else closeSync(openSync(path, "a", FILE_MODE));
}

/** Runs `work` in a transaction: all of it is on the disk when this returns, and nothing of it is done when it throws. */
export type Transact = <T>(work: () => T) => T;

export function createTransact(db: DatabaseSync): Transact {
	const begin = db.prepare("BEGIN IMMEDIATE");
	const commit = db.prepare("COMMIT");

	return (work) => {
		begin.run();
		try {
			const result = work();
			commit.run();
			return result;
		} catch (error) {
			// SQLite has rolled back by itself after some errors, such as a full disk.
			if (db.isTransaction) db.exec("ROLLBACK");
			throw error;
		}
	};
}

/**
 * For deletions in the background, which are done again if they are lost with the power: transactions in `work` don't wait for
 * the disk, as the sync of the next commit or checkpoint covers them. They bring the log into the file in quarters of what commits
 * leave together, so that none of them stops the process for long (p99 of a step of 100 rows: 3.8 ms instead of 7.2).
 */
export function inBackground<T>(db: DatabaseSync, work: () => T): T {
	db.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 250");
	try {
		return work();
	} finally {
		db.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000");
	}
}
