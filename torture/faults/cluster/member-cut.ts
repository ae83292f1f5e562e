// Processes of a cluster live on and lose their tenure: suspended, or cut off from the database, which may also crash or be lost for good.
import { setTimeout as delay } from "node:timers/promises";

import { between, type Random } from "@fanfare/testkit/seeded-random";

import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import { chooseUnderLoad } from "../../harness/cluster/moving.ts";
import type { Round } from "../../round.ts";

/** Longer than a tenure, and long enough for others to take the shards in most rounds. */
const AWAY_MS = { from: 3_500, to: 6_000 };
/** Shorter and longer than a tenure. */
const DATABASE_AWAY_MS = 5_000;
const CRASHES = 2;

export const memberSuspended = clusterFault({
	name: "member-suspended",
	summary: "SIGSTOP of one process for longer than its tenure, then SIGCONT",
	weight: 3,
	strike: (round) => suspend(round, round.random("strike")),
});

export const memberSilent = clusterFault({
	name: "member-silent",
	summary: "the network between one process and the database loses everything for longer than a tenure",
	weight: 3,
	strike: (round) => cutOff(round, "silence"),
});

export const memberReset = clusterFault({
	name: "member-reset",
	summary: "the connections of one process to the database are reset and refused for longer than a tenure",
	weight: 3,
	strike: (round) => cutOff(round, "refuse"),
});

export const clusterDatabaseCrash = clusterFault({
	name: "cluster-database-crash",
	summary: "the database of a cluster crashes, twice, and is away for less or more than a tenure",
	weight: 3,
	strike: (round) => databaseAway(round, "immediate"),
});

export const clusterDatabaseRestart = clusterFault({
	name: "cluster-database-restart",
	summary: "the database of a cluster is restarted by its operator, twice",
	weight: 2,
	strike: (round) => databaseAway(round, "fast"),
});

export const clusterDatabaseFailover = clusterFault({
	name: "cluster-database-failover",
	summary:
		"the primary of a cluster is lost for good, and its synchronous standby takes its place in less or more than a tenure",
	weight: 3,
	prepare: (round) => round.database.addStandby(),
	async strike(round) {
		const random = round.random("strike");
		const { database, members } = round;
		const all = members.serving;
		await chooseUnderLoad(round, random);
		await database.losePrimary();
		// Connections reach a database that takes no writes.
		for (const { link } of all) link.leadTo(database.cluster.port);
		await round.moment(random, DATABASE_AWAY_MS);
		// The log is read before any process can write.
		for (const { link } of all) link.refuse();
		await database.promoteStandby();
		const mark = await members.mark();
		for (const { link } of all) link.reopen();
		round.recovering();
		await members.back(all, mark);
		await round.load(20);
		await members.join();
		await members.shared();
	},
});

/** Suspends one process for longer than its tenure. */
export async function suspend(round: Round, random: Random): Promise<void> {
	const { members } = round;
	const member = await chooseUnderLoad(round, random);
	member.isServing = false;
	member.server.kill("SIGSTOP");
	await members.quiet(member);
	const mark = await members.mark();
	await delay(between(random, AWAY_MS.from, AWAY_MS.to));
	member.server.kill("SIGCONT");
	round.recovering();
	await members.back([member], mark, true);
}

async function cutOff(round: Round, how: "silence" | "refuse"): Promise<void> {
	const random = round.random("strike");
	const { members } = round;
	const member = await chooseUnderLoad(round, random);
	member.isServing = false;
	member.link[how]();
	await members.quiet(member);
	const mark = await members.mark();
	await delay(between(random, AWAY_MS.from, AWAY_MS.to));
	member.link.reopen();
	round.recovering();
	await members.back([member], mark);
}

async function databaseAway(round: Round, how: "fast" | "immediate"): Promise<void> {
	const random = round.random("strike");
	const { members } = round;
	const { cluster } = round.database;
	for (let crashes = 0; crashes < CRASHES; crashes++) {
		const all = members.serving;
		await chooseUnderLoad(round, random);
		await cluster.stop(how);
		// The log is read before any process can write.
		for (const { link } of all) link.refuse();
		await delay(random() * DATABASE_AWAY_MS);
		await cluster.start();
		const mark = await members.mark();
		for (const { link } of all) link.reopen();
		round.recovering();
		await members.back(all, mark);
		await round.load(10);
	}
}
