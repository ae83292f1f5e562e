// Counts the system calls of a process: all of them with strace, if it is installed, and reads and writes with /proc.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

import type { Resources } from "../process/resources.ts";

/** NaN for what this machine can't count; `skipped` then says why. */
export interface CallCounts {
	/** System calls of all threads. */
	readonly calls: number;
	/** `fsync` and `fdatasync`. */
	readonly syncs: number;
	/** Calls that read or write, as the kernel counts them for files and pipes: also without strace. */
	readonly readsAndWrites: number;
	readonly skipped: readonly string[];
}

const ATTACH_MS = 10_000;
const SYNC_CALLS = new Set(["fsync", "fdatasync"]);

/** Tracing makes a process several times slower: count at a rate so low that this merges nothing. */
export class CallCounter {
	readonly #pid: number;
	readonly #strace: Strace | string;
	readonly #before: number;

	private constructor(pid: number, strace: Strace | string, before: number) {
		this.#pid = pid;
		this.#strace = strace;
		this.#before = before;
	}

	/** @example const counter = await CallCounter.start(server.pid, resources); */
	static async start(pid: number, resources: Resources): Promise<CallCounter> {
		const strace = await Strace.attach(pid, resources);
		return new CallCounter(pid, strace, await readsAndWritesOf(pid));
	}

	/** The calls since the start. To be called once. */
	async read(): Promise<CallCounts> {
		const readsAndWrites = (await readsAndWritesOf(this.#pid)) - this.#before;
		const skipped = Number.isNaN(readsAndWrites) ? ["reads and writes are skipped: there is no /proc here"] : [];
		if (typeof this.#strace === "string") {
			return { calls: Number.NaN, syncs: Number.NaN, readsAndWrites, skipped: [...skipped, this.#strace] };
		}
		const byName = await this.#strace.detach();
		const sum = (names: readonly string[]) => names.reduce((total, name) => total + (byName.get(name) ?? 0), 0);
		const syncs = sum([...SYNC_CALLS]);
		return { calls: sum([...byName.keys()]), syncs, readsAndWrites, skipped };
	}
}

async function readsAndWritesOf(pid: number): Promise<number> {
	try {
		const text = await readFile(`/proc/${pid}/io`, "utf8");
		const of = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1]);
		return of("syscr") + of("syscw");
	} catch {
		return Number.NaN;
	}
}

class Strace {
	readonly #process: ChildProcess;
	readonly #output: () => string;

	private constructor(process: ChildProcess, output: () => string) {
		this.#process = process;
		this.#output = output;
	}

	/** Attaches to all threads of the process. A string says why that is not possible. */
	static async attach(pid: number, resources: Resources): Promise<Strace | string> {
		const child = spawn("strace", ["-f", "-c", "-p", String(pid)], { stdio: ["ignore", "ignore", "pipe"] });
		resources.track(child);
		let output = "";
		const { promise, resolve } = Promise.withResolvers<string | null>();
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			output += text;
			if (/ attached\b/.test(output)) resolve(null);
		});
		child.once("error", (error) => resolve(error.message));
		child.once("exit", () => resolve(output.trim()));
		const timer = setTimeout(() => resolve("it did not attach in time"), ATTACH_MS);
		const problem = await promise;
		clearTimeout(timer);
		if (problem === null) return new Strace(child, () => output);
		child.kill("SIGKILL");
		return `system calls and syncs are skipped: they need strace (${problem})`;
	}

	/** The number of calls, by the call's name. */
	async detach(): Promise<Map<string, number>> {
		const closed = once(this.#process, "close");
		this.#process.kill("SIGINT");
		await closed;
		return parseSummary(this.#output());
	}
}

/** The table of `strace -c`: time, seconds, microseconds a call, calls, errors (may be missing), name. */
export function parseSummary(text: string): Map<string, number> {
	const rows = text.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$/gm);
	return new Map(
		[...rows].map(([, calls, name = ""]) => [name, Number(calls)] as const).filter(([name]) => name !== "total"),
	);
}
