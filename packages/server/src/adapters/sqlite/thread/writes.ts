// The calls that wait for the thread that writes: changes that people make take turns by project, so that few stand before a commit.
import type { Clock } from "../../../core/clock.ts";
import { Turns } from "../../../core/concurrency/turns.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { ownerOfWrite, type WriteName } from "../../../ports/store/writes/write-owners.ts";

/** Changes that the thread has at once: so many stand before a commit, each a short transaction with its sync. */
const MOST = 2;
/** A project's next change is sent when the one before it is answered. */
const MOST_OF_ONE = 1;
/** Changes of a project that wait. */
const MAX_WAITING = 1_024;
const MAX_WAIT_MS = 5_000;

type Call = (...parameters: readonly unknown[]) => Promise<unknown>;

/**
 * States: open ──close──▶ closed
 *
 * - open: changes are accepted.
 * - closed: new changes are refused, earlier ones are still made.
 */
export class Writes {
	readonly #turns: Turns;
	#isClosed = false;

	constructor(clock: Pick<Clock, "after">) {
		this.#turns = new Turns({
			most: MOST,
			mostOfOne: MOST_OF_ONE,
			maxWaitMs: MAX_WAIT_MS,
			clock,
			refusal: (message) => new StoreError("store_overloaded", message),
		});
	}

	/**
	 * Makes a change in its project's turn, and within that in its customer's. Rejects with `store_overloaded` if too many changes of this
	 * project wait, or if it has waited for too long. What the server changes by itself, and what takes access away, comes first in its project and is never refused.
	 */
	run(name: WriteName, parameters: readonly unknown[], call: Call): Promise<unknown> {
		if (this.#isClosed) return Promise.reject(new StoreError("store_unavailable", "the store is closed"));
		const { projectId, customerId, isFirst } = ownerOfWrite(name, parameters);
		const place = isFirst
			? { mostWaiting: Infinity, isUrgent: true, isPatient: true }
			: { mostWaiting: MAX_WAITING, part: customerId ?? "" };
		return this.#turns.run(projectId ?? "", place, () => call(...parameters));
	}

	/** Resolves when all earlier changes are made. */
	close(): Promise<void> {
		this.#isClosed = true;
		return this.#turns.idle();
	}
}
