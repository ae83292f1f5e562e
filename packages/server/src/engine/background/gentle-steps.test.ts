// Steps that give way: small and seldom beside live traffic, unless they have to keep up with what it adds.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import { GentleSteps } from "./gentle-steps.ts";

interface Traffic {
	/** How long a step takes. */
	readonly stepMs: number | ((rows: number) => number);
	readonly acceptedPerMs: number;
}

/** Live traffic at its limit: each step waits behind a commit, and more rows are accepted while it does. */
function setUp({ stepMs, acceptedPerMs }: Traffic) {
	const clock = new ManualClock();
	const traffic = { waitingSends: 1, writtenRows: 0 };
	const steps: number[] = [];
	const pauses: number[] = [];
	const pass = (ms: number) => {
		clock.advance(ms);
		traffic.writtenRows += ms * acceptedPerMs;
	};
	const pause = (ms: number) => {
		pauses.push(ms);
		pass(ms);
		return Promise.resolve();
	};
	const gentle = new GentleSteps({ clock, pause }, { committer: traffic, line: { busy: false } });
	const make = async (count: number, isFull: boolean | ((rows: number) => boolean) = true) => {
		for (let made = 0; made < count; made++) {
			await gentle.make(
				(rows) => {
					steps.push(rows);
					pass(typeof stepMs === "number" ? stepMs : stepMs(rows));
					return Promise.resolve(typeof isFull === "boolean" ? isFull : isFull(rows));
				},
				(full) => full,
			);
		}
	};
	const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
	return { gentle, traffic, make, steps, pauses, worked: () => sum(steps), accepted: () => traffic.writtenRows };
}

describe("gentle steps", () => {
	it("are small and seldom beside live traffic that is slow to let them through", async () => {
		const { gentle, make, steps, pauses } = setUp({ stepMs: 40, acceptedPerMs: 3 });
		await make(100);
		expect([steps.at(-1), pauses.length, pauses.at(-1)]).toEqual([20, 100, 100]);
		// And again once they need not keep up any more.
		gentle.keepUp(1.25);
		await make(50);
		gentle.keepUp(0);
		[steps.length, pauses.length] = [0, 0];
		await make(20, false);
		expect(Math.max(...steps)).toBeLessThan(100);
		expect(pauses).toHaveLength(20);
	});

	it("work on as many rows as are accepted, if they have to keep up", async () => {
		const { gentle, make, worked, accepted } = setUp({ stepMs: 40, acceptedPerMs: 3 });
		gentle.keepUp(1.5);
		await make(200);
		expect(worked()).toBeGreaterThan(accepted());
	});

	it("occupy the store for some milliseconds at most while they keep up", async () => {
		const msOf = (rows: number) => 0.5 + rows * 0.02;
		const { gentle, traffic, make, steps, pauses, worked, accepted } = setUp({ stepMs: msOf, acceptedPerMs: 3 });
		gentle.keepUp(1.5);
		await make(1_000);
		expect(worked()).toBeGreaterThan(accepted());
		pauses.length = 0;
		// What has gathered while it was slower is made up for in several steps.
		traffic.writtenRows += 600;
		while (pauses.length === 0) await make(1);
		expect(Math.max(...steps.map(msOf))).toBeLessThan(5);
	});

	it("are never larger than so many rows, however much is accepted", async () => {
		const { gentle, make, steps, pauses } = setUp({ stepMs: 40, acceptedPerMs: 1_000 });
		gentle.keepUp(1.5);
		await make(50);
		expect(Math.max(...steps)).toBe(500);
		// Only after the first step, before which nothing was accepted.
		expect(pauses).toHaveLength(1);
	});

	it("pause again when they have caught up, and owe nothing for what came before or while there was nothing to do", async () => {
		const { gentle, traffic, make, steps, pauses, worked } = setUp({ stepMs: 40, acceptedPerMs: 0 });
		traffic.writtenRows = 1_000_000;
		gentle.keepUp(1.5);
		await make(1);
		expect([steps.pop(), pauses.splice(0).length]).toEqual([50, 1]);
		traffic.writtenRows += 600;
		while (pauses.length === 0) await make(1);
		expect(worked()).toBeGreaterThanOrEqual(900);
		expect(worked()).toBeLessThan(1_000);
		pauses.length = 0;
		traffic.writtenRows += 600;
		// As at the end of a pass.
		gentle.keepUp(1.5);
		steps.length = 0;
		await make(2);
		expect(steps[0]).toBeLessThan(100);
		expect(pauses).toHaveLength(2);
	});

	it("go on keeping up from one of many small projects to the next, each of which ends with steps that are not full", async () => {
		const { gentle, make, worked, accepted } = setUp({ stepMs: 30, acceptedPerMs: 3 });
		gentle.keepUp(1.25);
		const EXPIRED = 900;
		const PROJECTS = 100;
		let deleted = 0;
		for (let project = 0; project < PROJECTS; project++) {
			for (let left = EXPIRED; left > 0;) {
				const before = worked();
				await make(1, (rows) => rows <= left);
				const rows = Math.min(left, worked() - before);
				left -= rows;
				deleted += rows;
			}
			// Replays, of which there are none.
			await make(1, false);
		}
		expect(deleted).toBe(PROJECTS * EXPIRED);
		expect(deleted).toBeGreaterThan(accepted());
	});

	it("follow each other at once while nobody waits", async () => {
		const { traffic, make, pauses } = setUp({ stepMs: 40, acceptedPerMs: 0 });
		traffic.waitingSends = 0;
		await make(10);
		expect(pauses).toEqual([]);
	});
});
