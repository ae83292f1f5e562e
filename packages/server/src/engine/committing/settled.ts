// Changes that nobody waits for, and whose results are needed: of one in doubt, the store is asked until it can say.
import type { Clock } from "../../core/clock.ts";
import { StoreError, StoreInDoubtError, type Settled } from "../../ports/store/errors.ts";

const EVERY_MS = 250;
/** The store has been asked for as long before. */
const MAX_MS = 10_000;

/**
 * What a change resolves with, also if its answer was lost. Rejects with a `StoreError` if it was not made, and as it does itself if the
 * store can't say within ten seconds, or before `isStopped`.
 */
export async function settled<T>(
	clock: Pick<Clock, "monotonicMs" | "after">,
	change: Promise<T>,
	isStopped: () => boolean,
): Promise<T> {
	try {
		return await change;
	} catch (error) {
		if (!(error instanceof StoreInDoubtError) || error.settle === null) throw error;
		const answer = await ask(clock, error.settle, isStopped);
		if (answer === null) throw error;
		if (!answer.isMade) throw new StoreError("store_unavailable", error.message, { cause: error });
		return answer.result as T;
	}
}

async function ask(
	clock: Pick<Clock, "monotonicMs" | "after">,
	settle: () => Promise<Settled>,
	isStopped: () => boolean,
): Promise<Settled | null> {
	for (const end = clock.monotonicMs() + MAX_MS; clock.monotonicMs() < end && !isStopped();) {
		try {
			return await settle();
		} catch {
			await new Promise<void>((resolve) => void clock.after(EVERY_MS, resolve));
		}
	}
	return null;
}
