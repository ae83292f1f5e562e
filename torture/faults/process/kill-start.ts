// The server is killed while it starts.
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";

/** A start takes about a quarter of a second. */
const START_MS = 350;

export const killStart: Fault = {
	name: "kill-start",
	summary: "SIGKILL during starts, on an empty data directory and on existing data",
	weight: 2,
	whileStarting: async (round) => {
		const random = round.random("first starts");
		const kills = Math.floor(between(random, 0, 3));
		for (let n = 0; n < kills; n++) {
			await round.moment(random, START_MS);
			await round.kill();
			await round.begin();
		}
	},
	strike: async (round) => {
		const random = round.random("starts");
		await round.kill();
		for (let n = 0; n < 3; n++) {
			await round.begin();
			await round.moment(random, START_MS);
			await round.kill();
		}
		await round.restart();
	},
};
