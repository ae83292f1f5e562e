// The table of times at the end of a run.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { bySuite, parseSteps, suiteOf, timeShares } from "./time-shares.ts";

const run = promisify(execFile);
const VITEST = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));

it("has the longest part first, and each part's share of the whole", () => {
	const parts = [
		{ name: "short", ms: 1_500 },
		{ name: "long", ms: 97_000 },
		{ name: "tiny", ms: 1_500 },
	];
	expect(timeShares("Time", parts)).toEqual([
		"Time:",
		"   97 s  97 %  long",
		"  1.5 s   2 %  short",
		"  1.5 s   2 %  tiny",
	]);
});

it("adds up what it does not show", () => {
	const parts = Array.from({ length: 30 }, (_, index) => ({ name: `file ${index}`, ms: 1_000 }));
	const rows = timeShares("Time", parts);
	expect(rows).toHaveLength(11);
	expect(rows.at(-1)).toBe("   21 s  70 %  21 others");
});

it.each([
	["packages/server/src/engine/live/live.test.ts", "packages/server/src/engine"],
	["packages/server/src/config.test.ts", "packages/server/src"],
	["packages/server/test/crash.test.ts", "packages/server/test"],
	["packages/sdk/test/stream.test.ts", "packages/sdk/test"],
	["torture/torture.test.ts", "torture"],
	["examples/demo/demo.test.ts", "examples"],
])("counts %s as a part of %s", (path, suite) => {
	expect(suiteOf(path)).toBe(suite);
	expect(bySuite([{ name: path, ms: 2 }])).toEqual([{ name: suite, ms: 2 }]);
});

it("reads the steps that came before the tests", () => {
	expect(parseSteps("12 npm ci\n3 npm run lint\n")).toEqual([
		{ name: "npm ci", ms: 12_000 },
		{ name: "npm run lint", ms: 3_000 },
	]);
	expect(parseSteps("")).toEqual([]);
});

it("is printed at the end of a run of several files, before the plain count, which is the last line", async () => {
	const files = ["packages/server/src/core/page.test.ts", "packages/server/src/core/ids.test.ts"];
	// Without the variables of the run that this test is part of.
	const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_ENV)/.test(name));
	const env = { ...Object.fromEntries(own), CI_STEPS: "12 npm ci\n", NO_COLOR: "1" };
	const { stdout } = await run(process.execPath, [VITEST, "run", ...files], { cwd: ROOT, env });
	const lines = stdout.trimEnd().split("\n");
	expect(lines.at(-1)).toMatch(/^\d+ passed, 0 failed, 0 skipped$/);
	const tables = lines.slice(lines.indexOf("Time by step:"), -1);
	expect(tables[0]).toBe("Time by step:");
	expect(tables).toContainEqual(expect.stringMatching(/^ +12 s +\d+ % {2}npm ci$/));
	expect(tables).toContainEqual(expect.stringMatching(/ % {2}npm test$/));
	expect(tables).toContainEqual(expect.stringMatching(/ 100 % {2}packages\/server\/src\/core$/));
	for (const file of files) expect(tables).toContainEqual(expect.stringContaining(` %  ${file}`));
});
