// Single events with a part of the work in the main thread and in a thread of its own, in turns: what the messages between them cost, how much
// less the main thread does, and which thread is the first that would be busy all the time.
import { setTimeout as sleep } from "node:timers/promises";

import { median } from "@fanfare/testkit/report/percentiles";

import type { LoadCalls } from "../../children/load.ts";
import {
	describeThreads,
	perEvent,
	sumOfReadings,
	ThreadMeter,
	THREADS_SKIPPED,
	type ProcessReading,
	type ThreadKind,
} from "../../harness/measure/thread-meter.ts";
import { ONE_EVENT, warmUp } from "../../harness/measure/throughput.ts";
import type { Child } from "../../harness/process/child.ts";
import type { BenchServer, SendTarget } from "../../harness/server/bench-server.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

const TURN_S = 2;
/** Time for the last outcomes to be written, which are part of the cost. */
const SETTLE_MS = 250;

/** The settings that are compared. */
const SIDES = { none: "no thread", one: "one thread" } as const;
type Side = keyof typeof SIDES;

/** A kind of threads, which are compared with none. */
interface Compared {
	readonly name: string;
	readonly setting: string;
	/** What the thread does. */
	readonly work: string;
	readonly kind: ThreadKind;
	readonly label: string;
}

const SENDERS: Compared = {
	name: "sender-threads",
	setting: "FANFARE_SENDER_THREADS",
	work: "attempts",
	kind: "senders",
	label: "thread of attempts",
};
const ACCEPTOR: Compared = {
	name: "acceptor-threads",
	setting: "FANFARE_ACCEPTOR_THREADS",
	work: "requests accepted",
	kind: "acceptor",
	label: "thread that accepts",
};

function resultsOf(side: Side, { kind, label }: Compared): ResultLine[] {
	const line = (measurement: string, text: string, unit: ResultLine["unit"] = "µs"): ResultLine => ({
		measurement: `${side}.${measurement}`,
		label: `${SIDES[side]}: ${text}`,
		unit,
		mayBeSkipped: true,
	});
	return [
		line("cpuUsPerEvent", "CPU per event"),
		line("cpuUs.main", "main thread"),
		line("cpuUs.store", "store's thread"),
		...(side === "one" ? [line(`cpuUs.${kind}`, label)] : []),
		line("cpuUs.rest", "V8's threads"),
		line("deliveredPerS", "delivered per second", "perSecond"),
	];
}

function scenarioOf(compared: Compared): Scenario {
	const { name, setting, work } = compared;
	return {
		name,
		group: "speed",
		summary: `one event of 1 KB per request as in one-event, with ${work} in the main thread and in one of their own (${setting} 0 and 1), in turns of ${TURN_S} s`,
		onlyByName: true,
		results: [
			{ measurement: "cpuRatio", label: "CPU per event, one thread ÷ no thread", unit: "×" },
			{ measurement: "mainRatio", label: "main thread, one thread ÷ no thread", unit: "×", mayBeSkipped: true },
			...resultsOf("none", compared),
			...resultsOf("one", compared),
		],
		run: (context) => run(context, compared),
	};
}

export const senderThreads: Scenario = scenarioOf(SENDERS);
export const acceptorThreads: Scenario = scenarioOf(ACCEPTOR);

/** One of the servers that are compared, with a load generator of its own. */
interface Contender {
	readonly server: BenchServer;
	readonly load: Child<LoadCalls>;
	readonly target: SendTarget;
}

interface Turn {
	readonly received: number;
	readonly deliveredPerS: number;
	readonly reading: ProcessReading;
}

async function run(context: RunContext, { setting }: Compared): Promise<Measurements> {
	if (THREADS_SKIPPED !== null) context.note(THREADS_SKIPPED);
	await using withNone = await context.startServer({ settings: { [setting]: "0" } });
	await using withOne = await context.startServer({ settings: { [setting]: "1" } });
	await using loadOfNone = await context.startLoad();
	await using loadOfOne = await context.startLoad();
	const { url } = context.receiver;
	const contenders: Record<Side, Contender> = {
		none: { server: withNone, load: loadOfNone, target: await withNone.newProject(url) },
		one: { server: withOne, load: loadOfOne, target: await withOne.newProject(url) },
	};
	for (const contender of Object.values(contenders)) await warmUp(context, contender);
	const turns: Record<Side, Turn[]> = { none: [], one: [] };
	const turnS = Math.min(TURN_S, context.seconds);
	for (let pair = 0; pair < Math.round(context.seconds / turnS); pair++) {
		const order: readonly Side[] = pair % 2 === 0 ? ["none", "one"] : ["one", "none"];
		for (const side of order) turns[side].push(await measureTurn(context, contenders[side], turnS));
	}
	for (const { server, target } of Object.values(contenders)) await server.checkNothingPending(target.projectId);
	const ratioOf = (cpu: (turn: Turn) => number) =>
		turns.one.map((turn, pair) => cpu(turn) / cpu(turns.none[pair] ?? turn)).toSorted((a, b) => a - b);
	const cpuRatios = ratioOf(({ reading, received }) => reading.cpuUs / received);
	const mainRatios = ratioOf(({ reading, received }) => reading.byThread.main.cpuUs / received);
	const shown = (ratios: readonly number[]) => ratios.map((ratio) => ratio.toFixed(2)).join(", ");
	context.note(`one thread ÷ no thread, pair by pair: CPU ${shown(cpuRatios)}; main thread ${shown(mainRatios)}`);
	for (const side of Object.keys(SIDES) as Side[]) {
		const last = turns[side].at(-1);
		if (last !== undefined) context.note(`${SIDES[side]}, last turn: ${describeThreads(last.reading, last.received)}`);
	}
	const received = sentOf([...turns.none, ...turns.one]);
	return {
		sent: received,
		received,
		cpuRatio: median(cpuRatios),
		mainRatio: median(mainRatios),
		...measurementsOf("none", turns.none),
		...measurementsOf("one", turns.one),
	};
}

async function measureTurn(
	{ receiver }: RunContext,
	{ server, load, target }: Contender,
	seconds: number,
): Promise<Turn> {
	const loop = { ...target, ...ONE_EVENT, series: await receiver.newSeries(), seconds };
	const meter = await ThreadMeter.start(server.pid);
	const { acknowledged, startedAt } = await server.whileAlive(load.call("closedLoop", loop));
	const { received, lastAt } = await server.whileAlive(receiver.waitFor(acknowledged));
	await sleep(SETTLE_MS);
	return { received, deliveredPerS: (received / (lastAt - startedAt)) * 1_000, reading: await meter.read() };
}

function sentOf(turns: readonly Turn[]): number {
	return turns.reduce((sum, { received }) => sum + received, 0);
}

function measurementsOf(side: Side, turns: readonly Turn[]): Measurements {
	const received = sentOf(turns);
	const reading = sumOfReadings(turns.map((turn) => turn.reading));
	const own = {
		cpuUsPerEvent: reading.cpuUs / received,
		deliveredPerS: median(turns.map(({ deliveredPerS }) => deliveredPerS)),
		...perEvent(reading, received),
	};
	return Object.fromEntries(Object.entries(own).map(([name, value]) => [`${side}.${name}`, value]));
}
