// Measures latency in an open loop: events are sent at a fixed rate, even if earlier ones have not arrived.
import { percentile } from "@fanfare/testkit/report/percentiles";

import type { LoadCalls } from "../../children/load.ts";
import type { ResultLine, Limit } from "../../scenario.ts";
import type { Child } from "../process/child.ts";
import type { BenchServer, SendTarget } from "../server/bench-server.ts";
import type { Receiver } from "../server/receiver.ts";

export interface SteadyLoad {
	readonly server: BenchServer;
	readonly load: Child<LoadCalls>;
	readonly receiver: Receiver;
	readonly target: SendTarget;
	readonly ratePerS: number;
	/** Other processes of the same cluster, which get their share of the requests. Defaults to none. */
	readonly otherUrls?: readonly string[];
	/** Events per request, which are due together. Defaults to 1. */
	readonly batchSize?: number;
	/** Defaults to more than can be in flight. */
	readonly connections?: number;
	/** Whether the webhook of an event responds. Events of the others are sent and not counted. Defaults to all. */
	readonly answers?: (sequence: number) => boolean;
}

/** All latencies count from the time at which the event was due to be sent. */
export type Latencies = {
	readonly sent: number;
	readonly received: number;
	readonly duplicates: number;
	readonly acknowledgedP50Ms: number;
	readonly acknowledgedP99Ms: number;
	readonly acknowledgedMaxMs: number;
	readonly receivedP50Ms: number;
	readonly receivedP99Ms: number;
	readonly receivedMaxMs: number;
	readonly latenessP99Ms: number;
};

/** More than can be in flight, unless the server falls behind by a quarter of a second at 2,000 events per second. */
const CONNECTIONS = 512;
/** The longest time for which `sendMeanwhile` sends. */
const LONGEST_S = 1_800;

/** The times of the events that count, in milliseconds after each was due, ascending. */
export interface SteadyTimes {
	readonly sent: number;
	readonly received: number;
	readonly duplicates: number;
	readonly acknowledgedMs: Float64Array;
	readonly receivedMs: Float64Array;
	readonly latenessMs: Float64Array;
}

/** Sends for some seconds, and waits until all events have come. */
export async function measureSteady(steady: SteadyLoad, seconds: number): Promise<Latencies> {
	return latenciesOf([await sendSteadily(steady, seconds)]);
}

export async function sendSteadily(steady: SteadyLoad, seconds: number): Promise<SteadyTimes> {
	const { server, load, receiver, target, ratePerS, connections = CONNECTIONS, answers = () => true } = steady;
	const { otherUrls = [], batchSize = 1 } = steady;
	const count = Math.ceil((ratePerS * seconds) / batchSize) * batchSize;
	const series = await receiver.newSeries();
	const loop = {
		...target,
		otherUrls,
		series,
		ratePerS,
		connections: Math.min(connections, count),
		count,
		batchSize,
	};
	const { intendedAt, sentAt, acknowledgedAt } = await server.whileAlive(load.call("openLoop", loop));
	const counted = intendedAt.reduce((sum, _, sequence) => sum + (answers(sequence) ? 1 : 0), 0);
	const { received, duplicates } = await server.whileAlive(receiver.waitFor(counted));

	const receivedAt = await receiver.times(count);
	const after = (times: Float64Array) =>
		times
			.map((time, sequence) => time - (intendedAt[sequence] ?? 0))
			.filter((_, sequence) => answers(sequence))
			.sort();
	return {
		sent: counted,
		received,
		duplicates,
		acknowledgedMs: after(acknowledgedAt),
		receivedMs: after(receivedAt),
		latenessMs: after(sentAt),
	};
}

/** Events that were sent while something else went on. */
export interface SentMeanwhile<T> {
	/** The result of the work beside them. */
	readonly result: T;
	/** In milliseconds after each was due, ascending. */
	readonly acknowledgedMs: Float64Array;
	/** How many of them had been received when the last one was acknowledged. The others are not awaited. */
	readonly received: number;
}

/** Sends until `work` has resolved. Events that are due by then are still sent. */
export async function sendMeanwhile<T>(steady: SteadyLoad, work: () => Promise<T>): Promise<SentMeanwhile<T>> {
	const { server, load, receiver, target, ratePerS, connections = CONNECTIONS } = steady;
	const series = await receiver.newSeries();
	// The generator gets this call before the one that ends it.
	const sending = load.call("openLoop", { ...target, series, ratePerS, connections, count: ratePerS * LONGEST_S });
	const [{ intendedAt, acknowledgedAt }, result] = await server.whileAlive(Promise.all([sending, workThenEnd()]));
	const { received } = await receiver.counts();
	const acknowledgedMs = acknowledgedAt.map((time, sequence) => time - (intendedAt[sequence] ?? 0)).sort();
	return { result, acknowledgedMs, received };

	async function workThenEnd(): Promise<T> {
		try {
			return await work();
		} finally {
			await load.call("endOpenLoop");
		}
	}
}

/** The percentiles of all these events together. */
export function latenciesOf(some: readonly SteadyTimes[]): Latencies {
	const all = (name: "acknowledgedMs" | "receivedMs" | "latenessMs") =>
		Float64Array.from(some.flatMap((times) => [...times[name]])).sort();
	const sum = (name: "sent" | "received" | "duplicates") => some.reduce((total, times) => total + times[name], 0);
	const [acknowledgedMs, receivedMs, latenessMs] = [all("acknowledgedMs"), all("receivedMs"), all("latenessMs")];
	return {
		sent: sum("sent"),
		received: sum("received"),
		duplicates: sum("duplicates"),
		acknowledgedP50Ms: percentile(acknowledgedMs, 0.5),
		acknowledgedP99Ms: percentile(acknowledgedMs, 0.99),
		acknowledgedMaxMs: percentile(acknowledgedMs, 1),
		receivedP50Ms: percentile(receivedMs, 0.5),
		receivedP99Ms: percentile(receivedMs, 0.99),
		receivedMaxMs: percentile(receivedMs, 1),
		latenessP99Ms: percentile(latenessMs, 0.99),
	};
}

/** The measurements with a prefix before their names: `at100` makes `at100.receivedP99Ms`. */
export function named(prefix: string, measurements: Readonly<Record<string, number>>): Record<string, number> {
	return Object.fromEntries(Object.entries(measurements).map(([name, value]) => [`${prefix}.${name}`, value]));
}

/** Result lines for measurements that `named` has made. With `judged`, they have the budgets for live traffic. */
export function latencyResults(prefix: string, label: string, judged: boolean): ResultLine[] {
	const limited = (ms: number): { limit?: Limit } => (judged ? { limit: { atMost: ms } } : {});
	const result = (measurement: string, what: string): ResultLine => ({
		measurement: `${prefix}.${measurement}`,
		label: `${label}: ${what}`,
		unit: "ms",
	});
	return [
		{ ...result("acknowledgedP99Ms", "acknowledged p99"), ...limited(10) },
		{ ...result("receivedP99Ms", "received p99"), ...limited(25) },
	];
}
