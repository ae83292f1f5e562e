// The server's process is suspended for a while.
import { setTimeout as delay } from "node:timers/promises";

import type { Fault } from "../../fault.ts";

const STOPPED_MS = 20_000;
/** Attempts that were in flight shortly before or after may also be affected. */
const MARGIN_MS = 500;

export const sigstop: Fault = {
	name: "sigstop",
	summary: "SIGSTOP for 20 s, as when a machine is suspended",
	weight: 0.2,
	strike: async (round) => {
		await round.moment(round.random("sigstop"), 300);
		const from = Date.now();
		round.server.kill("SIGSTOP");
		await delay(STOPPED_MS);
		round.server.kill("SIGCONT");
		round.unclear.push({ from, to: Date.now(), beforeMs: MARGIN_MS, afterMs: MARGIN_MS });
		round.recovering();
	},
};
