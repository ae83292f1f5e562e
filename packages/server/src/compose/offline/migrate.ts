// Brings a data directory to the form of this version without starting a server, and says before what that takes.
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { planUpgrade, type UpgradePlan } from "../../adapters/sqlite/schema/upgrade-plan.ts";
import { openThreadedSqliteStore } from "../../adapters/sqlite/thread/threaded-store.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Config } from "../../config.ts";
import { lockDir, refuseDatabase, storePath } from "../data-dir.ts";
import { READER_PROGRAM } from "../reading/reader-program.ts";
import type { CopyProgress } from "./backup.ts";

/** Measured: a minute for a million events and deliveries. */
const MS_PER_ROW = 0.06;

/** What a migration does, and what it takes. */
export interface MigrationPlan extends UpgradePlan {
	/** The absolute path. */
	readonly dataDir: string;
	/** Whether the data has an earlier form than that of this program. */
	readonly isNeeded: boolean;
	/** About how long it takes, in milliseconds. */
	readonly durationMs: number;
}

/**
 * Says what a migration of a data directory would do, and changes nothing. A server may be running on it. Rejects if there is no data,
 * or if a newer Fanfare has written it.
 *
 * @example
 * const { isNeeded, durationMs, neededBytes } = await checkMigration(readConfig(process.env));
 */
export async function checkMigration(config: Config): Promise<MigrationPlan> {
	const { dataDir } = config;
	refuseDatabase(config);
	requireData(dataDir);
	const plan = planUpgrade(storePath(dataDir));
	const isNeeded = plan.schemaVersion < plan.knownVersion || plan.rows > 0;
	return Promise.resolve({
		dataDir: resolve(dataDir),
		...plan,
		isNeeded,
		durationMs: Math.ceil(plan.rows * MS_PER_ROW),
	});
}

/**
 * Brings the data to the form of this version, as the next start of a server would. The server must not be running. If the process
 * ends meanwhile, the next call or the next start goes on. There is no way back but a backup.
 */
export async function migrateDataDir(
	config: Config,
	onProgress: (progress: CopyProgress) => void = () => {},
): Promise<void> {
	refuseDatabase(config);
	requireData(config.dataDir);
	const resources = new AsyncDisposableStack();
	try {
		lockDir(config, resources);
		// Without the master key: no secret is read.
		const path = storePath(config.dataDir);
		const options = { path, now: systemClock.now(), clock: systemClock, readerProgram: READER_PROGRAM };
		const { store } = await openThreadedSqliteStore(options, ({ moved, total }) =>
			onProgress({ step: "upgrading", fraction: total === null ? null : moved / Math.max(1, total) }),
		);
		await store.close();
	} finally {
		await resources.disposeAsync();
	}
}

function requireData(dataDir: string): void {
	if (existsSync(storePath(dataDir))) return;
	throw new Error(
		`there is no Fanfare data in ${resolve(dataDir)}: set --data-dir or FANFARE_DATA_DIR to the server's data directory`,
	);
}
