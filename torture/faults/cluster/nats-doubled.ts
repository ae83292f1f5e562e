// Messages on NATS come twice, late and out of order, and garbage beside them, while processes end and are cut off.
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";
import { shuffle, type Random } from "@fanfare/testkit/seeded-random";

import { makeProbes } from "../../harness/changes/probes.ts";
import { natsFault } from "../../harness/cluster/cluster-fault.ts";
import { MessageDoubler } from "../../harness/cluster/message-doubler.ts";
import { burst, chooseUnderLoad } from "../../harness/cluster/moving.ts";
import type { Round } from "../../round.ts";
import { change } from "./member-changes.ts";
import { suspend } from "./member-cut.ts";

const AWAY_MS = 2_500;
const DOWN_MS = 5_000;
const CHANGES = 3;
/** Of the things that happen meanwhile, the seed chooses so many. */
const HAPPEN = 3;
const KINDS = ["beats", "signals", "hints"];

export const natsDoubled = natsFault({
	name: "nats-doubled",
	summary:
		"a foreign client of NATS sends each message again, once or several times, late and out of order, and garbage beside them, while processes are killed, stopped, suspended and cut off from NATS",
	weight: 4,
	async strike(round) {
		const random = round.random("strike");
		const doubler = await MessageDoubler.open(round.members.nats.openUrl, round.random("doubler"));
		// Also while the rest is delivered, and while the processes stop.
		round.onEnd(() => doubler[Symbol.asyncDispose]());
		await burst(round);
		await round.load(40);
		// Signals tell the others to read them.
		const probes = shuffle(random, await makeProbes(round, 0)).slice(0, CHANGES);
		for (const probe of probes) await change(round, probe, random);
		for (const happens of shuffle(random, HAPPENINGS).slice(0, HAPPEN)) await happens(round, random);
		round.recovering();
		await burst(round);
		await round.load(40);
		for (const kind of KINDS) round.expect((doubler.copies.get(kind) ?? 0) > 0, `no message of ${kind} came again`);
		round.expect(doubler.garbage > 0, "no garbage was sent");
		const end = Date.now();
		await eventually("a copy of a message that came after all that", () => doubler.newestCopiedAt > end);
		await expectUse(round);
		round.checks.push(async () => {
			return doubler.isConnected
				? []
				: [{ promise: "fault", text: "NATS has dropped the client that doubles messages" }];
		});
	},
});

/** What may happen meanwhile. */
const HAPPENINGS: readonly ((round: Round, random: Random) => Promise<void>)[] = [
	(round, random) => cutOff(round, random, "refuse"),
	(round, random) => cutOff(round, random, "silence"),
	async (round, random) => {
		const { members } = round;
		const member = await chooseUnderLoad(round, random);
		await members.kill(member);
		round.recovering();
		await delay(random() * DOWN_MS);
		await members.restart(member);
		await members.shared();
	},
	async (round, random) => {
		const { members } = round;
		const member = await chooseUnderLoad(round, random);
		await members.stop(member);
		await members.restart(member);
		await members.shared();
	},
	suspend,
];

/** What was on its way to the process is lost, or comes late: its copies come after that. */
async function cutOff(round: Round, random: Random, how: "refuse" | "silence"): Promise<void> {
	const { natsLink } = await chooseUnderLoad(round, random);
	natsLink[how]();
	await delay(random() * AWAY_MS);
	natsLink.reopen();
	await round.load(20);
}

/** Expects that the processes have used NATS, with what they have refused. */
async function expectUse(round: Round): Promise<void> {
	const pages = await Promise.all(round.members.serving.map(({ server }) => server.call("GET", "/metrics")));
	for (const name of ["handed_off", "handed_over", "refused"]) {
		const line = new RegExp(`^fanfare_nats_${name}_total (\\d+)`, "m");
		const sum = pages.reduce((total, { text }) => total + Number(line.exec(text)?.[1] ?? 0), 0);
		round.expect(sum > 0, `the processes have counted no message as ${name}`);
	}
}
