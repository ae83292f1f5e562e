// Collects the record of a round: what the API says, what is on the disk, and what the harness has seen.
import type { ProjectHandle, Stats } from "@fanfare/sdk";
import type { ListedStats, Listed, RoundRecord, Seen } from "@fanfare/testkit/checks/record";
import { findings } from "@fanfare/testkit/findings";

import type { Round } from "./round.ts";

const DAY_MS = 86_400_000;

/** The answers of the running server. */
export interface ServerAnswers {
	readonly listedEvents: RoundRecord["listedEvents"];
	readonly listed: readonly Listed[];
	readonly stats: ListedStats | null;
	readonly listedAt: number;
}

export function askServer({ hasStats, project, world }: Round): Promise<ServerAnswers> {
	return askProject(project, world.now(), hasStats);
}

/** What the server says of one project. */
export async function askProject(project: ProjectHandle, listedAt: number, hasStats: boolean): Promise<ServerAnswers> {
	const listed = await Array.fromAsync(project.deliveries.list());
	const listedEvents = await Array.fromAsync(project.events.list());
	const range = { width: "hour", from: listedAt - 30 * DAY_MS, to: listedAt + 30 * DAY_MS } as const;
	const stats = hasStats ? statsOf(await project.stats(range)) : null;
	return { listedAt, listed, listedEvents, stats };
}

function statsOf({ totals, deliveries }: Stats): ListedStats {
	const { accepted, attempts, succeeded } = totals;
	return {
		accepted,
		attemptsSucceeded: attempts.succeeded,
		attemptsFailed: attempts.failed,
		succeeded,
		byStatus: deliveries,
	};
}

/** The record of a round whose server has stopped. */
export async function collect(round: Round, answers: ServerAnswers): Promise<RoundRecord> {
	const { ends, maxInFlight, promptWithinMs } = round;
	// In a cluster, rates are judged over all processes: see judge-cluster.ts.
	const webhooks = round.isCluster
		? round.webhooks.map((webhook) => ({ ...webhook, perSecond: null }))
		: round.webhooks;
	const stored = ends.at(-1)?.log ?? (await round.data.readLog(round.neighbours));
	return {
		acknowledged: round.acknowledged,
		purged: round.purgeable.difference(stored.eventIds),
		webhooks,
		moreSuccesses: round.moreSuccesses,
		seen: seenBy(round),
		ends: ends.slice(0, -1),
		stored,
		...answers,
		maxInFlight,
		clockJumps: round.world.jumps,
		onTheWayMs: round.onTheWayMs,
		blockedReached: round.canaries.reached,
		secretsFound: await findSecrets(round),
		peakMb: round.memory?.peakMb ?? 0,
		maxMb: round.maxMb,
		promptWithinMs,
		usableMs: (from, to) => round.time.between(from, to),
	};
}

function seenBy(round: Round): Seen[] {
	const { book, unclear, time } = round;
	const isClear = (at: number) => unclear.every((period) => time.isOutside(period, at));
	return book.seen.map((seen) => ({ ...seen, run: round.runOf(seen), certain: seen.certain && isClear(seen.at) }));
}

async function findSecrets(round: Round): Promise<string[]> {
	const places = new Map([...(await round.data.bytes()), ["the server's log", Buffer.from(round.output)] as const]);
	const values = new Map(round.hiddenValues);
	for (const { name, secrets } of round.webhooks) {
		for (const [index, secret] of secrets.entries()) {
			values.set(`secret ${index} of ${name}`, Buffer.from(secret.replace(/^whsec_/, ""), "base64"));
		}
	}
	return [...values].flatMap(([what, value]) => findings(places, value).map((place) => `${what} is in ${place}`));
}
