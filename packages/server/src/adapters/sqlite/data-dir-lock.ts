// One server per data directory. The operating system releases the lock when the process dies, however it dies.
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../ports/store/errors.ts";
import { SQLITE_CANTOPEN, sqliteCode, toStoreError } from "./errors.ts";

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const SQLITE_BUSY = 5;

/** A lock belongs to the process: without this, one whose holder keeps no reference would go with the next garbage collection. */
const held = new Set<DatabaseSync>();

export interface DataDirLock {
	/** Lets others have the directory. May be called twice. */
	release(): void;
}

/**
 * Takes the directory for this process; makes it if it is missing. Refuses if another process has it, and names that one.
 *
 * The lock is one that SQLite holds on a file of its own, `fanfare.lock`: Node has no call for file locks, and a file
 * with a process id in it outlives a SIGKILL and may name an innocent by then. Never open and close that file by other
 * means in this process: POSIX would drop the lock.
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
	held.add(lock);
	return {
		release() {
			if (!held.delete(lock)) return;
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
		// Not WAL: in this mode, and with nothing written, the transaction is a lock on the file and nothing else.
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

/** Null in the moment between the other's locking and its writing down who it is. */
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
	ENOENT: "a part of its path leads nowhere, such as to a disk that is not mounted",
	ELOOP: "a part of its path is a link that leads to itself",
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
