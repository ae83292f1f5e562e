// As fast as it goes, for some seconds: what the scenarios of that kind share.
import { setTimeout as sleep } from "node:timers/promises";

import type { Figure, Measurements, RunContext } from "../scenario.ts";
import { CpuMeter } from "./cpu-meter.ts";

export interface ThroughputOptions {
	/** Each has one request under way at a time. */
	readonly connections: number;
	/** Events a request. */
	readonly batchSize: number;
}

/** Lines that every such scenario shows after its own. */
export const SHOWN_WITH_THROUGHPUT: readonly Figure[] = [
	{ measurement: "acceptedPerS", label: "accepted per second", unit: "perSecond" },
	{ measurement: "acknowledgedP50Ms", label: "send acknowledged, p50", unit: "ms" },
	{ measurement: "acknowledgedP99Ms", label: "send acknowledged, p99", unit: "ms" },
	{ measurement: "backlogAtEnd", label: "waiting as the sending ended", unit: "count" },
	{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
];

/** For the outcomes of the last attempts to be written: they are part of the price. */
const SETTLE_MS = 250;

/**
 * Sends in a closed loop and counts at the receiver until all is in. The rate is over the whole time from the first send to the
 * last reception, so that a server which accepts faster than it delivers gains nothing by it.
 */
export async function measureThroughput(context: RunContext, options: ThroughputOptions): Promise<Measurements> {
	const { receiver, seconds, warmUpSeconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	const project = await server.newProject(receiver.url);
	const send = (forSeconds: number) =>
		server.whileAlive(load.call("closedLoop", { ...project, ...options, seconds: forSeconds }));

	const warmUp = await send(warmUpSeconds);
	await server.whileAlive(receiver.waitFor(warmUp.acknowledged));
	await receiver.reset();
	await sleep(SETTLE_MS);

	const meter = await CpuMeter.start({ server: server.pid, load: load.pid, receiver: receiver.pid });
	const { acknowledged, startedAt, endedAt, acknowledgedP50Ms, acknowledgedP99Ms } = await send(seconds);
	const backlogAtEnd = acknowledged - (await receiver.counts()).received;
	const { received, duplicates, lastAt } = await server.whileAlive(receiver.waitFor(acknowledged));
	await sleep(SETTLE_MS);
	const cpu = await meter.read();
	await server.checkNothingPending(project.projectId);
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
