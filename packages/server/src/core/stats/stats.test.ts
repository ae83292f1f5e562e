import { describe, expect, it } from "vitest";

import { causeCounts, fillBuckets, MAX_STATS_BUCKETS, statsRange, STATS_WIDTHS_MS, sumBuckets } from "./stats.ts";

const { minute, hour, day } = STATS_WIDTHS_MS;
const NOW = Date.parse("2026-11-24T12:34:56.789Z");
const at = (text: string) => Date.parse(`2026-11-${text}Z`);

describe("the range of stats", () => {
	it("defaults to the last 60 minutes, 24 hours or 30 days, including the current bucket", () => {
		const range = (width: "minute" | "hour" | "day") => statsRange({ width, from: null, to: null }, NOW);
		expect(range("minute")).toEqual({ from: at("24T11:35"), to: at("24T12:35") });
		expect(range("hour")).toEqual({ from: at("23T13:00"), to: at("24T13:00") });
		expect(range("day")).toEqual({ from: at("25T00:00") - 30 * day, to: at("25T00:00") });
	});

	it("includes the current bucket in its first millisecond", () => {
		expect(statsRange({ width: "hour", from: at("24T11:00"), to: null }, at("24T12:00"))).toEqual({
			from: at("24T11:00"),
			to: at("24T13:00"),
		});
	});

	it("is widened to whole buckets", () => {
		const request = { width: "hour", from: at("24T10:59:59.999"), to: at("24T11:00:00.001") } as const;
		expect(statsRange(request, NOW)).toEqual({ from: at("24T10:00"), to: at("24T12:00") });
	});

	it("is refused if it is empty, too long, or older than the stats that are kept", () => {
		const refused = (width: "minute" | "hour" | "day", from: number, to: number | null = null) =>
			statsRange({ width, from, to }, NOW);
		expect(refused("day", at("25T00:00"), at("25T00:00"))).toMatchObject({ path: "from", message: /earlier/ });
		expect(refused("day", at("25T11:00"), at("25T10:00"))).toMatchObject({ path: "from", message: /earlier/ });
		expect(refused("day", at("26T00:00"))).toMatchObject({ path: "from", message: /earlier than `to`, which is now/ });
		expect(refused("minute", at("24T12:00") - MAX_STATS_BUCKETS * minute)).toMatchObject({ message: /at most 1500/ });
		expect(refused("minute", NOW - 49 * hour, NOW - 48 * hour)).toMatchObject({ message: /kept for 48 hours/ });
		expect(refused("hour", NOW - 91 * day, NOW - 90 * day)).toMatchObject({ message: /kept for 2160 hours/ });
		expect(refused("minute", NOW - 48 * hour, NOW - 47 * hour)).toHaveProperty("to");
		expect(refused("day", NOW - 1_400 * day)).toHaveProperty("to");
	});
});

describe("buckets", () => {
	const [bucket] = fillBuckets([], "hour", { from: 0, to: hour });
	const some = { ...bucket!, start: hour, accepted: 2, attemptsFailed: 1 };

	it("are filled with zeros for times in which nothing happened", () => {
		const filled = fillBuckets([some], "hour", { from: 0, to: 3 * hour });
		expect(filled.map(({ start, accepted }) => [start, accepted])).toEqual([
			[0, 0],
			[hour, 2],
			[2 * hour, 0],
		]);
	});

	it("add up", () => {
		expect(sumBuckets([some, some], 0)).toMatchObject({ start: 0, accepted: 4, attemptsFailed: 2, succeeded: 0 });
	});

	it("add up the failures of each cause, in the order of the list of causes", () => {
		const failing = {
			...some,
			failures: causeCounts([
				[88, 2],
				[20, 1],
				[88, 3],
				[0, 7],
			]),
		};
		expect([...sumBuckets([failing, some, failing], 0).failures]).toEqual([
			["refused", 2],
			["status_5xx", 10],
		]);
		expect(() => causeCounts([[255, 1]])).toThrow(RangeError);
	});
});
