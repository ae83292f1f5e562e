// Looks up the addresses of host names, so that one slow name server does not delay the look-ups of other names.
import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";

import { LRUCache } from "lru-cache";

import type { Clock } from "../../core/clock.ts";
import { lookupFailure, SendFailure } from "./send-failure.ts";

/** Resolves a name to all its addresses. Rejects with an error that has a DNS `code`. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The latest look-up of a name: first its promise, then its result, which is reused for a few seconds. */
interface Entry {
	addresses: Promise<readonly LookupAddress[]>;
	/** When the result expires. Infinity while the look-up is queued or running. */
	expiresAt: number;
	/** The result of the last successful look-up and its time; null if there is none. */
	known: { addresses: readonly LookupAddress[]; at: number } | null;
}

/** A queued look-up. */
interface Job {
	hostname: string;
	run: () => Promise<void>;
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
/** Names remembered, the most recently used ones. */
const MAX_NAMES = 1_000;

/**
 * Looks up names by the system's rules (hosts file, search domains, DNS).
 *
 * - Concurrent look-ups of one name are made once, and the result is reused for a few seconds.
 * - A look-up blocks one of libuv's threads until a name server responds or the system gives up. Libuv allows look-ups
 *   to use half of its threads, so that many run at a time and the rest are queued.
 * - Names that were slow last time may use a quarter of that, so that fast names always find a thread.
 * - If the look-up of a known name takes long, for example because slow names of others are ahead of it, callers get
 *   its previous addresses (up to 10 minutes old).
 *
 * There is no timeout here: callers limit their own waiting.
 */
export class NameLookup {
	readonly #lookup: Lookup;
	readonly #clock: Clock;
	/** The most concurrent look-ups, and the most of them for slow names. */
	readonly #maxRunning: number;
	readonly #maxRunningSlow: number;
	/** Without lru-cache's ttl: an expired entry is still needed for its previous addresses. */
	readonly #entries = new LRUCache<string, Entry>({ max: MAX_NAMES });
	/** The names whose last look-up was slow. */
	readonly #slow = new LRUCache<string, true>({ max: MAX_NAMES });
	readonly #queue: Job[] = [];
	#running = 0;
	#runningSlow = 0;

	constructor(clock: Clock, lookup: Lookup = systemLookupAll, threads = threadCount()) {
		this.#clock = clock;
		this.#lookup = lookup;
		this.#maxRunning = Math.ceil(threads / 2);
		this.#maxRunningSlow = Math.ceil(this.#maxRunning / 4);
	}

	/** The name's addresses, at least one. Rejects with a `SendFailure`. */
	resolve(hostname: string): Promise<readonly LookupAddress[]> {
		const last = this.#entries.get(hostname);
		if (last !== undefined && last.expiresAt > this.#clock.monotonicMs()) return this.#impatient(last);
		const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
		const entry: Entry = { addresses: promise, expiresAt: Infinity, known: last?.known ?? null };
		this.#entries.set(hostname, entry);
		const run = async () => {
			try {
				const addresses = await this.#ask(hostname);
				resolve(addresses);
				entry.known = { addresses, at: this.#clock.monotonicMs() };
				entry.expiresAt = this.#clock.monotonicMs() + KEEP_MS;
			} catch (error) {
				reject(lookupFailure(error, hostname));
				if (!isTemporary(error)) entry.known = null;
				entry.expiresAt = this.#clock.monotonicMs() + KEEP_FAILURE_MS;
			}
		};
		this.#queue.push({ hostname, run });
		this.#startNext();
		return this.#impatient(entry);
	}

	/** The entry's addresses, or the previous ones if its look-up takes too long. */
	#impatient({ addresses, expiresAt, known }: Entry): Promise<readonly LookupAddress[]> {
		if (expiresAt !== Infinity || known === null || known.at + KNOWN_FOR_MS <= this.#clock.monotonicMs())
			return addresses;
		const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
		const cancelTimer = this.#clock.after(PATIENCE_MS, () => resolve(known.addresses));
		addresses.then(resolve, reject).finally(cancelTimer);
		return promise;
	}

	async #ask(hostname: string): Promise<readonly LookupAddress[]> {
		const addresses = await this.#lookup(hostname);
		if (addresses.length === 0) throw new SendFailure("dns", `no address found for ${hostname}: it has none`);
		return addresses;
	}

	#startNext(): void {
		while (this.#running < this.#maxRunning) {
			const next = this.#queue.findIndex(
				({ hostname }) => this.#runningSlow < this.#maxRunningSlow || !this.#slow.has(hostname),
			);
			const [job] = next === -1 ? [] : this.#queue.splice(next, 1);
			if (job === undefined) return;
			this.#start(job);
		}
	}

	#start({ hostname, run }: Job): void {
		const isSlow = this.#slow.has(hostname);
		const startedAt = this.#clock.monotonicMs();
		this.#running += 1;
		if (isSlow) this.#runningSlow += 1;
		void run().finally(() => {
			this.#running -= 1;
			if (isSlow) this.#runningSlow -= 1;
			this.#slow.delete(hostname);
			if (this.#clock.monotonicMs() - startedAt >= SLOW_AFTER_MS) this.#slow.set(hostname, true);
			this.#startNext();
		});
	}
}

function threadCount(): number {
	return Number(process.env["UV_THREADPOOL_SIZE"]) || DEFAULT_THREADS;
}

/** True if no name server has responded, so that the previous addresses may still be right. */
function isTemporary(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === "EAI_AGAIN";
}

function systemLookupAll(hostname: string): Promise<LookupAddress[]> {
	return systemLookup(hostname, { all: true });
}
