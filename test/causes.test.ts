// docs/causes.md describes every cause of a failure, with its error, and no other.
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { ATTEMPT_CAUSES, errorOfCause } from "../packages/server/src/core/log/attempt-cause.ts";

/** The rows of the tables: the cause, and the other cells. */
function rows(): { readonly cause: string; readonly cells: readonly string[] }[] {
	const text = readFileSync(new URL("../docs/causes.md", import.meta.url), "utf8");
	return text.split("\n").flatMap((line) => {
		const [first = "", ...cells] = line
			.split("|")
			.slice(1, -1)
			.map((cell) => cell.trim());
		const cause = /^`([a-z0-9_]+)`$/.exec(first)?.[1];
		return cause === undefined || cause === "cause" ? [] : [{ cause, cells }];
	});
}

it("describes each cause once, and none that attempts do not have", () => {
	expect(
		rows()
			.map(({ cause }) => cause)
			.toSorted(),
	).toEqual([...ATTEMPT_CAUSES].toSorted());
});

it.each(rows())("says of $cause what happened, the likely reason and what to do", ({ cause, cells }) => {
	const error = errorOfCause(cause as Parameters<typeof errorOfCause>[0]);
	const told = error === null ? cells : cells.slice(1);
	if (error !== null) expect(cells[0]).toBe(`\`${error}\``);
	expect(told).toHaveLength(3);
	for (const cell of told) expect(cell.length).toBeGreaterThan(8);
});
