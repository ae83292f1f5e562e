// One server per data directory. The operating system releases the lock when the process dies, however it dies.
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../ports/store/errors.ts";
import { SQLITE_CANTOPEN, sqliteCode, toStoreError } from "./errors.ts";

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const SQLITE_BUSY = 5;

/** The locks of this process. Without these references, the garbage collector would close a lock that its caller does not keep. */
const locks = new Set<DatabaseSync>();

export interface DataDirLock {
	/** Releases the directory. May be called twice. */
	release(): void;
}

/**
 * Locks the data directory for this process, and creates it if it is missing. Throws a `StoreError` if another process has locked it,
 * with the id of that process, or if the directory can't be used.
 *
 * The lock is a lock of SQLite on a file of its own, `fanfare.lock`: Node has no call for file locks, and a file with a process id
 * survives a SIGKILL and may then name an unrelated process. Never open and close that file by other means in this process, since
 * POSIX would release the lock.
 */
export function lockDataDir(dir: string): DataDirLock {
	const pidFile = join(dir, "fanfare.pid");
	const lock = takeLock(dir, pidFile);
	try {
		writeFileSync(pidFile, `${process.pid}\n`, { mode: FILE_MODE });
	} catch (error) {
		lock.close();
		throw unusable(dir, error);
	}
	locks.add(lock);
	return {
		release() {
			if (!locks.delete(lock)) return;
			rmSync(pidFile, { force: true });
			lock.close();
		},
	};
}

function takeLock(dir: string, pidFile: string): DatabaseSync {
	const lockFile = join(dir, "fanfare.lock");
	let lock: DatabaseSync | null = null;
	try {
		mkdirSync(dir, { recursive: true, mode: DIR_MODE });
		lock = new DatabaseSync(lockFile);
		// Without WAL and without writes, this transaction only locks the file.
		lock.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
		chmodSync(lockFile, FILE_MODE);
		return lock;
	} catch (error) {
		lock?.close();
		const code = sqliteCode(error);
		if (code !== null && (code & 0xff) === SQLITE_BUSY) throw alreadyRunning(dir, pidFile, error);
		throw unusable(dir, error);
	}
}

function alreadyRunning(dir: string, pidFile: string, cause: unknown): StoreError {
	const pid = readPid(pidFile);
	const who = pid === null ? "another Fanfare" : `another Fanfare (process ${pid})`;
	const message = `${who} is already running on ${resolve(dir)}: stop it first, or give this one another FANFARE_DATA_DIR`;
	return new StoreError("store_unavailable", message, { cause });
}

/** The process id in the file; null if the other process has locked the directory but not written its id yet. */
function readPid(pidFile: string): number | null {
	try {
		const pid = Number(readFileSync(pidFile, "utf8"));
		return Number.isInteger(pid) && pid > 0 ? pid : null;
	} catch {
		return null;
	}
}

function unusable(dir: string, cause: unknown): StoreError {
	const message = `the data directory ${resolve(dir)} can't be used: ${whyUnusable(cause)}. Check it, or set FANFARE_DATA_DIR to another`;
	return new StoreError("store_unavailable", message, { cause });
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
	EEXIST: "it is not a directory",
	ENOTDIR: "a part of its path is not a directory",
	EACCES: "this user may not write there",
	EPERM: "this user may not write there",
	EROFS: "the file system is read-only",
	ENOSPC: "the disk is full",
	EDQUOT: "the quota of the disk is used up",
	ENOENT: "a part of its path does not exist, such as a disk that is not mounted",
	ELOOP: "a part of its path is a link to itself",
	ENAMETOOLONG: "its path is too long",
};
const SQLITE_READONLY = 8;

function whyUnusable(cause: unknown): string {
	const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
	const sqlite = (sqliteCode(cause) ?? 0) & 0xff;
	if (sqlite === SQLITE_CANTOPEN || sqlite === SQLITE_READONLY) return "this user may not write there";
	const translated = toStoreError(cause);
	return PLAIN_WORDS[code] ?? (translated instanceof Error ? translated.message : String(translated));
}
