// Processes of two versions share a database: those of the older one are replaced one by one under load, and also back again.
import { WORKING_TREE } from "@fanfare/testkit/programs/server-code";
import { pick, shuffle, type Random } from "@fanfare/testkit/seeded-random";

import { makeProbes } from "../../harness/changes/probes.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import { DoomedProject } from "../../harness/cluster/doomed-project.ts";
import type { Member } from "../../harness/cluster/member.ts";
import { burst } from "../../harness/cluster/moving.ts";
import { historyIssue, startWithOlder } from "../../harness/cluster/older-code.ts";
import type { Round } from "../../round.ts";
import { change } from "./member-changes.ts";

export const rollingUpgrade = clusterFault({
	name: "rolling-upgrade",
	summary:
		"processes of the older version (--before) are replaced one by one under load: both versions take sends and deliver, nothing is repeated, and what a deleted project had waiting ends",
	weight: 3,
	issue: historyIssue,
	prepare: startWithOlder,
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		const older = shuffle(random, members.all);
		const before = await DoomedProject.open(round, "deleted before the upgrade");
		await burst(round);
		await before.delete(pick(random, older));
		// Its start brings the schema to the new form.
		await members.join({ codeDir: WORKING_TREE });
		await members.shared();
		await replaceHalf(round, older, random);
		const after = await DoomedProject.open(round, "deleted after the upgrade");
		await after.delete(pick(random, members.serving));
		for (const project of [before, after]) await project.verifyGone();
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
		const upgraded = await replaceHalf(round, shuffle(random, members.all), random);
		const doomed = await openSome(round, ["before the way back", "at half of the way back", "before its last step"]);
		const [before, half, last] = doomed;
		const newer = shuffle(random, members.all);
		await before?.delete(pick(random, newer));
		for (const [n, member] of newer.entries()) {
			if (n === 1) await half?.delete(pick(random, newer.slice(n)));
			if (n === newer.length - 1) await last?.delete(member);
			await replace(round, member, round.codeDir, random);
		}
		await members.shared();
		await expectVersions(round, 1);
		for (const project of [...upgraded, ...doomed]) await project.verifyGone();
	},
});

/**
 * Replaces one process, makes changes through processes of both versions, and replaces the others. Returns the projects that it has deleted
 * meanwhile, one through a process of each version.
 */
async function replaceHalf(round: Round, older: readonly Member[], random: Random): Promise<readonly DoomedProject[]> {
	const [first, ...others] = older;
	if (first === undefined) throw new Error("there is no process to replace");
	const doomed = await openSome(round, ["by the newer version", "by the older version"]);
	await replace(round, first, WORKING_TREE, random);
	await round.members.shared();
	await expectVersions(round, 2);
	for (const probe of shuffle(random, await makeProbes(round, 0))) await change(round, probe, random);
	const [byNewer, byOlder] = doomed;
	await byNewer?.delete(first);
	await byOlder?.delete(pick(random, others));
	for (const project of doomed) await project.verifyGone();
	for (const member of others) await replace(round, member, WORKING_TREE, random);
	await round.members.shared();
	await expectVersions(round, 1);
	return doomed;
}

function openSome(round: Round, names: readonly string[]): Promise<DoomedProject[]> {
	return Promise.all(names.map((name) => DoomedProject.open(round, `deleted ${name}`)));
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
