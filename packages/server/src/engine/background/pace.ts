// The pace of work in the background: as fast as live traffic does not notice, and hardly at all while that has enough to do.
//
// Live traffic says how long its sends wait for the disk. Over each window: few waited long ──▶ a little faster; more did ──▶ slower.
// Slowing down is the quicker of the two, so that a rise of live traffic is answered within a few windows.

/** Between two steps lies so much time. */
const EVERY_MS = { first: 20, min: 4, max: 500 } as const;
const WINDOW_MS = 250;
/** A send that has waited longer is on its way out of its budget: 10 ms until it is acknowledged, for 99 of 100. */
const LONG_WAIT_MS = 4;
const LONG_SHARE = 0.05;
const FACTOR = { faster: 0.85, slower: 2 } as const;

/**
 * @example
 * pace.sendsEnded(4.2);
 * clock.after(pace.pauseMs(tookMs, clock.now()), nextStep);
 */
export class Pace {
	#everyMs: number = EVERY_MS.first;
	#windowEndsAt = -Infinity;
	#commits = 0;
	#longCommits = 0;

	/** A commit has ended whose first send has waited this long for it. */
	sendsEnded(waitedMs: number): void {
		this.#commits++;
		if (waitedMs > LONG_WAIT_MS) this.#longCommits++;
	}

	/**
	 * How long to wait after a step that took `tookMs`: at least as long, so that half of the time is others' in any case. A clock that
	 * was set during the step makes no long wait of it.
	 */
	pauseMs(tookMs: number, now: number): number {
		if (now >= this.#windowEndsAt || now < this.#windowEndsAt - WINDOW_MS) this.#closeWindow(now);
		const stepMs = Math.min(Math.max(0, tookMs), EVERY_MS.max);
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
