// Bounds the responses that cost nothing but time of the main thread, for each of those who ask: nobody takes that time from all others.
import { networkOf } from "../../../core/access/client-network.ts";
import type { Principal } from "../../../core/access/principal.ts";
import type { Clock } from "../../../core/clock.ts";

/** The responses of this many seconds may be given at once. */
const BURST_MS = 2_000;
/** No response waits longer. With 500 a second, that is as long as a thousand take. */
const LONGEST_MS = 2_000;
/** Owners are looked through for those who have asked nothing lately when there are this many, and when their number has doubled. */
const FIRST_SWEEP_AT = 1_000;
const MS_PER_S = 1_000;

/**
 * Gives each owner a number of responses a second, and those of two seconds at once. Later ones wait for their time: a client that waits for each
 * response before it asks again is slowed down to that rate, and notices nothing below it.
 */
export class AnswerPace {
	readonly #clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">;
	readonly #perSecond: number;
	/** By owner: when all responses so far would have been given if each took its full time, in monotonic time. */
	readonly #paidUntil = new Map<string, number>();
	#sweepAt = FIRST_SWEEP_AT;
	#probes: Promise<void> | null = null;

	/** With 0 a second, there is no bound. */
	constructor(clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">, perSecond: number) {
		this.#clock = clock;
		this.#perSecond = perSecond;
	}

	/** Those whose last responses are not paid for yet, and some more. */
	get owners(): number {
		return this.#paidUntil.size;
	}

	/** Null if a response may be given now, and a promise that resolves when it may; `full` if this owner would wait for more than two seconds. */
	take(owner: string): Promise<void> | null | "full" {
		if (this.#perSecond === 0) return null;
		const now = this.#clock.monotonicMs();
		const known = this.#paidUntil.get(owner);
		if (known === undefined && this.#paidUntil.size >= this.#sweepAt) this.#sweep(now);
		const paidUntil = Math.max(known ?? now, now) + MS_PER_S / this.#perSecond;
		const waitMs = paidUntil - BURST_MS - now;
		if (waitMs > LONGEST_MS) return "full";
		this.#paidUntil.set(owner, paidUntil);
		return waitMs <= 0 ? null : this.#after(waitMs);
	}

	/** Resolves when the longest time is over for which a response waits. */
	longest(): Promise<void> {
		return this.#after(LONGEST_MS);
	}

	/**
	 * Resolves in the next turn of the event loop, whoever asks, and however many. A client behind the same proxy as the one who probes must not bring
	 * about that the server seems dead.
	 */
	probe(): Promise<void> {
		this.#probes ??= new Promise((resolve) => {
			this.#clock.nextTurn(() => {
				this.#probes = null;
				resolve();
			});
		});
		return this.#probes;
	}

	#after(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#clock.after(ms, resolve));
	}

	#sweep(now: number): void {
		for (const [name, paidUntil] of this.#paidUntil) if (paidUntil <= now) this.#paidUntil.delete(name);
		this.#sweepAt = Math.max(FIRST_SWEEP_AT, this.#paidUntil.size * 2);
	}
}

/**
 * Whose responses are counted together: those of all keys of a project, of each customer of it, of each key of the workspace, and of an address (of IPv6, a
 * network of 64 bits) without a key, where those that are refused are counted by themselves. Null for a client of which nothing is known.
 */
export function askedBy(principal: Principal | null, clientAddress: string | null, isRefused: boolean): string | null {
	if (principal === null) {
		if (clientAddress === null) return null;
		return isRefused ? networkOf(clientAddress) : `${networkOf(clientAddress)} unrefused`;
	}
	if (principal.kind === "customer") return `${principal.projectId} ${principal.customerId}`;
	return principal.key.projectId ?? principal.key.id;
}
