// 2,000 events per second on a fixed schedule: the latency of a send and of a delivery when the server is below its limit.
import { setTimeout as sleep } from "node:timers/promises";

import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { measureSteady } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const RATE_PER_S = 2_000;
const SETTLE_MS = 250;
/** Warm-up at the measured rate, as a share of the warm-up: it takes other paths through the code than the closed loop. */
const SETTLE_SHARE = 0.4;

export const steady2000: Scenario = {
	name: "steady-2000",
	group: "speed",
	summary: `${RATE_PER_S} events of 1 KB per second on a fixed schedule, timed from when each was due`,
	results: [
		{ measurement: "acknowledgedP50Ms", label: "send acknowledged, p50", unit: "ms" },
		{ measurement: "acknowledgedP99Ms", label: "send acknowledged, p99", unit: "ms", limit: { atMost: 10 } },
		{ measurement: "receivedP50Ms", label: "received after the send, p50", unit: "ms", limit: { atMost: 5 } },
		{ measurement: "receivedP99Ms", label: "received after the send, p99", unit: "ms", limit: { atMost: 10 } },
		{ measurement: "receivedMaxMs", label: "received, longest", unit: "ms" },
		{ measurement: "latenessP99Ms", label: "generator's own lateness, p99", unit: "ms" },
		{ measurement: "cpuUsPerEvent", label: "server CPU per delivered event", unit: "µs", limit: { atMost: 140 } },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	const steady = { server, load, receiver, target: await server.newProject(receiver.url), ratePerS: RATE_PER_S };
	await warmUp(context, steady);
	await measureSteady(steady, context.warmUpSeconds * SETTLE_SHARE);

	const meter = await CpuMeter.start({ server: server.pid });
	const latencies = await measureSteady(steady, seconds);
	await sleep(SETTLE_MS);
	const cpu = await meter.read();
	await server.checkNothingPending(steady.target.projectId);
	const cpuUsPerEvent = cpu.server.cpuUs / latencies.received;
	return { ...latencies, cpuUsPerEvent, serverCores: cpu.server.cores, peakMb: await server.peakMb() };
}
