// The server's clock jumps back.
import { pick } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";

const MINUTE_MS = 60_000;
const JUMPS_MS = [2 * MINUTE_MS, 90 * MINUTE_MS];

export const clockBack: Fault = {
	name: "clock-back",
	summary: "the server's clock jumps back by minutes to hours, and is right again a while later",
	weight: 1,
	strike: async (round) => {
		const random = round.random("clock");
		await round.moment(random, 300);
		await round.world.setClock(-pick(random, JUMPS_MS));
		await round.load(60);
		await round.world.setClock(0);
		round.recovering();
	},
};
