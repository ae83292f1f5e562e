// What is remembered of slow schemas: for how long, and of how many of each project.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { SlowSchemas } from "./slow-schemas.ts";

const WINDOW_MS = 60_000;
const MAX_SCHEMAS = 50;
const MAX_PROJECTS = 10;

function setUp() {
	const clock = new ManualClock();
	// lru-cache takes a start at 0 for none.
	clock.advance(1);
	return {
		clock,
		slow: new SlowSchemas({ clock, windowMs: WINDOW_MS, maxProjects: MAX_PROJECTS, maxSchemas: MAX_SCHEMAS }),
	};
}

describe("what is remembered of slow schemas", () => {
	it("is not pushed out by those of another project", () => {
		const { slow } = setUp();
		slow.refuse("proj_a", "refused", "takes too long");
		slow.spend("proj_a", "slow", 1_500);
		for (let n = 0; n < 3 * MAX_SCHEMAS; n++) {
			slow.refuse("proj_greedy", `refused ${n}`, "takes too long");
			slow.spend("proj_greedy", `slow ${n}`, 100);
		}
		expect(slow.refusal("proj_a", "refused")).toBe("takes too long");
		expect(slow.spend("proj_a", "slow", 600)).toBe(2_100);
	});

	it("is at most a number of schemas of each project", () => {
		const { slow } = setUp();
		for (let n = 0; n <= MAX_SCHEMAS; n++) {
			slow.refuse("proj_greedy", `refused ${n}`, "takes too long");
			slow.spend("proj_greedy", `slow ${n}`, 100);
		}
		expect(slow.refusal("proj_greedy", "refused 0")).toBeUndefined();
		expect(slow.refusal("proj_greedy", "refused 1")).toBe("takes too long");
		expect(slow.spend("proj_greedy", "slow 1", 1)).toBe(101);
		expect(slow.spend("proj_greedy", "slow 0", 1)).toBe(1);
	});

	it("takes memory for what is younger than the window, of a number of projects, and for nothing else", () => {
		const { clock, slow } = setUp();
		expect(slow.remembered).toEqual({ projects: 0, schemas: 0, entries: 0 });
		for (let n = 0; n < 3 * MAX_PROJECTS; n++) {
			slow.spend(`proj_${n}`, "slow", 100);
			slow.refuse(`proj_${n}`, "refused", "takes too long");
		}
		expect(slow.remembered).toEqual({ projects: MAX_PROJECTS, schemas: 2 * MAX_PROJECTS, entries: 3 * MAX_PROJECTS });
		clock.advance(WINDOW_MS - 1);
		slow.spend("proj_late", "slow", 100);
		clock.advance(2);
		slow.spend("proj_late", "other", 100);
		expect(slow.remembered).toEqual({ projects: 1, schemas: 2, entries: 3 });
		clock.advance(WINDOW_MS - 1);
		slow.spend("proj_late", "another", 100);
		expect(slow.remembered).toEqual({ projects: 1, schemas: 2, entries: 3 });
	});

	it("is 1,000 slow and 1,000 refused schemas of a project, where nothing else is said", () => {
		const slow = new SlowSchemas({ clock: new ManualClock(), windowMs: WINDOW_MS });
		for (let n = 0; n <= 1_000; n++) {
			slow.spend("proj_greedy", `slow ${n}`, 100);
			slow.refuse("proj_greedy", `refused ${n}`, "takes too long");
		}
		expect(slow.remembered.schemas).toBe(2_000);
	});

	it("is of 10,000 projects, where nothing else is said", () => {
		const slow = new SlowSchemas({ clock: new ManualClock(), windowMs: WINDOW_MS });
		for (let n = 0; n < 10_000; n++) slow.refuse(`proj_${n}`, "text", "takes too long");
		expect([slow.remembered.projects, slow.refusal("proj_0", "text")]).toEqual([10_000, "takes too long"]);
		slow.refuse("proj_10000", "text", "takes too long");
		expect(slow.remembered).toEqual({ projects: 10_000, schemas: 10_000, entries: 20_000 });
	});

	it("is lost, of too many projects, by the one whose last slow or refused check is the longest ago, and all of it", () => {
		const { slow } = setUp();
		for (let n = 0; n < MAX_PROJECTS; n++) {
			slow.spend(`proj_${n}`, "slow", 100);
			slow.refuse(`proj_${n}`, "refused", "takes too long");
		}
		expect(slow.spend("proj_0", "slow", 100)).toBe(200);
		slow.refuse("proj_1", "other", "takes too long");
		for (const late of ["proj_late", "proj_later"]) slow.refuse(late, "refused", "takes too long");
		expect(slow.remembered.projects).toBe(MAX_PROJECTS);
		expect(["proj_2", "proj_3"].map((id) => slow.refusal(id, "refused"))).toEqual([undefined, undefined]);
		for (const id of ["proj_0", "proj_1", "proj_4", "proj_9", "proj_late", "proj_later"]) {
			expect(slow.refusal(id, "refused")).toBe("takes too long");
		}
		expect(["proj_0", "proj_1", "proj_4"].map((id) => slow.spend(id, "slow", 1))).toEqual([201, 101, 101]);
		expect(slow.spend("proj_2", "slow", 1)).toBe(1);
	});

	it("is of the project alone that has made the checks", () => {
		const { slow } = setUp();
		slow.refuse("proj_a", "text", "takes too long");
		slow.spend("proj_a", "other", 100);
		expect(slow.refusal("proj_b", "text")).toBeUndefined();
		expect(slow.spend("proj_b", "other", 1)).toBe(1);
	});

	it("is forgotten after a window, which begins with the first slow check by a schema, and with its refusal", () => {
		const { clock, slow } = setUp();
		slow.spend("proj_a", "slow", 100);
		clock.advance(WINDOW_MS - 1);
		slow.refuse("proj_a", "refused", "takes too long");
		expect(slow.spend("proj_a", "slow", 100)).toBe(200);
		clock.advance(2);
		expect(slow.spend("proj_a", "slow", 100)).toBe(100);
		clock.advance(WINDOW_MS - 3);
		expect(slow.refusal("proj_a", "refused")).toBe("takes too long");
		clock.advance(2);
		expect(slow.refusal("proj_a", "refused")).toBeUndefined();
	});

	it("begins anew for a schema that is refused", () => {
		const { slow } = setUp();
		slow.spend("proj_a", "text", 2_000);
		slow.refuse("proj_a", "text", "takes too much time");
		expect(slow.spend("proj_a", "text", 60)).toBe(60);
	});
});
