// Several processes on one PostgreSQL at a steady rate: what an event costs them and the database, and how late it comes.
import { setTimeout as sleep } from "node:timers/promises";

import type { BenchCluster } from "../../harness/cluster/bench-cluster.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { familyCpuUs } from "../../harness/measure/family-cpu.ts";
import { latenciesOf, measureSteady, named, sendSteadily, type SteadyLoad } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

const RATE_PER_S = 1_500;
/** As in the study that the budgets come from. */
const BATCH = 20;
/** Spread over the shards, so that each process has its share. */
const WEBHOOKS = 64;
const PROCESSES = [1, 2, 4] as const;
/** In a closed loop, which brings each process to its full speed sooner. */
const WARM_UP = { connections: 4, batchSize: BATCH };
/** Warm-up at the measured rate, as a share of the warm-up. */
const SETTLE_SHARE = 0.4;
/** When one of the processes is killed, as a share of the measurement. */
const KILLED_AT = 0.3;
const SETTLE_MS = 500;
/** System time counts in ticks of 10 ms: one tick must be a small part of what is measured. */
const IDLE_LONGER = 1.5;
/** What the budget allows without NATS, by the design. */
const CPU_LIMITS = { servers: 225, database: 110 };
const P50_LIMIT_MS = 500;

export const cluster1500: Scenario = {
	name: "cluster-1500",
	group: "cluster",
	summary: `${RATE_PER_S} events per second, ${BATCH} a request, on ${PROCESSES.join(", ")} processes; needs PostgreSQL`,
	onlyByName: true,
	results: [...PROCESSES.flatMap(resultsOf), ...deathResults()],
	run,
};

function resultsOf(processes: number): ResultLine[] {
	const line = (measurement: string, label: string, more: Pick<ResultLine, "unit" | "limit">): ResultLine => {
		return {
			measurement: `of${processes}.${measurement}`,
			label: `${processes}: ${label}`,
			mayBeSkipped: true,
			...more,
		};
	};
	return [
		line("serverUs", "servers' CPU per event", { unit: "µs", limit: { atMost: CPU_LIMITS.servers } }),
		line("databaseUs", "PostgreSQL's CPU per event", { unit: "µs", limit: { atMost: CPU_LIMITS.database } }),
		line("walBytes", "WAL per event", { unit: "bytes" }),
		line("diskBytes", "disk per event", { unit: "bytes" }),
		line("connections", "connections", { unit: "count" }),
		line("acknowledgedP99Ms", "acknowledged p99", { unit: "ms" }),
		line("receivedP50Ms", "received p50", { unit: "ms", limit: { atMost: P50_LIMIT_MS } }),
		line("receivedP99Ms", "received p99", { unit: "ms" }),
		line("idlePercent", "CPU of an idle process", { unit: "%", limit: { atMost: 0.5 } }),
		line("idleDatabasePercent", "idle: PostgreSQL's CPU", { unit: "%" }),
	];
}

function deathResults(): ResultLine[] {
	return [
		{ measurement: "death.receivedP99Ms", label: "one of 2 is killed: received p99", unit: "ms" },
		{ measurement: "death.receivedMaxMs", label: "one of 2 is killed: received, longest", unit: "ms" },
		{ measurement: "death.duplicates", label: "one of 2 is killed: received twice", unit: "count" },
	];
}

async function run(context: RunContext): Promise<Measurements> {
	const all: Record<string, number> = { sent: 0, received: 0 };
	for (const { measurement } of cluster1500.results) all[measurement] = Number.NaN;
	// A smoke test need not start seven servers.
	for (const processes of context.quick ? ([2] as const) : PROCESSES) {
		await using cluster = await context.startCluster({ processes });
		add(all, await measure(context, cluster), `of${processes}`);
		// oxlint-disable-next-line no-await-in-loop -- one cluster at a time
		if (processes === 2) add(all, await measureDeath(context, cluster), "death");
	}
	return all;
}

function add(all: Record<string, number>, some: Measurements, prefix: string): void {
	for (const name of ["sent", "received"]) all[name] = (all[name] ?? 0) + (some[name] ?? 0);
	Object.assign(all, named(prefix, some));
}

async function steadyLoad(context: RunContext, cluster: BenchCluster, urls: readonly string[]) {
	const { receiver } = context;
	const load = await context.startLoad();
	const target = await cluster.first.newProject(receiver.url, WEBHOOKS);
	const steady: SteadyLoad = {
		server: cluster.first,
		load,
		receiver,
		target,
		otherUrls: urls.filter((url) => url !== cluster.first.url),
		ratePerS: RATE_PER_S,
		batchSize: BATCH,
	};
	for (const url of urls) {
		// oxlint-disable-next-line no-await-in-loop -- the generator numbers the events of one loop at a time
		await warmUp(context, { server: cluster.first, load, target: { ...target, serverUrl: url } }, WARM_UP);
	}
	await measureSteady(steady, context.warmUpSeconds * SETTLE_SHARE);
	return { load, steady };
}

async function measure(context: RunContext, cluster: BenchCluster): Promise<Measurements> {
	const { seconds } = context;
	const urls = cluster.servers.map(({ url }) => url);
	const { load, steady } = await steadyLoad(context, cluster, urls);
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
		walBytes: (after.walBytes - before.walBytes) / received,
		diskBytes: (after.diskBytes - before.diskBytes) / received,
		connections: after.connections,
		idlePercent: ((idle.serversUs / cluster.servers.length) * 100) / idle.elapsedUs,
		idleDatabasePercent: (idle.databaseUs * 100) / idle.elapsedUs,
	};
}

/** The last process is killed while the others get the load. */
async function measureDeath(context: RunContext, cluster: BenchCluster): Promise<Measurements> {
	const { seconds } = context;
	const victim = cluster.servers.at(-1);
	const urls = cluster.servers.filter((server) => server !== victim).map(({ url }) => url);
	const { load, steady } = await steadyLoad(context, cluster, urls);
	await using _ = load;
	const [times] = await Promise.all([
		sendSteadily(steady, seconds),
		sleep(seconds * KILLED_AT * 1_000).then(() => victim?.kill()),
	]);
	return latenciesOf([times]);
}

/** Measures from now until it is called. */
async function meterOf(cluster: BenchCluster) {
	const pids = Object.fromEntries(cluster.servers.map(({ pid }) => [String(pid), pid]));
	const databaseBefore = await familyCpuUs(cluster.postgresPid);
	const servers = await CpuMeter.start(pids);
	const startedAt = performance.now();
	return async () => {
		const elapsedUs = (performance.now() - startedAt) * 1_000;
		const readings = Object.values(await servers.read());
		const serversUs = readings.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
		return { serversUs, databaseUs: (await familyCpuUs(cluster.postgresPid)) - databaseBefore, elapsedUs };
	};
}
