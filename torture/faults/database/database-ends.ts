// The database ends and comes back: it crashes, is restarted, crashes together with the server, or is replaced by its standby.
import { setTimeout as delay } from "node:timers/promises";

import type { Fault } from "../../fault.ts";
import type { Round } from "../../round.ts";

/** How long the database is away, at most. */
const AWAY_MS = 2_500;
const STRIKES = 2;

export const databaseCrash: Fault = {
	name: "database-crash",
	summary: "the database crashes in mid-commit, twice, and is away for a while",
	weight: 3,
	profiles: ["postgres"],
	strike: (round) => away(round, "immediate"),
};

export const databaseRestart: Fault = {
	name: "database-restart",
	summary: "the database is restarted by its operator, twice",
	weight: 2,
	profiles: ["postgres"],
	strike: (round) => away(round, "fast"),
};

export const databaseAndServerCrash: Fault = {
	name: "database-and-server-crash",
	summary: "the database crashes, the server is killed meanwhile, and both come back",
	weight: 2,
	profiles: ["postgres"],
	async strike(round) {
		const random = round.random("strike");
		const { cluster } = round.database;
		await round.moment(random, 300);
		await cluster.stop("immediate");
		await round.moment(random, AWAY_MS);
		round.server.kill("SIGKILL");
		await round.server.exited;
		await cluster.start();
		await round.ended("killed");
		await round.restart();
	},
};

export const databaseFailover: Fault = {
	name: "database-failover",
	summary: "the primary is lost, and its synchronous standby takes writes a moment after the URL leads to it",
	weight: 2,
	profiles: ["postgres"],
	async prepare(round) {
		await round.database.addStandby();
		const { url } = await round.database.openLink();
		round.env["FANFARE_DATABASE_URL"] = url;
	},
	async strike(round) {
		const random = round.random("strike");
		await round.moment(random, 300);
		await round.database.losePrimary();
		await round.moment(random, AWAY_MS);
		await round.database.promoteStandby();
		round.recovering();
		await round.load(20);
	},
};

async function away(round: Round, how: "fast" | "immediate"): Promise<void> {
	const random = round.random("strike");
	const { cluster } = round.database;
	for (let strikes = 0; strikes < STRIKES; strikes++) {
		await round.moment(random, 300);
		await cluster.stop(how);
		await delay(random() * AWAY_MS);
		round.recovering();
		await cluster.start();
		await round.load(10);
	}
}
