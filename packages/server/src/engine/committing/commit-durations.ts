// How long the last commits took, for the status of the workspace.

/** Enough for a p99 that a single commit does not decide. */
const KEPT = 1_024;
/** A commit that is older than this says nothing about now. */
export const COMMITS_COUNT_MS = 5 * 60_000;

/** How long the commits of the last five minutes took; at most the last 1,024 count. */
export interface CommitTimes {
	readonly count: number;
	/** Null if there was no commit. */
	readonly p50Ms: number | null;
	readonly p99Ms: number | null;
}

/** A ring of the last commits. Times are monotonic. */
export class CommitDurations {
	readonly #durations = new Float64Array(KEPT);
	readonly #endedAt = new Float64Array(KEPT).fill(-Infinity);
	#next = 0;

	add(durationMs: number, endedAt: number): void {
		this.#durations[this.#next] = durationMs;
		this.#endedAt[this.#next] = endedAt;
		this.#next = (this.#next + 1) % KEPT;
	}

	read(now: number): CommitTimes {
		const recent = this.#durations.filter((_, index) => (this.#endedAt[index] ?? 0) > now - COMMITS_COUNT_MS).sort();
		const quantile = (q: number) => {
			const found = recent[Math.max(0, Math.ceil(q * recent.length) - 1)];
			return found === undefined ? null : Math.round(found * 100) / 100;
		};
		return { count: recent.length, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
	}
}
