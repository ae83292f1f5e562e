// The course of a round: start, webhooks, load, the fault, recovery, drain, and the check of every promise.
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { utils, type Delivery } from "@fanfare/sdk";
import { checkAll, cutOffByRun } from "@fanfare/testkit/checks/all";
import { firstOfEach, type Breach, type RoundRecord, type WebhookRecord } from "@fanfare/testkit/checks/record";
import { pick } from "@fanfare/testkit/seeded-random";

import { askServer, collect } from "./collect.ts";
import type { Fault, FaultOptions } from "./fault.ts";
import { KINDS } from "./harness/webhook-kinds.ts";
import type { Options } from "./options.ts";
import { Round } from "./round.ts";

/** How many threads make attempts, if the command line does not say so. In half of the rounds the main thread does. */
const SENDER_THREADS = [0, 0, 1, 2];
/** The same for those that accept requests. */
const ACCEPTOR_THREADS = [0, 1];
/** The number of acknowledged events before the fault, and after it. */
const BEFORE = 60;
const AFTER = 40;
const DRAIN_MS = 60_000;
/** The longest overlap of two secrets that the server accepts. */
const OVERLAP_MS = 7 * 86_400_000;
const LOOK_AT_PENDING = 200;
/** How many breaches of each promise a round's result contains. */
const MAX_BREACHES = 50;

export interface RoundMeasurements {
	readonly accepted: number;
	readonly deliveries: number;
	readonly delivered: number;
	readonly attempts: number;
	/** Attempts that were repeated after an end of the server; the highest number after one end. */
	readonly repeated: number;
	readonly blockedReached: number;
	readonly peakMb: number;
	/** The time from a restart, or the fault's end, to the first delivery; null if there was nothing to recover from. */
	readonly recoveryMs: number | null;
	readonly tookMs: number;
}

export interface RoundResult {
	readonly fault: string;
	readonly seed: number;
	readonly breaches: readonly Breach[];
	readonly measured: RoundMeasurements;
	/** The directory with its data and log; null if they were removed. */
	readonly keptIn: string | null;
}

export async function runRound(
	fault: Fault,
	seed: number,
	{
		keep,
		profile,
		before,
		...threads
	}: Pick<Options, "keep" | "profile" | "before" | "senderThreads" | "acceptorThreads">,
): Promise<RoundResult> {
	const startedAt = performance.now();
	await using round = await Round.open(fault.name, seed, profile);
	const senderThreads = threads.senderThreads ?? pick(round.random("sender threads"), SENDER_THREADS);
	const acceptorThreads = threads.acceptorThreads ?? pick(round.random("acceptor threads"), ACCEPTOR_THREADS);
	round.env["FANFARE_SENDER_THREADS"] = String(senderThreads);
	round.env["FANFARE_ACCEPTOR_THREADS"] = String(acceptorThreads);
	const record = await play(round, fault, { before });
	const breaches = firstOfEach([...round.breaches, ...(record === null ? [] : checkAll(record))], MAX_BREACHES);
	const keptIn = keep || breaches.length > 0 ? await keepData(round, breaches) : null;
	const tookMs = performance.now() - startedAt;
	return { fault: fault.name, seed, breaches, measured: measurementsOf(round, record, tookMs), keptIn };
}

/** Plays the round. Null if it could not be played to its end, which is a breach. */
async function play(round: Round, fault: Fault, options: FaultOptions): Promise<RoundRecord | null> {
	try {
		await begin(round, fault, options);
		await withLoad(round, fault);
		await drain(round);
		await fault.verify?.(round);
		const answers = await askServer(round);
		await round.stop();
		for (const check of round.checks) round.breaches.push(...(await check()));
		return await collect(round, answers);
	} catch (error) {
		round.breach(
			"fault",
			`the round broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
		);
		return null;
	}
}

async function begin(round: Round, fault: Fault, options: FaultOptions): Promise<void> {
	await fault.prepare?.(round, options);
	await round.spawn();
	await fault.whileStarting?.(round);
	await round.server.ready();
	for (const kind of KINDS.map(round.adaptKind)) {
		if (kind.name === "two-secrets") await addWithTwoSecrets(round, kind);
		else
			await round.addWebhook(kind, {
				mayMiss: (event) => kind.name === "deleted" && event.acknowledgedAt >= round.deletedAt,
			});
	}
	await fault.setUp?.(round);
}

async function addWithTwoSecrets(round: Round, kind: (typeof KINDS)[number]): Promise<WebhookRecord> {
	const second = utils.generateWebhookSecret();
	const first = utils.generateWebhookSecret();
	const spec = { ...kind.spec, secret: first };
	const webhook = await round.addWebhook({ ...kind, spec }, { secrets: [first, second] });
	await round.project.batch.webhooks.updateSecret(webhook.id, second, { overlapMs: OVERLAP_MS });
	return webhook;
}

/** Pauses, resumes and deletes webhooks while events are sent, with the fault in between. */
async function withLoad(round: Round, fault: Fault): Promise<void> {
	// Asked anew for each call: in a cluster, the process that took the last one may have ended.
	const webhooks = () => round.project.batch.webhooks;
	round.beginLoad();
	await round.load(BEFORE);
	await webhooks().pause(round.webhook("paused").id);
	await webhooks().pause(round.webhook("held").id);
	round.deletedAt = Date.now();
	await webhooks().delete(round.webhook("deleted").id);
	await fault.strike(round);
	await round.load(AFTER);
	await webhooks().resume(round.webhook("paused").id);
	await round.senders.stop();
	for (const failure of round.senders.failures) round.breach("accepted", `a send failed for good: ${failure}`);
}

/** Waits until no delivery is Pending that need not be. If some still are, the checks report them. */
async function drain(round: Round): Promise<void> {
	const webhooks = new Map(round.webhooks.map((webhook) => [webhook.id, webhook]));
	const numbers = new Map(round.acknowledged.map(({ eventId, n }) => [eventId, n]));
	const mayWait = ({ webhookId, eventId, nextAttemptDate }: Delivery) => {
		const ends = webhooks.get(webhookId)?.mayEnd(numbers.get(eventId) ?? -1) ?? [];
		return ends.includes("Pending") && (nextAttemptDate ?? 0) > round.world.now();
	};
	const isDrained = async () => {
		const { data } = await round.project.deliveries.list({ status: "Pending", limit: LOOK_AT_PENDING });
		return data.every(mayWait);
	};
	await round.time.within(DRAIN_MS, isDrained);
	// The sweep of a pause or a deletion goes on for a moment after the last attempt.
	const held = { webhookId: round.webhook("paused").id, status: "Held", limit: 1 } as const;
	await round.time.within(DRAIN_MS, async () => (await round.project.deliveries.list(held)).data.length === 0);
}

function measurementsOf(round: Round, record: RoundRecord | null, tookMs: number): RoundMeasurements {
	const deliveries = record?.stored.deliveries ?? [];
	const waits = round.recoveries.map((time) => (round.book.firstAt(time) ?? Infinity) - time).filter(Number.isFinite);
	return {
		accepted: round.acknowledged.length,
		deliveries: deliveries.length,
		delivered: deliveries.filter(({ status }) => status === "Succeeded").length,
		attempts: deliveries.reduce((sum, { attemptCount }) => sum + attemptCount, 0),
		repeated: record === null ? 0 : Math.max(0, ...cutOffByRun(record)),
		blockedReached: round.canaries.reached,
		peakMb: round.memory?.peakMb ?? 0,
		recoveryMs: waits.length === 0 ? null : Math.max(...waits),
		tookMs,
	};
}

async function keepData(round: Round, breaches: readonly Breach[]): Promise<string> {
	const path = join(tmpdir(), `fanfare-torture-${round.faultName}-${round.seed}-${process.pid}`);
	mkdirSync(path, { recursive: true });
	// It is kept because something is wrong, maybe with the data.
	await round.data.keep(path).catch((error: unknown) => writeFileSync(join(path, "data-error.txt"), String(error)));
	writeFileSync(join(path, "server.log"), round.output);
	const { acknowledged, ends, webhooks } = round;
	const seen = round.book.seen.map((entry) => ({ ...entry, run: round.runOf(entry) }));
	const kept = { fault: round.faultName, seed: round.seed, breaches, acknowledged, webhooks, seen, ends: ends.length };
	writeFileSync(join(path, "round.json"), `${JSON.stringify(kept, null, "\t")}\n`);
	return path;
}
