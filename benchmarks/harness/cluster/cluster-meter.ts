// What the processes of a cluster and their database use in a while.
import { CpuMeter } from "../measure/cpu-meter.ts";
import { familyCpuUs } from "../measure/family-cpu.ts";
import type { BenchCluster } from "./bench-cluster.ts";

export interface ClusterUse {
	readonly serversUs: number;
	readonly databaseUs: number;
	/** 0 without NATS. */
	readonly natsUs: number;
	readonly elapsedUs: number;
}

/** Measures from now until what it returns is called. */
export async function meterOf(cluster: BenchCluster): Promise<() => Promise<ClusterUse>> {
	const pids = Object.fromEntries(cluster.servers.map(({ pid }) => [String(pid), pid]));
	const databaseBefore = await familyCpuUs(cluster.postgresPid);
	const servers = await CpuMeter.start(pids);
	const natsPid = cluster.natsPid;
	const nats = natsPid === null ? null : await CpuMeter.start({ nats: natsPid });
	const startedAt = performance.now();
	return async () => {
		const elapsedUs = (performance.now() - startedAt) * 1_000;
		const readings = Object.values(await servers.read());
		const serversUs = readings.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
		const databaseUs = (await familyCpuUs(cluster.postgresPid)) - databaseBefore;
		const natsUs = nats === null ? 0 : (await nats.read()).nats.cpuUs;
		return { serversUs, databaseUs, natsUs, elapsedUs };
	};
}
