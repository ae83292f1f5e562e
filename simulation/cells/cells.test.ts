import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { COMPILE_CACHE } from "@fanfare/testkit/programs/compile-cache";
import { describe, expect, it } from "vitest";

import { assign, capacityOf, cellsFor, makeProjects, MINUTES, simulateDays } from "./day.ts";
import { readInputs, type Inputs } from "./inputs.ts";
import { planCell, report } from "./report.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function inputsOf(...args: string[]): Inputs {
	const inputs = readInputs(args);
	if (inputs === null) throw new Error("that was a call for help");
	return inputs;
}

const SMALL = ["--projects", "300", "--deliveries", "100000"];

describe("the plan", () => {
	it("is limited by whatever a primary has least of", () => {
		const by = (...args: string[]) => capacityOf(inputsOf(...args));
		expect(by("--wal-bytes", "1000", "--database-us", "100", "--primary-cores", "8")).toEqual({
			perSecond: 80_000,
			by: "CPU of the primary",
		});
		expect(by("--wal-bytes", "5000", "--primary-wal-mb", "100")).toEqual({
			perSecond: 20_000,
			by: "WAL of the primary",
		});
	});

	it("has cells, processes and disks for the deliveries, and never one process alone", () => {
		const inputs = inputsOf(
			...SMALL,
			"--wal-bytes",
			"4000",
			"--primary-wal-mb",
			"200",
			"--use",
			"0.5",
			"--server-us",
			"200",
		);
		expect(cellsFor(inputs)).toBe(4);
		const plan = planCell(inputs, 4, 80_000);
		expect(plan).toMatchObject({ deliveries: 25_000, processes: 10, walMb: 100, connections: 120 });
		expect(plan.diskTbPerDay).toBeCloseTo((20_000 * inputs.diskBytes * 86_400) / 1e12, 6);
		expect(planCell(inputsOf("--deliveries", "1"), 1, 1).processes).toBe(2);
	});
});

describe("the day", () => {
	const inputs = inputsOf(...SMALL, "--use", "0.5");
	const projects = makeProjects(inputs);

	it("has what was asked for in its busiest hour, and every project in one cell", () => {
		const cells = cellsFor(inputs);
		const cellOf = assign(projects, cells, "balanced", inputs.seed);
		expect(new Set(cellOf)).toEqual(new Set(Array.from({ length: cells }, (_, cell) => cell)));
		const [day] = simulateDays(inputs, projects, [cellOf], cells);
		const totals = Array.from({ length: MINUTES }, (_, minute) =>
			day!.loads.reduce((sum, load) => sum + load[minute]!, 0),
		);
		const hours = totals
			.slice(59)
			.map((_, end) => totals.slice(end, end + 60).reduce((sum, load) => sum + load, 0) / 60);
		expect(Math.max(...hours)).toBeCloseTo(inputs.deliveries, 3);
		expect(projects.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
	});

	it("is evener if the largest projects choose first", () => {
		const cells = cellsFor(inputs);
		const ways = (["balanced", "hashed"] as const).map((how) => assign(projects, cells, how, inputs.seed));
		const [balanced, hashed] = simulateDays(inputs, projects, ways, cells);
		expect(balanced!.uses.at(-1)).toBeLessThan(hashed!.uses.at(-1)!);
	});

	it("makes waits of what a cell can't take, until it can", () => {
		// One cell, alike projects without bursts: the hours around the peak are too much for it, by a known amount.
		const tight = inputsOf(...SMALL, "--skew", "0", "--burst", "1", "--wal-bytes", "4000", "--primary-wal-mb", "380");
		const [day] = simulateDays(tight, makeProjects(tight), [projects.map(() => 0)], 1);
		const [load] = day!.loads;
		let [backlog, longest] = [0, 0];
		for (const perSecond of load!) {
			backlog = Math.max(0, backlog + (perSecond - 95_000) * 60);
			longest = Math.max(longest, backlog / 95_000);
		}
		expect(longest).toBeGreaterThan(60);
		expect(day!.longestWaitS).toBeCloseTo(longest, 6);
		expect(day!.overloadedMinutes).toBe([...load!].filter((perSecond) => perSecond > 95_000).length);
	});

	it("is the same for the same seed, and another one for another", () => {
		expect(report(inputs)).toBe(report(inputs));
		expect(report(inputs)).not.toBe(report(inputsOf(...SMALL, "--use", "0.5", "--seed", "2")));
	});

	it("says that a project is larger than a cell", () => {
		expect(report(inputsOf(...SMALL, "--skew", "2"))).toContain("A project can't be split over cells");
		expect(report(inputs)).not.toContain("can't be split");
	});
});

describe("npm run cells", () => {
	const run = (...args: string[]) =>
		promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", `--import=${COMPILE_CACHE}`, MAIN, ...args]);

	it("shows every input and the plan", async () => {
		const { stdout } = await run(...SMALL);
		expect(stdout).toMatch(/--deliveries +100,000 \/s +deliveries of all projects.*\(given\)/);
		expect(stdout).toMatch(/--server-us .*\(measured\)/);
		expect(stdout).toMatch(/Fanfare processes/);
	});

	it.each([
		[["--deliveries", "many"], "--deliveries must be a number from 1 to"],
		[["--projects", "1.5"], "--projects must be a whole number from 1 to"],
		[["--use", "2"], "--use must be a number from 0.05 to 1"],
		[["--cores", "2"], "Unknown option '--cores'"],
	])("refuses %j", async (args, problem) => {
		await expect(run(...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(problem) as string });
	});
});
