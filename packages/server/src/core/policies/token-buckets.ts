// Rate limits of many owners: a token bucket for each one that has used it lately.
import type { Clock } from "../clock.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Buckets are looked through for full ones, which need not be kept, when there are this many, and when their number has doubled. */
const FIRST_SWEEP_AT = 1_000;

/** Buckets are in memory, and full after a start. */
export class TokenBuckets {
	readonly #clock: Pick<Clock, "monotonicMs">;
	/** The tokens of how many seconds a bucket holds. */
	readonly burstS: number;
	readonly #buckets = new Map<string, TokenBucket>();
	#sweepAt = FIRST_SWEEP_AT;

	/** A bucket holds the tokens of `burstS` seconds, at least one. */
	constructor(clock: Pick<Clock, "monotonicMs">, burstS: number) {
		this.#clock = clock;
		this.burstS = burstS;
	}

	/** Takes tokens of an owner with this rate. Returns 0, or after how many milliseconds there will be enough. */
	take(owner: string, count: number, perSecond: number): number {
		const now = this.#clock.monotonicMs();
		const bucket = this.#bucket(owner, perSecond, now);
		return bucket.take(now, count) ? 0 : bucket.nextAt(now, count) - now;
	}

	/** The same without taking them. */
	waitMs(owner: string, count: number, perSecond: number): number {
		const now = this.#clock.monotonicMs();
		return this.#bucket(owner, perSecond, now).nextAt(now, count) - now;
	}

	/** Gives back tokens that were not used. */
	giveBack(owner: string, count: number): void {
		this.#buckets.get(owner)?.give(count);
	}

	/** Which part of its tokens an owner has, at most 1; 1 if it has used none lately. */
	level(owner: string): number {
		return this.#buckets.get(owner)?.level(this.#clock.monotonicMs()) ?? 1;
	}

	#bucket(owner: string, perSecond: number, now: number): TokenBucket {
		const known = this.#buckets.get(owner);
		if (known?.perSecond === perSecond) return known;
		if (known === undefined && this.#buckets.size >= this.#sweepAt) this.#sweep(now);
		const burst = Math.max(1, perSecond * this.burstS);
		// A changed rate keeps the level of the bucket.
		const bucket = new TokenBucket(perSecond, burst * (known?.level(now) ?? 1), now, burst);
		this.#buckets.set(owner, bucket);
		return bucket;
	}

	#sweep(now: number): void {
		for (const [owner, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(owner);
		this.#sweepAt = Math.max(FIRST_SWEEP_AT, this.#buckets.size * 2);
	}
}
