// A million deliveries wait: new events must be delivered nearly as fast as without them, and memory must not grow.
import { setTimeout as sleep } from "node:timers/promises";

import type { LoadCalls } from "../../children/load.ts";
import { nowMs } from "../../harness/measure/clock.ts";
import { CpuMeter } from "../../harness/measure/cpu-meter.ts";
import { named } from "../../harness/measure/steady.ts";
import { measureLoad, measureThroughput, ONE_EVENT } from "../../harness/measure/throughput.ts";
import type { Child } from "../../harness/process/child.ts";
import type { BenchServer, SendTarget } from "../../harness/server/bench-server.ts";
import type { StorePlan } from "../../harness/store/store-copy.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const DELIVERIES = 1_000_000;

export const waiting1m: Scenario = {
	name: "waiting-1m",
	group: "shape",
	summary: "the load of one-event while 1,000,000 deliveries wait: for an hour, or due and being delivered",
	results: [
		{ measurement: "later.ofEmpty", label: "later: ratio to the empty store", unit: "×", limit: { atLeast: 0.8 } },
		{
			measurement: "due.ofEmpty",
			label: "due: ratio to the empty store",
			unit: "×",
			limit: { atLeast: 0.8 },
		},
		{ measurement: "due.firstMs", label: "due: first delivery", unit: "ms", limit: { atMost: 1_000 } },
		{ measurement: "later.peakMb", label: "later: memory, peak", unit: "MB", limit: { atMost: 220 } },
		{ measurement: "due.peakMb", label: "due: memory, peak", unit: "MB", limit: { atMost: 220 } },
		{ measurement: "empty.peakMb", label: "empty store: memory, peak", unit: "MB" },
		{ measurement: "empty.deliveredPerS", label: "empty store: per second", unit: "perSecond" },
		{ measurement: "later.deliveredPerS", label: "later: per second", unit: "perSecond" },
		{ measurement: "due.deliveredPerS", label: "due: old and new per second", unit: "perSecond" },
		{ measurement: "due.livePerS", label: "due: new per second", unit: "perSecond" },
		{ measurement: "due.acceptedPerS", label: "due: accepted per second", unit: "perSecond" },
		// On a busy machine, a smoke test can be over before anything is delivered.
		{ measurement: "due.cpuUsPerEvent", label: "due: CPU per delivery", unit: "µs", mayBeSkipped: true },
		{ measurement: "due1000.ofEmpty", label: "1,000 webhooks: ratio to empty store", unit: "×" },
		{ measurement: "due1000.livePerS", label: "1,000 webhooks: new per second", unit: "perSecond" },
		{ measurement: "due1000.firstMs", label: "1,000 webhooks: first delivery", unit: "ms" },
		{ measurement: "due1000.peakMb", label: "1,000 webhooks: memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const plan = (webhooks: number, state: "due" | "later"): StorePlan => {
		return { webhooks, wants: "all", deliveries: context.size(DELIVERIES), perEvent: webhooks, state };
	};
	const empty = await measureThroughput(context, ONE_EVENT);
	const later = await measureLater(context, plan(100, "later"));
	const due = await measureDue(context, plan(100, "due"));
	const shorter = { ...context, seconds: context.seconds / 2 };
	const due1000 = await measureDue(shorter, plan(context.quick ? 100 : 1_000, "due"));
	const compared = (measured: Measurements) => ({
		...measured,
		ofEmpty: (measured["deliveredPerS"] ?? Number.NaN) / (empty["deliveredPerS"] ?? Number.NaN),
	});
	return {
		sent: (empty["sent"] ?? 0) + (later["sent"] ?? 0),
		received: (empty["received"] ?? 0) + (later["received"] ?? 0),
		...named("empty", empty),
		...named("later", compared(later)),
		...named("due", compared(due)),
		...named("due1000", compared(due1000)),
	};
}

/** The deliveries wait during the whole measurement, as between two attempts in an outage. */
async function measureLater(context: RunContext, plan: StorePlan): Promise<Measurements> {
	const store = await context.prepareStore(plan);
	await using server = await context.startServer({ store });
	return await measureLoad(context, server, await server.newProject(context.receiver.url), ONE_EVENT);
}

/** The deliveries are due, and share the server with new events. */
async function measureDue(context: RunContext, plan: StorePlan): Promise<Measurements> {
	const { receiver, warmUpSeconds } = context;
	const store = await context.prepareStore(plan);
	const series = await receiver.newSeries();
	await using server = await context.startServer({ store });
	const { bulkFirstAt } = await server.whileAlive(receiver.waitForBulk(1));
	await using load = await context.startLoad();
	const target = await server.newProject(receiver.url);
	await server.whileAlive(load.call("closedLoop", { ...target, ...ONE_EVENT, series, seconds: warmUpSeconds }));
	return { firstMs: bulkFirstAt - server.spawnedAt, ...(await measureTogether(context, server, load, target)) };
}

/** Counts all deliveries of the measured time, old and new. */
async function measureTogether(
	{ receiver, seconds }: RunContext,
	server: BenchServer,
	load: Child<LoadCalls>,
	target: SendTarget,
): Promise<Measurements> {
	const series = await receiver.newSeries();
	const meter = await CpuMeter.start({ server: server.pid });
	const startedAt = nowMs();
	const sending = load.call("closedLoop", { ...target, ...ONE_EVENT, series, seconds });
	await server.whileAlive(sleep(seconds * 1_000));
	const [{ received, duplicates, late, bulk }, endedAt, cpu] = [await receiver.counts(), nowMs(), await meter.read()];
	const { acknowledged } = await server.whileAlive(sending);
	// The late ones are events of the warm-up, whose deliveries were not awaited.
	const live = received + duplicates + late;
	const perS = (count: number) => (count / (endedAt - startedAt)) * 1_000;
	return {
		deliveredPerS: perS(live + bulk),
		livePerS: perS(live),
		acceptedPerS: perS(acknowledged),
		cpuUsPerEvent: cpu.server.cpuUs / (live + bulk),
		serverCores: cpu.server.cores,
		residentMb: await server.residentMb(),
		peakMb: await server.peakMb(),
	};
}
