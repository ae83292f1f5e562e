// Retention deletes a big old log beside live traffic, whose latency must stay low.
import { setTimeout as sleep } from "node:timers/promises";

import { besideLiveResults, startTraffic, together } from "../../harness/measure/beside-live.ts";
import { nowMs } from "../../harness/measure/clock.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import { HOUR_MS } from "../../harness/store/log-rows.ts";
import type { PreparedStore } from "../../harness/store/store-copy.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

/** Retention begins 5 s after the server's start. */
const FIRST_PASS_MS = 8_000;

export const purgeBesideLive: Scenario = {
	name: "purge-beside-live",
	group: "log",
	summary: "100 and 1,000 events per second with and without retention deleting 1,000,000 old events",
	results: [
		...besideLiveResults("purge"),
		{ measurement: "deletedPerS", label: "events deleted per second", unit: "perSecond" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const seconds = context.seconds / 2;
	const store = await prepareBigLog(context);
	const kept = await measureWithout();
	await using server = await context.startServer({ store: kept.store, inPlace: true });
	await server.client.projects.update(store.projectId, { retentionDays: 1 });
	await using load = await context.startLoad();
	const traffic = await startTraffic(context, server, load);
	if (!context.quick) await sleep(Math.max(0, server.listeningAt + FIRST_PASS_MS - nowMs()));

	const before = await deletedCount(server);
	const startedAt = nowMs();
	const beside = await traffic.measure("with", seconds);
	const deleted = (await deletedCount(server)) - before;
	const elapsedMs = nowMs() - startedAt;
	if (!(await hasOldEvents(server, store))) context.note("all old events were deleted before the measurement ended");
	return {
		...together(kept.measured, beside),
		deletedPerS: (deleted / elapsedMs) * 1_000,
		peakMb: await server.peakMb(),
	};

	/** Measures the same traffic while nothing is deleted: the project keeps its log forever until its retention is set. */
	async function measureWithout(): Promise<{ readonly measured: Measurements; readonly store: PreparedStore }> {
		await using server = await context.startServer({ store, keepData: true });
		await using load = await context.startLoad();
		const measured = await (await startTraffic(context, server, load)).measure("without", seconds);
		return { measured, store: { ...store, dataDir: server.dataDir } };
	}
}

/** The number of deleted events in the server's metrics. */
async function deletedCount(server: BenchServer): Promise<number> {
	const text = await (await fetch(`${server.url}/metrics`)).text();
	const line = /^\w*retention_deleted_total\{kind="events"\} (\d+)$/m.exec(text);
	if (line === null) throw new Error("the server's metrics do not say how many events retention has deleted");
	return Number(line[1]);
}

async function hasOldEvents(server: BenchServer, { projectId }: PreparedStore): Promise<boolean> {
	const before = Date.now() - 48 * HOUR_MS;
	const { data } = await server.client.project(projectId).events.list({ before, limit: 1 });
	return data.length > 0;
}
