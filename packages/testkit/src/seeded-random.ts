// Random numbers that can be repeated: everything follows from a seed.

/** Returns numbers 0 ≤ n < 1. */
export type Random = () => number;

/** A generator of numbers 0 ≤ n < 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** The seed of a test run: `TEST_SEED`, or a new one. A test prints it when it fails. */
export function testSeed(): number {
	return Number(process.env["TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
}

/** A generator of its own for each name, so that the draws of one part do not shift those of another. */
export function namedRandom(seed: number, name: string): Random {
	let hash = seed >>> 0;
	for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
	const random = seededRandom(hash);
	// Similar seeds give similar first numbers, so the first one is not used.
	random();
	return random;
}

/** A number `from` ≤ n < `to`. */
export function between(random: Random, from: number, to: number): number {
	return from + random() * (to - from);
}

/** One item of the list. Throws if the list is empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
	const picked = list[Math.floor(random() * list.length)];
	if (picked === undefined) throw new Error("pick expects a list with at least one item, got an empty one");
	return picked;
}

/** One item of the list, with a probability in proportion to its weight. */
export function pickByWeight<T extends { readonly weight: number }>(random: Random, list: readonly T[]): T {
	let at = random() * list.reduce((sum, { weight }) => sum + weight, 0);
	for (const item of list) {
		at -= item.weight;
		if (at < 0) return item;
	}
	return pick(random, list);
}

/** A copy of the list in random order. */
export function shuffle<T>(random: Random, list: readonly T[]): T[] {
	return list
		.map((item) => ({ item, at: random() }))
		.sort((a, b) => a.at - b.at)
		.map(({ item }) => item);
}
