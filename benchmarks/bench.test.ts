import { execFile } from "node:child_process";
import { copyFile, mkdtempDisposable, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { parsePsTime } from "@fanfare/testkit/process-usage";
import { describe, expect, it } from "vitest";

import { comparedLines } from "./compare/comparison.ts";
import { startReceiver } from "./context.ts";
import { drawChart } from "./curves/draw-chart.ts";
import { newScales } from "./curves/scales.ts";
import { Resources } from "./harness/process/resources.ts";
import type { Receiver } from "./harness/server/receiver.ts";
import { commandOf, unpackRef } from "./harness/server/server-code.ts";
import type { SummaryLine } from "./report/summary.ts";
import { summarise } from "./report/summary.ts";
import type { Round } from "./rounds.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import {
	BODY_BYTES,
	bodyTemplate,
	eventNumberOf,
	firstNumberOf,
	numberedType,
	sendTemplate,
	stamp,
} from "./wire/bench-event.ts";
import { frameOf } from "./wire/framing.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../docs/performance.md", import.meta.url));

function bench(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
	return promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args]);
}

describe("npm run bench", () => {
	it("measures every scenario, loses nothing and leaves nothing behind", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const [jsonFile, document] = [join(directory.path, "result.json"), join(directory.path, "performance.md")];
		await copyFile(DOCUMENT, document);
		const { stdout } = await bench("--quick", "--json", jsonFile, "--markdown", document, "--dir", directory.path);
		const { rounds, lines } = JSON.parse(await readFile(jsonFile, "utf8")) as { rounds: Round[]; lines: SummaryLine[] };
		const { floor, scenarios } = rounds[0]!;

		expect(floor?.deliveredPerS).toBeGreaterThan(0);
		expect(floor?.receiverLimitPerS).toBeGreaterThan(floor?.deliveredPerS ?? Infinity);
		const expected = SCENARIOS.filter(({ onlyByName = false }) => !onlyByName).map(({ name }) => name);
		expect(Object.keys(scenarios)).toEqual(expected);
		for (const [name, { sent = 0, received }] of Object.entries(scenarios)) {
			expect({ name, received, isPositive: sent > 0 }).toEqual({ name, received: sent, isPositive: true });
		}
		const markdown = await readFile(document, "utf8");
		for (const { label, values, limit } of lines) {
			expect(stdout).toContain(label);
			expect(markdown).toContain(label);
			expect({ label, unusable: values.filter((value) => !(value >= 0 && value < Infinity)) }).toEqual({
				label,
				unusable: [],
			});
			if (limit !== null) expect(markdown).toMatch(/\*\*missed\*\*|met/);
		}
		const tableEnd = stdout.indexOf("cores used");
		const widest = Math.max(
			...stdout
				.slice(0, tableEnd)
				.split("\n")
				.map((line) => line.length),
		);
		expect(widest).toBeLessThanOrEqual(110);
		expect((await readdir(directory.path)).toSorted()).toEqual(["performance.md", "result.json"]);
	}, 400_000);

	it("compares a commit with the working tree, each on its own code", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const codeDir = await unpackRef("HEAD", directory.path);
		const resolved = createRequire(commandOf(codeDir)).resolve("@fanfare/server/package.json");
		expect(resolved).toBe(join(codeDir, "packages", "server", "package.json"));
		await rm(codeDir, { recursive: true });

		const { stdout } = await bench("--compare", "HEAD", "--scenario", "one-event", "--quick", "--dir", directory.path);
		expect(stdout).toMatch(/delivered per second +[\d,]+ +[\d,]+ +\d+\.\d{3}/);
		expect(await readdir(directory.path)).toEqual([]);
		await expect(bench("--compare", "no-such-ref")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--compare must name a commit") as string,
		});
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
	const scenario = (limit: Scenario["results"][number]["limit"]): Scenario => ({
		name: "a",
		group: "speed",
		summary: "",
		results: [
			{ measurement: "rate", label: "rate", unit: "perSecond", floor: "deliveredPerS", ...(limit && { limit }) },
		],
		run: () => Promise.resolve({}),
	});
	const round = (rate: number, deliveredPerS: number): Round => ({
		floor: { deliveredPerS, cpuUsPerEvent: 1, pumpCores: 1, receiverCores: 1, receiverLimitPerS: 1 },
		scenarios: { a: { rate } },
	});
	/** In the second round the machine was busy, and every value is half of the usual one. */
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
		const met = (limit: Scenario["results"][number]["limit"]) => summarise([scenario(limit)], rounds)[0]?.met;
		expect(met({ atLeastOfFloor: 0.3 })).toBe(true);
		expect(met({ atLeastOfFloor: 0.31 })).toBe(false);
		expect(met({ atMost: 30 })).toBe(true);
		expect(met({ atMost: 29 })).toBe(false);
		expect(met({ atLeast: 30 })).toBe(true);
		expect(met({ atLeast: 31 })).toBe(false);
	});
});

describe("the comparison", () => {
	it("takes ratios new ÷ old round by round, and their ends", () => {
		const scenario: Scenario = {
			name: "a",
			group: "speed",
			summary: "",
			results: [{ measurement: "rate", label: "rate", unit: "perSecond" }],
			run: () => Promise.resolve({}),
		};
		const pair = (old: number, now: number) => ({ old: { a: { rate: old } }, new: { a: { rate: now } } });
		const [line] = comparedLines([scenario], [pair(100, 110), pair(50, 60), pair(100, 105)]);
		expect(line).toMatchObject({ old: 100, new: 105, ratio: 1.1, ratios: [1.05, 1.1, 1.2] });
	});
});

describe("a curve", () => {
	const point = (x: number, median: number) => ({ x, median, low: median * 0.9, high: median * 1.1 });
	const points = [point(0, 9_000), point(10_000, 8_000), point(1_000_000, 7_000)];

	it("has nothing at its left end, decades evenly spaced, and ticks that cover all runs", () => {
		const { x, y, xTicks, yTicks } = newScales(points, { left: 0, right: 348, top: 0, bottom: 100 });
		expect([0, 10_000, 100_000, 1_000_000].map(x)).toEqual([24, 124, 224, 324]);
		expect([y(0), y(yTicks.at(-1) ?? 0)]).toEqual([100, 0]);
		expect(yTicks).toEqual([0, 2_000, 4_000, 6_000, 8_000, 10_000]);
		expect(xTicks).toEqual([0, 10_000, 1_000_000]);
	});

	it("has a description with its values, and follows the reader's light or dark mode", () => {
		const words = { name: "c", title: "A < B", description: "What it is.", xLabel: "rows", yLabel: "events/s" };
		const lines = [{ label: "one event a request" as const, points }];
		const svg = drawChart({ ...words, lines, footnote: "here" });
		expect(svg).toContain('<title id="title">A &lt; B</title>');
		expect(svg).toMatch(/<desc id="desc">What it is\. .*one event a request: 9,000 at 0 rows, 8,000 at 10,000 rows/);
		expect(svg).toContain("prefers-color-scheme: dark");
		for (const text of ["rows (logarithmic)", "events/s", "here"]) expect(svg).toContain(`>${text}</text>`);
	});
});

describe("the receiver", () => {
	async function post({ url }: Receiver, series: number, sequences: readonly number[]): Promise<void> {
		for (const sequence of sequences) {
			const template = bodyTemplate(series);
			stamp(template, sequence);
			expect((await fetch(url, { method: "POST", body: template.bytes })).status).toBe(200);
		}
	}

	it("counts only events of the current series, and late events of earlier ones apart", async () => {
		await using resources = new Resources();
		const receiver = await startReceiver(resources);
		const warmUp = await receiver.newSeries();
		await post(receiver, warmUp, [0, 1, 2]);
		expect(await receiver.waitFor(3)).toMatchObject({ received: 3, late: 0 });

		// A measurement of fewer events than the warm-up had, during which an event of the warm-up arrives again.
		const measured = await receiver.newSeries();
		await post(receiver, measured, [0]);
		await post(receiver, warmUp, [2]);
		await post(receiver, measured, [1, 1]);
		expect(await receiver.waitFor(2)).toMatchObject({ received: 2, duplicates: 1, late: 1 });
		expect([...(await receiver.times(3))].map((time) => time > 0)).toEqual([true, true, false]);
	});
});

describe("the harness", () => {
	it("makes bodies of 1,024 bytes with a number that can be read back", () => {
		const template = bodyTemplate(42);
		stamp(template, 1_234_567);
		expect(template.bytes.length).toBe(BODY_BYTES);
		expect(eventNumberOf(template.bytes, 0)).toBe(firstNumberOf(42) + 1_234_567);
		expect(JSON.parse(template.bytes.toString())).toMatchObject({ data: { seq: "00004201234567" } });
	});

	it("numbers the types of events that are spread over webhooks, at the same size", () => {
		const target = { serverUrl: "http://127.0.0.1:1", key: "sk", projectId: "proj", series: 1 };
		const [alone, spread] = [sendTemplate({ ...target, spread: 1 }, 2), sendTemplate({ ...target, spread: 100 }, 2)];
		stamp(spread, 199);
		expect(spread.bytes.length).toBe(alone.bytes.length);
		expect(spread.bytes.toString()).toContain(`"type":"${numberedType(99)}"`);
		expect(spread.bytes.toString()).toContain(`"type":"${numberedType(0)}"`);
	});

	it("makes bodies of other sizes", () => {
		expect(bodyTemplate(1, 10_240).bytes.length).toBe(10_240);
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
