// The chance of the operating system: the only one that a server may use.
import { randomFillSync } from "node:crypto";

import type { Chance } from "../../core/chance.ts";

/** Bytes from the system's cryptographic generator (`node:crypto`), fractions from `Math.random`. */
export const systemChance: Chance = {
	randomize: (bytes) => randomFillSync(bytes),
	fraction: () => Math.random(),
};
