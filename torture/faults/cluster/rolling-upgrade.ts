// Processes of two versions share a database: those of the older one are replaced one by one under load, and also back again.
import { WORKING_TREE } from "@fanfare/testkit/programs/server-code";
import { shuffle, type Random } from "@fanfare/testkit/seeded-random";

import { makeProbes } from "../../harness/changes/probes.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import type { Member } from "../../harness/cluster/member.ts";
import { burst } from "../../harness/cluster/moving.ts";
import { historyIssue, startWithOlder } from "../../harness/cluster/older-code.ts";
import type { Round } from "../../round.ts";
import { change } from "./member-changes.ts";

export const rollingUpgrade = clusterFault({
	name: "rolling-upgrade",
	summary:
		"processes of the older version (--before) are replaced one by one under load: both versions take sends and deliver, and nothing is repeated",
	weight: 3,
	issue: historyIssue,
	prepare: startWithOlder,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		const older = shuffle(random, members.all);
		await burst(round);
		// Its start brings the schema to the new form.
		await members.join(WORKING_TREE);
		await members.shared();
		await replaceHalf(round, older, random);
	},
});

export const rollingBack = clusterFault({
	name: "rolling-back",
	summary: "the same, and then back to the older version, whose processes start on the newer schema",
	weight: 2,
	issue: historyIssue,
	prepare: startWithOlder,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		await burst(round);
		await replaceHalf(round, shuffle(random, members.all), random);
		for (const member of shuffle(random, members.all)) await replace(round, member, round.codeDir, random);
		await members.shared();
		await expectVersions(round, 1);
	},
});

/** Replaces one process, makes changes through processes of both versions, and replaces the others. */
async function replaceHalf(round: Round, older: readonly Member[], random: Random): Promise<void> {
	const [first, ...others] = older;
	if (first === undefined) throw new Error("there is no process to replace");
	await replace(round, first, WORKING_TREE, random);
	await round.members.shared();
	await expectVersions(round, 2);
	for (const probe of shuffle(random, await makeProbes(round, 0))) await change(round, probe, random);
	for (const member of others) await replace(round, member, WORKING_TREE, random);
	await round.members.shared();
	await expectVersions(round, 1);
}

async function replace(round: Round, member: Member, codeDir: string, random: Random): Promise<void> {
	await burst(round);
	await round.moment(random, 300);
	await round.members.replace(member, codeDir);
	await round.load(10);
}

/** Each process lists the others with their versions, which are this many. */
async function expectVersions(round: Round, count: number): Promise<void> {
	for (const { name, server } of round.members.serving) {
		const live = (await server.client.getStatus()).members?.filter(({ state }) => state === "live");
		const versions = new Set(live?.map(({ version }) => version));
		round.expect(
			versions.size === count,
			`${name} lists the versions ${[...versions].join()}, and ${count} are at work`,
		);
	}
}
