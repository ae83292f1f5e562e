import { pick } from "../../chance.ts";
import type { Fault } from "../../fault.ts";

const MINUTE_MS = 60_000;
/** Past a lease, past most retries, past a day; not as far as retention goes. */
const JUMPS_MS = [2 * MINUTE_MS, 90 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS];

export const clockForward: Fault = {
	name: "clock-forward",
	summary: "the server's clock jumps forward, by minutes to days: leases look expired",
	weight: 1,
	strike: async (round) => {
		const random = round.random("clock");
		await round.moment(random, 300);
		await round.control.setClock(pick(random, JUMPS_MS));
		round.recovering();
		await round.load(60);
	},
};
