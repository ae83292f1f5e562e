// Draws the rounds: first every fault once, in random order, and then by weight.
import { pickByWeight, shuffle, namedRandom } from "@fanfare/testkit/seeded-random";

import type { Fault } from "./fault.ts";

export interface PlannedRound {
	/** Counted from 1. */
	readonly number: number;
	readonly fault: Fault;
	readonly seed: number;
}

/**
 * The rounds up to the number `count`, without those before the number `from`. The same seed gives the same rounds. The first round has the
 * seed itself, so that one round can be repeated by its seed.
 */
export function drawRounds(faults: readonly Fault[], count: number, seed: number, from = 1): PlannedRound[] {
	const random = namedRandom(seed, "rounds");
	const order = shuffle(random, faults);
	const all = Array.from({ length: count }, (_, index) => ({
		number: index + 1,
		fault: order[index] ?? pickByWeight(random, faults),
		seed: index === 0 ? seed : Math.floor(namedRandom(seed, `round ${index}`)() * 2 ** 32),
	}));
	return all.slice(from - 1);
}
