// Everything that is left to chance, from one seed: a stream of its own for each user, so that none shifts another.
import { namedRandom, type Random } from "@fanfare/testkit/seeded-random";

import type { Chance } from "../../packages/server/src/core/chance.ts";

export interface Chances {
	/** The server's: ids, keys, secrets, nonces, and the jitter of retries. */
	readonly server: Chance;
	/** Delays of the store. */
	readonly store: Random;
	/** What becomes of a write that fails, and at which erasures the process dies. */
	readonly faults: Random;
	/** Attempts that the server can't make. */
	readonly sender: Random;
	/** Latencies of receivers. */
	readonly receivers: Random;
	/** Members and messages of a cluster. */
	readonly cluster: Random;
}

export function chancesOf(seed: number): Chances {
	const words = namedRandom(seed, "bytes");
	return {
		server: {
			randomize(bytes) {
				for (let index = 0; index < bytes.length; index++) bytes[index] = words() * 256;
				return bytes;
			},
			fraction: namedRandom(seed, "jitter"),
		},
		store: namedRandom(seed, "store"),
		faults: namedRandom(seed, "faults"),
		sender: namedRandom(seed, "sender"),
		receivers: namedRandom(seed, "receivers"),
		cluster: namedRandom(seed, "cluster"),
	};
}
