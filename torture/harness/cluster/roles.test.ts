import { seededRandom } from "@fanfare/testkit/seeded-random";
import { describe, expect, it } from "vitest";

import { answersCalls, APART, delivers, drawRoles, EACH_ROLE, EQUAL } from "./roles.ts";

describe("the roles of the processes", () => {
	it.each([
		["equal", EQUAL],
		["one of each kind", EACH_ROLE],
		["apart", APART],
	])("leave one that answers calls and one that delivers when any of them ends: %s", (_, roles) => {
		for (const ended of roles.keys()) {
			const others = roles.filter((_, index) => index !== ended);
			expect(others.some(answersCalls)).toBe(true);
			expect(others.some(delivers)).toBe(true);
		}
	});

	it("begin with one that answers calls, are the same for the same seed, and differ between seeds", () => {
		const drawn = Array.from({ length: 20 }, (_, seed) => drawRoles(seededRandom(seed)));
		expect(drawn).toEqual(Array.from({ length: 20 }, (_, seed) => drawRoles(seededRandom(seed))));
		expect(new Set(drawn)).toEqual(new Set([EQUAL, EACH_ROLE]));
		for (const [first] of [EQUAL, EACH_ROLE, APART]) expect(first).not.toBe("worker");
	});
});
