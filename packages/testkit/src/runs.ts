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
