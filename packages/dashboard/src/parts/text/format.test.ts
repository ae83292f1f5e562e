// How lengths of time read.
import { expect, it } from "vitest";

import { coarseDuration, duration } from "./format.ts";

it.each([
	[0, "0 ms"],
	[930, "930 ms"],
	[2_140, "2.1 s"],
	[59_400, "59 s"],
	[240_000, "4 min"],
	[10_800_000, "3 h"],
	[172_800_000, "2 days"],
])("shows %d ms as %s", (ms, text) => {
	expect(duration(ms)).toBe(text);
});

it.each([
	// The clock of the browser may be behind that of the server.
	[-50, "less than a second"],
	[930, "less than a second"],
	[1_000, "1 s"],
	[2_900, "2 s"],
	[59_999, "59 s"],
	[60_000, "1 min"],
	[10_800_000, "3 h"],
])("shows a state that has lasted for %d ms as %s", (ms, text) => {
	expect(coarseDuration(ms)).toBe(text);
});
