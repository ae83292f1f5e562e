// Measures the CPU time and the sleeps of a process by thread, between two points in time.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

import { processUsage } from "@fanfare/testkit/process-usage";

/**
 * `senders` are the threads that make attempts and `acceptor` the one that accepts requests, if there are any, `pool` is libuv's pool for files and names. `rest` is V8's threads and
 * whatever has no name that is known here.
 */
export type ThreadKind = "main" | "store" | "senders" | "acceptor" | "pool" | "rest";

export interface ThreadReading {
	readonly cpuUs: number;
	/** How often a thread has gone to sleep by itself, because it had nothing to do or waited for the disk. */
	readonly sleeps: number;
}

export interface ProcessReading extends ThreadReading {
	readonly byThread: Readonly<Record<ThreadKind, ThreadReading>>;
	/** The thread that has used the most CPU time: with a core for each, it is the first to be busy all the time. Null if it is not known. */
	readonly busiest: BusiestThread | null;
}

export interface BusiestThread {
	/** As the system shows it. */
	readonly name: string;
	readonly cpuUs: number;
}

/** Why threads can't be told apart on this machine; null if they can. Their values are then NaN. */
export const THREADS_SKIPPED = existsSync("/proc/self/task")
	? null
	: "CPU by thread and sleeps are skipped: there is no /proc here";

const KINDS: readonly ThreadKind[] = ["main", "store", "senders", "acceptor", "pool", "rest"];
const UNKNOWN: ThreadReading = { cpuUs: Number.NaN, sleeps: Number.NaN };
const NS_PER_US = 1_000;
const US_PER_S = 1_000_000;

type Times = ReadonlyMap<number, ThreadReading & { readonly kind: ThreadKind; readonly name: string }>;

export class ThreadMeter {
	readonly #pid: number;
	readonly #cpuBeforeUs: number;
	readonly #before: Times;

	private constructor(pid: number, cpuBeforeUs: number, before: Times) {
		this.#pid = pid;
		this.#cpuBeforeUs = cpuBeforeUs;
		this.#before = before;
	}

	/** @example const meter = await ThreadMeter.start(server.pid); */
	static async start(pid: number): Promise<ThreadMeter> {
		if (THREADS_SKIPPED !== null) return new ThreadMeter(pid, (await processUsage(pid)).cpuUs, new Map());
		return new ThreadMeter(pid, 0, await timesOf(pid));
	}

	/** What has been used since the start. */
	async read(): Promise<ProcessReading> {
		if (THREADS_SKIPPED !== null) {
			const { cpuUs } = await processUsage(this.#pid);
			return { cpuUs: cpuUs - this.#cpuBeforeUs, sleeps: Number.NaN, byThread: byKind(() => UNKNOWN), busiest: null };
		}
		const after = await timesOf(this.#pid);
		const threads = [...after].map(([id, { kind, name, ...times }]) => ({
			kind,
			name,
			...used(times, this.#before.get(id)),
		}));
		const byThread = byKind((kind) => sum(threads.filter((thread) => thread.kind === kind)));
		const [busiest = null] = threads.toSorted((a, b) => b.cpuUs - a.cpuUs);
		return { ...sum(threads), byThread, busiest };
	}
}

/** The sum of readings, by thread too. */
export function sumOfReadings(readings: readonly ProcessReading[]): ProcessReading {
	const byThread = byKind((kind) => sum(readings.map((reading) => reading.byThread[kind])));
	return { ...sum(readings), byThread, busiest: null };
}

/** The measurements per event: `cpuUs.main`, `sleeps.main` and so on. */
export function perEvent({ byThread }: ProcessReading, events: number): Record<string, number> {
	return Object.fromEntries(
		KINDS.flatMap((kind) => [
			[`cpuUs.${kind}`, byThread[kind].cpuUs / events],
			[`sleeps.${kind}`, byThread[kind].sleeps / events],
		]),
	);
}

/**
 * The CPU time of an event by thread, and which thread is the first to need a whole core, if there is one for each, at which rate.
 *
 * @example
 * describeThreads(reading, 80_000); // "main 31.2, store 12.0, V8 6.1 µs an event; first to be busy: node-MainThread, at 32,051 a second"
 */
export function describeThreads({ byThread, busiest }: ProcessReading, events: number): string {
	if (busiest === null) return "the threads' CPU is not known here";
	const { main, store, senders, acceptor, rest } = byThread;
	const parts = Object.entries({ main, store, senders, acceptor, V8: rest }).filter(([, { cpuUs }]) => cpuUs > 0);
	const shown = parts.map(([name, { cpuUs }]) => `${name} ${(cpuUs / events).toFixed(1)}`).join(", ");
	const rate = Math.round((events / busiest.cpuUs) * US_PER_S).toLocaleString("en-US");
	return `${shown} µs an event; first to be busy: ${busiest.name}, at ${rate} a second`;
}

function byKind(of: (kind: ThreadKind) => ThreadReading): Record<ThreadKind, ThreadReading> {
	const [senders, acceptor] = [of("senders"), of("acceptor")];
	return { main: of("main"), store: of("store"), senders, acceptor, pool: of("pool"), rest: of("rest") };
}

function used(after: ThreadReading, before: ThreadReading | undefined): ThreadReading {
	return { cpuUs: after.cpuUs - (before?.cpuUs ?? 0), sleeps: after.sleeps - (before?.sleeps ?? 0) };
}

function sum(readings: readonly ThreadReading[]): ThreadReading {
	return {
		cpuUs: readings.reduce((total, { cpuUs }) => total + cpuUs, 0),
		sleeps: readings.reduce((total, { sleeps }) => total + sleeps, 0),
	};
}

async function timesOf(pid: number): Promise<Times> {
	const ids = await readdir(`/proc/${pid}/task`);
	const entries = await Promise.all(ids.map(async (id) => [Number(id), await threadTimes(pid, Number(id))] as const));
	return new Map(entries.flatMap(([id, times]) => (times === null ? [] : [[id, times] as const])));
}

/** Null if the thread has just ended. */
async function threadTimes(pid: number, id: number) {
	const read = (file: string) => readFile(`/proc/${pid}/task/${id}/${file}`, "utf8");
	try {
		const [name, schedule, status] = await Promise.all([read("comm"), read("schedstat"), read("status")]);
		const sleeps = Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
		return {
			kind: kindOf(name.trim(), id === pid),
			name: name.trim(),
			cpuUs: Number(schedule.split(" ")[0]) / NS_PER_US,
			sleeps,
		};
	} catch (error) {
		if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return null;
		throw error;
	}
}

/** The names of the server's threads. Before version 0.2, those that read and that of the validator were called like the store's. */
function kindOf(name: string, isMain: boolean): ThreadKind {
	if (isMain) return "main";
	if (name === "fanfare-store" || name === "WorkerThread") return "store";
	if (name.startsWith("fanfare-send")) return "senders";
	if (name === "fanfare-accept") return "acceptor";
	return name === "libuv-worker" ? "pool" : "rest";
}
