// Processes of a cluster end: killed one by one or all at once, or stopped, one after the other or while another one joins.
import { setTimeout as delay } from "node:timers/promises";

import { shuffle } from "@fanfare/testkit/seeded-random";

import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import { burst, chooseUnderLoad } from "../../harness/cluster/moving.ts";

const KILLS = 2;
/** A killed process is started again after up to this time: before or after others have taken its shards. */
const DOWN_MS = 5_000;

export const memberKill = clusterFault({
	name: "member-kill",
	summary: "SIGKILL of one process of three, twice: others take its work, and it comes back before or after that",
	weight: 4,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		for (let kills = 0; kills < KILLS; kills++) {
			const member = await chooseUnderLoad(round, random);
			await members.kill(member);
			round.recovering();
			await delay(random() * DOWN_MS);
			await members.restart(member);
			await round.load(20);
			await members.shared();
		}
	},
});

export const memberKillAll = clusterFault({
	name: "member-kill-all",
	summary: "SIGKILL of all processes at once, and they are started again",
	weight: 2,
	async strike(round) {
		const { members } = round;
		await burst(round);
		await round.moment(round.random("strike"), 400);
		await members.kill(...members.serving);
		round.recovering();
		await Promise.all(members.all.map((member) => members.restart(member)));
		await members.shared();
	},
});

export const memberLeaves = clusterFault({
	name: "member-leaves",
	summary: "a process joins under load, another one leaves on SIGTERM: limits hold, and nothing is repeated",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		const leaves = async () => members.stop(await chooseUnderLoad(round, random));
		await burst(round);
		await members.join();
		await members.shared();
		await leaves();
		await members.shared();
		await Promise.all([members.join(), leaves()]);
		await members.shared();
	},
});

export const rollingRestart = clusterFault({
	name: "rolling-restart",
	summary: "all processes are restarted one after the other by SIGTERM: limits hold, and nothing is repeated",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		for (const member of shuffle(random, members.all)) {
			await burst(round);
			await round.moment(random, 300);
			await members.stop(member);
			await members.restart(member);
			await round.load(10);
		}
		await members.shared();
	},
});
