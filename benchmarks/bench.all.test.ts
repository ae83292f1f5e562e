import { execFile } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtempDisposable, readdir, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { parsePsTime } from "@fanfare/testkit/process-usage";
import { COMPILE_CACHE } from "@fanfare/testkit/programs/compile-cache";
import { natsIssue } from "@fanfare/testkit/programs/nats";
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { commandOf, unpackRef, WORKING_TREE } from "@fanfare/testkit/programs/server-code";
import { fastParent } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import type { LoadCalls } from "./children/load.ts";
import type { StoreRunnerCalls } from "./children/store-runner.ts";
import type { StoreWriterCalls } from "./children/store-writer.ts";
import { comparedLines } from "./compare/comparison.ts";
import { startReceiver } from "./context.ts";
import { drawChart } from "./curves/draw-chart.ts";
import { newScales } from "./curves/scales.ts";
import { parseSummary } from "./harness/measure/call-counter.ts";
import { ThreadMeter, THREADS_SKIPPED } from "./harness/measure/thread-meter.ts";
import { Child } from "./harness/process/child.ts";
import { Resources } from "./harness/process/resources.ts";
import type { Receiver } from "./harness/server/receiver.ts";
import { BenchStore } from "./harness/store/bench-store.ts";
import { FIRST_COMMIT } from "./harness/store/first-store.ts";
import type { StorePlan } from "./harness/store/store-copy.ts";
import { isUsual } from "./options.ts";
import { summarise } from "./report/summary.ts";
import type { Round } from "./rounds.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { bench, benchOn, WITHIN_MS } from "./test/run-bench.ts";
import {
	BODY_BYTES,
	bodyTemplate,
	eventNumberOf,
	firstNumberOf,
	numberedType,
	postTemplate,
	sendTemplate,
	stamp,
} from "./wire/bench-event.ts";
import { frameOf } from "./wire/framing.ts";
import { HttpConnection } from "./wire/http-connection.ts";

/** A shallow clone does not have it. */
const hasFirstVersion = await promisify(execFile)("git", ["-C", WORKING_TREE, "cat-file", "-e", FIRST_COMMIT]).then(
	() => true,
	() => false,
);

/** Breaks the checkout's store, which nobody notices who runs another one. */
async function expectOwnStore(codeDir: string, dataDir: string): Promise<void> {
	const file = join(codeDir, "packages", "server", "src", "adapters", "sqlite", "sqlite-store.ts");
	await appendFile(file, '\nthrow new Error("the store of the ref");\n');
	await using resources = new Resources();
	const runner = await Child.start<StoreRunnerCalls>("store-runner", resources);
	const load = { kind: "one-event", webhooks: 1, eventsPerCommit: 1, warmUpEvents: 1, events: 1 } as const;
	const measured = runner.call("measure", { ...load, codeDir, path: join(dataDir, "fanfare.db") });
	await expect(measured).rejects.toThrow("the store of the ref");
}

describe("npm run bench", () => {
	it.skipIf(postgresIssue() !== null || natsIssue() !== null)(
		"measures several processes on PostgreSQL and NATS",
		{ timeout: WITHIN_MS },
		async () => {
			await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
			const args = ["--scenario", "cluster-1500", "--quick", "--dir", directory.path];
			const { stdout } = await benchOn([`--import=${COMPILE_CACHE}`], ...args);
			expect(stdout).toMatch(/2 \+ NATS: PostgreSQL's CPU per event +[\d,.]+ µs/);
			expect(stdout).toMatch(/2 \+ NATS, one is killed: received, longest +[\d,.]+ ms/);
			expect(await readdir(directory.path)).toEqual([]);
		},
	);

	it.skipIf(postgresIssue() !== null)(
		"measures one process on PostgreSQL, and what PostgreSQL itself uses",
		{ timeout: WITHIN_MS },
		async () => {
			await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
			const args = ["--scenario", "postgres-1000", "--quick", "--dir", directory.path];
			const { stdout } = await benchOn([`--import=${COMPILE_CACHE}`], ...args);
			expect(stdout).toMatch(/server CPU per event +[\d,.]+ µs/);
			expect(stdout).toMatch(/PostgreSQL's CPU per event +[\d,.]+ µs/);
			expect(stdout).toMatch(/WAL per event +[\d,.]+ \w+/);
			expect(await readdir(directory.path)).toEqual([]);
		},
	);

	it.skipIf(!hasFirstVersion)("measures the store of version 0.1 as it does today's", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const codeDir = await unpackRef(FIRST_COMMIT, directory.path, "--compare");
		await using resources = new Resources();
		const runner = await Child.start<StoreRunnerCalls>("store-runner", resources);
		for (const kind of ["one-event", "fan-out", "overflow"] as const) {
			const load = { kind, webhooks: 3, eventsPerCommit: 4, warmUpEvents: 3, events: 9 };
			const reading = await runner.call("measure", { ...load, codeDir, path: join(directory.path, `${kind}.db`) });
			const deliveries = kind === "fan-out" ? 27 : 9;
			expect([kind, reading.deliveries, reading.succeeded]).toEqual([kind, deliveries, deliveries]);
		}
	});

	it.skipIf(!hasFirstVersion)(
		"moves a store of version 0.1, and finds in it what was there, also after a kill",
		{ timeout: WITHIN_MS },
		async () => {
			await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
			const args = ["--scenario", "migrate-1m", "--quick", "--dir", directory.path];
			const { stdout } = await benchOn([`--import=${COMPILE_CACHE}`], ...args);
			expect(stdout).toMatch(/migrate-1m +ready after +[\d,.]+ s/);
			expect(stdout).toMatch(/killed half way: disk, most ÷ before +[\d,.]+/);
			expect(await readdir(directory.path)).toEqual([]);
		},
	);

	it.skipIf(postgresIssue() !== null)(
		"migrates a log to PostgreSQL, and measures its pages and what PostgreSQL uses for them",
		{ timeout: WITHIN_MS },
		async () => {
			await using directory = await mkdtempDisposable(join(fastParent(), "fanfare-bench-test-"));
			const args = ["--scenario", "postgres-log-1m", "--quick", "--dir", directory.path];
			const { stdout } = await benchOn([`--import=${COMPILE_CACHE}`], ...args);
			expect(stdout).toMatch(/migrate-store: memory, peak +[\d,.]+ MB/);
			expect(stdout).toMatch(/migrate-store: .* 2,000 events, 2,000 deliveries/);
			expect(stdout).toMatch(/filters: costliest page by PostgreSQL's CPU +[\d,.]+ ms/);
			expect(stdout).toMatch(/filters: longest walk to the end, calls +\d+/);
			expect(stdout).toMatch(/100 a page: costliest, median CPU +[\d,.]+ ms/);
			expect(await readdir(directory.path)).toEqual([]);
		},
	);

	it("compares a commit with the working tree, each on its own code", { timeout: WITHIN_MS }, async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const codeDir = await unpackRef("HEAD", directory.path, "--compare");
		const resolved = createRequire(commandOf(codeDir)).resolve("@fanfare/server/package.json");
		expect(resolved).toBe(join(codeDir, "packages", "server", "package.json"));
		await expectOwnStore(codeDir, directory.path);
		await rm(codeDir, { recursive: true });

		const scenarios = ["--scenario", "one-event", "--scenario", "store-sql"];
		const { stdout } = await bench("--compare", "HEAD", ...scenarios, "--quick", "--dir", directory.path);
		expect(stdout).toMatch(/delivered per second +[\d,]+ +[\d,]+ +\d+\.\d{3}/);
		expect(stdout).toMatch(/one event: store's CPU +[\d.]+ µs +[\d.]+ µs +\d+\.\d{3}/);
		expect(await readdir(directory.path)).toEqual([]);
		await expect(bench("--compare", "no-such-ref")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--compare must name a commit") as string,
		});
	});

	it("has a scenario in a quick run that else must be named", () => {
		const names = (quick: boolean) => SCENARIOS.filter((scenario) => isUsual(scenario, quick)).map(({ name }) => name);
		expect(names(true)).toContain("many-webhooks");
		expect(names(false)).not.toContain("many-webhooks");
	});

	it("says what is wrong with an option", async () => {
		await expect(bench("--scenario", "nope")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--scenario must be one of one-event,") as string,
		});
		await expect(bench("--runs", "0")).rejects.toMatchObject({ code: 1 });
		await expect(bench("--scenario", "idle", "--webhooks", "9")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--webhooks applies only to store-sql") as string,
		});
		await expect(bench("--scenario", "idle", "--events", "9")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--events applies only to wide-batch") as string,
		});
		await expect(bench("--profile", "postgres")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringMatching(
				/--profile names a directory .* npm run bench -- --scenario postgres-1000\n/,
			) as string,
		});
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

	it("judges nothing that could not be measured", () => {
		const skipped = round(Number.NaN, 100);
		expect(summarise([scenario({ atMost: 30 })], [skipped])[0]?.met).toBe(null);
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

	it("does not count what came before a new series, even if it was too slow to read it by then", async () => {
		await using resources = new Resources();
		const receiver = await startReceiver(resources);
		process.kill(receiver.pid, "SIGSTOP");
		using connection = await HttpConnection.open(receiver.bulkUrl);
		const response = connection.request(postTemplate(receiver.bulkUrl).bytes);
		const series = receiver.newSeries();
		process.kill(receiver.pid, "SIGCONT");
		await Promise.all([response, series]);
		expect(await receiver.counts()).toMatchObject({ bulk: 0, bulkFirstAt: 0 });
	});
});

describe("a prepared store", () => {
	/** A new store with three webhooks, filled by a plan. */
	async function filledStore(directory: string, rows: Pick<StorePlan, "deliveries" | "perEvent" | "state">) {
		await using resources = new Resources();
		const path = join(directory, "fanfare.db");
		const empty = await BenchStore.create(WORKING_TREE, path, 3);
		await empty.close();
		await using writer = await Child.start<StoreWriterCalls>("store-writer", resources);
		const plan = { webhooks: 3, wants: "all", ...rows } as const;
		await writer.call("fill", { codeDir: WORKING_TREE, path, project: empty.project, plan });
		const store = await BenchStore.open(WORKING_TREE, path, empty.project);
		store.now = Date.now();
		return store;
	}

	it("has a log with deliveries in every status", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const store = await filledStore(directory.path, { deliveries: 7_000, perEvent: 1, state: "log" });
		const expected = { Pending: 35, Succeeded: 6_790, Failed: 105, Held: 35, Cancelled: 35 };
		expect(await store.countByStatus()).toEqual(expected);
		await store.close();
	});

	it.each([
		["due", 1, 1_500],
		["due", 3, 1_500],
		["later", 2, 0],
	] as const)("has deliveries that are %s, %i of each event", async (state, perEvent, claimed) => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-bench-test-"));
		const store = await filledStore(directory.path, { deliveries: 1_500, perEvent, state });
		expect(await store.countByStatus()).toMatchObject({ Pending: 1_500, Succeeded: 0, Failed: 0, Held: 0 });
		const claims = await Promise.all(store.project.webhookIds.map((id) => store.claim(id, 1_500)));
		expect(claims.map(({ length }) => length)).toEqual([claimed / 3, claimed / 3, claimed / 3]);
		await store.close();
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

	it("ends an open loop early, and still sends the events that were due by then", async () => {
		await using resources = new Resources();
		const requests: ServerResponse[] = [];
		const arrived = Promise.withResolvers<void>();
		const answer = (response: ServerResponse) => response.writeHead(202, { "content-length": 0 }).end();
		let isStalled = true;
		const server = createServer((_, response) => {
			if (isStalled) requests.push(response);
			else answer(response);
			arrived.resolve();
		});
		await once(server.listen(0, "127.0.0.1"), "listening");
		const serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const load = await Child.start<LoadCalls>("load", resources);
		const target = { serverUrl, key: "sk", projectId: "proj", series: 1, spread: 1 };
		const loop = { ...target, ratePerS: 1_000, connections: 1, count: 1_000_000 };

		// At this rate, all of them are due when the first one is. For the others, no connection is free.
		const stalled = load.call("openLoop", { ...loop, ratePerS: 1e9, count: 50 });
		await arrived.promise;
		await load.call("endOpenLoop");
		isStalled = false;
		requests.forEach(answer);
		const { intendedAt, acknowledgedAt } = await stalled;
		expect(intendedAt).toHaveLength(50);
		expect(acknowledgedAt.every((time, index) => time > (intendedAt[index] ?? Infinity))).toBe(true);

		const [{ sentAt }] = await Promise.all([load.call("openLoop", loop), load.call("endOpenLoop")]);
		expect(sentAt.length).toBeLessThan(loop.count);
		server.closeAllConnections();
		server.close();
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

	it("reads the table of strace, with and without errors", () => {
		const table = [
			"strace: Process 17 attached with 11 threads",
			"% time     seconds  usecs/call     calls    errors syscall",
			"------ ----------- ----------- --------- --------- ----------------",
			" 61.45    0.016381          42       381           epoll_pwait",
			"  0.01    0.000005           5         2         1 openat",
			"  0.00    0.000000           0        26           fsync",
			"------ ----------- ----------- --------- --------- ----------------",
			"100.00    0.095609         144       409         1 total",
		].join("\n");
		expect([...parseSummary(table)]).toEqual([
			["epoll_pwait", 381],
			["openat", 2],
			["fsync", 26],
		]);
	});

	it.skipIf(THREADS_SKIPPED !== null)("tells the CPU time of threads apart", async () => {
		await using resources = new Resources();
		const { pid } = await startReceiver(resources);
		// It has only just started, and does nothing any more.
		process.kill(pid, "SIGSTOP");
		const [other, own] = await Promise.all([ThreadMeter.start(pid), ThreadMeter.start(process.pid)]);
		for (const before = process.cpuUsage(); process.cpuUsage(before).user < 200_000;);
		// The kernel counts what a thread has used when it switches to another one.
		await eventually("the time of this process to be counted", async () => (await own.read()).cpuUs > 150_000);
		const [idle, busy] = [await other.read(), await own.read()];
		expect(busy.cpuUs).toBeGreaterThan(5_000);
		expect(busy.byThread.pool.cpuUs + busy.byThread.main.cpuUs + busy.byThread.store.cpuUs).toBeGreaterThan(5_000);
		expect(idle.cpuUs).toBeLessThan(busy.cpuUs);
	});

	it("reads the CPU times of ps", () => {
		expect(parsePsTime("0:01.50")).toBe(1.5);
		expect(parsePsTime("01:02:03")).toBe(3_723);
		expect(parsePsTime("1-00:00:01")).toBe(86_401);
	});
});
