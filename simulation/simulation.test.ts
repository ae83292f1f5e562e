// Some hundred histories of the engine, in child processes; that a seed repeats exactly; and that planted bugs are found.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { PLANTED } from "./planted/bugs.ts";
import { plant } from "./planted/plant.ts";
import { runSeed } from "./run-seed.ts";
import { allKept, expectFound, simulate } from "./test/simulate.ts";

const SEEDS = 300;
/** Each found at this seed. When histories change, another seed finds it: `npm run simulate -- --plant NAME --from 1` says which. */
const QUICKLY_FOUND = [
	["retention-takes-open", 2],
	["cancelled-is-sent", 10],
	["replay-skips-last-page", 45],
	["rate-limit-forgotten", 14],
	["starved-by-clock", 8],
	["outcome-twice", 27],
	["old-secret-signs", 11],
	["deletion-without-entry", 14],
	// By several engines.
	["takes-without-release", 1],
	["outcome-of-lost-tenure", 2],
] as const;

const server = fileURLToPath(new URL("../packages/server/src/", import.meta.url));

it(`keeps every promise in ${SEEDS} histories`, async () => {
	expect(await simulate("--seeds", `${SEEDS}`, "--from", "1", "--jobs", "2")).toMatch(allKept(SEEDS));
});

it.each([11, 33])("repeats seed %i exactly, also in another process", async (seed) => {
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

	it.each(QUICKLY_FOUND)("%s is found", (name, from) => expectFound(name, from));
});
