import { pick } from "../../chance.ts";
import type { Fault } from "../../fault.ts";

const MINUTE_MS = 60_000;
const JUMPS_MS = [2 * MINUTE_MS, 90 * MINUTE_MS];

export const clockBack: Fault = {
	name: "clock-back",
	summary: "the server's clock jumps back by minutes to hours, and is put right a while later",
	weight: 1,
	strike: async (round) => {
		const random = round.random("clock");
		await round.moment(random, 300);
		await round.control.setClock(-pick(random, JUMPS_MS));
		await round.load(60);
		await round.control.setClock(0);
		round.recovering();
	},
};
