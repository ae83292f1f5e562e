// Chance that can be repeated.

/** A generator of numbers 0 ≤ n < 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** The seed of this run: `FANFARE_TEST_SEED`, or a new one. */
export function testSeed(): number {
	return Number(process.env["FANFARE_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
}
