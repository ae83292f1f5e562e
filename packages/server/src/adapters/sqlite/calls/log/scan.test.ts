// Pages that are read from many sources.
import { expect, it } from "vitest";

import { createScan } from "./scan.ts";
import type { Source } from "./sources.ts";

/** A source with these numbers, which looks at one of them for each part of its budget. It counts its reads. */
function sourceOf(seqs: readonly number[], counted: () => void): Source {
	return ({ low, high }, order, limit, budget) => {
		counted();
		const all = seqs.filter((seq) => seq >= low && seq < high).sort((a, b) => (order === "ASC" ? a - b : b - a));
		const looked = all.slice(0, budget);
		const rows = looked.slice(0, limit).map((seq) => ({ seq }));
		return { rows, stoppedAt: rows.length === limit || looked.length === all.length ? null : (looked.at(-1) ?? null) };
	};
}

it.each(["ASC", "DESC"] as const)("gets on with more sources than its budget, and finds all in order, %s", (order) => {
	const count = 20_000;
	let reads = 0;
	const sources = Array.from({ length: count }, (_, n) =>
		sourceOf([n + 1, n + 1 + count, n + 1 + 2 * count], () => (reads += 1)),
	);
	const scan = createScan(sources);
	const found: number[] = [];
	let [low, high, pages] = [0, 3 * count + 1, 0];
	while (pages < 5) {
		const { rows, stoppedAt } = scan({ low, high }, order, 1_000);
		found.push(...rows.map(({ seq }) => Number(seq)));
		pages += 1;
		const end = stoppedAt ?? found.at(-1) ?? 0;
		if (order === "ASC") low = end + 1;
		else high = end;
	}
	const expected = Array.from({ length: found.length }, (_, n) => (order === "ASC" ? n + 1 : 3 * count - n));
	expect(found).toEqual(expected);
	expect(found.length).toBeGreaterThan(4_000);
	expect(reads / pages).toBeLessThan(2 * count);
});
