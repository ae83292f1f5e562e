// Rate limits: a token bucket that is computed from the elapsed time, without a timer.

const MS_PER_S = 1_000;

/**
 * Allows `perSecond` tokens a second on average, with a burst of the same size. So at most `2 * perSecond` tokens are
 * taken within any second.
 *
 * @example
 * const bucket = new TokenBucket(5, 0, 0);
 * bucket.take(1_000); // true, five times
 */
export class TokenBucket {
	readonly perSecond: number;
	#tokens: number;
	#at: number;

	/** @param tokens the number of tokens at the time `now`, at most `perSecond` */
	constructor(perSecond: number, tokens: number, now: number) {
		this.perSecond = perSecond;
		this.#tokens = Math.min(tokens, perSecond);
		this.#at = now;
	}

	/** Takes a token; returns false if there is none. */
	take(now: number): boolean {
		this.#refill(now);
		if (this.#tokens < 1) return false;
		this.#tokens -= 1;
		return true;
	}

	/** The time at which the next token is available; `now` if there is one already. */
	nextAt(now: number): number {
		this.#refill(now);
		return this.#tokens >= 1 ? now : now + Math.ceil(((1 - this.#tokens) * MS_PER_S) / this.perSecond);
	}

	/** Whether the bucket has all its tokens, so that it could be replaced by a new, full one. */
	isFull(now: number): boolean {
		this.#refill(now);
		return this.#tokens >= this.perSecond;
	}

	#refill(now: number): void {
		// If the clock was set back, no tokens are added and none removed.
		const passedMs = Math.max(0, now - this.#at);
		this.#tokens = Math.min(this.perSecond, this.#tokens + (passedMs * this.perSecond) / MS_PER_S);
		this.#at = now;
	}
}
