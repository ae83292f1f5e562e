// 2,000 events a second on a fixed schedule: how long a send and a delivery take when the server is not at its limit.
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../harness/cpu-meter.ts";
import { percentile } from "../harness/stats.ts";
import type { Measurements, RunContext, Scenario } from "../scenario.ts";

const RATE_PER_S = 2_000;
/** More than can be under way, unless the server falls behind by a quarter of a second. */
const CONNECTIONS = 512;
const SETTLE_MS = 250;

export const steady2000: Scenario = {
	name: "steady-2000",
	summary: `${RATE_PER_S} events of 1 KB a second on a fixed schedule, timed from when each was to be sent`,
	budget: [
		{ measurement: "acknowledgedP50Ms", label: "send acknowledged, p50", unit: "ms" },
		{ measurement: "acknowledgedP99Ms", label: "send acknowledged, p99", unit: "ms", limit: { atMost: 10 } },
		{ measurement: "receivedP50Ms", label: "received after the send, p50", unit: "ms", limit: { atMost: 5 } },
		{ measurement: "receivedP99Ms", label: "received after the send, p99", unit: "ms", limit: { atMost: 25 } },
		{ measurement: "receivedMaxMs", label: "received, longest", unit: "ms" },
		{ measurement: "latenessP99Ms", label: "generator's own lateness, p99", unit: "ms" },
		{ measurement: "cpuUsPerEvent", label: "server CPU per delivered event", unit: "µs" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run({ receiver, seconds, warmUpSeconds, startServer, startLoad }: RunContext): Promise<Measurements> {
	await using server = await startServer();
	await using load = await startLoad();
	const project = await server.newProject(receiver.url);
	const target = { ...project, ratePerS: RATE_PER_S, connections: CONNECTIONS };
	const offer = (forSeconds: number) =>
		server.whileAlive(load.call("openLoop", { ...target, count: Math.ceil(RATE_PER_S * forSeconds) }));

	const warmUp = await offer(warmUpSeconds);
	await server.whileAlive(receiver.waitFor(warmUp.intendedAt.length));
	await receiver.reset();
	await sleep(SETTLE_MS);

	const meter = await CpuMeter.start({ server: server.pid });
	const { intendedAt, sentAt, acknowledgedAt } = await offer(seconds);
	const sent = intendedAt.length;
	const { received, duplicates } = await server.whileAlive(receiver.waitFor(sent));
	await sleep(SETTLE_MS);
	const cpu = await meter.read();
	await server.checkNothingPending(project.projectId);

	const receivedAt = await receiver.times(sent);
	const after = (times: Float64Array) => times.map((time, index) => time - (intendedAt[index] ?? 0)).sort();
	const [acknowledgedMs, receivedMs, latenessMs] = [after(acknowledgedAt), after(receivedAt), after(sentAt)];
	return {
		sent,
		received,
		duplicates,
		acknowledgedP50Ms: percentile(acknowledgedMs, 0.5),
		acknowledgedP99Ms: percentile(acknowledgedMs, 0.99),
		receivedP50Ms: percentile(receivedMs, 0.5),
		receivedP99Ms: percentile(receivedMs, 0.99),
		receivedMaxMs: percentile(receivedMs, 1),
		latenessP99Ms: percentile(latenessMs, 0.99),
		cpuUsPerEvent: cpu.server.cpuUs / received,
		serverCores: cpu.server.cores,
		peakMb: await server.peakMb(),
	};
}
