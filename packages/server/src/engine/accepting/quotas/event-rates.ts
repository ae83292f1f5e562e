// How many events a second projects send: a token bucket for each project that has a quota and has sent lately.
import type { Clock } from "../../../core/clock.ts";
import { TokenBucket } from "../../../core/policies/token-bucket.ts";

/**
 * A bucket holds the tokens of this many seconds. `Retry-After` is in whole seconds and clients wait a little longer, so a bucket
 * of one second would lose part of the rate while they wait; and jobs send their events in bursts. With five seconds, a project sends at
 * most 8 % more than its quota in any minute.
 */
const BURST_S = 5;
/** Buckets are looked through for full ones, which need not be kept, when there are this many, and when their number has doubled. */
const FIRST_SWEEP_AT = 1_000;

/** Buckets are in memory, and full after a start. */
export class EventRates {
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #buckets = new Map<string, TokenBucket>();
	#sweepAt = FIRST_SWEEP_AT;

	constructor(clock: Pick<Clock, "monotonicMs">) {
		this.#clock = clock;
	}

	/** Takes tokens for events of a project with this quota. Returns 0, or after how many milliseconds there will be enough. */
	take(projectId: string, events: number, perSecond: number): number {
		const now = this.#clock.monotonicMs();
		const bucket = this.#bucket(projectId, perSecond, now);
		return bucket.take(now, events) ? 0 : bucket.nextAt(now, events) - now;
	}

	/** Gives back the tokens of events that were not accepted. */
	giveBack(projectId: string, events: number): void {
		this.#buckets.get(projectId)?.give(events);
	}

	#bucket(projectId: string, perSecond: number, now: number): TokenBucket {
		const known = this.#buckets.get(projectId);
		if (known?.perSecond === perSecond) return known;
		if (known === undefined && this.#buckets.size >= this.#sweepAt) this.#sweep(now);
		const burst = Math.max(1, perSecond * BURST_S);
		// A changed quota keeps the level of the bucket.
		const bucket = new TokenBucket(perSecond, burst * (known?.level(now) ?? 1), now, burst);
		this.#buckets.set(projectId, bucket);
		return bucket;
	}

	#sweep(now: number): void {
		for (const [projectId, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(projectId);
		this.#sweepAt = Math.max(FIRST_SWEEP_AT, this.#buckets.size * 2);
	}
}
