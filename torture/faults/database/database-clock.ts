// The clock of the database jumps, forward and back.
import { pick, shuffle } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import type { Round } from "../../round.ts";

const MINUTE_MS = 60_000;
/** Shorter and longer than a tenure, and than a lost member is shown. */
const JUMPS_MS = [2_000, 10 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS];
/** Accepted of the round's senders after each jump. */
const LOAD = 20;

export const databaseClock: Fault = {
	name: "database-clock",
	summary: "the database's clock jumps forward and back by seconds to days, and is right again",
	weight: 2,
	profiles: ["postgres"],
	strike: moveClock,
};

export const clusterDatabaseClock = clusterFault({
	name: "cluster-database-clock",
	summary: "the database's clock jumps under several processes, which keep their tenures",
	weight: 2,
	strike: moveClock,
});

async function moveClock(round: Round): Promise<void> {
	const random = round.random("clock");
	const jump = () => pick(random, JUMPS_MS);
	for (const offsetMs of shuffle(random, [jump(), -jump(), jump()])) {
		await round.moment(random, 700);
		await setClock(round, offsetMs);
		await round.load(LOAD);
	}
	await setClock(round, 0);
	round.recovering();
}

/** The time by which tenures end. Nothing else uses the database's clock. */
async function setClock(round: Round, offsetMs: number): Promise<void> {
	await round.database.query(`
		CREATE OR REPLACE FUNCTION cluster_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$
			SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${offsetMs}
		$$
	`);
}
