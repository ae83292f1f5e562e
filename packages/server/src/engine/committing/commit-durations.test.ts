// How long commits took: which ones count, and their percentiles.
import { expect, it } from "vitest";

import { COMMITS_COUNT_MS, CommitDurations } from "./commit-durations.ts";

it("has percentiles of the commits of the last five minutes", () => {
	const durations = new CommitDurations();
	expect(durations.read(0)).toEqual({ count: 0, p50Ms: null, p99Ms: null });
	for (let ms = 100; ms > 0; ms--) durations.add(ms, ms);
	expect(durations.read(100)).toEqual({ count: 100, p50Ms: 50, p99Ms: 99 });
	// Those that ended at 1 to 50 are too old.
	expect(durations.read(COMMITS_COUNT_MS + 50)).toEqual({ count: 50, p50Ms: 75, p99Ms: 100 });
	expect(durations.read(COMMITS_COUNT_MS + 100)).toEqual({ count: 0, p50Ms: null, p99Ms: null });
});

it("keeps the last 1,024 of them", () => {
	const durations = new CommitDurations();
	for (let index = 0; index < 3_000; index++) durations.add(index < 1_976 ? 500 : 2, index);
	expect(durations.read(3_000)).toEqual({ count: 1_024, p50Ms: 2, p99Ms: 2 });
});
