// Which rounds are played: first every fault once, in an order of chance, and then by weight.
import { pickByWeight, shuffle, streamOf } from "./chance.ts";
import type { Fault } from "./fault.ts";

export interface PlannedRound {
	/** From 1. */
	readonly number: number;
	readonly fault: Fault;
	readonly seed: number;
}

/** The same for the same seed. The first round has the seed itself, so that one round can be named by it. */
export function drawRounds(faults: readonly Fault[], count: number, seed: number): PlannedRound[] {
	const random = streamOf(seed, "rounds");
	const order = shuffle(random, faults);
	return Array.from({ length: count }, (_, index) => ({
		number: index + 1,
		fault: order[index] ?? pickByWeight(random, faults),
		seed: index === 0 ? seed : Math.floor(streamOf(seed, `round ${index}`)() * 2 ** 32),
	}));
}
