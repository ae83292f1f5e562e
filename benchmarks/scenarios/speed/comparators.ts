// The same webhooks by Fanfare, and by job queues with a worker that signs and POSTs: what one would get instead.
import { setTimeout as sleep } from "node:timers/promises";

import { median, percentile } from "@fanfare/testkit/report/percentiles";

import { floorContender, ROLES, type Contender, type Load, type Role } from "../../harness/comparators/contender.ts";
import { familyCpuUs } from "../../harness/measure/family-cpu.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

/** A queue gets single events at the rate at which most installations see them, and batches where there are many. */
const LOADS = [
	{ name: "at200", label: "200/s", ratePerS: 200, batchSize: 1 },
	{ name: "at1000", label: "1,000/s", ratePerS: 1_000, batchSize: 20 },
	{ name: "full", label: "full load", ratePerS: null, batchSize: 100 },
] as const;
type LoadName = (typeof LOADS)[number]["name"];
/** All take turns of this length, so that a slow moment of the machine affects one turn of each. */
const TURN_S = 2;
/** In a turn at full load, so that all have the same work. */
const FULL_EVENTS = 10_000;
/** Time for the last outcomes to be written, which are part of the cost. */
const SETTLE_MS = 250;
const LABELS = {
	floor: "the floor",
	fanfare: "Fanfare",
	"bullmq-always": "BullMQ, always",
	"bullmq-everysec": "BullMQ, everysec",
	"graphile-worker": "graphile-worker",
} as const;
const BASE = "fanfare";
const NAMES = Object.keys(LABELS) as (keyof typeof LABELS)[];
/** The aim at full load: half the CPU of a bare worker of BullMQ with its Redis. */
const GOAL = { measurement: "full.bullmq-always.ratio", limit: { atLeast: 2 } } as const;
const SENDERS = NAMES.filter((name) => name !== "floor");
const OUTSIDE = SENDERS.filter((name) => name !== BASE);

export const comparators: Scenario = {
	name: "comparators",
	group: "speed",
	summary: "the same webhooks by BullMQ on Redis and by graphile-worker on PostgreSQL, in turns; gets their packages",
	onlyByName: true,
	results: LOADS.flatMap(resultsOf),
	run,
};

function resultsOf({ name: load, label: at, ratePerS }: (typeof LOADS)[number]): ResultLine[] {
	const line = (who: keyof typeof LABELS, value: string, what: string, unit: ResultLine["unit"]): ResultLine => {
		const measurement = `${load}.${who}.${value}`;
		const limit = measurement === GOAL.measurement ? { limit: GOAL.limit } : {};
		return { measurement, label: `${at}: ${LABELS[who]}: ${what}`, unit, mayBeSkipped: true, ...limit };
	};
	return [
		...NAMES.map((who) => line(who, "cpuUs", "CPU", "µs")),
		...OUTSIDE.map((who) => line(who, "ratio", "CPU ÷ Fanfare's", "×")),
		...(ratePerS === null
			? NAMES.map((who) => line(who, "deliveredPerS", "delivered per second", "perSecond"))
			: SENDERS.flatMap((who) => [
					line(who, "acceptedP50Ms", "accepted, p50", "ms"),
					line(who, "receivedP50Ms", "received, p50", "ms"),
					line(who, "receivedP99Ms", "received, p99", "ms"),
				])),
	];
}

/** One contender's share of one turn. */
interface Reading {
	readonly count: number;
	readonly received: number;
	readonly duplicates: number;
	/** NaN where the system does not tell. */
	readonly cpuUs: Readonly<Partial<Record<Role, number>>>;
	/** From the first send to the last reception; NaN if there was a schedule. */
	readonly elapsedMs: number;
	/** After each event was due, in no order; empty if there was no schedule. */
	readonly acceptedMs: Float64Array;
	readonly receivedMs: Float64Array;
}

/** By contender, the readings of its turns, in order. */
type Readings = ReadonlyMap<Contender, readonly Reading[]>;

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	await using contenders = await context.startContenders();
	await using pump = await context.startPump();
	for (const text of contenders.notes) context.note(text);
	const all = [floorContender(pump, receiver, seconds), ...contenders.all];
	for (const contender of all) await warmUp(context, contender);
	const measurements: Record<string, number> = Object.fromEntries(
		comparators.results.map(({ measurement }) => [measurement, Number.NaN]),
	);
	const totals = { sent: 0, received: 0, duplicates: 0 };
	for (const load of LOADS) {
		const readings = await takeTurns(context, all, loadOf(context, load));
		Object.assign(measurements, summary(load.name, readings));
		for (const note of notesOf(load.label, readings)) context.note(note);
		for (const { count, received, duplicates } of [...readings.values()].flat()) {
			totals.sent += count;
			totals.received += received;
			totals.duplicates += duplicates;
		}
	}
	await contenders.checkNothingPending();
	return { ...measurements, ...totals };
}

function loadOf(context: RunContext, { ratePerS, batchSize }: (typeof LOADS)[number]): Load {
	const count = ratePerS === null ? context.size(FULL_EVENTS) : Math.ceil(ratePerS * turnSecondsOf(context));
	return { ratePerS, batchSize, count };
}

function turnSecondsOf({ seconds }: RunContext): number {
	return Math.min(TURN_S, seconds);
}

/** At full load, since V8 compiles functions after a number of calls; and once at each rate, which takes other paths. */
async function warmUp(context: RunContext, contender: Contender): Promise<void> {
	const endAt = performance.now() + context.warmUpSeconds * 1_000;
	const [first, ...more] = LOADS.map((load) => loadOf(context, load)).toReversed();
	if (first === undefined) return;
	do await measure(context, contender, first);
	while (performance.now() < endAt);
	if (context.quick) return;
	for (const load of more) await measure(context, contender, load);
}

async function takeTurns(context: RunContext, all: readonly Contender[], load: Load): Promise<Readings> {
	const readings = new Map(all.map((contender) => [contender, [] as Reading[]]));
	const turns = Math.max(1, Math.round(context.seconds / turnSecondsOf(context)));
	for (let turn = 0; turn < turns; turn++) {
		for (let place = 0; place < all.length; place++) {
			// Each is first in one turn, and after another neighbour in the next.
			const contender = all[(turn + (turn % 2 === 0 ? place : all.length - place)) % all.length];
			if (contender !== undefined) readings.get(contender)?.push(await measure(context, contender, load));
		}
	}
	return readings;
}

async function measure({ receiver }: RunContext, contender: Contender, load: Load): Promise<Reading> {
	await contender.prepare();
	const series = await receiver.newSeries();
	const before = await cpuOf(contender);
	const { count, startedAt, times } = await contender.send(load, series);
	const { received, duplicates, lastAt } = await receiver.waitFor(count);
	await sleep(SETTLE_MS);
	const after = await cpuOf(contender);
	const receivedAt = times === null ? new Float64Array() : await receiver.times(count);
	const afterDue = (at: number, index: number) => at - (times?.dueAt[index] ?? 0);
	return {
		count,
		received,
		duplicates,
		cpuUs: Object.fromEntries(ROLES.flatMap((role) => diffOf(role, before, after))),
		elapsedMs: load.ratePerS === null ? lastAt - startedAt : Number.NaN,
		acceptedMs: (times?.acceptedAt ?? new Float64Array()).map(afterDue),
		receivedMs: receivedAt.map(afterDue),
	};
}

/** With the processes that a process has started: those of PostgreSQL, and what Redis rewrites its log with. */
async function cpuOf({ pids }: Contender): Promise<ReadonlyMap<Role, number>> {
	const entries = ROLES.flatMap((role) => (pids[role] === undefined ? [] : [[role, pids[role]] as const]));
	const times = await Promise.all(entries.map(async ([role, pid]) => [role, await familyCpuUs(pid)] as const));
	return new Map(times);
}

function diffOf(role: Role, before: ReadonlyMap<Role, number>, after: ReadonlyMap<Role, number>): [Role, number][] {
	const cpuUs = after.get(role);
	return cpuUs === undefined ? [] : [[role, cpuUs - (before.get(role) ?? 0)]];
}

function cpuUsPerDelivery({ cpuUs, received }: Reading): number {
	return Object.values(cpuUs).reduce((sum, us) => sum + us, 0) / received;
}

/** The ratios to Fanfare's CPU, turn by turn. */
function ratiosOf(readings: Readings, mine: readonly Reading[]): number[] {
	const [, base = []] = [...readings].find(([{ name }]) => name === BASE) ?? [];
	return mine.map((reading, turn) => {
		const other = base[turn];
		return other === undefined ? Number.NaN : cpuUsPerDelivery(reading) / cpuUsPerDelivery(other);
	});
}

function summary(load: LoadName, readings: Readings): Record<string, number> {
	const measurements: Record<string, number> = {};
	for (const [{ name }, turns] of readings) {
		const all = (times: "acceptedMs" | "receivedMs") =>
			Float64Array.from(turns.flatMap((turn) => [...turn[times]])).sort();
		const receivedMs = all("receivedMs");
		const values = {
			cpuUs: median(turns.map(cpuUsPerDelivery)),
			ratio: median(ratiosOf(readings, turns)),
			deliveredPerS: median(turns.map(({ received, elapsedMs }) => (received / elapsedMs) * 1_000)),
			acceptedP50Ms: percentile(all("acceptedMs"), 0.5),
			receivedP50Ms: percentile(receivedMs, 0.5),
			receivedP99Ms: percentile(receivedMs, 0.99),
		};
		for (const [measurement, value] of Object.entries(values)) measurements[`${load}.${name}.${measurement}`] = value;
	}
	return measurements;
}

/** Which role took how much, and the turns' ratios. */
function notesOf(at: string, readings: Readings): string[] {
	return [...readings].map(([{ label, name }, turns]) => {
		const parts = ROLES.flatMap((role) => {
			const values = turns.flatMap(({ cpuUs, received }) =>
				cpuUs[role] === undefined ? [] : [cpuUs[role] / received],
			);
			return values.length === 0 ? [] : [`${role} ${median(values).toFixed(0)}`];
		});
		const ratios = ratiosOf(readings, turns).map((ratio) => ratio.toFixed(2));
		const compared = name === BASE ? "" : `; ÷ Fanfare in each turn: ${ratios.join(", ")}`;
		const twice = turns.reduce((sum, { duplicates }) => sum + duplicates, 0);
		const repeated = twice === 0 ? "" : `; ${twice} came twice`;
		return `${at}, ${label}: µs of ${parts.join(", ")}${compared}${repeated}`;
	});
}
