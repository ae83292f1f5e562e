// NATS dies, stands still, is slow, or is cut off from some of the processes: nothing is lost, and nothing is repeated.
import { setTimeout as delay } from "node:timers/promises";

import { between, shuffle, type Random } from "@fanfare/testkit/seeded-random";

import { natsFault } from "../../harness/cluster/cluster-fault.ts";
import { burst, chooseUnderLoad } from "../../harness/cluster/moving.ts";
import type { Round } from "../../round.ts";

/** Shorter and longer than members wait for each other's beats. */
const AWAY_MS = { from: 300, to: 7_000 };
const STOPPED_MS = { from: 100, to: 2_500 };
/** From a network around the world to one that is about to fail; and a bandwidth with which large hints take some seconds. */
const DELAY_MS = { from: 50, to: 2_000 };
const BYTES_PER_MS = { from: 20, to: 1_000 };

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
	summary: "one process or two of three are cut off from NATS, by silence or by resets; what was on its way comes late",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		for (const how of ["silence", "refuse"] as const) {
			const member = await chooseUnderLoad(round, random);
			const others = round.members.all.filter((other) => other !== member);
			const cut = [member, ...shuffle(random, others).slice(0, Math.floor(random() * 2))];
			for (const { natsLink } of cut) natsLink[how]();
			round.recovering();
			await round.load(10);
			await delay(between(random, AWAY_MS.from, AWAY_MS.to));
			for (const { natsLink } of cut) natsLink.reopen();
			await round.load(20);
		}
	},
});

export const natsSlow = natsFault({
	name: "nats-slow",
	summary:
		"NATS stands still again and again, or messages take their time, for less and more than members wait for each other's beats",
	weight: 3,
	async strike(round) {
		const random = round.random("strike");
		await burst(round);
		for (const isStill of shuffle(random, [true, true, true, false, false, false])) {
			await (isStill ? standStill(round, random) : slowDown(round, random));
			await round.load(5);
		}
		round.recovering();
	},
});

async function standStill({ members: { nats } }: Round, random: Random): Promise<void> {
	nats.suspend();
	await delay(between(random, STOPPED_MS.from, STOPPED_MS.to));
	nats.resume();
}

/** For each process with another delay, so that the messages of one come later than those of another. */
async function slowDown(round: Round, random: Random): Promise<void> {
	const { all } = round.members;
	for (const { natsLink } of all) {
		const delayMs = between(random, DELAY_MS.from, DELAY_MS.to);
		natsLink.slow({ delayMs, bytesPerMs: between(random, BYTES_PER_MS.from, BYTES_PER_MS.to) });
	}
	await burst(round);
	await round.load(20);
	await delay(between(random, STOPPED_MS.from, STOPPED_MS.to));
	for (const { natsLink } of all) natsLink.reopen();
}

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
