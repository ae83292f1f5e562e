// The room for waiting schema checks is shared by projects.
import { expect, it } from "vitest";

import { WaitingChecks } from "./waiting-checks.ts";

const LIMITS = { maxWaitingSends: 8, maxWaitingBytes: 100 };

it("gives a project at most half of what the others leave", () => {
	const waiting = new WaitingChecks();
	const accepted = Array.from({ length: 8 }, () => waiting.add("greedy", 1, LIMITS));
	expect(accepted.filter(Boolean)).toHaveLength(4);
	expect([waiting.add("other", 1, LIMITS), waiting.add("other", 1, LIMITS)]).toEqual([true, true]);
	for (let n = 0; n < 4; n++) waiting.remove("greedy", 1);
	expect(waiting.add("other", 1, LIMITS)).toBe(true);
});

it("shares the length of the texts, too", () => {
	const waiting = new WaitingChecks();
	expect([waiting.add("greedy", 30, LIMITS), waiting.add("greedy", 30, LIMITS)]).toEqual([true, false]);
	expect(waiting.add("other", 30, LIMITS)).toBe(true);
});

it("accepts one large check of a project while there is room at all", () => {
	const waiting = new WaitingChecks();
	expect([waiting.add("a", 80, LIMITS), waiting.add("b", 30, LIMITS), waiting.add("b", 20, LIMITS)]).toEqual([
		true,
		false,
		true,
	]);
});
