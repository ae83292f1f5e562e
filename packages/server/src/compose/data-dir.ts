// Opens a data directory: its lock, its store and its master key. Shared by the server and the rotation of the master
// key.
import { join } from "node:path";

import { loadMasterKey } from "../adapters/files/master-key.ts";
import { lockDataDir } from "../adapters/sqlite/data-dir-lock.ts";
import { openThreadedSqliteStore } from "../adapters/sqlite/thread/threaded-store.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { StoreError } from "../ports/store/errors.ts";
import type { Store } from "../ports/store/store.ts";

/** A data directory that this process has locked. */
export interface OpenDataDir {
	readonly store: Store;
	/** Resolves with the reason if the store can't be used any more although nobody has closed it. */
	readonly storeDied: Promise<StoreError>;
	/** The key from the settings, or from the directory's key file if it is not set there. */
	readonly masterKey: Uint8Array;
}

/** The path of the store's file in a data directory. */
export function storePath(dataDir: string): string {
	return join(dataDir, "fanfare.db");
}

/**
 * Locks the data directory and opens its store, creating both if they do not exist. `resources` closes them.
 * Rejects if another process uses the directory, if a newer Fanfare has written it, or if its master key can't be read.
 */
export async function openDataDir(
	config: Config,
	clock: Pick<Clock, "now">,
	resources: AsyncDisposableStack,
): Promise<OpenDataDir> {
	const { dataDir } = config;
	const lock = lockDataDir(dataDir);
	resources.defer(() => lock.release());
	const { store, died } = await openThreadedSqliteStore({ path: storePath(dataDir), now: clock.now() });
	resources.defer(() => store.close());
	const identity = await store.identity();
	const masterKey = config.masterKey ?? loadMasterKey(dataDir, identity?.masterKeyFingerprint ?? null);
	return { store, storeDied: died, masterKey };
}
