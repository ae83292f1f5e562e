// As many webhooks as a project may have, and as large: starts, memory, sends and changes.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { ConflictError, type Client, type WebhookSpec } from "@fanfare/sdk";
import { processUsage } from "@fanfare/testkit/process-usage";

import { nowMs } from "../../harness/measure/clock.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import { makeProject } from "../../harness/server/webhook-plan.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const WEBHOOKS = 100_000;
/** How many want an event of the type `WANTED`. */
const TEN = 10;
const WANTED = "wanted.by.ten";
const TURNS = 400;
const ROUNDS = { warmUps: 4, rounds: 6 };
const QUICK_ROUNDS = { warmUps: 1, rounds: 1 };
const PROJECTS = 5;
const HEAP_MB = 1_024;
const AT_ONCE = 32;
/** A quick run's limit for the webhooks of a project. */
const QUICK_BYTES = 131_072;

export const manyWebhooks: Scenario = {
	name: "many-webhooks",
	group: "shape",
	summary: `a project of ${WEBHOOKS} webhooks: start, memory, an event that ten want, a PATCH and a send in turn; five projects of the largest webhooks in a heap of 1 GB`,
	// Making the webhooks takes minutes, but for the few of a quick run.
	onlyByName: true,
	inQuickRun: true,
	results: [
		{ measurement: "startMs", label: "100,000 webhooks: listens after", unit: "ms", limit: { atMost: 3_000 } },
		{ measurement: "startCpuMs", label: "100,000 webhooks: CPU until it listens", unit: "ms" },
		{
			measurement: "startMb",
			label: "100,000 webhooks: memory of a start",
			unit: "MB",
			limit: { atMost: 400 },
		},
		{ measurement: "peakMb", label: "100,000 webhooks: memory of sends", unit: "MB" },
		{ measurement: "manyCpuUs", label: "event that ten of 100,000 want: CPU", unit: "µs" },
		{ measurement: "fewCpuUs", label: "event that ten of ten want: CPU", unit: "µs" },
		{ measurement: "matchUs", label: "difference: the search among 100,000", unit: "µs", limit: { atMost: 50 } },
		{ measurement: "turnCpuMs", label: "a PATCH and a send in turn: CPU", unit: "ms", limit: { atMost: 1 } },
		{ measurement: "fewTurnCpuMs", label: "the same in a project of ten: CPU", unit: "ms" },
		{ measurement: "turnMs", label: "PATCH and send in turn: time, synced", unit: "ms" },
		{ measurement: "largest.webhooks", label: "five largest projects: webhooks", unit: "count" },
		{ measurement: "largest.startMs", label: "five largest projects: listens after", unit: "ms" },
		{ measurement: "largest.peakMb", label: "five largest projects: memory, peak", unit: "MB" },
		{ measurement: "filters.webhooks", label: "five longest filters: webhooks", unit: "count" },
		{ measurement: "filters.startMs", label: "five longest filters: listens after", unit: "ms" },
		{ measurement: "filters.peakMb", label: "five longest filters: memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const many = await measureMany(context);
	const largest = await measureFull(context, "largest", largestSpec);
	const filters = await measureFull(context, "filters", longestFilter);
	return { ...many, ...largest, ...filters };
}

async function measureMany(context: RunContext): Promise<Measurements> {
	const { receiver } = context;
	const webhooks = context.size(WEBHOOKS - TEN);
	const store = await context.prepareStore({ webhooks, wants: "own", deliveries: 0, perEvent: 1, state: "due" });
	await using server = await context.startServer({ store });
	const startMs = server.listeningAt - server.spawnedAt;
	const { cpuUs: startUs, peakMb: startMb } = await processUsage(server.pid);

	const few = await makeProject(server.client, { count: 0, endpoint: () => receiver.bulkUrl, wants: "all" });
	await addTen(server.client, store.projectId, receiver.bulkUrl);
	const fewId = await addTen(server.client, few.projectId, receiver.bulkUrl);
	const [webhookId = ""] = store.webhookIds;
	const { warmUps, rounds } = context.quick ? QUICK_ROUNDS : ROUNDS;
	let sent = 0;
	let received = 0;
	const send = async (projectId: string) => {
		const measured = await sendMany(context, server, projectId);
		sent += measured.sent;
		received += measured.received;
		return measured.cpuUs;
	};
	// Warmed up in turns, so that both are measured with the same code.
	for (let round = 0; round < warmUps; round++) {
		await send(few.projectId);
		await send(store.projectId);
	}
	const fewUs: number[] = [];
	const manyUs: number[] = [];
	for (let round = 0; round < rounds; round++) {
		fewUs.push(await send(few.projectId));
		manyUs.push(await send(store.projectId));
	}
	const differences = manyUs.map((us, round) => us - (fewUs[round] ?? 0));
	const turns = context.size(TURNS);
	const measureTurns = async (projectId: string, id: string) => {
		await patchAndSend(server, projectId, id, turns);
		const meter = await CpuMeter.start({ server: server.pid });
		const begunAt = nowMs();
		await patchAndSend(server, projectId, id, turns);
		const turnMs = (nowMs() - begunAt) / turns;
		return { turnMs, turnCpuMs: (await meter.read()).server.cpuUs / turns / 1_000 };
	};
	const fewTurn = await measureTurns(few.projectId, fewId);
	const manyTurn = await measureTurns(store.projectId, webhookId);
	return {
		sent,
		received,
		startMs,
		startCpuMs: startUs / 1_000,
		startMb,
		peakMb: await server.peakMb(),
		manyCpuUs: median(manyUs),
		fewCpuUs: median(fewUs),
		// Smaller than the noise where there are few.
		matchUs: Math.max(0, median(differences)),
		...manyTurn,
		fewTurnCpuMs: fewTurn.turnCpuMs,
	};
}

/** Returns the id of the last one. */
async function addTen(client: Client, projectId: string, endpoint: string): Promise<string> {
	let id = "";
	for (let number = 0; number < TEN; number++) {
		const spec = { endpoint, eventTypes: [WANTED], retries: { maxRetries: 0, maxRetryDelay: 0 } };
		({ id } = await client.project(projectId).batch.webhooks.create({ name: `Ten ${number}`, spec }));
	}
	return id;
}

/** Sends events that ten want. `cpuUs`: CPU of the server for an event, delivered. */
async function sendMany(
	{ receiver, quick }: RunContext,
	server: BenchServer,
	projectId: string,
): Promise<{ sent: number; received: number; cpuUs: number }> {
	const events = Array.from({ length: 100 }, (_, n) => ({ type: WANTED, data: { n } }));
	const batches = quick ? 1 : 10;
	await receiver.newSeries();
	const sent = batches * events.length * TEN;
	const all = receiver.waitForBulk(sent);
	const meter = await CpuMeter.start({ server: server.pid });
	for (let batch = 0; batch < batches; batch++) await server.client.project(projectId).events.sendBatch(events);
	await server.whileAlive(all);
	// The last outcomes.
	await sleep(250);
	const { cpuUs } = (await meter.read()).server;
	return { sent, received: sent, cpuUs: cpuUs / (batches * events.length) };
}

/** Changes a webhook, now and then also its filter, and sends an event that it wants. */
async function patchAndSend(server: BenchServer, projectId: string, webhookId: string, turns: number): Promise<void> {
	const project = server.client.project(projectId);
	for (let turn = 0; turn < turns; turn++) {
		const eventTypes = [`turn.${turn % 10}`, "turn.all.*"];
		await project.batch.webhooks.update(webhookId, { name: `Turn ${turn}`, spec: { eventTypes } });
		await project.events.send({ type: `turn.${turn % 10}`, data: { turn } });
	}
}

/** Fills five projects until the server refuses, and starts it again, each time with little heap. */
async function measureFull(
	context: RunContext,
	name: string,
	specOf: (n: number) => WebhookSpec,
): Promise<Measurements> {
	const settings: Record<string, string> = context.quick ? { FANFARE_MAX_WEBHOOK_BYTES: String(QUICK_BYTES) } : {};
	await using filled = await context.startServer({ inMemory: true, heapMb: HEAP_MB, settings });
	let webhooks = 0;
	let projectId = "";
	for (let number = 0; number < PROJECTS; number++) {
		projectId = (await filled.client.projects.create({ name: `Full ${number}` })).id;
		webhooks += await filled.whileAlive(fill(filled.client, projectId, specOf));
	}
	await filled.stop();
	const store = { dataDir: filled.dataDir, key: filled.key, projectId, webhookIds: [] };
	await using server = await context.startServer({ store, heapMb: HEAP_MB, settings });
	const { client } = server;
	// It works: the server still reads, refuses, and accepts.
	await client.project(projectId).batch.webhooks.list({ limit: 10 });
	await client.project(projectId).events.send({ type: "nobody.wants.this", data: {} });
	return {
		[`${name}.webhooks`]: webhooks,
		[`${name}.startMs`]: server.listeningAt - server.spawnedAt,
		[`${name}.peakMb`]: await server.peakMb(),
	};
}

/** Creates webhooks until there is no room for another one. Returns how many there are. */
async function fill(client: Client, projectId: string, specOf: (n: number) => WebhookSpec): Promise<number> {
	let count = 0;
	let isFull = false;
	const work = async () => {
		while (!isFull) {
			try {
				await client.project(projectId).batch.webhooks.create({ name: `Webhook ${count}`, spec: specOf(count) });
				count++;
			} catch (error) {
				if (!(error instanceof ConflictError) || error.code !== "webhooks_too_large") throw error;
				isFull = true;
			}
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return count;
}

/** Every field as large as it may be. */
function largestSpec(): WebhookSpec {
	const text = (length: number) => randomBytes(length).toString("hex").slice(0, length);
	const entries = (count: number, name: number, value: number) =>
		Object.fromEntries(Array.from({ length: count }, () => [text(name), text(value)]));
	return {
		endpoint: `http://127.0.0.1/${text(2_000)}`,
		description: text(1_024),
		eventTypes: Array.from({ length: 100 }, () => text(256)),
		headers: entries(20, 256, 1_024),
		metadata: entries(50, 64, 512),
	};
}

/** As many short names as it may have, which take the most memory for their length: each of them is wanted by nobody else. */
function longestFilter(number: number): WebhookSpec {
	const eventTypes = Array.from({ length: 100 }, (_, n) => (number * 100 + n).toString(36));
	return { endpoint: "http://127.0.0.1/", eventTypes };
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
