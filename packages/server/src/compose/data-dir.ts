// Opens a data directory: its lock, its store and its master key. Shared by the server and the rotation of the master
// key.
import { existsSync } from "node:fs";
import { join } from "node:path";

import { loadMasterKey } from "../adapters/files/master-key.ts";
import { lockDataDir } from "../adapters/sqlite/data-dir-lock.ts";
import { openThreadedSqliteStore } from "../adapters/sqlite/thread/threaded-store.ts";
import { listReadsOf } from "../api/resources/list-bodies.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { StoreError } from "../ports/store/errors.ts";
import type { ListReads } from "../ports/store/reads/list-reads.ts";
import type { Store } from "../ports/store/store.ts";
import type { UpgradeProgress } from "./profile.ts";
import { READER_PROGRAM } from "./reading/reader-program.ts";

/** A data directory that this process has locked. */
export interface OpenDataDir {
	readonly store: Store;
	readonly lists: ListReads;
	/** Resolves with the reason if the store can't be used any more although nobody has closed it. */
	readonly storeDied: Promise<StoreError>;
	/** The key from the settings, or from the directory's key file if it is not set there. */
	readonly masterKey: Uint8Array;
}

/** For a command that works on a data directory: throws if the settings name a database, whose data it would not touch. */
export function refuseDatabase({ databaseUrl }: Config): void {
	if (databaseUrl === null) return;
	throw new Error(
		"FANFARE_DATABASE_URL is set, and this command works on a data directory: unset it, or use the means of the database (docs/postgres.md)",
	);
}

/** The path of the store's file in a data directory. */
export function storePath(dataDir: string): string {
	return join(dataDir, "fanfare.db");
}

/** The path of the file that a restore writes before it becomes the store's. */
export function restoringPath(dataDir: string): string {
	return join(dataDir, "fanfare.db.restoring");
}

/**
 * Locks the data directory, and creates it if it does not exist. `resources` releases it. Returns a warning for the log, or null.
 * Rejects if another process uses it, or if everybody may write to it.
 */
export function lockDir({ dataDir }: Config, resources: AsyncDisposableStack): string | null {
	const lock = lockDataDir(dataDir);
	resources.defer(() => lock.release());
	return lock.warning;
}

/**
 * Opens the store of a directory that is locked, and creates it if it does not exist. `resources` closes it. Calls `onProgress` while
 * rows of an earlier version are moved. Rejects if a newer Fanfare has written the store, if a
 * restore into the directory was killed, or if its master key can't be read.
 */
export async function openDataDir(
	{ dataDir, masterKey }: Config,
	clock: Pick<Clock, "now" | "after" | "monotonicMs">,
	resources: AsyncDisposableStack,
	onProgress?: (progress: UpgradeProgress) => void,
): Promise<OpenDataDir> {
	if (!existsSync(storePath(dataDir)) && existsSync(restoringPath(dataDir))) throw unfinishedRestore(dataDir);
	const options = { path: storePath(dataDir), now: clock.now(), clock, readerProgram: READER_PROGRAM };
	const { store, readBody, died } = await openThreadedSqliteStore(options, onProgress);
	resources.defer(() => store.close());
	const identity = await store.identity();
	const known = masterKey ?? loadMasterKey(dataDir, identity?.masterKeyFingerprint ?? null);
	return { store, lists: listReadsOf(store, readBody), storeDied: died, masterKey: known };
}

/** A start would begin with an empty store, where the operator expects a restored one. */
function unfinishedRestore(dataDir: string): Error {
	return new Error(
		`a restore into ${dataDir} has not ended: run fanfare restore again, or remove ${restoringPath(dataDir)} to begin with an empty store`,
	);
}
