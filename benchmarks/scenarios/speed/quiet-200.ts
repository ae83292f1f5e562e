// 200 events per second, one by one: what most installations see. Each event wakes up a process that was asleep, and shares
// its commit with nobody, so that it costs several times as much CPU as under load.
import { setTimeout as sleep } from "node:timers/promises";

import { median } from "@fanfare/testkit/report/percentiles";

import type { FloorPumpCalls } from "../../children/floor-pump.ts";
import { latenciesOf, named, sendSteadily, type SteadyLoad, type SteadyTimes } from "../../harness/measure/steady.ts";
import {
	perEvent,
	sumOfReadings,
	ThreadMeter,
	THREADS_SKIPPED,
	type ProcessReading,
} from "../../harness/measure/thread-meter.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import type { Child } from "../../harness/process/child.ts";
import type { Receiver } from "../../harness/server/receiver.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";
import { BODY_BYTES } from "../../wire/bench-event.ts";

const RATE_PER_S = 200;
/**
 * So low that tracing, which makes the server several times slower, makes no two events share a commit. At 25 per second
 * each event is alone: the next one comes later than an outcome waits for a send. At 60 per second it comes in time.
 */
const COUNTED_RATES_PER_S = [25, 60] as const;
/** Server and floor take turns of this length, so that a slow moment of the machine affects both sides of a ratio, or one pair only. */
const TURN_S = 2;
/** One is enough at this rate, unless the server stalls. */
const CONNECTIONS = 16;
/** Time for the last outcomes and log lines to be written, which are part of the cost. */
const SETTLE_MS = 250;
/** Warm-up at the measured rate, as a share of the warm-up. */
const SETTLE_SHARE = 0.4;
const MIN_COUNTED_S = 1;

const skippable = (measurement: string, label: string, unit: "µs" | "each"): ResultLine => ({
	measurement,
	label,
	unit,
	mayBeSkipped: true,
});

function countedResults(rate: number): ResultLine[] {
	return [
		{ measurement: `at${rate}.commitsPerEvent`, label: `${rate}/s: commits per event`, unit: "each" },
		{ measurement: `at${rate}.messagesPerEvent`, label: `${rate}/s: messages between threads`, unit: "each" },
		skippable(`at${rate}.syncsPerEvent`, `${rate}/s: syncs per event`, "each"),
		skippable(`at${rate}.callsPerEvent`, `${rate}/s: system calls per event`, "each"),
		skippable(`at${rate}.readsAndWritesPerEvent`, `${rate}/s: of these, reads and writes`, "each"),
	];
}

export const quiet200: Scenario = {
	name: "quiet-200",
	group: "speed",
	summary: `${RATE_PER_S} events of 1 KB per second one by one, in turn with the floor at the same rate`,
	results: [
		{ measurement: "cpuToFloor", label: "CPU per event ÷ floor at that rate", unit: "×", limit: { atMost: 2.8 } },
		{ measurement: "cpuUsPerEvent", label: "server CPU per event", unit: "µs" },
		{ measurement: "floorCpuUsPerEvent", label: "floor's CPU per event, that rate", unit: "µs" },
		skippable("cpuUs.main", "CPU: main thread", "µs"),
		skippable("cpuUs.store", "CPU: store's thread", "µs"),
		skippable("cpuUs.senders", "CPU: threads of attempts", "µs"),
		skippable("cpuUs.acceptor", "CPU: thread that accepts", "µs"),
		skippable("cpuUs.pool", "CPU: libuv's pool", "µs"),
		skippable("cpuUs.rest", "CPU: V8's threads", "µs"),
		skippable("sleepsPerEvent", "sleeps per event, all threads", "each"),
		skippable("sleeps.main", "sleeps: main thread", "each"),
		skippable("sleeps.store", "sleeps: store's thread", "each"),
		skippable("sleeps.pool", "sleeps: libuv's pool", "each"),
		skippable("floorSleepsPerEvent", "sleeps per event, floor", "each"),
		{ measurement: "acknowledgedP50Ms", label: "send acknowledged, p50", unit: "ms" },
		{ measurement: "receivedP50Ms", label: "received after the send, p50", unit: "ms", limit: { atMost: 5 } },
		{ measurement: "receivedP99Ms", label: "received after the send, p99", unit: "ms", limit: { atMost: 25 } },
		{ measurement: "receivedMaxMs", label: "received, longest", unit: "ms" },
		{ measurement: "latenessP99Ms", label: "generator's own lateness, p99", unit: "ms" },
		...COUNTED_RATES_PER_S.flatMap(countedResults),
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const turns = await measureTurns(context);
	const counts = await countAtLowRates(context);
	if (THREADS_SKIPPED !== null) context.note(THREADS_SKIPPED);
	const { sent, received, ...latencies } = latenciesOf(turns.map(({ times }) => times));
	const server = sumOfReadings(turns.map(({ server }) => server));
	const floor = sumOfReadings(turns.map(({ floor }) => floor));
	const ratios = turns.map((turn) => turn.server.cpuUs / turn.times.sent / (turn.floor.cpuUs / turn.times.sent));
	context.note(`server ÷ floor of each turn: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
	return {
		...latencies,
		...perEvent(server, received),
		...counts,
		sent: sent + counts.sent,
		received: received + counts.received,
		cpuToFloor: median(ratios),
		cpuUsPerEvent: server.cpuUs / received,
		floorCpuUsPerEvent: floor.cpuUs / received,
		sleepsPerEvent: server.sleeps / received,
		floorSleepsPerEvent: floor.sleeps / received,
	};
}

/** The server and the floor, one after the other: the same number of events at the same rate. */
interface Turn {
	readonly times: SteadyTimes;
	readonly server: ProcessReading;
	readonly floor: ProcessReading;
}

async function measureTurns(context: RunContext): Promise<Turn[]> {
	const { receiver, seconds, warmUpSeconds } = context;
	await using server = await context.startServer();
	await using load = await context.startLoad();
	await using pump = await context.startPump();
	const target = await server.newProject(receiver.url);
	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S, connections: CONNECTIONS };
	await warmUp(context, steady);
	await warmUpPump(context, pump);
	const turns: Turn[] = [];
	const turnS = Math.min(TURN_S, seconds);
	await measureTurn(steady, pump, warmUpSeconds * SETTLE_SHARE, true);
	for (let turn = 0; turn < Math.round(seconds / turnS); turn++) {
		turns.push(await measureTurn(steady, pump, turnS, turn % 2 === 0));
	}
	await server.checkNothingPending(target.projectId);
	return turns;
}

async function warmUpPump({ receiver, warmUpSeconds }: RunContext, pump: Child<FloorPumpCalls>): Promise<void> {
	const load = { url: receiver.url, connections: CONNECTIONS, bodyBytes: BODY_BYTES, seconds: warmUpSeconds / 2 };
	const { posted } = await pump.call("pump", { ...load, series: await receiver.newSeries() });
	await receiver.waitFor(posted);
}

async function measureTurn(
	steady: SteadyLoad,
	pump: Child<FloorPumpCalls>,
	seconds: number,
	floorFirst: boolean,
): Promise<Turn> {
	const floorBefore = floorFirst ? await measureFloor(steady.receiver, pump, seconds) : null;
	const meter = await ThreadMeter.start(steady.server.pid);
	const times = await sendSteadily(steady, seconds);
	await sleep(SETTLE_MS);
	const server = await meter.read();
	return { times, server, floor: floorBefore ?? (await measureFloor(steady.receiver, pump, seconds)) };
}

async function measureFloor(receiver: Receiver, pump: Child<FloorPumpCalls>, seconds: number): Promise<ProcessReading> {
	const count = Math.ceil(RATE_PER_S * seconds);
	const series = await receiver.newSeries();
	const meter = await ThreadMeter.start(pump.pid);
	const pace = { url: receiver.url, connections: CONNECTIONS, bodyBytes: BODY_BYTES, ratePerS: RATE_PER_S };
	await pump.call("pace", { ...pace, series, count });
	await receiver.waitFor(count);
	await sleep(SETTLE_MS);
	return meter.read();
}

/** What one event makes the server do. Counted on a server of its own, since counting costs CPU. */
async function countAtLowRates(context: RunContext): Promise<Measurements & { sent: number; received: number }> {
	await using server = await context.startServer({ countMessages: true });
	await using load = await context.startLoad();
	const target = await server.newProject(context.receiver.url);
	await warmUp(context, { server, load, target });
	let [sent, received] = [0, 0];
	const counts: Record<string, number> = {};
	for (const ratePerS of COUNTED_RATES_PER_S) {
		const steady = { server, load, receiver: context.receiver, target, ratePerS, connections: 1 };
		const { times, ...counted } = await count(context, steady);
		Object.assign(counts, named(`at${ratePerS}`, counted));
		sent += times.sent;
		received += times.received;
	}
	await server.checkNothingPending(target.projectId);
	return { ...counts, sent, received };
}

async function count(context: RunContext, steady: SteadyLoad) {
	const { server } = steady;
	const commits = () => server.metric("fanfare_commit_duration_seconds_count");
	const commitsBefore = await commits();
	const messagesBefore = await server.messages();
	const counter = await context.countCalls(server.pid);
	const times = await sendSteadily(steady, Math.max(MIN_COUNTED_S, context.seconds));
	await sleep(SETTLE_MS);
	const { calls, syncs, readsAndWrites, skipped } = await counter.read();
	// Asked before the metrics, whose gauges come from the store by messages.
	const messages = (await server.messages()) - messagesBefore;
	const commitCount = (await commits()) - commitsBefore;
	for (const reason of skipped) context.note(reason);
	return {
		times,
		commitsPerEvent: commitCount / times.received,
		messagesPerEvent: messages / times.received,
		syncsPerEvent: syncs / times.received,
		callsPerEvent: calls / times.received,
		readsAndWritesPerEvent: readsAndWrites / times.received,
	};
}
