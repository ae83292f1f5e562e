// Some hundred histories of the engine, in child processes; that a seed repeats exactly; and that planted bugs are found.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { PLANTED } from "./planted/bugs.ts";
import { findPlanted, plant } from "./planted/plant.ts";
import { runSeed } from "./run-seed.ts";

const SEEDS = 200;
const JOBS = 2;
/** A minute of two cores, and more than ten of a machine on which other programs take nine tenths of them. */
const HISTORIES_MS = 1_800_000;
/**
 * They are found within a few seeds. The search begins at a seed that has found the bug, since those before it take longer than all others:
 * when histories change, another seed finds it, and this one can be set anew.
 */
const QUICKLY_FOUND = [
	["doubled-lease", 1],
	["retention-takes-open", 2],
	["cancelled-is-sent", 10],
	["stuck-after-pause", 12],
	["replay-skips-last-page", 45],
	["rate-limit-forgotten", 14],
	["starved-by-clock", 8],
	["outcome-twice", 27],
	["old-secret-signs", 11],
	["deletion-without-entry", 14],
	// By several engines.
	["takes-without-release", 1],
	["confirmed-unread", 1],
	["outcome-of-lost-tenure", 2],
	["test-of-lost-tenure", 98],
	["doubt-unasked", 7],
	["second-burst", 5],
] as const;

const root = fileURLToPath(new URL("..", import.meta.url));
const server = fileURLToPath(new URL("../packages/server/src/", import.meta.url));

/** Runs the command. Returns its output, also if it fails. */
async function simulate(...args: readonly string[]): Promise<string> {
	const command = ["--conditions=@fanfare/source", "simulation/main.ts", ...args];
	try {
		return (await promisify(execFile)(process.execPath, command, { cwd: root })).stdout;
	} catch (error) {
		const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
		return `${stdout}\n${stderr}`;
	}
}

it(
	`keeps every promise in ${SEEDS} histories`,
	async () => {
		const stdout = await simulate("--seeds", `${SEEDS}`, "--from", "1", "--jobs", `${JOBS}`);
		expect(stdout).toMatch(new RegExp(`in all: ${SEEDS} seeds .* 0 failed`));
	},
	HISTORIES_MS,
);

it.each([11, 20, 33])("repeats seed %i exactly, also in another process", async (seed) => {
	const { first, failure } = await runSeed({ seed });
	expect(failure).toBeNull();
	expect((await runSeed({ seed })).first).toEqual(first);
	expect(await simulate("--seed", `${seed}`)).toContain(`hash ${first.hash}`);
});

it("knows what a client of the live stream is told of a replay that was made before it came", async () => {
	expect((await runSeed({ seed: 382903486, shrinks: false })).failure).toBeNull();
});

describe("planted bugs", () => {
	it.each(PLANTED)("$name still applies to the server", (bug) => {
		const source = readFileSync(`${server}${bug.file}`, "utf8");
		expect(plant(source, bug)).not.toBe(source);
	});

	it("need a text that occurs exactly once", () => {
		const bug = { name: "made up", effect: "", file: "", find: "a", replace: "b" };
		expect(plant("cad", bug)).toBe("cbd");
		expect(() => plant("aa", bug)).toThrow("occurs 2 times");
		expect(() => plant("c", bug)).toThrow("occurs 0 times");
	});

	it.each(QUICKLY_FOUND)("%s is found", async (name, from) => {
		// One job: a second one would only begin with the seed after that.
		const found = await findPlanted(name, { from, seeds: 100, jobs: 1, minutes: null });
		expect(found?.breach).toBeDefined();
	});
});
