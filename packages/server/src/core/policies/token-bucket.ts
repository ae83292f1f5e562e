// Rate limits: a token bucket, computed from the time that has passed, without a timer of its own.

const MS_PER_S = 1_000;

/**
 * Allows `perSecond` a second on average, and a burst of as many at once: never more than twice that in any second.
 *
 * @example
 * const bucket = new TokenBucket(5, 0, 0);
 * bucket.take(1_000); // true, five times
 */
export class TokenBucket {
	readonly perSecond: number;
	#tokens: number;
	#at: number;

	/** @param tokens how many may go at once at the time `now`, `perSecond` at most */
	constructor(perSecond: number, tokens: number, now: number) {
		this.perSecond = perSecond;
		this.#tokens = Math.min(tokens, perSecond);
		this.#at = now;
	}

	/** Takes a token if there is one. */
	take(now: number): boolean {
		this.#refill(now);
		if (this.#tokens < 1) return false;
		this.#tokens -= 1;
		return true;
	}

	/** When there will be a token: `now`, if there is one already. */
	nextAt(now: number): number {
		this.#refill(now);
		return this.#tokens >= 1 ? now : now + Math.ceil(((1 - this.#tokens) * MS_PER_S) / this.perSecond);
	}

	/** Whether it has all its tokens, so that a new one would be the same. */
	isFull(now: number): boolean {
		this.#refill(now);
		return this.#tokens >= this.perSecond;
	}

	#refill(now: number): void {
		// A clock that was set back gives no tokens, and takes none away.
		const passedMs = Math.max(0, now - this.#at);
		this.#tokens = Math.min(this.perSecond, this.#tokens + (passedMs * this.perSecond) / MS_PER_S);
		this.#at = now;
	}
}
