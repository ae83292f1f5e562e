// Retention deletes a big old log while sends run at the limit. If the log grew faster than it is deleted, it would grow without end.
import { nowMs } from "../../harness/measure/clock.ts";
import { deletedEvents, keepOneDay, noteIfDone, whenRetentionRuns } from "../../harness/measure/retention.ts";
import { named } from "../../harness/measure/steady.ts";
import { ONE_EVENT, warmUp } from "../../harness/measure/throughput.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

export const retentionBeside: Scenario = {
	name: "retention-beside",
	group: "log",
	summary: "the load of one-event with and without retention deleting 1,000,000 old events",
	results: [
		{
			measurement: "deletedToAccepted",
			label: "events deleted ÷ events accepted",
			unit: "×",
			limit: { atLeast: 1 },
		},
		{ measurement: "with.deletedPerS", label: "retention: deleted per second", unit: "perSecond" },
		{ measurement: "with.acceptedPerS", label: "retention: accepted per second", unit: "perSecond" },
		{ measurement: "without.acceptedPerS", label: "alone: accepted per second", unit: "perSecond" },
		{ measurement: "with.acknowledgedP99Ms", label: "retention: acknowledged p99", unit: "ms" },
		{ measurement: "without.acknowledgedP99Ms", label: "alone: acknowledged p99", unit: "ms" },
		{ measurement: "p99Ratio", label: "p99 ÷ p99 alone", unit: "×" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareBigLog(context);
	const { measured: without, dataDir } = await measureWithout();
	await using server = await context.startServer({ store: { ...store, dataDir }, inPlace: true });
	await keepOneDay(server, store);
	const measured = await measure(context, server, () => whenRetentionRuns(context, server));
	await noteIfDone(context, server, store);
	return {
		...named("with", measured),
		...named("without", without),
		sent: measured.sent + without.sent,
		received: measured.received + without.received,
		deletedToAccepted: measured.deletedPerS / measured.acceptedPerS,
		p99Ratio: measured.acknowledgedP99Ms / without.acknowledgedP99Ms,
		peakMb: await server.peakMb(),
	};

	/** Measures the same load while nothing is deleted: the project keeps its log forever until its retention is set. */
	async function measureWithout() {
		await using server = await context.startServer({ store, keepData: true });
		const measured = await measure(context, server, () => Promise.resolve());
		return { measured, dataDir: server.dataDir };
	}
}

/** Counts what is accepted and what is deleted during the same time. */
async function measure(context: RunContext, server: BenchServer, ready: () => Promise<void>) {
	const { receiver, seconds } = context;
	await using load = await context.startLoad();
	const target = await server.newProject(receiver.url);
	await warmUp(context, { server, load, target });
	await server.whileAlive(ready());

	const loop = { ...target, ...ONE_EVENT, series: await receiver.newSeries(), seconds };
	const [deletedBefore, beganAt] = [await deletedEvents(server), nowMs()];
	const { acknowledged, startedAt, endedAt, acknowledgedP99Ms } = await server.whileAlive(
		load.call("closedLoop", loop),
	);
	const [deleted, elapsedMs] = [(await deletedEvents(server)) - deletedBefore, nowMs() - beganAt];
	const { received } = await server.whileAlive(receiver.waitFor(acknowledged));
	await server.checkNothingPending(target.projectId);
	return {
		sent: acknowledged,
		received,
		acceptedPerS: (acknowledged / (endedAt - startedAt)) * 1_000,
		deletedPerS: (deleted / elapsedMs) * 1_000,
		acknowledgedP99Ms,
	};
}
