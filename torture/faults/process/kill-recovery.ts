// The server is killed while it delivers the backlog that an earlier kill has left.
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";

const BACKLOG = 250;
const KILLS = 2;
/** The longest time from the first delivery of a recovery to the kill. */
const KILL_AFTER_MS = 60;

export const killRecovery: Fault = {
	name: "kill-recovery",
	summary: "SIGKILL while the server delivers a backlog after a start, several times",
	weight: 2,
	strike: async (round) => {
		const random = round.random("recovery");
		const types = Array.from({ length: BACKLOG }, () => (random() < 0.5 ? "order.shipped" : "user.created"));
		await round.senders.sendBatch(types, random);
		await round.kill();
		for (let n = 0; n < KILLS; n++) {
			const begunAt = Date.now();
			await round.begin();
			await eventually("the first delivery of the backlog", () => round.book.firstAt(begunAt));
			await delay(between(random, 0, KILL_AFTER_MS));
			await round.kill();
		}
		await round.restart();
	},
};
