// How long ids are remembered, and how many.
import { expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import { RecentIds } from "./recent-ids.ts";

it("remembers an id for the time that it is kept, and not for more than twice as long", () => {
	const clock = new ManualClock();
	const recent = new RecentIds(clock, 1_000, Infinity);
	recent.add("first");
	clock.advance(999);
	recent.add("later");
	clock.advance(999);
	expect([recent.has("first"), recent.has("later")]).toEqual([true, true]);
	clock.advance(1);
	expect([recent.has("first"), recent.has("later")]).toEqual([true, true]);
	clock.advance(1_000);
	expect([recent.has("first"), recent.has("later"), recent.has("never")]).toEqual([false, false, false]);
});

it("remembers at least the last ones, however many come", () => {
	const recent = new RecentIds(new ManualClock(), 1_000, 3);
	const ids = Array.from({ length: 10 }, (_, index) => `id_${index}`);
	for (const id of ids) recent.add(id);
	expect(ids.slice(-3).map((id) => recent.has(id))).toEqual([true, true, true]);
	expect(ids.filter((id) => recent.has(id)).length).toBeLessThanOrEqual(6);
});
