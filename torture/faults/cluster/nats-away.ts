// NATS dies, stands still, or is cut off from some of the processes: nothing is lost, and nothing is repeated.
import { setTimeout as delay } from "node:timers/promises";

import { between } from "@fanfare/testkit/seeded-random";

import { natsFault } from "../../harness/cluster/cluster-fault.ts";
import { burst, chooseUnderLoad } from "../../harness/cluster/moving.ts";

/** Shorter and longer than members wait for each other's beats. */
const AWAY_MS = { from: 300, to: 7_000 };
const STOPS = 6;
const STOPPED_MS = { from: 100, to: 2_500 };

export const natsDies = natsFault({
	name: "nats-dies",
	summary: "SIGKILL of NATS, twice, and it is started again without anything that it had",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		const { nats } = round.members;
		for (let deaths = 0; deaths < 2; deaths++) {
			await burst(round);
			await round.moment(random, 300);
			await nats.kill();
			round.recovering();
			await round.load(10);
			await delay(between(random, AWAY_MS.from, AWAY_MS.to));
			await nats.start();
			await round.load(20);
		}
	},
});

export const natsCut = natsFault({
	name: "nats-cut",
	summary: "one process is cut off from NATS, by silence or by resets; what was on its way comes late",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		for (const how of ["silence", "refuse"] as const) {
			const { natsLink } = await chooseUnderLoad(round, random);
			natsLink[how]();
			round.recovering();
			await round.load(10);
			await delay(between(random, AWAY_MS.from, AWAY_MS.to));
			natsLink.reopen();
			await round.load(20);
		}
	},
});

export const natsSlow = natsFault({
	name: "nats-slow",
	summary: "NATS stands still again and again, for less and more than members wait for each other's beats",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		const { nats } = round.members;
		await burst(round);
		for (let stops = 0; stops < STOPS; stops++) {
			nats.suspend();
			await delay(between(random, STOPPED_MS.from, STOPPED_MS.to));
			nats.resume();
			await round.load(5);
		}
		round.recovering();
	},
});

export const natsAndMemberKill = natsFault({
	name: "nats-and-member-kill",
	summary: "SIGKILL of NATS and of one process at once, and both are started again",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		const member = await chooseUnderLoad(round, random);
		await Promise.all([members.nats.kill(), members.kill(member)]);
		round.recovering();
		await delay(between(random, AWAY_MS.from, AWAY_MS.to));
		await members.nats.start();
		await members.restart(member);
		await round.load(20);
		await members.shared();
	},
});
