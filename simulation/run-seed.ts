// Runs one seed: fast-check makes its history, and makes it shorter as long as it still breaks a promise.
import fc from "fast-check";

import { histories, MAX_ENGINES, sharedHistories, type History } from "./history/steps.ts";
import { runHistory, type HistoryResult } from "./run-history.ts";

export interface SeedOptions {
	readonly seed: number;
	/** How many engines share the store; null for what follows from the seed. Defaults to null. */
	readonly engines?: number | null | undefined;
	/** Runs only the history at this path of fast-check, which a failure has printed. */
	readonly path?: string | undefined;
	/** Gets each line of the trace of the first history. */
	readonly print?: ((line: string) => void) | undefined;
	/** Whether a failing history is made shorter, for a minute at most. Defaults to true. */
	readonly shrinks?: boolean | undefined;
}

export interface SeedResult {
	readonly seed: number;
	/** What the seed's own history has shown. */
	readonly first: HistoryResult;
	/** Null if no promise was broken. */
	readonly failure: {
		/** The shortest history found that still breaks a promise. */
		readonly history: History;
		readonly result: HistoryResult;
		readonly path: string;
	} | null;
}

const SHRINK_MS = 60_000;
/** Of so many seeds, the last one has several engines. */
const SHARED_EVERY = 4;

export async function runSeed({ seed, engines = null, path, print, shrinks = true }: SeedOptions): Promise<SeedResult> {
	let first: HistoryResult | null = null;
	const results = new Map<History, HistoryResult>();
	let shrinksUntil = Infinity;
	const property = fc.asyncProperty(historiesOf(seed, engines), async (history) => {
		// Once the time is over, no shorter history counts as a failure, so the shortest one so far is the result.
		if (performance.now() > shrinksUntil) return true;
		const result = await runHistory(history, first === null ? (print ?? null) : null);
		first ??= result;
		if (result.breaches.length === 0) return true;
		if (results.size === 0) shrinksUntil = performance.now() + SHRINK_MS;
		results.set(history, result);
		return false;
	});
	const details = await fc.check(property, {
		seed,
		numRuns: 1,
		...(path !== undefined && { path }),
		// Otherwise the first histories of fast-check are the smallest ones.
		unbiased: true,
		endOnFailure: !shrinks,
	});
	if (first === null) throw new Error(`the seed ${seed} made no history`);
	const history = details.counterexample?.[0];
	const result = history === undefined ? undefined : results.get(history);
	if (history === undefined || result === undefined) return { seed, first, failure: null };
	return { seed, first, failure: { history, result, path: details.counterexamplePath ?? "0" } };
}

function historiesOf(seed: number, engines: number | null): fc.Arbitrary<History> {
	if (engines !== null) return engines === 1 ? histories : sharedHistories({ min: engines, max: engines });
	return seed % SHARED_EVERY === SHARED_EVERY - 1 ? sharedHistories({ min: 2, max: MAX_ENGINES }) : histories;
}
