// Divides work into slices that take about the same time.

/**
 * Puts each item into the slice that has least so far, the heaviest items first. The same items in the same order always make the same slices.
 *
 * @param weigh What an item takes, in any unit.
 * @returns `count` slices, some of them empty if there are fewer items.
 * @example
 * divide([1, 1, 5, 3], 2, (seconds) => seconds); // [[5], [3, 1, 1]]
 */
export function divide<Item>(items: readonly Item[], count: number, weigh: (item: Item) => number): Item[][] {
	const slices = Array.from({ length: count }, () => ({ weight: 0, items: [] as Item[] }));
	for (const item of items.toSorted((a, b) => weigh(b) - weigh(a))) {
		const lightest = slices.reduce((least, slice) => (slice.weight < least.weight ? slice : least));
		lightest.items.push(item);
		lightest.weight += weigh(item);
	}
	return slices.map((slice) => slice.items);
}
