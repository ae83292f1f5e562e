// Makes a backup of a data directory, beside a running server or without one: a copy of the store in one file.
import { lstatSync, readdirSync, realpathSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import {
	BackupFileError,
	createPrivate,
	isDatabaseFile,
	reasonOf,
	syncFile,
} from "../../adapters/files/database-file.ts";
import { findMasterKey } from "../../adapters/files/master-key.ts";
import { syncDirectory } from "../../adapters/files/private-file.ts";
import { checkInProcess, copyInProcess } from "../../adapters/sqlite/backup/run-task.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Config } from "../../config.ts";
import { masterKeyFingerprint } from "../../core/crypto/sealing.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { refuseDatabase, storePath } from "../data-dir.ts";

/** The server's write-ahead log may grow by this much while the store is copied. */
export const DEFAULT_MAX_WAL_MB = 512;
const MB = 1_000_000;
const LOOK_EVERY_MS = 20;
const PARTIAL = ".partial-";

/** How far a backup or a restore is. */
export interface CopyProgress {
	readonly step: "copying" | "checking" | "upgrading";
	/** From 0 to 1; null if it is not known. */
	readonly fraction: number | null;
}

export interface BackupOptions {
	/** Ends the backup; what it has written so far is removed. */
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: CopyProgress) => void;
	/** The backup gives up if the write-ahead log of the store grows by more than this, in MB. Defaults to 512. */
	readonly maxWalMb?: number;
}

export interface BackupResult {
	/** The absolute path. */
	readonly file: string;
	readonly bytes: number;
	readonly schemaVersion: number;
	readonly workspaceId: string;
	/** The fingerprint of the master key that the secrets in the backup are encrypted under. The key itself is not in it. */
	readonly masterKeyFingerprint: string;
	/** Whether the key of the settings, or of the data directory, is that key. Null: there is neither, or it can't be read. */
	readonly masterKeyFits: boolean | null;
}

/**
 * Copies the store of a data directory into one file, which only its owner can read: everything that was acknowledged before the copy
 * begins. A server may be running on the directory. The file has its name only when it is complete, checked and on the disk; an
 * earlier backup of that name stays until then, and is replaced.
 *
 * Rejects if the destination is something else than a backup, if there is no room for it, or if the copy is damaged. Nothing is left
 * behind then.
 *
 * @example
 * const { bytes } = await backupDataDir(readConfig(process.env), "/var/backups/fanfare.db");
 */
export async function backupDataDir(config: Config, file: string, options: BackupOptions = {}): Promise<BackupResult> {
	const { signal = new AbortController().signal, onProgress = () => {}, maxWalMb = DEFAULT_MAX_WAL_MB } = options;
	refuseDatabase(config);
	const source = storePath(resolve(config.dataDir));
	const target = resolve(file);
	const bytes = sizeOfStore(source);
	if (bytes === null) {
		throw new Error(
			`there is no Fanfare data in ${config.dataDir}: set FANFARE_DATA_DIR to the server's data directory`,
		);
	}
	await checkTarget(target, source);
	removeLeftovers(target);
	const maxGrowth = requireRoom(target, source, bytes, maxWalMb);
	const partial = `${target}${PARTIAL}${process.pid}`;
	try {
		await (await createPrivate(partial)).close();
		await copyWatched({ source, partial, signal, onProgress, bytes, maxGrowth });
		await syncFile(partial);
		onProgress({ step: "checking", fraction: null });
		const { schemaVersion, workspaceId, masterKeyFingerprint: fingerprint } = await checkInProcess(partial, signal);
		signal.throwIfAborted();
		const result = { file: target, bytes: sizeOf(partial) ?? 0, schemaVersion, workspaceId };
		renameSync(partial, target);
		syncDirectory(dirname(target));
		return { ...result, masterKeyFingerprint: fingerprint, masterKeyFits: keyFits(config, fingerprint) };
	} catch (error) {
		rmSync(partial, { force: true });
		throw explained(error, target);
	}
}

interface WatchedCopy {
	readonly source: string;
	readonly partial: string;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: CopyProgress) => void;
	readonly bytes: number;
	/** The most by which the write-ahead log may grow, in bytes. */
	readonly maxGrowth: number;
}

/** Copies, and gives up if the write-ahead log of the source becomes too long meanwhile: the server has to write it all back. */
async function copyWatched({ source, partial, signal, onProgress, bytes, maxGrowth }: WatchedCopy): Promise<void> {
	const tooLong = new AbortController();
	const wal = `${source}-wal`;
	const most = (sizeOf(wal) ?? 0) + maxGrowth;
	let cancel = () => {};
	const look = () => {
		onProgress({ step: "copying", fraction: Math.min(1, (sizeOf(partial) ?? 0) / Math.max(1, bytes)) });
		if ((sizeOf(wal) ?? 0) > most) tooLong.abort(walTooLong(wal, maxGrowth));
		else cancel = systemClock.after(LOOK_EVERY_MS, look);
	};
	look();
	try {
		await copyInProcess(source, partial, AbortSignal.any([signal, tooLong.signal]));
	} finally {
		cancel();
	}
}

function walTooLong(wal: string, maxGrowth: number): Error {
	return new BackupFileError(
		`no backup was made: ${wal} has grown by more than ${inMegabytes(maxGrowth)} during the copy, since the server can't begin it anew meanwhile. Try again when fewer events come in, allow more with --max-wal-mb (at most half of what is free on its disk), or use a snapshot of the file system`,
	);
}

/** The destination must be a new name, or a backup to replace; never the store itself or a file beside it. */
async function checkTarget(target: string, source: string): Promise<void> {
	const folder = dirname(target);
	const advice = "name another file";
	if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
		throw new BackupFileError(`${folder} is not a directory: create it, or ${advice}`);
	}
	if (realpathSync(folder) === realpathSync(dirname(source))) {
		throw new BackupFileError(`${target} is in the data directory, and would be lost with it: ${advice}`);
	}
	const there = lstatSync(target, { throwIfNoEntry: false });
	if (there === undefined) return;
	if (there.isSymbolicLink()) throw new BackupFileError(`${target} is a link, which is not followed: ${advice}`);
	if (there.isDirectory()) throw new BackupFileError(`${target} is a directory: name a file in it`);
	const original = statSync(source);
	const isSame = there.dev === original.dev && there.ino === original.ino;
	if (isSame || !there.isFile() || !(await isDatabaseFile(target))) {
		throw new BackupFileError(`${target} exists and is no backup: ${advice}`);
	}
}

/** Removes what backups into the same file have left that were killed. */
function removeLeftovers(target: string): void {
	const start = `${basename(target)}${PARTIAL}`;
	for (const name of readdirSync(dirname(target))) {
		if (!name.startsWith(start)) continue;
		const pid = /^\d+$/.exec(name.slice(start.length))?.[0];
		if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(dirname(target), name), { force: true });
	}
}

function isRunning(pid: number): boolean {
	if (pid === process.pid) return false;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// It runs as another user.
		return error instanceof Error && "code" in error && error.code === "EPERM";
	}
}

/**
 * Throws if there is no room for the copy, which is never larger than the store. Returns by how many bytes the write-ahead log may grow
 * meanwhile: by what is allowed, and never by more than half of what is then free on its disk, which the server needs.
 */
function requireRoom(target: string, source: string, bytes: number, maxWalMb: number): number {
	const [folder, storeFolder] = [dirname(target), dirname(source)];
	const needed = bytes + (sizeOf(`${source}-wal`) ?? 0);
	const free = freeBytes(folder);
	if (free < needed) {
		throw new BackupFileError(
			`a backup needs up to ${inMegabytes(needed)} in ${folder}, but only ${inMegabytes(free)} are free: free some space, or name a file on another disk`,
		);
	}
	const isSameDisk = statSync(folder).dev === statSync(storeFolder).dev;
	return Math.min(maxWalMb * MB, (freeBytes(storeFolder) - (isSameDisk ? needed : 0)) / 2);
}

function freeBytes(folder: string): number {
	const { bavail, bsize } = statfsSync(folder);
	return bavail * bsize;
}

function inMegabytes(bytes: number): string {
	return `${Math.ceil(bytes / MB).toLocaleString("en-US")} MB`;
}

function keyFits({ masterKey, dataDir }: Config, fingerprint: string): boolean | null {
	const known = masterKey ?? readableKey(dataDir, fingerprint);
	return known === null ? null : masterKeyFingerprint(known) === fingerprint;
}

function readableKey(dataDir: string, fingerprint: string): Uint8Array | null {
	try {
		return findMasterKey(dataDir, fingerprint);
	} catch {
		// It may be readable for the server's user only. The backup is good without it.
		return null;
	}
}

function explained(error: unknown, target: string): unknown {
	if (error instanceof StoreError) {
		const why = error.code === "store_full" ? "the disk is full" : error.message;
		return new BackupFileError(`no backup was made in ${target}: ${why}`, { cause: error });
	}
	// Errors of other classes, such as that of an abort, say enough.
	if (!(error instanceof Error) || error.name !== "Error" || !("code" in error)) return error;
	return new BackupFileError(`${target} can't be written: ${reasonOf(error)}`, { cause: error });
}

function sizeOfStore(source: string): number | null {
	try {
		return sizeOf(source);
	} catch (error) {
		throw new BackupFileError(`${source} can't be read: ${reasonOf(error)}`, { cause: error });
	}
}

function sizeOf(path: string): number | null {
	return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
