import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";

import { between } from "../../chance.ts";
import type { Fault } from "../../fault.ts";

const BACKLOG = 250;
const KILLS = 2;
/** After the first delivery of a recovery. */
const INTO_IT_MS = 60;

export const killRecovery: Fault = {
	name: "kill-recovery",
	summary: "SIGKILL while a start works off a backlog, again and again",
	weight: 2,
	strike: async (round) => {
		const random = round.random("recovery");
		const types = Array.from({ length: BACKLOG }, () => (random() < 0.5 ? "order.shipped" : "user.created"));
		await round.senders.sendBatch(types, random);
		await round.kill();
		for (let n = 0; n < KILLS; n++) {
			const begunAt = Date.now();
			await round.begin();
			await eventually("the backlog to be worked off", () => round.book.firstAt(begunAt));
			await delay(between(random, 0, INTO_IT_MS));
			await round.kill();
		}
		await round.restart();
	},
};
