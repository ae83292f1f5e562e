// The server is killed while it migrates data of an older schema.
import { statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { downgrade, migrationCount } from "../../harness/downgrade.ts";
import type { Round } from "../../round.ts";

/** The oldest schema that has columns for the settings of all webhooks of a round. */
const OLDEST = 2;
/** The first schema that has stats. */
const FIRST_WITH_STATS = 4;
const KILLS = 2;
/** The longest time from the start of a migration to the kill: it takes some ten milliseconds. */
const KILL_AFTER_MS = 40;

export const killMigration: Fault = {
	name: "kill-migration",
	summary: "SIGKILL while data of an older schema is migrated, with deliveries that wait in it",
	weight: 1,
	profiles: ["embedded"],
	strike: async (round) => {
		const random = round.random("migration");
		await round.moment(random, 300);
		await round.kill();
		const version = Math.floor(between(random, OLDEST, migrationCount()));
		if (version < FIRST_WITH_STATS) round.hasStats = false;
		await downgrade(round.dataDir, version);
		for (let n = 0; n < KILLS; n++) {
			await round.begin();
			await migrationStarted(round);
			await round.moment(random, KILL_AFTER_MS);
			await round.kill();
		}
		await round.restart();
	},
};

/** Waits for the first write of a start, with which the write-ahead log grows. */
async function migrationStarted(round: Round): Promise<void> {
	const size = () => statSync(`${round.dataDir}/fanfare.db-wal`, { throwIfNoEntry: false })?.size ?? 0;
	const before = size();
	const giveUpAt = Date.now() + 5_000;
	while (size() === before && Date.now() < giveUpAt) await nextTurn();
}
