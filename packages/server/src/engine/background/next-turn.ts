// Lets other work go on between two steps of long work.

/** Resolves in the next turn of the event loop, after the I/O that is ready now. */
export function nextTurn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
