// The server is killed under load.
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";

export const kill: Fault = {
	name: "kill",
	summary: "SIGKILL of the server under load, up to three times",
	weight: 4,
	strike: async (round) => {
		const random = round.random("kill");
		const kills = Math.ceil(between(random, 0, 3));
		for (let n = 0; n < kills; n++) {
			await round.moment(random, 400);
			await round.kill();
			await round.restart();
			await round.load(5);
		}
	},
};
