// Measures the CPU time and the sleeps of a process by thread, between two points in time.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

import { processUsage } from "@fanfare/testkit/process-usage";

/** `pool` is libuv's pool for files and names. `rest` is V8's threads and whatever has no name that is known here. */
export type ThreadKind = "main" | "store" | "pool" | "rest";

export interface ThreadReading {
	readonly cpuUs: number;
	/** How often a thread has gone to sleep by itself, because it had nothing to do or waited for the disk. */
	readonly sleeps: number;
}

export interface ProcessReading extends ThreadReading {
	readonly byThread: Readonly<Record<ThreadKind, ThreadReading>>;
}

/** Why threads can't be told apart on this machine; null if they can. Their values are then NaN. */
export const THREADS_SKIPPED = existsSync("/proc/self/task")
	? null
	: "CPU by thread and sleeps are skipped: there is no /proc here";

const KINDS: readonly ThreadKind[] = ["main", "store", "pool", "rest"];
const UNKNOWN: ThreadReading = { cpuUs: Number.NaN, sleeps: Number.NaN };
const NS_PER_US = 1_000;

type Times = ReadonlyMap<number, ThreadReading & { readonly kind: ThreadKind }>;

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
			const byThread = { main: UNKNOWN, store: UNKNOWN, pool: UNKNOWN, rest: UNKNOWN };
			return { cpuUs: cpuUs - this.#cpuBeforeUs, sleeps: Number.NaN, byThread };
		}
		const after = await timesOf(this.#pid);
		const of = (kind: ThreadKind) => sum([...after].map(([id, times]) => used(times, this.#before.get(id), kind)));
		const byThread = { main: of("main"), store: of("store"), pool: of("pool"), rest: of("rest") };
		return { ...sum(Object.values(byThread)), byThread };
	}
}

/** The sum of readings, by thread too. */
export function sumOfReadings(readings: readonly ProcessReading[]): ProcessReading {
	const of = (kind: ThreadKind) => sum(readings.map(({ byThread }) => byThread[kind]));
	return { ...sum(readings), byThread: { main: of("main"), store: of("store"), pool: of("pool"), rest: of("rest") } };
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

function used(after: ThreadReading & { kind: ThreadKind }, before: ThreadReading | undefined, kind: ThreadKind) {
	if (after.kind !== kind) return { cpuUs: 0, sleeps: 0 };
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
		return { kind: kindOf(name.trim(), id === pid), cpuUs: Number(schedule.split(" ")[0]) / NS_PER_US, sleeps };
	} catch (error) {
		if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return null;
		throw error;
	}
}

/** The server's only worker threads are the store's and, for projects with JSON Schemas, that of the validator. */
function kindOf(name: string, isMain: boolean): ThreadKind {
	if (isMain) return "main";
	if (name === "WorkerThread") return "store";
	return name === "libuv-worker" ? "pool" : "rest";
}
