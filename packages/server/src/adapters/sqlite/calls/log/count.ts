// Counts what several sources have together, as far as all of them have looked.
import type { SeqRange } from "./seq-page.ts";
import type { Counted, CountableSource } from "./sources.ts";

/** For a range of which the size is known. */
const ENOUGH = 1e12;

/** Counts from the end of the range downwards. `budget` is as in scan.ts. */
export function countAll(sources: readonly CountableSource[], range: SeqRange, budget: number): Counted {
	const counts: Counted[] = [];
	let [low, left] = [range.low, budget];
	for (const [index, { count }] of sources.entries()) {
		const share = Math.max(1, left / (sources.length - index));
		const counted = count({ low, high: range.high }, share);
		counts.push(counted);
		low = counted.stoppedAt ?? low;
		left -= counted.cost ?? share;
	}
	const isCut = low > range.low;
	// Those that had looked further before another one stopped count again what is left.
	const total = counts.reduce((sum, counted, index) => {
		const source = sources[index];
		const lookedTo = counted.stoppedAt ?? range.low;
		if (source === undefined || lookedTo === low) return sum + counted.count;
		return sum + source.count({ low, high: range.high }, ENOUGH).count;
	}, 0);
	return { count: total, stoppedAt: isCut ? low : null };
}
