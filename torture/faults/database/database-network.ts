// The network between the server and its database: slow, silent, or refusing.
import { setTimeout as delay } from "node:timers/promises";

import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import type { Round } from "../../round.ts";

/** From a network to the next room to one around the world, where a commit takes two of these both ways. */
const DELAY_MS = { from: 5, to: 150 };
const BYTES_PER_MS = { from: 50, to: 1_000 };
const PHASES = 8;
/** Accepted of the round's senders in each phase. */
const LOAD = 8;
/** Shorter and longer than the time for which attempts may begin without an answer, and than a tenure. */
const AWAY_MS = { from: 300, to: 6_000 };

export const databaseSlow: Fault = {
	name: "database-slow",
	summary: "the network to the database is slow: its delays and its bandwidth change all the time",
	weight: 2,
	profiles: ["postgres"],
	prepare: useLink,
	async strike(round) {
		const random = round.random("strike");
		const { link } = round.database;
		for (let phases = 0; phases < PHASES; phases++) {
			link.slow({
				delayMs: between(random, DELAY_MS.from, DELAY_MS.to),
				bytesPerMs: between(random, BYTES_PER_MS.from, BYTES_PER_MS.to),
			});
			await round.load(LOAD);
		}
		link.reopen();
		round.recovering();
	},
};

export const databaseCut: Fault = {
	name: "database-cut",
	summary: "the network to the database loses everything for a while, and refuses connections for another while",
	weight: 2,
	profiles: ["postgres"],
	prepare: useLink,
	async strike(round) {
		const random = round.random("strike");
		const { link } = round.database;
		for (const how of ["silence", "refuse"] as const) {
			await round.moment(random, 300);
			link[how]();
			await delay(between(random, AWAY_MS.from, AWAY_MS.to));
			link.reopen();
			round.recovering();
			await round.load(20);
		}
	},
};

async function useLink(round: Round): Promise<void> {
	const { url } = await round.database.openLink();
	round.env["FANFARE_DATABASE_URL"] = url;
}
