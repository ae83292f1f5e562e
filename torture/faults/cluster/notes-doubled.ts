// Notes between processes, which are rows of the database, are read twice, late and by others, while deliveries are cancelled and retried by hand.
import { ConflictError } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { answers } from "@fanfare/testkit/receiver";
import { pick, shuffle } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { clusterFault } from "../../harness/cluster/cluster-fault.ts";
import { burst, chooseUnderLoad } from "../../harness/cluster/moving.ts";
import { countNotes, doubleNotes } from "../../harness/cluster/note-doubler.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import { replies, type WebhookKind } from "../../harness/webhook-kinds.ts";
import type { Round } from "../../round.ts";

/** Its deliveries wait for longer than the round takes when they have been attempted once. */
const LONG_S = 3_600;
const DELIVERIES = 36;
/** Calls that are made at the same time. */
const LANES = 6;
const TYPE = "by.hand";
/** What is called for a delivery, one after the other. */
const FATES = [["retry"], ["retry", "cancel"], ["retry", "cancel", "retry"], ["cancel", "retry"]] as const;

const BY_HAND: WebhookKind = {
	name: "by-hand",
	// What is retried waits for its turn, so that it can be cancelled then.
	spec: { retries: { maxRetries: 5, maxRetryDelay: 40 }, eventTypes: [TYPE], rateLimit: { perSecond: 5 } },
	act: ({ earlier }) => (earlier > 0 ? replies(200) : { answer: answers.retryAfter(LONG_S), status: 503 }),
	mayEnd: (n) => (fateOf(n).at(-1) === "retry" ? ["Succeeded"] : ["Cancelled", "Succeeded"]),
};

const fault = clusterFault({
	name: "notes-doubled",
	summary:
		"notes between processes are read twice, late, and by others than those whom they are for, while deliveries are retried and cancelled by hand and a process leaves: each ends as the last call says",
	weight: 2,
	async strike(round) {
		const random = round.random("strike");
		await doubleNotes(round.database, Math.floor(random() * 1_000));
		const deliveries = shuffle(random, await attemptedOnce(round));
		await burst(round);
		const half = deliveries.length / 2;
		await changeByHand(round, deliveries.slice(0, half));
		await Promise.all([changeByHand(round, deliveries.slice(half)), replaceOne(round)]);
		round.recovering();
		const { again, others } = await countNotes(round.database);
		round.expect(again > 0, "no note was read again");
		round.expect(others > 0, "no note was read by others");
	},
});

export const notesDoubled: Fault = {
	...fault,
	async setUp(round) {
		await fault.setUp?.(round);
		await round.addWebhook(BY_HAND);
	},
};

function fateOf(n: number): (typeof FATES)[number] {
	return FATES[n % FATES.length] ?? FATES[0];
}

/** How often it retries what it has cancelled after another retry, whose attempt may be under way, and succeed, too. */
function revivals(fate: (typeof FATES)[number]): number {
	return fate.filter((call, at) => call === "retry" && fate[at - 1] === "cancel" && fate.indexOf("retry") < at).length;
}

interface Waiting {
	readonly id: string;
	readonly n: number;
}

/** Deliveries that wait for an hour. */
async function attemptedOnce(round: Round): Promise<Waiting[]> {
	const numbers = new Map<string, number>();
	for (let sent = 0; sent < DELIVERIES; sent++) {
		const event = rawEvent(round, TYPE);
		const { status, json } = await sendRaw(round, event);
		round.expect(status === 202, `an event got ${status}`);
		numbers.set((json as { id: string }).id, event.n);
	}
	const { id: webhookId } = round.webhook(BY_HAND.name);
	const listed = await eventually("the first attempts", async () => {
		const { data } = await round.project.deliveries.list({ webhookId, limit: DELIVERIES });
		return data.length === DELIVERIES && data.every(({ attemptCount }) => attemptCount === 1) ? data : null;
	});
	return listed.map(({ id, eventId }) => ({ id, n: numbers.get(eventId) ?? 0 })).sort((one, other) => one.n - other.n);
}

/** Makes the calls for each delivery, each through the next process, after waits that do not depend on the other deliveries. */
async function changeByHand(round: Round, deliveries: readonly Waiting[]): Promise<void> {
	const left = deliveries.values();
	const lane = async () => {
		for (const { id, n } of left) {
			const random = round.random(`by hand ${n}`);
			const fate = fateOf(n);
			round.moreSuccesses.set(id, revivals(fate));
			for (const call of fate) {
				await round.project.deliveries[call](id).catch(expectConflict);
				await round.moment(random, pick(random, [0, 100, 1_000]));
			}
		}
	};
	await Promise.all(Array.from({ length: LANES }, lane));
}

/** The delivery has succeeded meanwhile. */
function expectConflict(error: unknown): void {
	if (!(error instanceof ConflictError)) throw error;
}

/** Moves shards: notes come to an earlier owner. */
async function replaceOne(round: Round): Promise<void> {
	const random = round.random("replace one");
	const { members } = round;
	const member = await chooseUnderLoad(round, random);
	await members.stop(member);
	await members.restart(member);
	await members.shared();
}
