// Lets other work go on between two steps of long work.
import type { Clock } from "../../core/clock.ts";

/** Resolves in the next turn of the event loop, after the I/O that is ready now. */
export function nextTurn(clock: Pick<Clock, "nextTurn">): Promise<void> {
	return new Promise((resolve) => clock.nextTurn(resolve));
}
