// Opens the database with its settings, and runs transactions.
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../ports/store/errors.ts";
import { SQLITE_CANTOPEN, sqliteCode } from "./errors.ts";

const MEMORY = ":memory:";
const FILE_MODE = 0o600;

export interface ConnectionOptions {
	/** The path of the database file, or ":memory:". */
	readonly path: string;
	/** The maximum number of pages in the file, for tests of a full disk. */
	readonly maxPageCount?: number;
}

/**
 * Opens the database file, readable and writable by its owner only. Creates it if it is missing. Throws a `StoreError` if the file
 * can't be opened or is not a database.
 */
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

/** Opens another connection to a database that is open already: it reads beside the one that writes. */
export function openReadConnection(path: string): DatabaseSync {
	const db = new DatabaseSync(path, { readOnly: true });
	try {
		db.exec(READ_SETTINGS);
		return db;
	} catch (error) {
		db.close();
		throw error;
	}
}

const READ_SETTINGS = `
	-- A snapshot needs no lock that a commit holds. The timeout is for the moments in which the other connection empties the WAL.
	PRAGMA busy_timeout = 2000;
	-- The file system's cache has the other pages.
	PRAGMA cache_size = -4096;
	PRAGMA mmap_size = 0;
	PRAGMA temp_store = MEMORY;
`;

function openFile(path: string): DatabaseSync {
	try {
		if (path !== MEMORY) createPrivateFile(path);
		return new DatabaseSync(path);
	} catch (error) {
		if (!isNotAllowed(error)) throw error;
		throw new StoreError(
			"store_unavailable",
			`${path} can't be opened: this user may not write it. Make it and the files beside it belong to the user that runs the server`,
			{ cause: error },
		);
	}
}

function isNotAllowed(error: unknown): boolean {
	const code = error instanceof Error && "code" in error ? error.code : null;
	return code === "EPERM" || code === "EACCES" || sqliteCode(error) === SQLITE_CANTOPEN;
}

const SETTINGS = `
	-- Allows free pages to be returned to the file system in small steps. Takes effect only in a database without tables; an older
	-- one needs a VACUUM. Has no measurable cost (45 µs of CPU a cycle with and without).
	PRAGMA auto_vacuum = INCREMENTAL;
	-- Readers don't wait for the writer, and a commit is one append and one sync.
	PRAGMA journal_mode = WAL;
	-- Sync at each commit, since a 2xx promises that the event is on the disk. With NORMAL, a power failure loses the last commits.
	PRAGMA synchronous = FULL;
	PRAGMA foreign_keys = ON;
	-- This process is the only writer; the timeout is for an operator's backup or shell. It is short because waiting blocks this thread.
	PRAGMA busy_timeout = 2000;
	-- 16 MiB are enough for the newest pages of every index; the file system's cache has the others. A larger cache is slower: at each
	-- commit SQLite walks through its hash table (64 MiB: 3 µs more a cycle in batches of 64, 30 µs more for a commit of one event).
	PRAGMA cache_size = -16384;
	-- Off: a mapped file counts as resident memory, and a read error in it kills the process instead of failing one call.
	PRAGMA mmap_size = 0;
	-- 4 MiB of WAL between checkpoints, which block the store. With 16 MiB the throughput is the same, but the slowest commits of 64
	-- cycles take twice as long (p99 16 ms instead of 9).
	PRAGMA wal_autocheckpoint = 1000;
	-- Shrinks a WAL that has grown during a long read of an operator.
	PRAGMA journal_size_limit = 67108864;
	PRAGMA temp_store = MEMORY;
	-- Deleted content is overwritten with zeros in the file, instead of only being marked as free.
	PRAGMA secure_delete = ON;
`;

/** SQLite creates `-wal` and `-shm` with the same mode. An existing file is not opened here, since closing it would release locks. */
function createPrivateFile(path: string): void {
	if (existsSync(path)) chmodSync(path, FILE_MODE);
	else closeSync(openSync(path, "a", FILE_MODE));
}

/** Runs `work` in a transaction. When it returns, all of its changes are on the disk; when it throws, none are made. */
export type Transact = <T>(work: () => T) => T;

/** What is known in memory of the rows, besides them. It changes only after a commit. */
export interface TransactionMemory {
	/** The transaction is about to be committed: what is to be written in it and is not yet is written now. */
	flush?(): void;
	/** The transaction is committed: its changes count. */
	commit(): void;
	/** Nothing of the transaction was done. */
	rollback(): void;
}

/**
 * Prepares the transactions of a connection.
 *
 * @param beforeCommit called before each COMMIT, which fails with what it throws
 */
export function createTransact(
	db: DatabaseSync,
	memories: readonly TransactionMemory[] = [],
	beforeCommit: () => void = () => {},
): Transact {
	const begin = db.prepare("BEGIN IMMEDIATE");
	const commit = db.prepare("COMMIT");

	return (work) => {
		begin.run();
		try {
			const result = work();
			for (const memory of memories) memory.flush?.();
			beforeCommit();
			commit.run();
			for (const memory of memories) memory.commit();
			return result;
		} catch (error) {
			for (const memory of memories) memory.rollback();
			// After some errors, such as a full disk, SQLite has rolled back by itself.
			if (db.isTransaction) db.exec("ROLLBACK");
			throw error;
		}
	};
}

/**
 * Runs work that does no harm if a power failure undoes it. Transactions in `work` don't wait for the disk: the sync of the next commit or
 * checkpoint covers them.
 */
export function withoutSync<T>(db: DatabaseSync, work: () => T): T {
	db.exec("PRAGMA synchronous = NORMAL");
	try {
		return work();
	} finally {
		db.exec("PRAGMA synchronous = FULL");
	}
}

/**
 * Runs background work that is repeated if a power failure undoes it, such as deletions. Transactions in `work` don't wait for the
 * disk: the sync of the next commit or checkpoint covers them. They checkpoint four times as often as commits do, so that none of
 * them blocks the store for long (p99 of a step of 100 rows: 3.8 ms instead of 7.2).
 */
export function inBackground<T>(db: DatabaseSync, work: () => T): T {
	db.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 250");
	try {
		return work();
	} finally {
		db.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000");
	}
}

/**
 * Empties the WAL, which contains erased data until it is overwritten. Returns false if another process reads the file meanwhile.
 */
export function emptyWal(db: DatabaseSync): boolean {
	const timeoutMs = Number(db.prepare("SELECT timeout FROM pragma_busy_timeout").get()?.["timeout"]);
	db.exec("PRAGMA busy_timeout = 0");
	try {
		return db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
	} finally {
		db.exec(`PRAGMA busy_timeout = ${timeoutMs}`);
	}
}
