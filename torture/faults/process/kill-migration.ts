import { statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { between } from "../../chance.ts";
import type { Fault } from "../../fault.ts";
import { downgrade, migrationCount } from "../../harness/downgrade.ts";
import type { Round } from "../../round.ts";

/** Older ones can't hold the settings of all webhooks of a round. */
const OLDEST = 2;
/** The schema with which statistics began. */
const STATISTICS = 4;
const KILLS = 2;
/** Migrations take a few milliseconds. */
const INTO_IT_MS = 12;

export const killMigration: Fault = {
	name: "kill-migration",
	summary: "SIGKILL while data of an older schema, with all that waits in it, is migrated",
	weight: 1,
	strike: async (round) => {
		const random = round.random("migration");
		await round.moment(random, 300);
		await round.kill();
		const version = Math.floor(between(random, OLDEST, migrationCount()));
		if (version < STATISTICS) round.hasStatistics = false;
		downgrade(round.dataDir, version);
		for (let n = 0; n < KILLS; n++) {
			await round.begin();
			await migrationBegun(round);
			await round.moment(random, INTO_IT_MS);
			await round.kill();
		}
		await round.restart();
	},
};

/** The log of the database grows with the first write of a start. */
async function migrationBegun(round: Round): Promise<void> {
	const size = () => statSync(`${round.dataDir}/fanfare.db-wal`, { throwIfNoEntry: false })?.size ?? 0;
	const before = size();
	const giveUpAt = Date.now() + 5_000;
	while (size() === before && Date.now() < giveUpAt) await nextTurn();
}
