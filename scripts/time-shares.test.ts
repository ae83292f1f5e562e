// The table of times at the end of a run.
import { expect, it } from "vitest";

import { bySuite, parseSteps, suiteOf, timeShares } from "./time-shares.ts";

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
	["torture/torture.all.test.ts", "torture"],
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
