// Looks up the addresses of host names, so that nobody waits for the slow name servers of other projects and customers.
import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";
import { closeSync, openSync } from "node:fs";

import Denque from "denque";

import type { Clock } from "../../core/clock.ts";
import { codeOf, lookupFailure, SendFailure } from "./send-failure.ts";

/** Resolves a name to all its addresses. Rejects with an error that has a DNS `code`. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** For whom a name is looked up. */
export interface NameOwner {
	readonly projectId: string;
	/** Null for webhooks without a customer. */
	readonly customerId: string | null;
}

/** Finds the addresses of names: `NameLookup`, or another thread's. */
export interface Names {
	/** The name's addresses, at least one. Rejects with a `SendFailure`, or with the signal's reason. */
	resolve(owner: NameOwner, hostname: string, asking?: Asking): Promise<readonly LookupAddress[]>;
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
	/** The customers in whose lines it is. */
	readonly lines: Set<string | null>;
	/** Somebody got the previous addresses, and this look-up is made to renew them. */
	isRenewal: boolean;
}

/** A look-up that runs. */
interface Running {
	readonly beganAt: number;
	/** In whose turn it has begun. */
	readonly customerId: string | null;
}

/** What is known of one project. */
interface ProjectNames {
	readonly projectId: string;
	/** By name, the one used last at the end. An expired entry is still needed for its previous addresses. */
	readonly entries: Map<string, Entry>;
	/**
	 * Look-ups that have not begun, of each customer (null: of the webhooks that have none) in order of arrival. The customer whose turn it is comes
	 * first. A look-up for which several customers wait is in the line of each.
	 */
	readonly lines: Map<string | null, Set<Entry>>;
	/** The oldest comes first. */
	readonly running: Map<Entry, Running>;
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
 * Looks up names by the system's rules (hosts file, search domains, DNS), for each project apart, and in turns of its customers.
 *
 * - Concurrent look-ups of one name by a project are made once, and the result is reused for a few seconds.
 * - A look-up blocks one of libuv's threads until a name server responds or the system gives up; nothing can end it sooner.
 *   Libuv allows look-ups to use half of its threads, so that many run at a time and the rest wait in line.
 * - A project has a line of its own, and no more running look-ups than are free for others. Projects that wait are served
 *   in turns.
 * - The last quarter of what may run is for names that are known and were not slow last time. Of slow names, a project may
 *   look up an eighth at a time; of names that are not known, a quarter, while one of its look-ups is slow.
 * - A customer may use half of what its project may, so that one whose name servers are silent leaves the others some; a project without customers
 *   uses all of it.
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

	resolve(
		{ projectId, customerId }: NameOwner,
		hostname: string,
		asking: Asking = {},
	): Promise<readonly LookupAddress[]> {
		const project = this.#project(projectId);
		const last = project.entries.get(hostname);
		const isFresh = last !== undefined && (last.state !== "ended" || last.expiresAt > this.#clock.monotonicMs());
		const entry = isFresh ? last : this.#make(hostname, last);
		// Who waits for the look-up of another customer does not wait in that one's line alone.
		if (entry.state === "waiting") this.#enter(project, customerId, entry);
		this.#remember(project, entry);
		this.#serve();
		return this.#answer(project, entry, asking);
	}

	#make(hostname: string, last: Entry | undefined): Entry {
		const result = Promise.withResolvers<readonly LookupAddress[]>();
		// Everybody who waited for it may have gone.
		result.promise.catch(ignore);
		return {
			hostname,
			result,
			state: "waiting",
			expiresAt: Infinity,
			known: last?.known ?? null,
			wasSlow: last?.wasSlow ?? false,
			waiting: new Set(),
			lines: new Set(),
			isRenewal: false,
		};
	}

	/** Puts a look-up into the line of a customer. */
	#enter(project: ProjectNames, customerId: string | null, entry: Entry): void {
		const line = project.lines.get(customerId) ?? new Set();
		project.lines.set(customerId, line.add(entry));
		entry.lines.add(customerId);
		this.#enterRing(project);
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
			leaveLines(project, entry);
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
			const next = this.#nextOf(project);
			if (next !== undefined) void this.#run(project, next.customerId, next.entry);
			if (project.lines.size === 0) continue;
			this.#enterRing(project);
			passed = next === undefined ? passed + 1 : 0;
		}
	}

	/** The first look-up that may run now, of the customer whose turn it is. */
	#nextOf(project: ProjectNames): { readonly customerId: string | null; readonly entry: Entry } | undefined {
		if (project.running.size >= this.#maxRunning - this.#running) return undefined;
		for (const [customerId, line] of project.lines) {
			const entry = this.#nextIn(project, customerId);
			if (entry === undefined) continue;
			// Its next turn comes after those of all others.
			project.lines.delete(customerId);
			project.lines.set(customerId, line);
			return { customerId, entry };
		}
		return undefined;
	}

	/** The first look-up in the line of a customer that may run now. */
	#nextIn({ lines, running }: ProjectNames, customerId: string | null): Entry | undefined {
		const free = this.#maxRunning - this.#running;
		const isOwn = (other: Running) => other.customerId === customerId;
		const isAlone = customerId === null && lines.size === 1 && running.values().every(isOwn);
		const partOf = (most: number) => (isAlone ? most : Math.ceil(most / 2));
		const own = running.values().filter(isOwn).toArray().length;
		// The project may run half of what others leave free.
		if (own >= partOf(Math.ceil((free + running.size) / 2))) return undefined;
		const hasSpare = free > Math.floor(this.#maxRunning / 4);
		const [{ beganAt } = { beganAt: Infinity }] = running.values();
		const isHeldUp = this.#clock.monotonicMs() - beganAt >= SLOW_AFTER_MS;
		for (const entry of lines.get(customerId) ?? []) {
			const { known, wasSlow } = entry;
			if (known !== null && !wasSlow) return entry;
			if (!hasSpare) continue;
			if (!wasSlow && !isHeldUp) return entry;
			const most = Math.ceil(this.#maxRunning / (wasSlow ? 8 : 4));
			const alike = countAlike(running, wasSlow);
			if ((alike.get(customerId) ?? 0) >= partOf(most)) continue;
			// What a customer began beyond its part, before that was slow, takes nothing from the others.
			if (alike.values().reduce((sum, count) => sum + Math.min(count, partOf(most)), 0) < most) return entry;
		}
		return undefined;
	}

	async #run(project: ProjectNames, customerId: string | null, entry: Entry): Promise<void> {
		const startedAt = this.#clock.monotonicMs();
		leaveLines(project, entry);
		project.running.set(entry, { beganAt: startedAt, customerId });
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
		const project = known ?? { projectId, entries: new Map(), lines: new Map(), running: new Map(), inRing: false };
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

/** The look-up begins, or nobody waits for it any more. */
function leaveLines({ lines }: ProjectNames, entry: Entry): void {
	for (const customerId of entry.lines) {
		const line = lines.get(customerId);
		line?.delete(entry);
		if (line?.size === 0) lines.delete(customerId);
	}
	entry.lines.clear();
}

/** How many look-ups of names that were slow, or that were not, each customer has running. */
function countAlike(running: ProjectNames["running"], wasSlow: boolean): ReadonlyMap<string | null, number> {
	const counts = new Map<string | null, number>();
	for (const [other, { customerId }] of running) {
		if (other.wasSlow === wasSlow) counts.set(customerId, (counts.get(customerId) ?? 0) + 1);
	}
	return counts;
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
