// One server per data directory. The operating system releases the lock when the process dies, however it dies.
import {
	chmodSync,
	closeSync,
	constants,
	mkdirSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { StoreError } from "../../ports/store/errors.ts";
import { SQLITE_CANTOPEN, sqliteCode, toStoreError } from "./errors.ts";

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const WRITABLE_BY_OTHERS = 0o002;
const WRITABLE_BY_GROUP = 0o020;
const SQLITE_BUSY = 5;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** The locks of this process. Without these references, the garbage collector would close a lock that its caller does not keep. */
const locks = new Set<DatabaseSync>();

export interface DataDirLock {
	/** A sentence about a directory that is less private than it should be; null if there is nothing to say. */
	readonly warning: string | null;
	/** Releases the directory. May be called twice. */
	release(): void;
}

/**
 * Locks the data directory for this process, and creates it if it is missing. Throws a `StoreError` if another process has locked it,
 * with the id of that process, if every user of the machine may write to the directory, or if it can't be used.
 *
 * The lock is a lock of SQLite on a file of its own, `fanfare.lock`: Node has no call for file locks, and a file with a process id
 * survives a SIGKILL and may then name an unrelated process. Never open and close that file by other means in this process, since
 * POSIX would release the lock.
 */
export function lockDataDir(dir: string): DataDirLock {
	const pidFile = join(dir, "fanfare.pid");
	const { lock, warning } = takeLock(dir, pidFile);
	try {
		writePid(pidFile);
	} catch (error) {
		lock.close();
		throw unusable(dir, error);
	}
	locks.add(lock);
	return {
		warning,
		release() {
			if (!locks.delete(lock)) return;
			rmSync(pidFile, { force: true });
			lock.close();
		},
	};
}

function takeLock(dir: string, pidFile: string): { readonly lock: DatabaseSync; readonly warning: string | null } {
	const lockFile = join(dir, "fanfare.lock");
	let lock: DatabaseSync | null = null;
	try {
		makeDir(resolve(dir));
		const warning = checkMode(dir);
		lock = new DatabaseSync(lockFile);
		// Without WAL and without writes, this transaction only locks the file. Without a journal on the disk, there is no second
		// file beside it, with other permissions.
		lock.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
		chmodSync(lockFile, FILE_MODE);
		return { lock, warning };
	} catch (error) {
		lock?.close();
		if (error instanceof StoreError) throw error;
		const code = sqliteCode(error);
		if (code !== null && (code & 0xff) === SQLITE_BUSY) throw alreadyRunning(dir, pidFile, error);
		throw unusable(dir, error);
	}
}

/**
 * Creates a directory and those above it. Node's own recursive call never ends where the system says that a directory
 * which is there does not exist, as it does for new ones in `/proc`.
 */
function makeDir(path: string): void {
	try {
		mkdirSync(path, { mode: DIR_MODE });
	} catch (error) {
		const code = error instanceof Error && "code" in error ? error.code : "";
		if (code === "ENOENT" && dirname(path) !== path) {
			makeDir(dirname(path));
			mkdirSync(path, { mode: DIR_MODE });
		} else if (!statSync(path).isDirectory()) {
			throw error;
		}
	}
}

/** Throws if every user of the machine may write to the directory. Returns a warning if its group may, otherwise null. */
function checkMode(dir: string): string | null {
	if (process.platform === "win32") return null;
	const { mode } = statSync(dir);
	const place = `the data directory ${resolve(dir)}`;
	const shown = (mode & 0o777).toString(8);
	if ((mode & WRITABLE_BY_OTHERS) !== 0) {
		const advice = "run chmod 700 on it, or set FANFARE_DATA_DIR to a new directory in it";
		const message = `${place} can be written to by every user of this machine (mode ${shown}): ${advice}`;
		throw new StoreError("store_unavailable", message);
	}
	if ((mode & WRITABLE_BY_GROUP) === 0) return null;
	return `${place} can be written to by its group (mode ${shown}), which could replace its files: run chmod 700 on it`;
}

/** Writes this process's id into a new file: what is there is from a process that has ended, or from somebody else. */
function writePid(path: string): void {
	rmSync(path, { force: true });
	const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
	try {
		writeFileSync(file, `${process.pid}\n`);
	} finally {
		closeSync(file);
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
		const file = openSync(pidFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		try {
			const pid = Number(readFileSync(file, "utf8"));
			return Number.isInteger(pid) && pid > 0 ? pid : null;
		} finally {
			closeSync(file);
		}
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
