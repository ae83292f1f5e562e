// Processes with roles are killed: one of each kind alone, and all that deliver at once, while others take sends.
import { setTimeout as delay } from "node:timers/promises";

import { pairOf, type WebhookRecord } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import { pick, shuffle } from "@fanfare/testkit/seeded-random";

import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import type { Member } from "../../harness/cluster/member.ts";
import { burst } from "../../harness/cluster/moving.ts";
import { APART, EACH_ROLE } from "../../harness/cluster/roles.ts";
import type { Round } from "../../round.ts";

/** A killed process is started again after up to this time: before or after others have noticed. */
const DOWN_MS = 5_000;
/** Accepted while processes are down. */
const LOAD = 20;

export const roleKill = clusterFault({
	name: "role-kill",
	summary:
		"SIGKILL of a process that answers calls, of one that delivers and of one that does both, one after the other under load",
	weight: 3,
	prepare(round) {
		round.roles = EACH_ROLE;
	},
	async strike(round) {
		const random = round.random("strike");
		for (const member of shuffle(random, round.members.all)) await killAlone(round, member, random);
	},
});

export const roleKillWorkers = clusterFault({
	name: "role-kill-workers",
	summary:
		"SIGKILL of one process that delivers, then of all at once, and of one of those that take sends meanwhile: what is accepted waits, and all of it is delivered",
	weight: 3,
	prepare(round) {
		round.roles = APART;
	},
	async strike(round) {
		const random = round.random("strike");
		const { members } = round;
		await killAlone(round, pick(random, members.delivering), random);
		await burst(round);
		await round.moment(random, 400);
		const workers = members.delivering;
		await members.kill(...workers);
		const came = round.book.seen.length;
		const since = Date.now();
		await round.load(LOAD);
		await expectNobodyDelivers(round);
		await killAlone(round, pick(random, members.answering), random);
		const more = round.book.seen.length - came;
		round.expect(more === 0, `${more} requests came while no process delivered`);
		const accepted = acceptedSince(round, since);
		const missing = accepted.difference(await waiting(round));
		round.expect(accepted.size >= LOAD, `${accepted.size} deliveries were accepted while no process delivered`);
		round.expect(
			missing.size === 0,
			`while no process delivered, ${missing.size} of ${accepted.size} deliveries did not wait`,
		);
		round.recovering();
		await Promise.all(workers.map((member) => members.restart(member)));
		await members.shared();
	},
});

/** Kills one process while the others take sends, and starts it again. */
async function killAlone(round: Round, member: Member, random: () => number): Promise<void> {
	const { members } = round;
	await burst(round);
	await round.moment(random, 400);
	await members.kill(member);
	if (members.delivering.length > 0) round.recovering();
	await round.load(LOAD);
	await delay(random() * DOWN_MS);
	await members.restart(member);
	await round.load(LOAD);
	if (members.delivering.length > 0) await members.shared();
}

/** The processes that answer calls stay ready, and say that nobody delivers. */
async function expectNobodyDelivers(round: Round): Promise<void> {
	for (const { name, server } of round.members.answering) {
		const warns = async () => (await server.client.getStatus()).warnings.some(({ code }) => code === "nobody_delivers");
		await eventually(`${name} to warn that nobody delivers`, warns);
		const { status } = await server.call("GET", "/readyz");
		round.expect(status === 200, `while nobody delivers, /readyz of ${name} got ${status}`);
	}
}

/** Deliveries to healthy webhooks, whose settings nobody changes, of the acknowledged events that were sent after that time. */
function acceptedSince(round: Round, since: number): Set<string> {
	const events = round.acknowledged.filter(({ sentAt }) => sentAt > since);
	const pairs = healthy(round).flatMap(({ id, wants }) =>
		events
			.filter(({ type, webhookIds }) => (webhookIds === null ? wants(type) : webhookIds.includes(id)))
			.map(({ eventId }) => pairOf({ eventId, webhookId: id })),
	);
	return new Set(pairs);
}

/** Deliveries to healthy webhooks that are Pending. */
async function waiting(round: Round): Promise<Set<string>> {
	const { deliveries } = round.project;
	const lists = healthy(round).map(({ id }) => Array.fromAsync(deliveries.list({ webhookId: id, status: "Pending" })));
	return new Set((await Promise.all(lists)).flat().map(pairOf));
}

function healthy({ webhooks }: Round): readonly WebhookRecord[] {
	return webhooks.filter(({ isHealthy }) => isHealthy);
}
