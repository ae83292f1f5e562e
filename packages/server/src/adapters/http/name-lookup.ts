// Turns names into addresses without letting one slow name server hold up the others.
import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";

import { lookupFailure, SendFailure } from "./send-failure.ts";

/** Resolves a name to all its addresses; rejects with an error that has a DNS `code`. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** One name: its look-up while it runs, then for a moment its result. */
interface Entry {
	addresses: Promise<readonly LookupAddress[]>;
	/** Infinity while the look-up waits or runs. */
	expiresAt: number;
	/** What the last look-up that succeeded has found, and when; null if none has. */
	known: { addresses: readonly LookupAddress[]; at: number } | null;
}

interface Job {
	hostname: string;
	run: () => Promise<void>;
}

/** libuv's, if `UV_THREADPOOL_SIZE` says nothing else. */
const DEFAULT_THREADS = 4;
const SLOW_AFTER_MS = 1_000;
/** Long enough to spare a busy name most look-ups, shorter than any sensible TTL. */
const KEEP_MS = 5_000;
const KEEP_FAILURE_MS = 1_000;
/** A name whose look-up has not ended after so long is used as it was known before, if that is not too long ago. */
const PATIENCE_MS = 500;
const KNOWN_FOR_MS = 600_000;
const MAX_NAMES = 1_000;

/**
 * Looks names up by the system's rules (hosts file, search domains, DNS). Equal look-ups are made once. Each holds one of
 * libuv's threads for as long as name servers stay silent, and libuv gives look-ups half of them: so many run at a time.
 * Names that have been slow queue apart, with a quarter of that, so that quick names find a thread. Callers bound their own
 * waiting. A name that is known does not wait long behind strangers whose name servers are silent: it is used as it was
 * known meanwhile.
 */
export class NameLookup {
	readonly #lookup: Lookup;
	/** Milliseconds from some fixed moment. */
	readonly #now: () => number;
	/** Look-ups at once, and among them those of slow names. */
	readonly #maxRunning: number;
	readonly #maxRunningSlow: number;
	/** Oldest first. */
	readonly #entries = new Map<string, Entry>();
	/** The names whose last look-up was slow, oldest first. */
	readonly #slow = new Set<string>();
	readonly #queue: Job[] = [];
	#running = 0;
	#runningSlow = 0;

	constructor(lookup: Lookup = systemLookupAll, now: () => number = () => performance.now(), threads = threadCount()) {
		this.#lookup = lookup;
		this.#now = now;
		this.#maxRunning = Math.ceil(threads / 2);
		this.#maxRunningSlow = Math.ceil(this.#maxRunning / 4);
	}

	/** The name's addresses, at least one; rejects with a `SendFailure`. */
	resolve(hostname: string): Promise<readonly LookupAddress[]> {
		const last = this.#entries.get(hostname);
		if (last !== undefined && last.expiresAt > this.#now()) return this.#impatient(last);
		const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
		const entry: Entry = { addresses: promise, expiresAt: Infinity, known: last?.known ?? null };
		this.#entries.delete(hostname);
		this.#entries.set(hostname, entry);
		forgetOldest(this.#entries);
		const run = async () => {
			try {
				const addresses = await this.#ask(hostname);
				resolve(addresses);
				entry.known = { addresses, at: this.#now() };
				entry.expiresAt = this.#now() + KEEP_MS;
			} catch (error) {
				reject(lookupFailure(error, hostname));
				if (!isTemporary(error)) entry.known = null;
				entry.expiresAt = this.#now() + KEEP_FAILURE_MS;
			}
		};
		this.#queue.push({ hostname, run });
		this.#startNext();
		return this.#impatient(entry);
	}

	/** The entry's addresses; those of before if its look-up takes long. */
	#impatient({ addresses, expiresAt, known }: Entry): Promise<readonly LookupAddress[]> {
		if (expiresAt !== Infinity || known === null || known.at + KNOWN_FOR_MS <= this.#now()) return addresses;
		const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
		const timer = setTimeout(resolve, PATIENCE_MS, known.addresses);
		addresses.then(resolve, reject).finally(() => clearTimeout(timer));
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
		const startedAt = this.#now();
		this.#running += 1;
		if (isSlow) this.#runningSlow += 1;
		void run().finally(() => {
			this.#running -= 1;
			if (isSlow) this.#runningSlow -= 1;
			this.#slow.delete(hostname);
			if (this.#now() - startedAt >= SLOW_AFTER_MS) this.#slow.add(hostname);
			forgetOldest(this.#slow);
			this.#startNext();
		});
	}
}

function threadCount(): number {
	return Number(process.env["UV_THREADPOOL_SIZE"]) || DEFAULT_THREADS;
}

/** True if no name server has answered, so that what was known may still be so. */
function isTemporary(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === "EAI_AGAIN";
}

function systemLookupAll(hostname: string): Promise<LookupAddress[]> {
	return systemLookup(hostname, { all: true });
}

function forgetOldest(names: Map<string, unknown> | Set<string>): void {
	if (names.size <= MAX_NAMES) return;
	const [oldest] = names.keys();
	if (oldest !== undefined) names.delete(oldest);
}
