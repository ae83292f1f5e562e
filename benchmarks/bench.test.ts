import { execFile } from "node:child_process";
import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { parsePsTime } from "./harness/process-usage.ts";
import { median, percentile } from "./harness/stats.ts";
import type { Line } from "./report/summary.ts";
import { summarise } from "./report/summary.ts";
import type { Round } from "./rounds.ts";
import type { Scenario } from "./scenario.ts";
import { frameOf } from "./wire/framing.ts";
import { BODY_BYTES, bodyTemplate, sequenceOf, stamp } from "./wire/sample-event.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function bench(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
	return promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args]);
}

describe("npm run bench", () => {
	it("measures every scenario, loses nothing and leaves nothing behind", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const jsonFile = join(directory.path, "result.json");
		const { stdout } = await bench("--quick", "--json", jsonFile, "--dir", directory.path);
		const { rounds, lines } = JSON.parse(await readFile(jsonFile, "utf8")) as { rounds: Round[]; lines: Line[] };
		const { floor, scenarios } = rounds[0]!;

		expect(floor?.deliveredPerS).toBeGreaterThan(0);
		expect(Object.keys(scenarios)).toEqual(["one-event", "batches-of-100", "steady-2000", "idle"]);
		for (const [name, { sent = 0, received }] of Object.entries(scenarios)) {
			expect({ name, received, isPositive: sent > 0 }).toEqual({ name, received: sent, isPositive: true });
		}
		for (const { label, values } of lines) {
			expect(stdout).toContain(label);
			expect(values.filter((value) => !(value >= 0 && value < Infinity))).toEqual([]);
		}
		const widest = Math.max(...stdout.split("\n").map((line) => line.length));
		expect(widest).toBeLessThanOrEqual(100);
		expect(await readdir(directory.path)).toEqual(["result.json"]);
	}, 60_000);

	it("says what is wrong with an option", async () => {
		await expect(bench("--scenario", "nope")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--scenario must be one of one-event,") as string,
		});
		await expect(bench("--runs", "0")).rejects.toMatchObject({ code: 1 });
	});
});

describe("the summary", () => {
	const scenario = (limit: Scenario["budget"][number]["limit"]): Scenario => ({
		name: "a",
		summary: "",
		budget: [
			{ measurement: "rate", label: "rate", unit: "perSecond", floor: "deliveredPerS", ...(limit && { limit }) },
		],
		run: () => Promise.resolve({}),
	});
	const round = (rate: number, deliveredPerS: number): Round => ({
		floor: { deliveredPerS, cpuUsPerEvent: 1, pumpCores: 1, receiverCores: 1 },
		scenarios: { a: { rate } },
	});
	/** The second round ran on a machine that was busy: half of everything. */
	const rounds = [round(30, 100), round(15, 50), round(31, 100)];

	it("takes medians, and ratios round by round", () => {
		expect(summarise([scenario(undefined)], rounds)[0]).toMatchObject({
			median: 30,
			floor: 100,
			ratio: 0.3,
			met: null,
		});
	});

	it("judges the ratio where the budget is one, and the value else", () => {
		const met = (limit: Scenario["budget"][number]["limit"]) => summarise([scenario(limit)], rounds)[0]?.met;
		expect(met({ atLeastOfFloor: 0.3 })).toBe(true);
		expect(met({ atLeastOfFloor: 0.31 })).toBe(false);
		expect(met({ atMost: 30 })).toBe(true);
		expect(met({ atMost: 29 })).toBe(false);
	});
});

describe("the harness", () => {
	it("takes medians of odd and even numbers of values, and percentiles by nearest rank", () => {
		expect(median([3, 1, 2])).toBe(2);
		expect(median([4, 1, 2, 3])).toBe(2.5);
		expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
		expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
		expect(percentile([1], 0)).toBe(1);
	});

	it("makes bodies of 1,024 bytes with a number that can be read back", () => {
		const template = bodyTemplate();
		stamp(template, 1_234_567);
		expect(template.bytes.length).toBe(BODY_BYTES);
		expect(sequenceOf(template.bytes, 0)).toBe(1_234_567);
		expect(JSON.parse(template.bytes.toString())).toMatchObject({ data: { seq: "01234567" } });
	});

	it.each([
		["POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcPOST", 41],
		["POST / HTTP/1.1\r\nContent-Length:3\r\n\r\nabc", 40],
		["GET / HTTP/1.1\r\n\r\n", 18],
		["POST / HTTP/1.1\r\ncontent-length: 3\r\n", undefined],
	])("finds the end of %j", (text, end) => {
		expect(frameOf(Buffer.from(text))?.end).toBe(end);
	});

	it("reads the CPU times of ps", () => {
		expect(parsePsTime("0:01.50")).toBe(1.5);
		expect(parsePsTime("01:02:03")).toBe(3_723);
		expect(parsePsTime("1-00:00:01")).toBe(86_401);
	});
});
