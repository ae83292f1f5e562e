// Chance that repeats: everything follows from a seed. For tests and simulations only, since it makes secrets predictable.
import { seededRandom } from "@fanfare/testkit/seeded-random";

import type { Chance } from "../../core/chance.ts";

/** A source of chance that gives the same bytes and fractions for the same seed and the same calls. */
export function seededChance(seed: number): Chance {
	const random = seededRandom(seed);
	return {
		randomize(bytes) {
			for (let index = 0; index < bytes.length; index++) bytes[index] = Math.floor(random() * 256);
			return bytes;
		},
		fraction: random,
	};
}
