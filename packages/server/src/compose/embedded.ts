// The profile of a server that keeps its data in a directory, and runs alone.
import { createAloneTenure } from "../adapters/alone/alone-tenure.ts";
import { createAloneWire } from "../adapters/alone/alone-wire.ts";
import { writeAdminKey } from "../adapters/files/admin-key.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { Warning } from "../engine/status-calls.ts";
import { lockDir, openDataDir } from "./data-dir.ts";
import type { Profile } from "./profile.ts";

/**
 * Locks the data directory, and creates it if it does not exist. `resources` releases it. Throws if another process uses it, or if
 * everybody may write to it.
 */
export function createEmbeddedProfile(
	config: Config,
	clock: Pick<Clock, "now" | "after" | "monotonicMs">,
	resources: AsyncDisposableStack,
): Profile {
	const { dataDir } = config;
	const warning = lockDir(config, resources);
	const warnings: readonly Warning[] =
		warning === null ? [] : [{ code: "data_dir_shared", message: warning, projectId: null }];
	return {
		dataDir,
		async open(_reports, onProgress) {
			const opened = await openDataDir(config, clock, resources, onProgress);
			const isCurrent = () => true;
			return { ...opened, tenure: createAloneTenure(), wire: createAloneWire(), limits: {}, isCurrent };
		},
		keepAdminKey: (secretKey) => writeAdminKey(dataDir, secretKey),
		warnings: () => warnings,
		cluster: null,
		database: null,
	};
}
