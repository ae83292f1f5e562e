// Encrypts the webhook secrets of a data directory under a new master key.
import { existsSync } from "node:fs";

import { finishChange, stageMasterKey } from "../../adapters/files/master-key.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Config } from "../../config.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import { checkMasterKey } from "../../engine/managing/bootstrap.ts";
import { resealStore } from "../../engine/managing/reseal.ts";
import { lockDir, openDataDir, refuseDatabase, storePath } from "../data-dir.ts";

/**
 * Encrypts all webhook secrets of a data directory under a new master key, in one transaction. The server must not be
 * running. With `toEnvironment`, the operator keeps the new key; otherwise it replaces the key file. After a crash,
 * either the old key or the new one is in force.
 *
 * @returns the number of webhooks that were changed
 */
export async function rotateMasterKey(config: Config, newKey: Uint8Array, toEnvironment: boolean): Promise<number> {
	const { dataDir } = config;
	refuseDatabase(config);
	if (!existsSync(storePath(dataDir))) {
		throw new Error(`there is no Fanfare data in ${dataDir}: set FANFARE_DATA_DIR to the server's data directory`);
	}
	const resources = new AsyncDisposableStack();
	try {
		lockDir(config, resources);
		const { store, masterKey } = await openDataDir(config, systemClock, resources);
		const from = createSealer(masterKey, systemChance);
		const to = createSealer(newKey, systemChance);
		checkMasterKey(await store.identity(), from);
		if (!toEnvironment) stageMasterKey(dataDir, newKey);
		const changed = await resealStore(store, from, to);
		finishChange(dataDir, to.fingerprint);
		return changed;
	} finally {
		await resources.disposeAsync();
	}
}
