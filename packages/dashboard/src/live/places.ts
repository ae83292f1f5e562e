// Places for what keeps a connection for as long as it lasts: a stream, or an Inbox.
//
// A browser opens six connections to a server over HTTP/1.1, for all its tabs together. If streams took all of them, no call of any tab would
// get through. A place is a lock that all tabs share, and the browser frees it when its tab is closed.

/** The places for streams of projects in a browser. */
export const STREAM_PLACES = ["fanfare.stream.1", "fanfare.stream.2"] as const;
/** Those for Inboxes. With the streams they leave two connections to calls. */
export const INBOX_PLACES = ["fanfare.inbox.1", "fanfare.inbox.2"] as const;

/** Most often a place is free. Whoever has none after this time has to wait. */
export const PLACE_WITHIN_MS = 250;

/** The locks of the browser. Only pages of https and of localhost have them. */
export function browserLocks(): LockManager | undefined {
	return (navigator as Partial<Navigator>).locks;
}

/** Waits until one of the places is free, and holds it until `work` has ended. Rejects if the signal aborts before. */
export async function inPlace(
	locks: LockManager,
	places: readonly string[],
	signal: AbortSignal,
	work: () => Promise<void>,
): Promise<void> {
	signal.throwIfAborted();
	/** Ends the wait for all other places. */
	const waiting = new AbortController();
	const stop = () => waiting.abort(signal.reason);
	signal.addEventListener("abort", stop);
	let isTaken = false;
	const take = async (place: string) => {
		let isHere = false;
		try {
			await locks.request(place, { signal: waiting.signal }, async () => {
				// Another one came free in the same moment.
				if (isTaken) return;
				isTaken = true;
				isHere = true;
				waiting.abort();
				await work();
			});
		} catch (error) {
			if (isHere || !isTaken) throw error;
		}
	};
	try {
		await Promise.all(places.map(take));
	} finally {
		signal.removeEventListener("abort", stop);
	}
}
