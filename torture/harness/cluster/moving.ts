// Webhooks that are busy up to their limits while they move from one process to another.
import type { Random } from "@fanfare/testkit/seeded-random";

import type { Round } from "../../round.ts";
import { replies, succeeds, type WebhookKind } from "../webhook-kinds.ts";
import type { Member } from "./member.ts";

const PER_SECOND = 10;
const RETRIES = { maxRetries: 20, maxRetryDelay: 40 };
/** How many events of each type a burst has: enough for some seconds at the limits. */
const BURST = { rate: 30, slots: 40 };
/** Longer than shards need to find a new owner, so that attempts are under way when they move. */
const BUSY_MS = 1_500;

const KINDS: readonly WebhookKind[] = [
	{
		name: "moving-rate",
		spec: { retries: RETRIES, eventTypes: ["moving.rate"], rateLimit: { perSecond: PER_SECOND } },
		act: () => replies(200),
		mayEnd: succeeds,
	},
	{
		name: "moving-slots",
		spec: { retries: RETRIES, eventTypes: ["moving.slots"] },
		act: () => replies(200, { delayMs: BUSY_MS }),
		mayEnd: succeeds,
	},
];

export async function addMoving(round: Round): Promise<void> {
	for (const kind of KINDS) await round.addWebhook(kind);
}

/** Sends events for them, in one batch. */
export async function burst(round: Round): Promise<void> {
	const types = Object.entries(BURST).flatMap(([name, count]) => Array.from({ length: count }, () => `moving.${name}`));
	await round.senders.sendBatch(types, round.random("burst"));
}

/** Chooses one of the processes that deliver for them, and lets some of its attempts begin. */
export async function chooseUnderLoad(round: Round, random: Random): Promise<Member> {
	const ids = KINDS.map(({ name }) => round.webhook(name).id);
	const member = await round.members.choose(random, ids);
	await burst(round);
	await round.moment(random, 400);
	return member;
}
