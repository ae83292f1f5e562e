// Looks up the addresses of host names, so that nobody waits for the slow name servers of other projects.
import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";
import { closeSync, openSync } from "node:fs";

import Denque from "denque";

import type { Clock } from "../../core/clock.ts";
import { codeOf, lookupFailure, SendFailure } from "./send-failure.ts";

/** Resolves a name to all its addresses. Rejects with an error that has a DNS `code`. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Finds the addresses of names: `NameLookup`, or another thread's. */
export interface Names {
	/** The name's addresses, at least one. Rejects with a `SendFailure`, or with the signal's reason. */
	resolve(projectId: string, hostname: string, asking?: Asking): Promise<readonly LookupAddress[]>;
}

/** A caller that waits for addresses. */
export interface Asking {
	/** Ends the wait. A look-up that has not begun is not made, unless others wait for it. */
	readonly signal?: AbortSignal;
	/** Called when the caller does not wait in line: its look-up runs, or is not needed. */
	readonly onTurn?: () => void;
}

/** The latest look-up of a name by a project: first its promise, then its result, which is reused for a few seconds. */
interface Entry {
	readonly hostname: string;
	readonly result: PromiseWithResolvers<readonly LookupAddress[]>;
	state: "waiting" | "running" | "ended";
	/** When the result expires, once it has ended. */
	expiresAt: number;
	/** The result of the last successful look-up and its time; null if there is none. */
	known: { addresses: readonly LookupAddress[]; at: number } | null;
	/** The last look-up of this name that has ended was slow. */
	wasSlow: boolean;
	/** Callers that wait for their turn. */
	readonly waiting: Set<Asking>;
	/** Somebody got the previous addresses, and this look-up is made to renew them. */
	isRenewal: boolean;
}

/** What is known of one project. */
interface ProjectNames {
	readonly projectId: string;
	/** By name, the one used last at the end. An expired entry is still needed for its previous addresses. */
	readonly entries: Map<string, Entry>;
	/** Look-ups that have not begun, in order of arrival. */
	readonly line: Set<Entry>;
	/** When each running look-up began. */
	readonly running: Map<Entry, number>;
	inRing: boolean;
}

/** The size of libuv's thread pool if `UV_THREADPOOL_SIZE` is not set. */
const DEFAULT_THREADS = 4;
/** A look-up that took this long makes its name slow. */
const SLOW_AFTER_MS = 1_000;
/** How long a result is reused: long enough to avoid most look-ups of a busy name, shorter than any sensible TTL. */
const KEEP_MS = 5_000;
const KEEP_FAILURE_MS = 1_000;
/** If a look-up takes longer than this, callers get the name's previous addresses, unless those are too old. */
const PATIENCE_MS = 500;
const KNOWN_FOR_MS = 600_000;
/** No name server has answered, so that the previous addresses may still be right. */
const NO_ANSWER = "EAI_AGAIN";
/** Names remembered of one project, and in all. */
const MAX_NAMES_OF_PROJECT = 1_000;
const MAX_NAMES = 10_000;

/**
 * Looks up names by the system's rules (hosts file, search domains, DNS), for each project apart.
 *
 * - Concurrent look-ups of one name by a project are made once, and the result is reused for a few seconds.
 * - A look-up blocks one of libuv's threads until a name server responds or the system gives up; nothing can end it sooner.
 *   Libuv allows look-ups to use half of its threads, so that many run at a time and the rest wait in line.
 * - A project has a line of its own, and no more running look-ups than are free for others. Projects that wait are served
 *   in turns.
 * - The last quarter of what may run is for names that are known and were not slow last time. Of slow names, a project may
 *   look up an eighth at a time; of names that are not known, a quarter, while one of its look-ups is slow.
 * - If the look-up of a known name has to wait, or is not fast, callers get its previous addresses (up to 10 minutes old).
 *
 * There is no timeout here: callers limit their own waiting.
 */
export class NameLookup implements Names {
	readonly #lookup: Lookup;
	readonly #clock: Clock;
	/** The most concurrent look-ups. */
	readonly #maxRunning: number;
	/** The project used last is at the end. */
	readonly #projects = new Map<string, ProjectNames>();
	#names = 0;
	/** Projects with look-ups in line, the next one first. */
	readonly #ring = new Denque<ProjectNames>();
	#running = 0;

	constructor(clock: Clock, lookup: Lookup = systemLookupAll, threads = threadCount()) {
		this.#clock = clock;
		this.#lookup = lookup;
		this.#maxRunning = Math.ceil(threads / 2);
	}

	resolve(projectId: string, hostname: string, asking: Asking = {}): Promise<readonly LookupAddress[]> {
		const project = this.#project(projectId);
		const last = project.entries.get(hostname);
		const isFresh = last !== undefined && (last.state !== "ended" || last.expiresAt > this.#clock.monotonicMs());
		const entry = isFresh ? last : this.#enter(project, hostname, last);
		this.#remember(project, entry);
		this.#serve();
		return this.#answer(project, entry, asking);
	}

	/** Puts a look-up of a name into the project's line. */
	#enter(project: ProjectNames, hostname: string, last: Entry | undefined): Entry {
		const result = Promise.withResolvers<readonly LookupAddress[]>();
		// Everybody who waited for it may have gone.
		result.promise.catch(ignore);
		const entry: Entry = {
			hostname,
			result,
			state: "waiting",
			expiresAt: Infinity,
			known: last?.known ?? null,
			wasSlow: last?.wasSlow ?? false,
			waiting: new Set(),
			isRenewal: false,
		};
		project.line.add(entry);
		this.#enterRing(project);
		return entry;
	}

	/** The entry's addresses, or the previous ones if its look-up has to wait or takes too long. */
	#answer(project: ProjectNames, entry: Entry, asking: Asking): Promise<readonly LookupAddress[]> {
		const { known, state, wasSlow } = entry;
		const addresses = entry.result.promise;
		const isKnown = known !== null && known.at + KNOWN_FOR_MS > this.#clock.monotonicMs();
		if (state === "waiting" && !isKnown) return this.#wait(project, entry, asking);
		asking.onTurn?.();
		if (state === "ended" || !isKnown) return addresses;
		entry.isRenewal = true;
		if (state === "waiting" || wasSlow) return Promise.resolve(known.addresses);
		const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
		const cancelTimer = this.#clock.after(PATIENCE_MS, () => resolve(known.addresses));
		addresses.then(resolve, reject).finally(cancelTimer);
		return promise;
	}

	#wait(project: ProjectNames, entry: Entry, asking: Asking): Promise<readonly LookupAddress[]> {
		entry.waiting.add(asking);
		asking.signal?.addEventListener("abort", () => {
			entry.waiting.delete(asking);
			if (entry.state !== "waiting" || entry.waiting.size > 0 || entry.isRenewal) return;
			project.line.delete(entry);
			// What is known of the name is worth keeping.
			if (entry.known === null) this.#forget(project, entry);
			else {
				entry.state = "ended";
				entry.expiresAt = -Infinity;
			}
		});
		return entry.result.promise;
	}

	/** Starts look-ups, in turns of the projects, until none may run any more. */
	#serve(): void {
		for (let passed = 0; passed < this.#ring.length && this.#running < this.#maxRunning;) {
			const project = this.#ring.shift();
			if (project === undefined) return;
			project.inRing = false;
			const entry = this.#nextOf(project);
			if (entry !== undefined) void this.#run(project, entry);
			if (project.line.size === 0) continue;
			this.#enterRing(project);
			passed = entry === undefined ? passed + 1 : 0;
		}
	}

	/** The first look-up in the project's line that may run now. */
	#nextOf({ line, running }: ProjectNames): Entry | undefined {
		const free = this.#maxRunning - this.#running;
		if (running.size >= free) return undefined;
		const hasSpare = free > Math.floor(this.#maxRunning / 4);
		// The oldest comes first.
		const [beganAt = Infinity] = running.values();
		const isHeldUp = this.#clock.monotonicMs() - beganAt >= SLOW_AFTER_MS;
		for (const entry of line) {
			const { known, wasSlow } = entry;
			if (known !== null && !wasSlow) return entry;
			if (!hasSpare) continue;
			if (!wasSlow && !isHeldUp) return entry;
			let alike = 0;
			for (const other of running.keys()) if (other.wasSlow === wasSlow) alike += 1;
			if (alike < Math.ceil(this.#maxRunning / (wasSlow ? 8 : 4))) return entry;
		}
		return undefined;
	}

	async #run(project: ProjectNames, entry: Entry): Promise<void> {
		const startedAt = this.#clock.monotonicMs();
		project.line.delete(entry);
		project.running.set(entry, startedAt);
		this.#running += 1;
		entry.state = "running";
		for (const { onTurn } of entry.waiting) onTurn?.();
		entry.waiting.clear();
		const found = await this.#ask(entry.hostname);
		const now = this.#clock.monotonicMs();
		this.#running -= 1;
		project.running.delete(entry);
		entry.state = "ended";
		entry.wasSlow = now - startedAt >= SLOW_AFTER_MS;
		if (found instanceof SendFailure) {
			const mayStillBeRight = found.code === "shortage" || codeOf(found.cause) === NO_ANSWER;
			if (!mayStillBeRight) entry.known = null;
			entry.expiresAt = now + KEEP_FAILURE_MS;
			entry.result.reject(found);
		} else {
			entry.known = { addresses: found, at: now };
			entry.expiresAt = now + KEEP_MS;
			entry.result.resolve(found);
		}
		this.#serve();
	}

	/** The addresses, or why there are none. */
	async #ask(hostname: string): Promise<readonly LookupAddress[] | SendFailure> {
		try {
			const addresses = await this.#lookup(hostname);
			if (addresses.length > 0) return addresses;
			return new SendFailure("dns", `no address found for ${hostname}: it has none`, {
				what: "name_not_found",
			});
		} catch (error) {
			return lookupFailure(shortageOfDescriptors() ?? error, hostname);
		}
	}

	#project(projectId: string): ProjectNames {
		const known = this.#projects.get(projectId);
		if (known !== undefined) this.#projects.delete(projectId);
		const project = known ?? { projectId, entries: new Map(), line: new Set(), running: new Map(), inRing: false };
		this.#projects.set(projectId, project);
		return project;
	}

	/** Remembers the entry as the one used last, and forgets others if there are too many. */
	#remember(project: ProjectNames, entry: Entry): void {
		const { entries } = project;
		if (!entries.delete(entry.hostname)) this.#names += 1;
		entries.set(entry.hostname, entry);
		if (entries.size > MAX_NAMES_OF_PROJECT) this.#forgetOldest(project);
		if (this.#names <= MAX_NAMES) return;
		for (const other of this.#projects.values()) if (this.#forgetOldest(other)) return;
	}

	/** Forgets the name of a project that was used the longest time ago. Those that wait or run are not forgotten. */
	#forgetOldest(project: ProjectNames): boolean {
		for (const entry of project.entries.values()) {
			if (entry.state !== "ended") continue;
			this.#forget(project, entry);
			return true;
		}
		return false;
	}

	#forget(project: ProjectNames, entry: Entry): void {
		if (project.entries.get(entry.hostname) !== entry) return;
		project.entries.delete(entry.hostname);
		this.#names -= 1;
		if (project.entries.size === 0) this.#projects.delete(project.projectId);
	}

	#enterRing(project: ProjectNames): void {
		if (project.inRing) return;
		project.inRing = true;
		this.#ring.push(project);
	}
}

function threadCount(): number {
	return Number(process.env["UV_THREADPOOL_SIZE"]) || DEFAULT_THREADS;
}

/**
 * The error of a process without a free descriptor; null if it has one. A look-up needs some: without them, getaddrinfo
 * says that no name server has answered, or that the name does not exist.
 */
function shortageOfDescriptors(): unknown {
	try {
		closeSync(openSync("/dev/null", "r"));
		return null;
	} catch (error) {
		return codeOf(error) === "EMFILE" || codeOf(error) === "ENFILE" ? error : null;
	}
}

function systemLookupAll(hostname: string): Promise<LookupAddress[]> {
	return systemLookup(hostname, { all: true });
}

function ignore(): void {}
