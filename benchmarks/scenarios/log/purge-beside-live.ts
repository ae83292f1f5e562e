// Retention deletes a big old log beside live traffic, whose latency must stay low.
import { besideLiveResults, startTraffic, together } from "../../harness/measure/beside-live.ts";
import { nowMs } from "../../harness/measure/clock.ts";
import { deletedEvents, keepOneDay, noteIfDone, whenRetentionRuns } from "../../harness/measure/retention.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import type { PreparedStore } from "../../harness/store/store-copy.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

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
	await keepOneDay(server, store);
	await using load = await context.startLoad();
	const traffic = await startTraffic(context, server, load);
	await whenRetentionRuns(context, server);

	const before = await deletedEvents(server);
	const startedAt = nowMs();
	const beside = await traffic.measure("with", seconds);
	const deleted = (await deletedEvents(server)) - before;
	const elapsedMs = nowMs() - startedAt;
	await noteIfDone(context, server, store);
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
