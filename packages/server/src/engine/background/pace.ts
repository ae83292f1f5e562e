// The pace of background work: fast while live traffic does not suffer from it, and slow while live traffic is heavy.
//
// The committer reports how long sends have waited for their commit. At the end of each window the pace is adapted: if
// few commits were slow, it becomes a little faster; otherwise it becomes slower. It slows down faster than it speeds
// up, so that it follows a rise of live traffic within a few windows.

/** The time from the start of one step to the start of the next. */
const EVERY_MS = { first: 20, min: 4, max: 500 } as const;
const WINDOW_MS = 250;
/**
 * A commit is slow if its first send has waited longer. The budget of a send is 10 ms until the 2xx, at the 99th
 * percentile.
 */
const LONG_WAIT_MS = 4;
/** The pace slows down if a larger share of a window's commits was slow. */
const LONG_SHARE = 0.05;
const FACTOR = { faster: 0.85, slower: 2 } as const;

/**
 * Says how long to pause between two steps of background work. Fed with the waits of live sends.
 *
 * @example
 * pace.sendsEnded(4.2);
 * clock.after(pace.pauseMs(tookMs, clock.monotonicMs()), nextStep);
 */
export class Pace {
	#everyMs: number = EVERY_MS.first;
	#windowEndsAt = -Infinity;
	#commits = 0;
	#longCommits = 0;

	/** To be called after each commit, with the time that its first send has waited for it. */
	sendsEnded(waitedMs: number): void {
		this.#commits++;
		if (waitedMs > LONG_WAIT_MS) this.#longCommits++;
	}

	/**
	 * How long to pause after a step that took `tookMs`: at least as long as the step, so that other work always gets
	 * half of the time, but not longer than the maximum.
	 *
	 * @param now in monotonic time
	 */
	pauseMs(tookMs: number, now: number): number {
		if (now >= this.#windowEndsAt) this.#closeWindow(now);
		const stepMs = Math.min(tookMs, EVERY_MS.max);
		return Math.max(Math.round(this.#everyMs) - stepMs, stepMs);
	}

	#closeWindow(now: number): void {
		const tooSlow = this.#longCommits > this.#commits * LONG_SHARE;
		const everyMs = this.#everyMs * (tooSlow ? FACTOR.slower : FACTOR.faster);
		this.#everyMs = Math.min(EVERY_MS.max, Math.max(EVERY_MS.min, everyMs));
		this.#commits = 0;
		this.#longCommits = 0;
		this.#windowEndsAt = now + WINDOW_MS;
	}
}
