// The server's clock jumps forward.
import { pick } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";

const MINUTE_MS = 60_000;
/** Longer than a lease, than most retry delays, and than a day; shorter than the retention. */
const JUMPS_MS = [2 * MINUTE_MS, 90 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS];

export const clockForward: Fault = {
	name: "clock-forward",
	summary: "the server's clock jumps forward by minutes to days: leases look expired",
	weight: 1,
	strike: async (round) => {
		const random = round.random("clock");
		await round.moment(random, 300);
		await round.world.setClock(pick(random, JUMPS_MS));
		round.recovering();
		await round.load(60);
	},
};
