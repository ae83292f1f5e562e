// Lets other work go on between two steps of long work.
import type { Clock } from "../../core/clock.ts";

/** Resolves in the next turn of the event loop, after the I/O that is ready now. */
export function nextTurn(clock: Pick<Clock, "nextTurn">): Promise<void> {
	return new Promise((resolve) => clock.nextTurn(resolve));
}

/** Some milliseconds of what the engine does for a webhook. */
const IN_ONE_TURN = 250;

/** Visits all items, some of them in each turn of the event loop, and the first ones at once. */
export async function inTurns<T>(
	clock: Pick<Clock, "nextTurn">,
	items: readonly T[],
	visit: (item: T) => void,
): Promise<void> {
	for (const [index, item] of items.entries()) {
		if (index > 0 && index % IN_ONE_TURN === 0) await nextTurn(clock);
		visit(item);
	}
}
