// How often properties and histories are tried: enough to find a mistake in `npm test`, ten times as often in `npm run test:all`.

/**
 * The number of cases that a property tries: `few` in `npm test`, and as many as `TEST_RUNS` says in the tests that only
 * `npm run test:all` runs (a factor, such as 10).
 *
 * @example
 * fc.assert(property, { numRuns: runs(200) });
 */
export function runs(few: number): number {
	const factor = Number(process.env["TEST_RUNS"] ?? "1");
	if (!Number.isFinite(factor) || factor <= 0) {
		throw new RangeError(`TEST_RUNS must be a positive number, got "${process.env["TEST_RUNS"]}"`);
	}
	return Math.ceil(few * factor);
}

/**
 * The part of a long test that this run has, from `TEST_PART` such as "2/3": the slices of `npm run test:rest` divide it. Without the
 * variable it is the whole.
 *
 * @returns `index` counted from 0, below `count`.
 */
export function part(): { readonly index: number; readonly count: number } {
	const [, number = "1", count = "1"] = /^(\d+)\/(\d+)$/.exec(process.env["TEST_PART"] ?? "1/1") ?? [];
	return { index: Number(number) - 1, count: Number(count) };
}
