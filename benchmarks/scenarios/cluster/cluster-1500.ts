// Several processes on one PostgreSQL at a steady rate: what an event costs them and the database, and how late it comes. Beside them, one
// process on the embedded store, in the same run.
import { setTimeout as sleep } from "node:timers/promises";

import type { BenchCluster } from "../../harness/cluster/bench-cluster.ts";
import { meterOf } from "../../harness/cluster/cluster-meter.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { latenciesOf, measureSteady, named, sendSteadily, type SteadyLoad } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

const RATE_PER_S = 1_500;
/** Where a machine has time left, so that latencies say more about the way than about waiting for a processor. */
const LATENCY_RATE_PER_S = 1_000;
/** As in the study that the budgets come from. */
const BATCH = 20;
/** Spread over the shards, so that each process has its share. */
const WEBHOOKS = 64;
const CASES = [
	{ name: "1", processes: 1, withNats: false },
	{ name: "2", processes: 2, withNats: false },
	{ name: "2 + NATS", processes: 2, withNats: true },
	{ name: "4", processes: 4, withNats: false },
	{ name: "4 + NATS", processes: 4, withNats: true },
] as const;
type Case = (typeof CASES)[number];
/** A smoke test need not start so many servers. */
const QUICK_CASE = CASES[2];
/** In a closed loop, which brings each process to its full speed sooner. */
const WARM_UP = { connections: 4, batchSize: BATCH };
/** Warm-up at the measured rate, as a share of the warm-up. */
const SETTLE_SHARE = 0.4;
/** When one of the processes is killed, as a share of the measurement. */
const KILLED_AT = 0.3;
const SETTLE_MS = 500;
/** System time counts in ticks of 10 ms: one tick must be a small part of what is measured. */
const IDLE_LONGER = 1.5;
const SERVERS_LIMIT_US = 225;
const DATABASE_LIMITS_US = { withNats: 50, without: 110 };
const P50_LIMITS_MS = { withNats: 10, without: 500 };

export const cluster1500: Scenario = {
	name: "cluster-1500",
	group: "cluster",
	summary: `${RATE_PER_S} events per second, ${BATCH} a request, on 1, 2, 4 processes, with and without NATS; needs PostgreSQL`,
	onlyByName: true,
	results: [
		...embeddedResults(),
		...CASES.flatMap(resultsOf),
		...CASES.filter(isTimed).flatMap(latencyResults),
		...CASES.filter(dies).flatMap(deathResults),
	],
	run,
};

/** Whether its latencies are measured at the lower rate, too. Four processes and their database want more than two cores. */
function isTimed({ processes }: Case): boolean {
	return processes <= 2;
}

/** Whether one of its processes is killed as well. */
function dies({ processes }: Case): boolean {
	return processes === 2;
}

function resultsOf({ name, processes, withNats }: Case): ResultLine[] {
	const line = (measurement: string, label: string, more: Pick<ResultLine, "unit" | "limit" | "floor">): ResultLine => {
		return { measurement: `${name}.${measurement}`, label: `${name}: ${label}`, mayBeSkipped: true, ...more };
	};
	const kind = withNats || processes === 1 ? "withNats" : "without";
	return [
		line("serverUs", "servers' CPU per event", {
			unit: "µs",
			floor: "cpuUsPerEvent",
			limit: { atMost: SERVERS_LIMIT_US },
		}),
		line("databaseUs", "PostgreSQL's CPU per event", {
			unit: "µs",
			floor: "cpuUsPerEvent",
			limit: { atMost: DATABASE_LIMITS_US[kind] },
		}),
		...(withNats ? [line("natsUs", "NATS's CPU per event", { unit: "µs", floor: "cpuUsPerEvent" })] : []),
		line("walBytes", "WAL per event", { unit: "bytes" }),
		line("diskBytes", "disk per event", { unit: "bytes" }),
		line("connections", "connections", { unit: "count" }),
		line("acknowledgedP99Ms", "acknowledged p99", { unit: "ms" }),
		line("receivedP50Ms", "received p50", { unit: "ms", limit: { atMost: P50_LIMITS_MS[kind] } }),
		line("receivedP99Ms", "received p99", { unit: "ms" }),
		line("idlePercent", "CPU of an idle process", { unit: "%", limit: { atMost: 0.5 } }),
		line("idleDatabasePercent", "idle: PostgreSQL's CPU", { unit: "%" }),
	];
}

function latencyResults({ name, processes, withNats }: Case): ResultLine[] {
	const limit = { atMost: P50_LIMITS_MS[withNats || processes === 1 ? "withNats" : "without"] };
	const line = (measurement: string, label: string, more: Pick<ResultLine, "limit"> = {}): ResultLine => {
		const at = `${LATENCY_RATE_PER_S}/s`;
		return {
			measurement: `${name}.${at}.${measurement}`,
			label: `${name}, ${at}: ${label}`,
			unit: "ms",
			mayBeSkipped: true,
			...more,
		};
	};
	return [
		line("acknowledgedP50Ms", "acknowledged p50"),
		line("acknowledgedP99Ms", "acknowledged p99"),
		line("receivedP50Ms", "received p50", { limit }),
		line("receivedP99Ms", "received p99"),
		line("latenessP99Ms", "generator's lateness p99"),
	];
}

/** One process with the store of its own, for comparison. */
function embeddedResults(): ResultLine[] {
	const line = (measurement: string, label: string, more: Pick<ResultLine, "unit" | "floor">): ResultLine => {
		return { measurement: `embedded.${measurement}`, label: `embedded: ${label}`, mayBeSkipped: true, ...more };
	};
	return [
		line("serverUs", "server's CPU per event", { unit: "µs", floor: "cpuUsPerEvent" }),
		line("acknowledgedP99Ms", "acknowledged p99", { unit: "ms" }),
		line("receivedP50Ms", "received p50", { unit: "ms" }),
		line("receivedP99Ms", "received p99", { unit: "ms" }),
		line("idlePercent", "CPU when idle", { unit: "%" }),
	];
}

function deathResults({ name }: Case): ResultLine[] {
	const line = (measurement: string, label: string, unit: "ms" | "count"): ResultLine => {
		return {
			measurement: `${name}.death.${measurement}`,
			label: `${name}, one is killed: ${label}`,
			unit,
			mayBeSkipped: true,
		};
	};
	return [
		line("receivedP99Ms", "received p99", "ms"),
		line("receivedMaxMs", "received, longest", "ms"),
		line("duplicates", "received twice", "count"),
	];
}

async function run(context: RunContext): Promise<Measurements> {
	const all: Record<string, number> = { sent: 0, received: 0 };
	for (const { measurement } of cluster1500.results) all[measurement] = Number.NaN;
	if (!context.quick) {
		await using server = await context.startServer();
		add(all, await measureEmbedded(context, server), "embedded");
	}
	for (const each of context.quick ? [QUICK_CASE] : CASES) {
		const { name, processes, withNats } = each;
		await using cluster = await context.startCluster({ processes, withNats });
		add(all, await measure(context, cluster), name);
		if (isTimed(each)) {
			// oxlint-disable-next-line no-await-in-loop -- one cluster at a time
			add(all, await measureLatency(context, cluster), `${name}.${LATENCY_RATE_PER_S}/s`);
		}
		// oxlint-disable-next-line no-await-in-loop -- one cluster at a time
		if (dies(each)) add(all, await measureDeath(context, cluster), `${name}.death`);
	}
	return all;
}

function add(all: Record<string, number>, some: Measurements, prefix: string): void {
	for (const name of ["sent", "received"]) all[name] = (all[name] ?? 0) + (some[name] ?? 0);
	Object.assign(all, named(prefix, some));
}

/** Load on the processes with these URLs, which are warm by then. `first` tells whether it has failed. */
async function steadyLoad(context: RunContext, first: BenchServer, urls: readonly string[], ratePerS = RATE_PER_S) {
	const { receiver } = context;
	const load = await context.startLoad();
	const target = await first.newProject(receiver.url, WEBHOOKS);
	const steady: SteadyLoad = {
		server: first,
		load,
		receiver,
		target,
		otherUrls: urls.filter((url) => url !== first.url),
		ratePerS,
		batchSize: BATCH,
	};
	for (const url of urls) {
		// oxlint-disable-next-line no-await-in-loop -- the generator numbers the events of one loop at a time
		await warmUp(context, { server: first, load, target: { ...target, serverUrl: url } }, WARM_UP);
	}
	await measureSteady(steady, context.warmUpSeconds * SETTLE_SHARE);
	return { load, steady };
}

async function measure(context: RunContext, cluster: BenchCluster): Promise<Measurements> {
	const { seconds } = context;
	const urls = cluster.servers.map(({ url }) => url);
	const { load, steady } = await steadyLoad(context, cluster.first, urls);
	await using _ = load;
	const meter = await meterOf(cluster);
	const before = await cluster.databaseUse();
	const latencies = await measureSteady(steady, seconds);
	await sleep(SETTLE_MS);
	const busy = await meter();
	const after = await cluster.databaseUse();
	await cluster.first.checkNothingPending(steady.target.projectId);
	const { received } = latencies;

	const idleMeter = await meterOf(cluster);
	await cluster.first.whileAlive(sleep(seconds * IDLE_LONGER * 1_000));
	const idle = await idleMeter();
	return {
		...latencies,
		serverUs: busy.serversUs / received,
		databaseUs: busy.databaseUs / received,
		natsUs: busy.natsUs / received,
		walBytes: (after.walBytes - before.walBytes) / received,
		diskBytes: (after.diskBytes - before.diskBytes) / received,
		connections: after.connections,
		idlePercent: ((idle.serversUs / cluster.servers.length) * 100) / idle.elapsedUs,
		idleDatabasePercent: (idle.databaseUs * 100) / idle.elapsedUs,
	};
}

async function measureEmbedded(context: RunContext, server: BenchServer): Promise<Measurements> {
	const { seconds } = context;
	const { load, steady } = await steadyLoad(context, server, [server.url]);
	await using _ = load;
	const meter = await CpuMeter.start({ server: server.pid });
	const latencies = await measureSteady(steady, seconds);
	await sleep(SETTLE_MS);
	const { cpuUs } = (await meter.read()).server;
	await server.checkNothingPending(steady.target.projectId);

	const idleMeter = await CpuMeter.start({ server: server.pid });
	await server.whileAlive(sleep(seconds * IDLE_LONGER * 1_000));
	const idle = (await idleMeter.read()).server;
	return { ...latencies, serverUs: cpuUs / latencies.received, idlePercent: idle.cores * 100 };
}

async function measureLatency(context: RunContext, cluster: BenchCluster): Promise<Measurements> {
	const urls = cluster.servers.map(({ url }) => url);
	const { load, steady } = await steadyLoad(context, cluster.first, urls, LATENCY_RATE_PER_S);
	await using _ = load;
	return await measureSteady(steady, context.seconds);
}

/** The last process is killed while the others get the load. */
async function measureDeath(context: RunContext, cluster: BenchCluster): Promise<Measurements> {
	const { seconds } = context;
	const victim = cluster.servers.at(-1);
	const urls = cluster.servers.filter((server) => server !== victim).map(({ url }) => url);
	const { load, steady } = await steadyLoad(context, cluster.first, urls);
	await using _ = load;
	const [times] = await Promise.all([
		sendSteadily(steady, seconds),
		sleep(seconds * KILLED_AT * 1_000).then(() => victim?.kill()),
	]);
	return latenciesOf([times]);
}
