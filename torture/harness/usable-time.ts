// Time as a round could use it: without the share of the processors that other programs used meanwhile. A limit of time is judged by it, so that a
// round on a busy machine is not blamed for what the machine did, and a round on a machine of its own is judged by the clock alone.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import { parseProcStat } from "@fanfare/testkit/process-usage";

const EVERY_MS = 250;
const LOOK_EVERY_MS = 15;
/** However busy the machine is, this much of its time at most does not count: what stands still for long is found everywhere. */
const MOST_OF_OTHERS = 0.8;
/** A wait ends after this time whatever the machine does. */
const LONGEST_WAIT_MS = 300_000;
/** A tick of the counters in /proc: `USER_HZ` is 100 on every Linux that Node supports. */
const TICK_MS = 10;

/** What the operating system has counted since the machine's start, in milliseconds. */
export interface Counted {
	/** How long all processors together have worked, and how long they could have. */
	readonly busy: number;
	readonly capacity: number;
	/** How long each process of the round has worked. */
	readonly own: ReadonlyMap<number, number>;
}

/** A period, and how much usable time before and after it belongs to it, too. */
export interface Period {
	readonly from: number;
	readonly to: number;
	readonly beforeMs?: number;
	readonly afterMs?: number;
}

interface Sample extends Counted {
	readonly at: number;
	/** The usable time since the first look. */
	readonly usable: number;
}

interface Process {
	readonly parent: number;
	readonly ms: number;
}

/** Watches the processors from its construction on. On other systems than Linux, all time counts as usable. */
export class UsableTime implements Disposable {
	readonly #samples: Sample[] = [];
	readonly #count: (() => Counted) | null;
	readonly #timer: NodeJS.Timeout | null = null;

	constructor(count: (() => Counted) | null = process.platform === "linux" ? countOfLinux : null) {
		this.#count = count;
		if (count === null) return;
		this.#look();
		this.#timer = setInterval(() => this.#look(), EVERY_MS);
	}

	[Symbol.dispose](): void {
		if (this.#timer !== null) clearInterval(this.#timer);
	}

	/** The usable part of the time between two times of `Date.now()`, in milliseconds: all of it if the machine does nothing else. */
	between(from: number, to: number): number {
		if (to > (this.#samples.at(-1)?.at ?? 0)) this.#look();
		return this.#until(to) - this.#until(from);
	}

	/**
	 * Calls `look` until it returns something other than undefined, null or false, and returns that. Null if it does not within `ms` of usable
	 * time. An error from `look` ends the wait.
	 */
	async within<T>(ms: number, look: () => T | Promise<T>): Promise<Exclude<T, undefined | false> | null> {
		const from = Date.now();
		for (;;) {
			const seen = await look();
			if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | false>;
			const now = Date.now();
			if (now - from > ms && (this.between(from, now) > ms || now - from > LONGEST_WAIT_MS)) return null;
			await delay(LOOK_EVERY_MS);
		}
	}

	isOutside({ from, to, beforeMs = 0, afterMs = 0 }: Period, at: number): boolean {
		return at < from ? this.between(at, from) > beforeMs : at > to && this.between(to, at) > afterMs;
	}

	#until(time: number): number {
		const after = this.#samples.findIndex(({ at }) => at >= time);
		const [before, next] =
			after === -1 ? [this.#samples.at(-1), undefined] : this.#samples.slice(Math.max(0, after - 1), after + 1);
		if (before === undefined) return time;
		// Before the first look and after the last one, all time counts.
		if (next === undefined) return before.usable + time - before.at;
		return before.usable + ((next.usable - before.usable) * (time - before.at)) / (next.at - before.at);
	}

	#look(): void {
		if (this.#count === null) return;
		const at = Date.now();
		const counted = this.#count();
		const last = this.#samples.at(-1);
		if (last === undefined) {
			this.#samples.push({ ...counted, at, usable: 0 });
			return;
		}
		const possible = counted.capacity - last.capacity;
		if (at <= last.at || possible <= 0) return;
		let own = 0;
		for (const [pid, ms] of counted.own) own += Math.max(0, ms - (last.own.get(pid) ?? 0));
		const others = Math.max(0, counted.busy - last.busy - own);
		const usable = last.usable + (at - last.at) * (1 - Math.min(MOST_OF_OTHERS, others / possible));
		this.#samples.push({ ...counted, at, usable });
	}
}

/** What Linux has counted. */
export function countOfLinux(): Counted {
	return { ...processorTimes(), own: new Map([...ownProcesses()].map(([pid, { ms }]) => [pid, ms])) };
}

/** The times of all processors together, from /proc/stat (proc(5)): busy is everything but idle and waiting for a disk, what a hypervisor took included. */
function processorTimes(): { readonly busy: number; readonly capacity: number } {
	const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
	const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, ...rest] = line
		.replace(/^cpu +/, "")
		.split(" ")
		.map((ticks) => Number(ticks) * TICK_MS);
	// Interrupts and stolen time; the time of guests after them is part of the user's.
	const [hard = 0, soft = 0, stolen = 0] = rest;
	const busy = user + nice + system + hard + soft + stolen;
	return { busy, capacity: busy + idle + waiting };
}

/** This process and all that descend from it: servers, databases, NATS. */
function ownProcesses(): Map<number, Process> {
	const all = new Map<number, Process>();
	for (const name of readdirSync("/proc")) {
		if (!/^\d+$/.test(name)) continue;
		const found = readProcess(name);
		if (found !== null) all.set(Number(name), found);
	}
	const isOwn = (pid: number): boolean => {
		for (let at = pid; at > 0; at = all.get(at)?.parent ?? 0) if (at === process.pid) return true;
		return false;
	};
	return new Map([...all].filter(([pid]) => isOwn(pid)));
}

function readProcess(pid: string): Process | null {
	try {
		const { parent, ownUs } = parseProcStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
		return { parent, ms: ownUs / 1_000 };
	} catch {
		// It has ended.
		return null;
	}
}
