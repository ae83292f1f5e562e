// The database ends and comes back: it crashes, is restarted, or crashes together with the server.
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
