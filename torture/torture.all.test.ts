import { execFile } from "node:child_process";
import { chmod, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { PROMISES } from "@fanfare/testkit/checks/record";
import { eventually } from "@fanfare/testkit/eventually";
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { describe, expect, it } from "vitest";

import { drawRounds } from "./draw.ts";
import { FAULTS } from "./faults/all.ts";
import { Canaries } from "./harness/canaries.ts";
import { readOptions } from "./options.ts";
import { summarise } from "./report/summary.ts";
import { renderDocument, renderTables } from "./report/table.ts";
import type { RoundResult } from "./run-round.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

const GOOD = {
	fault: "kill",
	seed: 1,
	breaches: [],
	measured: {
		accepted: 10,
		deliveries: 20,
		delivered: 19,
		attempts: 30,
		repeated: 1,
		blockedReached: 0,
		peakMb: 100,
		recoveryMs: 250,
		tookMs: 2_000,
	},
	keptIn: null,
};

function torture(dir: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
	const env = { ...process.env, TMPDIR: dir };
	return promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args], { env });
}

describe("npm run torture", () => {
	it("plays a round, finds every promise kept, and leaves nothing behind", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-torture-test-"));
		const jsonFile = join(directory.path, "result.json");
		const args = ["--rounds", "1", "--seed", "5", "--fault", "kill", "--json", jsonFile];
		const { stdout, stderr } = await torture(directory.path, ...args);
		const { results } = JSON.parse(await readFile(jsonFile, "utf8")) as { results: RoundResult[] };
		expect(results).toMatchObject([{ fault: "kill", seed: 5, breaches: [], keptIn: null }]);
		expect(results[0]!.measured.delivered).toBeGreaterThan(100);
		expect(stderr).toMatch(/kill +5 .* ok/);
		for (const promise of PROMISES) expect(stdout).toContain(promise);
		expect(await readdir(directory.path)).toEqual(["result.json"]);
	});

	it.skipIf(postgresIssue() !== null)("plays a round on PostgreSQL, in which the database crashes", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-torture-test-"));
		// As root, the database runs under another user.
		await chmod(directory.path, 0o755);
		const jsonFile = join(directory.path, "result.json");
		const args = ["--profile", "postgres", "--rounds", "1", "--seed", "5", "--fault", "database-crash"];
		await torture(directory.path, ...args, "--json", jsonFile);
		const { results } = JSON.parse(await readFile(jsonFile, "utf8")) as { results: RoundResult[] };
		expect(results).toMatchObject([{ fault: "database-crash", seed: 5, breaches: [], keptIn: null }]);
		expect(results[0]!.measured.delivered).toBeGreaterThan(100);
		expect(await readdir(directory.path)).toEqual(["result.json"]);
	});

	it("lists the faults of a profile", async () => {
		const [embedded, postgres, cluster, nats] = await Promise.all([
			torture(tmpdir(), "--list"),
			torture(tmpdir(), "--list", "--profile", "postgres"),
			torture(tmpdir(), "--list", "--profile", "cluster"),
			torture(tmpdir(), "--list", "--profile", "nats"),
		]);
		expect(embedded.stdout).toMatch(/^disk-full /m);
		expect(embedded.stdout).not.toMatch(/^database-/m);
		expect(postgres.stdout).toMatch(/^database-crash .*^database-migration .*^master-key-env /ms);
		expect(postgres.stdout).not.toMatch(/^(disk|member)-/m);
		expect(cluster.stdout).toMatch(/^member-kill .*^rolling-upgrade /ms);
		expect(cluster.stdout).toMatch(
			/^role-kill .*^notes-doubled .*^cluster-database-failover .*^cluster-database-migration /ms,
		);
		expect(cluster.stdout).not.toMatch(/^(kill|nats-dies|nats-doubled) /m);
		expect(nats.stdout).toMatch(/^member-kill .*^nats-dies .*^nats-doubled /ms);
	});

	it("sums up what earlier runs have written, each round once", async () => {
		await using directory = await mkdtempDisposable(join(tmpdir(), "fanfare-torture-test-"));
		const [first, second, markdown, empty] = ["1.json", "2.json", "result.md", "{}.json"].map((name) =>
			join(directory.path, name),
		) as [string, string, string, string];
		const run = (seed: number, seeds: readonly number[]) =>
			JSON.stringify({ seed, results: seeds.map((one) => ({ ...GOOD, seed: one })) });
		await writeFile(first, run(7, [1, 2]));
		await writeFile(second, run(8, [2, 3]));
		await writeFile(markdown, "<!-- torture:result -->\n<!-- /torture:result -->\n");
		const { stdout } = await torture(directory.path, "--sum", first, "--sum", second, "--markdown", markdown);
		expect(stdout).toContain("30 events acknowledged");
		const text = await readFile(markdown, "utf8");
		expect(text).toContain("3 rounds, 2.0 s each. In each of them every promise was kept.");
		expect(text).toContain("the runs with the seeds 7, 8");

		await writeFile(empty, "{}");
		await expect(torture(directory.path, "--sum", empty)).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringMatching(/has no results: give the files that --json has written/) as string,
		});
	});

	it("says what is wrong with an option", async () => {
		await expect(torture(tmpdir(), "--rounds", "0")).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining("--rounds must be a whole number from 1 to") as string,
		});
	});
});

describe("the options", () => {
	it("are read, and have defaults", () => {
		const faults = FAULTS.filter(({ profiles }) => profiles?.includes("embedded") ?? true);
		expect(readOptions([])).toMatchObject({
			rounds: faults.length,
			from: 1,
			profile: "embedded",
			jobs: 1,
			keep: false,
			faults,
			before: null,
			senderThreads: null,
			acceptorThreads: null,
			jsonFile: null,
		});
		const args = [
			"--rounds",
			"3",
			"--from",
			"2",
			"--seed",
			"0",
			"--fault",
			"kill",
			"--fault",
			"sigterm",
			"--jobs",
			"2",
			"--keep",
			"--before",
			"v1",
			"--sender-threads",
			"1",
			"--acceptor-threads",
			"0",
		];
		const options = readOptions(args);
		expect(options).toMatchObject({ rounds: 3, from: 2, seed: 0, jobs: 2, keep: true, before: "v1" });
		expect(options).toMatchObject({ senderThreads: 1, acceptorThreads: 0 });
		expect(options?.faults.map(({ name }) => name)).toEqual(["kill", "sigterm"]);
		expect(readOptions(["--help"])).toBeNull();
	});

	it.each([
		["--fault", "nope"],
		["--profile", "mysql"],
		["--seed", "-1"],
		["--jobs", "x"],
		["--from", "1000"],
		["--sender-threads", "17"],
		["--acceptor-threads", "2"],
		["--nope"],
	])("refuse %s %s", (...args) => {
		expect(() => readOptions(args)).toThrow(args[0]);
	});
});

describe("the draw of rounds", () => {
	it("is the same for the same seed, and different for another seed", () => {
		expect(drawRounds(FAULTS, 100, 7)).toEqual(drawRounds(FAULTS, 100, 7));
		expect(drawRounds(FAULTS, 100, 7)).not.toEqual(drawRounds(FAULTS, 100, 8));
	});

	it("can be left to two runs, of which each plays a part", () => {
		const [first, second] = [drawRounds(FAULTS, 14, 7), drawRounds(FAULTS, 100, 7, 15)];
		expect([...first, ...second]).toEqual(drawRounds(FAULTS, 100, 7));
	});

	it("contains every fault in as many rounds as there are faults, and gives each round its own seed", () => {
		const rounds = drawRounds(FAULTS, FAULTS.length, 7);
		expect(new Set(rounds.map(({ fault }) => fault.name))).toEqual(new Set(FAULTS.map(({ name }) => name)));
		expect(new Set(rounds.map(({ seed }) => seed)).size).toBe(FAULTS.length);
	});

	it("can be repeated for one round by its seed and its fault", () => {
		const { fault, seed } = drawRounds(FAULTS, FAULTS.length, 7)[20]!;
		expect(drawRounds([fault], 1, seed)).toEqual([{ number: 1, fault, seed }]);
	});
});

it("a canary counts each connection", async () => {
	await using canaries = await Canaries.listen();
	createConnection(canaries.port, "127.0.0.2").on("error", () => {});
	await eventually("the canary to count", () => canaries.reached === 1);
});

it("the tables show what was broken", () => {
	const bad = { ...GOOD, seed: 2, breaches: [{ promise: "lost", text: "gone" }] as const };
	const summary = summarise([GOOD, bad]);
	expect(summary).toMatchObject({ rounds: 2, failed: 1, meanRoundS: 2 });
	expect(summary.promises.find(({ promise }) => promise === "lost")).toMatchObject({ brokenRounds: 1, breaches: 1 });
	expect(summary.faults).toMatchObject([{ fault: "kill", rounds: 2, failed: 1, accepted: 20, recoveryMs: 250 }]);
	expect(renderTables(summary)).toMatch(/^lost .* 1 rounds +1$/m);
	expect(renderDocument(summary, ["seed 1"])).toMatch(/^\| kill +\| +2 \| +1 \| +20 \|/m);
});
