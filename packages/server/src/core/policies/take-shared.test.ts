// Tokens of many who share some: who is refused first, and for how long.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../manual-clock.ts";
import { takeShared } from "./take-shared.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** A group with 360 tokens that gets one in 10 s, whose members have 30 each that come back within 10 minutes. */
function group() {
	const clock = new ManualClock();
	const all = { buckets: new TokenBuckets(clock, 3_600), owner: "all", perSecond: 0.1 };
	const each = { buckets: new TokenBuckets(clock, 600), perSecond: 0.05 };
	const take = (owner: string, count = 1) => takeShared(count, { ...each, owner }, all);
	/** The number of tokens until it is refused. */
	const takeAll = (owner: string): number => {
		let count = 0;
		while (take(owner) === null) count++;
		return count;
	};
	return { clock, all, each, take, takeAll };
}

describe("tokens that members of a group share", () => {
	it("are a member's own until the group has used half of its own, and are refused together", () => {
		const { take, takeAll } = group();
		expect(takeAll("a")).toBe(30);
		expect(take("a")).toEqual({ of: "member", waitMs: 20_000 });
		expect(take("b", 31)).toBeNull();
		expect(takeAll("b")).toBe(0);
	});

	it("are refused first to members that have used most of their own, until enough is back", () => {
		const { clock, take, takeAll } = group();
		for (let n = 0; n < 9; n++) takeAll(`early ${n}`);
		const late = takeAll("late");
		expect(late).toBeGreaterThan(5);
		expect(late).toBeLessThan(25);
		const refusal = take("late");
		expect(refusal).toEqual({ of: "group", waitMs: expect.any(Number) });
		expect(take("new")).toBeNull();
		const waitMs = take("late")?.waitMs ?? 0;
		clock.advance(waitMs / 2);
		expect(take("late")).toMatchObject({ of: "group" });
		clock.advance(waitMs / 2);
		expect(take("late")).toBeNull();
	});

	it("are not taken of a member if the group refuses them, and are only its own if the group has no limit", () => {
		const { each, all, take } = group();
		for (let n = 0; n < 360; n++) expect(take(`member ${n}`)).toBeNull();
		expect(take("last")).toEqual({ of: "group", waitMs: 10_000 });
		expect(each.buckets.level("last")).toBe(1);
		expect(takeShared(30, { ...each, owner: "last" }, null)).toBeNull();
		expect(all.buckets.level("all")).toBeLessThan(0.01);
	});
});
