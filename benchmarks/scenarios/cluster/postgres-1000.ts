// One process on PostgreSQL at a steady rate: what an event costs it and the database, and how late it comes.
import { setTimeout as sleep } from "node:timers/promises";

import { meterOf } from "../../harness/cluster/cluster-meter.ts";
import { measureSteady, type SteadyLoad } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const RATE_PER_S = 1_000;
/** Warm-up at the measured rate, as a share of the warm-up. */
const SETTLE_SHARE = 0.4;
/** For the last outcomes. */
const SETTLE_MS = 500;

export const postgres1000: Scenario = {
	name: "postgres-1000",
	group: "cluster",
	summary: `${RATE_PER_S.toLocaleString("en-US")} events per second one by one, on one process with PostgreSQL, which it needs`,
	onlyByName: true,
	results: [
		{ measurement: "serverUs", label: "server CPU per event", unit: "µs", floor: "cpuUsPerEvent" },
		{ measurement: "databaseUs", label: "PostgreSQL's CPU per event", unit: "µs", floor: "cpuUsPerEvent" },
		{ measurement: "walBytes", label: "WAL per event", unit: "bytes" },
		{ measurement: "diskBytes", label: "disk per event", unit: "bytes" },
		{ measurement: "acknowledgedP50Ms", label: "send acknowledged, p50", unit: "ms" },
		{ measurement: "acknowledgedP99Ms", label: "send acknowledged, p99", unit: "ms" },
		{ measurement: "receivedP50Ms", label: "received after the send, p50", unit: "ms" },
		{ measurement: "receivedP99Ms", label: "received after the send, p99", unit: "ms" },
		{ measurement: "latenessP99Ms", label: "generator's own lateness, p99", unit: "ms" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	await using cluster = await context.startCluster({ processes: 1, withNats: false });
	await using load = await context.startLoad();
	const server = cluster.first;
	const target = await server.newProject(receiver.url);
	const steady: SteadyLoad = { server, load, receiver, target, ratePerS: RATE_PER_S };
	await warmUp(context, steady);
	await measureSteady(steady, context.warmUpSeconds * SETTLE_SHARE);

	const meter = await meterOf(cluster);
	const before = await cluster.databaseUse();
	const latencies = await measureSteady(steady, seconds);
	await sleep(SETTLE_MS);
	const { serversUs, databaseUs } = await meter();
	const after = await cluster.databaseUse();
	await server.checkNothingPending(target.projectId);
	const { received } = latencies;
	return {
		...latencies,
		serverUs: serversUs / received,
		databaseUs: databaseUs / received,
		walBytes: (after.walBytes - before.walBytes) / received,
		diskBytes: (after.diskBytes - before.diskBytes) / received,
	};
}
