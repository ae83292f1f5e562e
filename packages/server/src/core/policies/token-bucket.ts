// Rate limits: a token bucket that is computed from the elapsed time, without a timer.

const MS_PER_S = 1_000;

/**
 * Allows `perSecond` tokens a second on average, with a burst of `burst` tokens. So at most `burst + perSecond` tokens are taken
 * within any second, unless more than `burst` are taken at once.
 *
 * @example
 * const bucket = new TokenBucket(5, 0, 0);
 * bucket.take(1_000); // true, five times
 */
export class TokenBucket {
	readonly perSecond: number;
	readonly burst: number;
	/** Below 0 after more than `burst` were taken at once. */
	#tokens: number;
	#at: number;

	/**
	 * @param tokens the number of tokens at the time `now`, at most `burst`
	 * @param burst defaults to `perSecond`
	 */
	constructor(perSecond: number, tokens: number, now: number, burst = perSecond) {
		this.perSecond = perSecond;
		this.burst = burst;
		this.#tokens = Math.min(tokens, burst);
		this.#at = now;
	}

	/**
	 * Takes `count` tokens, or none and returns false. More tokens than `burst`, which the bucket never has, are taken from a full
	 * bucket, and the next ones when that debt is paid.
	 */
	take(now: number, count = 1): boolean {
		this.#refill(now);
		if (this.#tokens < Math.min(count, this.burst)) return false;
		this.#tokens -= count;
		return true;
	}

	/** Gives tokens back that were not used. */
	give(count: number): void {
		this.#tokens = Math.min(this.burst, this.#tokens + count);
	}

	/** The time at which `count` tokens can be taken; `now` if they can be already. */
	nextAt(now: number, count = 1): number {
		this.#refill(now);
		const missing = Math.min(count, this.burst) - this.#tokens;
		return missing <= 0 ? now : now + Math.ceil((missing * MS_PER_S) / this.perSecond);
	}

	/** Which part of its tokens the bucket has, at most 1; below 0 while it has a debt. */
	level(now: number): number {
		this.#refill(now);
		return this.#tokens / this.burst;
	}

	/** Whether the bucket has all its tokens, so that it could be replaced by a new, full one. */
	isFull(now: number): boolean {
		return this.level(now) >= 1;
	}

	#refill(now: number): void {
		// If the clock was set back, no tokens are added and none removed.
		const passedMs = Math.max(0, now - this.#at);
		this.#tokens = Math.min(this.burst, this.#tokens + (passedMs * this.perSecond) / MS_PER_S);
		this.#at = now;
	}
}
