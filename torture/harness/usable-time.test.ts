// The time that a round could use.
import { spawn } from "node:child_process";
import { once } from "node:events";

import { eventually } from "@fanfare/testkit/eventually";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { countOfLinux, UsableTime, type Counted } from "./usable-time.ts";

const PROCESSORS = 2;

describe("on a machine whose counters the test sets", () => {
	let counted: { busy: number; own: Map<number, number> };
	const count = (): Counted => ({ ...counted, own: new Map(counted.own), capacity: Date.now() * PROCESSORS });

	beforeEach(() => {
		vi.useFakeTimers({ now: 0, toFake: ["Date", "setInterval", "clearInterval"] });
		counted = { busy: 0, own: new Map([[1, 0]]) };
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	/** Lets a second pass in which the round and other programs use so many processors. */
	function pass(own: number, others: number): void {
		for (let ms = 0; ms < 1_000; ms += 50) {
			counted.busy += (own + others) * 50;
			counted.own.set(1, (counted.own.get(1) ?? 0) + own * 50);
			vi.advanceTimersByTime(50);
		}
	}

	test("all time is usable while no other program works, however much the round does itself", () => {
		using time = new UsableTime(count);
		pass(2, 0);
		pass(0, 0);
		expect(time.between(0, 2_000)).toBeCloseTo(2_000);
		expect(time.between(500, 1_700)).toBeCloseTo(1_200);
	});

	test("the share that other programs used is not", () => {
		using time = new UsableTime(count);
		pass(1, 0);
		pass(0.5, 1.5);
		pass(1, 1);
		expect(time.between(0, 1_000)).toBeCloseTo(1_000);
		expect(time.between(1_000, 2_000)).toBeCloseTo(250);
		expect(time.between(0, 3_000)).toBeCloseTo(1_750);
		// Within a look's period, and across its end.
		expect(time.between(1_100, 1_200)).toBeCloseTo(25);
		expect(time.between(900, 1_100)).toBeCloseTo(125);
	});

	test("a fifth of the time counts on the busiest machine", () => {
		using time = new UsableTime(count);
		pass(0, 2);
		expect(time.between(0, 1_000)).toBeCloseTo(200);
	});

	test("a period's margins are longer while other programs work", () => {
		using time = new UsableTime(count);
		pass(1, 0);
		pass(1, 1);
		pass(1, 0);
		const period = { from: 1_500, to: 1_600, beforeMs: 300, afterMs: 300 };
		expect([800, 940, 960, 1_500, 1_600, 2_090, 2_110].map((at) => time.isOutside(period, at))).toEqual([
			true,
			true,
			false,
			false,
			false,
			false,
			true,
		]);
	});

	test("what an ended process has done is not counted to others, nor what a new one does", () => {
		using time = new UsableTime(count);
		pass(1, 0);
		counted.own.delete(1);
		counted.own.set(2, 0);
		counted.busy += 100;
		counted.own.set(2, 100);
		vi.advanceTimersByTime(250);
		expect(time.between(1_000, 1_250)).toBeCloseTo(250);
	});
});

test("a wait ends after the time that could be used, and gives what was found before", async () => {
	using time = new UsableTime(null);
	let looks = 0;
	expect(await time.within(60_000, () => ++looks > 3 && "found")).toBe("found");
	const from = performance.now();
	expect(await time.within(80, () => null)).toBeNull();
	expect(performance.now() - from).toBeGreaterThan(79);
});

test.runIf(process.platform === "linux")("the work of a child of this process is the round's own", async () => {
	const child = spawn(process.execPath, ["-e", "while (true);"], { stdio: "ignore" });
	const worked = () => countOfLinux().own.get(child.pid ?? 0) ?? 0;
	try {
		await eventually("its work to count", () => worked() > 50);
	} finally {
		child.kill("SIGKILL");
		await once(child, "exit");
	}
	expect(worked()).toBe(0);
	expect(countOfLinux().own.get(process.pid)).toBeGreaterThan(0);
});

test.runIf(process.platform === "linux")("a program that is not of the round takes from its time", async () => {
	using time = new UsableTime();
	// A process whose parent is not this one.
	const script = `const end = Date.now() + 6000; while (Date.now() < end);`;
	const parent = spawn("sh", ["-c", `"$NODE" -e "$SCRIPT" & echo`], {
		env: { ...process.env, NODE: process.execPath, SCRIPT: script },
		stdio: "ignore",
	});
	await once(parent, "exit");
	const from = Date.now();
	await eventually("its work to count as that of others", () => {
		const now = Date.now();
		return time.between(from, now) < now - from;
	});
});
