// An idle server after a busy phase: its timers and polls should cost next to no power and CPU time.
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const WEBHOOKS = 10;
const CONNECTIONS = 16;
/** Time for idle connections to close and the heap to shrink. */
const SETTLE_MS = 1_000;
/** Measures longer than other scenarios: the system counts CPU time in ticks of 10 ms, and one tick must be a small part of the budget. */
const LONGER = 2;

export const idle: Scenario = {
	name: "idle",
	group: "speed",
	summary: `an idle server with ${WEBHOOKS} webhooks, after a phase of deliveries`,
	results: [
		{ measurement: "idlePercent", label: "server CPU, of one core", unit: "%", limit: { atMost: 0.5 } },
		{ measurement: "residentMb", label: "server memory", unit: "MB" },
	],
	run,
};

async function run({ receiver, seconds, warmUpSeconds, startServer, startLoad }: RunContext): Promise<Measurements> {
	await using server = await startServer();
	const sent = await makeBusy();
	await sleep(SETTLE_MS);
	const meter = await CpuMeter.start({ server: server.pid });
	await server.whileAlive(sleep(seconds * LONGER * 1_000));
	const cpu = await meter.read();
	return { sent, received: sent, idlePercent: cpu.server.cores * 100, residentMb: await server.residentMb() };

	async function makeBusy(): Promise<number> {
		await using load = await startLoad();
		const project = await server.newProject(receiver.url, WEBHOOKS);
		const series = await receiver.newSeries();
		const loop = { ...project, series, connections: CONNECTIONS, batchSize: 1, seconds: warmUpSeconds };
		const { acknowledged } = await server.whileAlive(load.call("closedLoop", loop));
		await server.whileAlive(receiver.waitFor(acknowledged));
		await server.checkNothingPending(project.projectId);
		return acknowledged;
	}
}
