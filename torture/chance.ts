// Chance that can be repeated: everything that is drawn comes from a seed and a name.
import { seededRandom } from "@fanfare/testkit/seeded-random";

/** 0 ≤ random() < 1 */
export type Random = () => number;

/** A stream of its own for each name, so that one part's draws don't shift another's. */
export function streamOf(seed: number, name: string): Random {
	let hash = seed >>> 0;
	for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
	const random = seededRandom(hash);
	// Seeds that differ in little give firsts that differ in little.
	random();
	return random;
}

export function between(random: Random, from: number, to: number): number {
	return from + random() * (to - from);
}

export function pick<T>(random: Random, list: readonly T[]): T {
	const picked = list[Math.floor(random() * list.length)];
	if (picked === undefined) throw new Error("there is nothing to pick from");
	return picked;
}

/** The list in another order. */
export function shuffle<T>(random: Random, list: readonly T[]): T[] {
	return list
		.map((item) => ({ item, at: random() }))
		.sort((a, b) => a.at - b.at)
		.map(({ item }) => item);
}

/** One of the list, as often as its weight says. */
export function pickByWeight<T extends { readonly weight: number }>(random: Random, list: readonly T[]): T {
	let at = random() * list.reduce((sum, { weight }) => sum + weight, 0);
	for (const item of list) {
		at -= item.weight;
		if (at < 0) return item;
	}
	return pick(random, list);
}
