// The schedule against a plain list: whatever is scheduled, replaced and removed, it returns the same lanes in the same order.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Lane } from "../delivering/lane.ts";
import { ProjectLanes } from "../delivering/shares/project-lanes.ts";
import { Schedule } from "./schedule.ts";

const OWNER = new ProjectLanes<Lane>("p", false).customer(null);
const LANES = Array.from({ length: 5 }, (_, number) => new Lane(`webhook_${number}`, OWNER));
const time = fc.integer({ min: 0, max: 20 });
const lane = fc.constantFrom(...LANES);
const step = fc.oneof(
	fc.record({ type: fc.constant("schedule" as const), lane, at: time }),
	fc.record({ type: fc.constant("remove" as const), lane }),
	fc.record({ type: fc.constant("take" as const), now: time }),
);

describe("a schedule", () => {
	it("returns the lanes that are due, the earliest first, each at the time it was last scheduled for", () => {
		fc.assert(
			fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
				const schedule = new Schedule<Lane>();
				const expected = new Map<Lane, number>();
				for (const next of steps) {
					if (next.type === "schedule") {
						schedule.schedule(next.lane, next.at);
						expected.set(next.lane, next.at);
					} else if (next.type === "remove") {
						schedule.remove(next.lane);
						expected.delete(next.lane);
					} else {
						const due = [...expected].filter(([, at]) => at <= next.now);
						const taken = schedule.takeDue(next.now);
						const times = taken.map((found) => expected.get(found)!);
						expect(times).toEqual(times.toSorted((a, b) => a - b));
						expect(new Set(taken)).toEqual(new Set(due.map(([found]) => found)));
						expect(taken).toHaveLength(due.length);
						for (const found of taken) expected.delete(found);
					}
					expect(schedule.size).toBe(expected.size);
					expect(schedule.nextAt()).toBe(Math.min(Infinity, ...expected.values()));
					for (const some of LANES) expect(schedule.has(some)).toBe(expected.has(some));
				}
				expect(new Set(schedule.takeDue(Infinity))).toEqual(new Set(expected.keys()));
				expect(schedule.nextAt()).toBe(Infinity);
			}),
			{ numRuns: runs(200) },
		);
	});

	it("stays small when one lane is scheduled again and again, and while lanes come and go long before their time", () => {
		const schedule = new Schedule<Lane>();
		let most = 0;
		for (let at = 100_000; at > 0; at--) {
			schedule.schedule(LANES[0]!, at);
			const passing = new Lane(`webhook_${at}`, OWNER);
			schedule.schedule(passing, 1_000_000);
			schedule.remove(passing);
			most = Math.max(most, schedule.entries);
		}
		expect(most).toBeLessThan(2_000);
		expect(schedule.takeDue(1)).toEqual([LANES[0]]);
	});
});
