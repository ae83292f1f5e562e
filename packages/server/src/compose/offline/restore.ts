// Restores a backup into an empty data directory, and pauses all webhooks if that is wanted.
import { existsSync, readdirSync, renameSync, rmSync, statfsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename, resolve } from "node:path";

import { BackupFileError, copyInto, openBackup, reasonOf, syncFile } from "../../adapters/files/database-file.ts";
import { findMasterKey } from "../../adapters/files/master-key.ts";
import { syncDirectory } from "../../adapters/files/private-file.ts";
import type { DatabaseContents } from "../../adapters/sqlite/backup/database-copy.ts";
import { checkInProcess } from "../../adapters/sqlite/backup/run-task.ts";
import { openThreadedSqliteStore } from "../../adapters/sqlite/thread/threaded-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Config } from "../../config.ts";
import type { AuditAction } from "../../core/access/audit.ts";
import { masterKeyFingerprint } from "../../core/crypto/sealing.ts";
import { createIdMaker } from "../../core/ids.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { lockDir, refuseDatabase, restoringPath, storePath } from "../data-dir.ts";
import { READER_PROGRAM } from "../reading/reader-program.ts";
import type { CopyProgress } from "./backup.ts";

/** What may be in an empty data directory: the key, the lock, what a killed restore has left, and what new disks contain. */
const ALLOWED = new Set(["master.key", "fanfare.lock", "fanfare.pid", "lost+found"]);

export interface RestoreOptions {
	/** Pauses every webhook that is Enabled, with the reason `restored`. Defaults to false. */
	readonly hold?: boolean;
	/** Ends the restore. The directory is as empty as before then. */
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: CopyProgress) => void;
}

export interface RestoreResult {
	readonly dataDir: string;
	readonly workspaceId: string;
	/** Webhooks that were paused; null if it was not asked for. */
	readonly pausedCount: number | null;
	/** Whether an earlier version has written the backup, so that the first start upgrades it. */
	readonly isOlder: boolean;
	readonly masterKeyFingerprint: string;
	/** Whether the key is there that the secrets are encrypted under: in the settings or in the directory. */
	readonly hasMasterKey: boolean;
}

/**
 * Copies a backup into a data directory that is empty or does not exist, checks the copy, and gives it its name when it is complete
 * and on the disk. A start on the directory of a restore that was killed is refused, and another restore begins anew.
 *
 * Rejects if the directory has data or is in use, if the file is no complete backup, damaged or from a newer version, or if the
 * master key that is there is not the one of the backup.
 */
export async function restoreBackup(
	config: Config,
	file: string,
	options: RestoreOptions = {},
): Promise<RestoreResult> {
	const { signal = new AbortController().signal } = options;
	refuseDatabase(config);
	const backup = await openBackup(resolve(file));
	const resources = new AsyncDisposableStack();
	try {
		resources.defer(() => backup.file.close());
		if (existsSync(`${resolve(file)}-wal`)) throw notAlone(file);
		requireEmpty(config.dataDir);
		lockDir(config, resources);
		// Another process may have filled it meanwhile, but none can from now on.
		requireEmpty(config.dataDir);
		requireRoom(config.dataDir, backup.bytes);
		return await restore(config, backup, { ...options, signal });
	} catch (error) {
		throw explained(error, file);
	} finally {
		await resources.disposeAsync();
	}
}

async function restore(
	config: Config,
	backup: { readonly file: FileHandle; readonly bytes: number },
	{ hold = false, signal, onProgress = () => {} }: RestoreOptions & { readonly signal: AbortSignal },
): Promise<RestoreResult> {
	const { dataDir } = config;
	const partial = restoringPath(dataDir);
	removePartial(dataDir);
	try {
		const tell = (bytes: number) => onProgress({ step: "copying", fraction: bytes / Math.max(1, backup.bytes) });
		await copyInto(backup.file, partial, signal, tell);
		await syncFile(partial);
		onProgress({ step: "checking", fraction: null });
		const contents = await checkInProcess(partial, signal);
		const hasMasterKey = checkKey(config, contents.masterKeyFingerprint);
		const pausedCount = hold ? await holdWebhooks(partial, contents, onProgress) : null;
		signal.throwIfAborted();
		await syncFile(partial);
		renameSync(partial, storePath(dataDir));
		syncDirectory(dataDir);
		const { workspaceId, masterKeyFingerprint: fingerprint, schemaVersion, knownVersion } = contents;
		const isOlder = pausedCount === null && schemaVersion < knownVersion;
		return {
			dataDir: resolve(dataDir),
			workspaceId,
			pausedCount,
			isOlder,
			masterKeyFingerprint: fingerprint,
			hasMasterKey,
		};
	} catch (error) {
		removePartial(dataDir);
		throw error;
	}
}

/** Pauses the webhooks of the copy. One of an earlier version is upgraded first. Closing the store leaves one file. */
async function holdWebhooks(
	path: string,
	{ workspaceId }: DatabaseContents,
	onProgress: (progress: CopyProgress) => void,
): Promise<number> {
	const now = systemClock.now();
	const options = { path, now, clock: systemClock, readerProgram: READER_PROGRAM };
	const { store } = await openThreadedSqliteStore(options, ({ moved, total }) =>
		onProgress({ step: "upgrading", fraction: total === null ? null : moved / Math.max(1, total) }),
	);
	try {
		const entry = {
			keyId: null,
			customerId: null,
			sessionId: null,
			portalSessionId: null,
			actor: null,
			projectId: null,
			requestId: null,
			action: "workspace.restore" satisfies AuditAction,
			objectId: workspaceId,
		};
		const id = createIdMaker(systemChance).make("aud", now);
		return await store.holdWebhooks(now, { id, at: now, ...entry, fields: ["status", "pausedReason"] });
	} finally {
		await store.close();
	}
}

/** Whether the key of the copy is there. Throws if another one is. */
function checkKey({ dataDir, masterKey }: Config, fingerprint: string): boolean {
	const known = masterKey ?? findMasterKey(dataDir, fingerprint);
	if (known === null) return false;
	const found = masterKeyFingerprint(known);
	if (found === fingerprint) return true;
	const place = masterKey === null ? `the master.key in ${resolve(dataDir)}` : "FANFARE_MASTER_KEY";
	throw new BackupFileError(
		`${place} (fingerprint ${found}) is not the key that the backup is encrypted under (fingerprint ${fingerprint}): put that key there, or none`,
	);
}

function requireEmpty(dataDir: string): void {
	if (!existsSync(dataDir)) return;
	const isLeftover = (name: string) => name.startsWith(basename(restoringPath(dataDir)));
	const [found] = readdirSync(dataDir).filter((name) => !ALLOWED.has(name) && !isLeftover(name));
	if (found === undefined) return;
	throw new BackupFileError(
		`${resolve(dataDir)} is not empty (it has ${found}): set --data-dir or FANFARE_DATA_DIR to a new directory, or move everything but master.key out of this one`,
	);
}

function requireRoom(dataDir: string, bytes: number): void {
	const { bavail, bsize } = statfsSync(dataDir);
	if (bavail * bsize >= bytes) return;
	const inMb = (count: number) => `${Math.ceil(count / 1_000_000).toLocaleString("en-US")} MB`;
	throw new BackupFileError(
		`the backup has ${inMb(bytes)}, but only ${inMb(bavail * bsize)} are free in ${resolve(dataDir)}: free some space, or use another directory`,
	);
}

/** A restore is the only one that writes these files, since it has locked the directory. */
function removePartial(dataDir: string): void {
	for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${restoringPath(dataDir)}${end}`, { force: true });
}

function notAlone(file: string): BackupFileError {
	const name = basename(file);
	return new BackupFileError(
		`${file} is not complete without ${name}-wal beside it: it is a copy of a data directory. Copy both into an empty directory, as fanfare.db and fanfare.db-wal, and start the server on that`,
	);
}

function explained(error: unknown, file: string): unknown {
	if (error instanceof StoreError) {
		const why = error.code === "store_full" ? "the disk of the data directory is full" : error.message;
		return new BackupFileError(`${file} was not restored: ${why}`, { cause: error });
	}
	if (!(error instanceof Error) || error.name !== "Error" || !("code" in error)) return error;
	return new BackupFileError(`${file} was not restored: ${reasonOf(error)}`, { cause: error });
}
