// The book of attempts that the crash test keeps: what counts as repeated, and what as a breach.
import { expect, it } from "vitest";

import { AttemptBook } from "./attempt-book.ts";

const NOTHING = { acknowledgedAt: [], succeeded: new Set<string>() };

it("counts a pair that is attempted again after its success once, also if a failure follows", () => {
	const book = new AttemptBook();
	for (const pair of ["a", "b", "c"]) book.record(pair, 200, 1);
	book.endRun({ ...NOTHING, succeeded: new Set(["c"]) });
	book.record("a", 500, 2);
	book.record("a", 204, 3);
	book.record("b", 200, 2);
	book.endRun(NOTHING);
	expect(book.repeats()).toEqual([2, 0]);
	expect(book.breaches(0)).toEqual([]);
});

it("reports a pair that is attempted again although its success is on the disk, or in the same run", () => {
	const book = new AttemptBook();
	for (const pair of ["a", "b", "b"]) book.record(pair, 200, 1);
	book.endRun({ acknowledgedAt: [], succeeded: new Set(["a"]) });
	book.record("a", 200, 2);
	expect(book.breaches(0)).toEqual(
		["b: repeated in run 0", "a: attempted in run 1, had succeeded in run 0"].toSorted(),
	);
});
