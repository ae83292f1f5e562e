// Measures throughput in a closed loop: each connection sends again as soon as it has a response.
import { setTimeout as sleep } from "node:timers/promises";

import type { LoadCalls } from "../../children/load.ts";
import type { ResultLine, Measurements, RunContext } from "../../scenario.ts";
import type { Child } from "../process/child.ts";
import type { BenchServer, SendTarget } from "../server/bench-server.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { describeThreads, ThreadMeter } from "./thread-meter.ts";

export interface ThroughputOptions {
	/** Each connection has one request in flight at a time. */
	readonly connections: number;
	/** Events per request. */
	readonly batchSize: number;
	/** Size of an event's body as its receiver gets it. Defaults to 1 KB. */
	readonly bodyBytes?: number;
	/** Adds a note on the CPU of the server's threads. Defaults to false. */
	readonly noteThreads?: boolean;
}

/** The two loads of the budgets. */
export const ONE_EVENT: ThroughputOptions = { connections: 128, batchSize: 1 };
export const BATCHES_OF_100: ThroughputOptions = { connections: 8, batchSize: 100 };

/** Result lines that every throughput scenario shows after its own. */
export const SHOWN_WITH_THROUGHPUT: readonly ResultLine[] = [
	{ measurement: "acceptedPerS", label: "accepted per second", unit: "perSecond" },
	{ measurement: "acknowledgedP50Ms", label: "send acknowledged, p50", unit: "ms" },
	{ measurement: "acknowledgedP99Ms", label: "send acknowledged, p99", unit: "ms" },
	{ measurement: "backlogAtEnd", label: "waiting as the sending ended", unit: "count" },
	{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
];

/** Time for the outcomes of the last attempts to be written, which are part of the cost. */
const SETTLE_MS = 250;

/** Measures a load on a new server with an empty store and one webhook. */
export async function measureThroughput(context: RunContext, options: ThroughputOptions): Promise<Measurements> {
	await using server = await context.startServer();
	const target = await server.newProject(context.receiver.url);
	return await measureLoad(context, server, target, { ...options, noteThreads: true });
}

/** Measures a load spread over `count` webhooks, each with this rate limit if there is one. The store with the webhooks is made once for all runs. */
export async function measureSpread(
	context: RunContext,
	count: number,
	options: ThroughputOptions,
	ratePerS?: number,
): Promise<Measurements> {
	const rows = { deliveries: 0, perEvent: 1, state: "log" } as const;
	const plan = { ...rows, webhooks: count, wants: "own", numbered: true, ratePerS } as const;
	const store = await context.prepareStore(plan);
	await using server = await context.startServer({ store });
	return await measureLoad(context, server, server.target(store.projectId, count), options);
}

/**
 * Sends in a closed loop before a measurement, also before one at a low rate: V8 compiles functions after a number of calls, most
 * of them between the 10,000th and the 20,000th event. At 2,000 events per second that would be a pause of 100 ms in the middle
 * of the measurement.
 */
export async function warmUp(
	{ receiver, warmUpSeconds }: RunContext,
	{ server, load, target }: { server: BenchServer; load: Child<LoadCalls>; target: SendTarget },
	options = ONE_EVENT,
): Promise<void> {
	const loop = { ...target, ...options, series: await receiver.newSeries(), seconds: warmUpSeconds };
	const { acknowledged } = await server.whileAlive(load.call("closedLoop", loop));
	await server.whileAlive(receiver.waitFor(acknowledged));
	await sleep(SETTLE_MS);
}

/**
 * Sends in a closed loop, and counts at the receiver until all events have come. The rate is over the time from the first send
 * to the last reception, so that a server which accepts faster than it delivers gains nothing.
 */
export async function measureLoad(
	context: RunContext,
	server: BenchServer,
	target: SendTarget,
	options: ThroughputOptions,
): Promise<Measurements> {
	const { receiver, seconds } = context;
	await using load = await context.startLoad();
	await warmUp(context, { server, load, target }, options);

	const { noteThreads = false, ...shape } = options;
	const loop = { ...target, ...shape, series: await receiver.newSeries(), seconds };
	const threads = noteThreads ? await ThreadMeter.start(server.pid) : null;
	const meter = await CpuMeter.start({ server: server.pid, load: load.pid, receiver: receiver.pid });
	const { acknowledged, startedAt, endedAt, acknowledgedP50Ms, acknowledgedP99Ms } = await server.whileAlive(
		load.call("closedLoop", loop),
	);
	const backlogAtEnd = acknowledged - (await receiver.counts()).received;
	const { received, duplicates, lastAt } = await server.whileAlive(receiver.waitFor(acknowledged));
	await sleep(SETTLE_MS);
	const cpu = await meter.read();
	if (threads !== null) context.note(describeThreads(await threads.read(), received));
	await server.checkNothingPending(target.projectId);
	return {
		sent: acknowledged,
		received,
		duplicates,
		acceptedPerS: (acknowledged / (endedAt - startedAt)) * 1_000,
		deliveredPerS: (received / (lastAt - startedAt)) * 1_000,
		cpuUsPerEvent: cpu.server.cpuUs / received,
		acknowledgedP50Ms,
		acknowledgedP99Ms,
		backlogAtEnd,
		peakMb: await server.peakMb(),
		serverCores: cpu.server.cores,
		loadCores: cpu.load.cores,
		receiverCores: cpu.receiver.cores,
	};
}
