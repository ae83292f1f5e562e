// Bounds the responses that cost nothing but time of the main thread, for each of those who ask: nobody takes that time from all others.
import { networkOf } from "../../../core/access/client-network.ts";
import type { Principal } from "../../../core/access/principal.ts";
import type { Clock } from "../../../core/clock.ts";
import { OwnTurns } from "./own-turns.ts";

/** The responses of this many seconds may be given at once. */
const BURST_MS = 2_000;
/** Responses of one owner that wait. With a thousand of them, the last one waits for two seconds by default. */
const MAX_WAITING = 1_000;
/** Owners are looked through for those who have asked nothing lately when there are this many, and when their number has doubled. */
const FIRST_SWEEP_AT = 1_000;
const MS_PER_S = 1_000;

/** One of those who ask. */
interface Owner {
	/** When all responses so far would have been given if each took its full time, in monotonic time. */
	paidUntil: number;
	waiting: number;
}

/**
 * Gives each owner a number of responses a second, and those of two seconds at once. Later ones wait for their time: a client that waits for each
 * response before it asks again is slowed down to that rate, and notices nothing below it.
 */
export class AnswerPace {
	readonly #clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">;
	readonly #perSecond: number;
	readonly #probes: OwnTurns;
	readonly #owners = new Map<string, Owner>();
	#sweepAt = FIRST_SWEEP_AT;

	/** With 0 a second, there is no bound. */
	constructor(clock: Pick<Clock, "monotonicMs" | "after" | "nextTurn">, perSecond: number) {
		this.#clock = clock;
		this.#perSecond = perSecond;
		this.#probes = new OwnTurns(clock);
	}

	/** Null if a response may be given now, and a promise that resolves when it may; `full` if too many of this owner wait already. */
	take(owner: string): Promise<void> | null | "full" {
		if (this.#perSecond === 0) return null;
		const now = this.#clock.monotonicMs();
		const known = this.#owner(owner, now);
		const waitMs = Math.max(known.paidUntil, now) + MS_PER_S / this.#perSecond - BURST_MS - now;
		if (waitMs > 0 && known.waiting >= MAX_WAITING) return "full";
		known.paidUntil = Math.max(known.paidUntil, now) + MS_PER_S / this.#perSecond;
		if (waitMs <= 0) return null;
		known.waiting++;
		return new Promise((resolve) => {
			this.#clock.after(waitMs, () => {
				known.waiting--;
				resolve();
			});
		});
	}

	/**
	 * Resolves when a probe may be answered: one in each turn of the event loop, whoever asks. A client behind the same proxy as the one who probes must
	 * not bring about that the server seems dead.
	 */
	probe(): Promise<void> {
		return this.#probes.take();
	}

	#owner(name: string, now: number): Owner {
		const known = this.#owners.get(name);
		if (known !== undefined) return known;
		if (this.#owners.size >= this.#sweepAt) this.#sweep(now);
		const added = { paidUntil: now, waiting: 0 };
		this.#owners.set(name, added);
		return added;
	}

	#sweep(now: number): void {
		for (const [name, { paidUntil }] of this.#owners) if (paidUntil <= now) this.#owners.delete(name);
		this.#sweepAt = Math.max(FIRST_SWEEP_AT, this.#owners.size * 2);
	}
}

/**
 * Whose responses are counted together: those of all keys of a project, of each customer of it, of each key of the workspace, and of an address (of IPv6, a
 * network of 64 bits) without a key. Null for a client of which nothing is known.
 */
export function askedBy(principal: Principal | null, clientAddress: string | null): string | null {
	if (principal === null) return clientAddress === null ? null : networkOf(clientAddress);
	if (principal.kind === "customer") return `${principal.projectId} ${principal.customerId}`;
	return principal.key.projectId ?? principal.key.id;
}
