// The commits of which the store does not say whether they were made.
import type { CommitResult } from "../../ports/store/accept.ts";
import { StoreError, StoreInDoubtError, type Settled } from "../../ports/store/errors.ts";
import type { PendingUpdate } from "./pending.ts";

interface Doubt {
	readonly settle: () => Promise<Settled>;
	readonly updates: readonly PendingUpdate[];
}

/** What is done with the updates of a commit, once the store has said what has become of it. */
interface Ends {
	made(result: CommitResult, updates: readonly PendingUpdate[]): void;
	notMade(updates: readonly PendingUpdate[]): void;
}

/** Keeps the updates of commits in doubt: an outcome that is written twice would count as two attempts. */
export class Doubts {
	/** In the order of the commits. */
	readonly #doubts: Doubt[] = [];
	readonly #ends: Ends;

	constructor(ends: Ends) {
		this.#ends = ends;
	}

	get length(): number {
		return this.#doubts.length;
	}

	/** Keeps the updates of a commit that has failed so. False if the failure leaves nothing in doubt, or nobody can ever say. */
	keep(error: StoreError, updates: readonly PendingUpdate[]): boolean {
		if (!(error instanceof StoreInDoubtError) || error.settle === null || updates.length === 0) return false;
		this.#doubts.push({ settle: error.settle, updates });
		return true;
	}

	/** Gives up on all, and returns their updates. */
	takeAll(): readonly PendingUpdate[] {
		return this.#doubts.splice(0).flatMap(({ updates }) => updates);
	}

	/** Asks the store about all. Returns why it can't say, or null when none is left. */
	async settle(): Promise<StoreError | null> {
		for (let doubt = this.#doubts[0]; doubt !== undefined; doubt = this.#doubts[0]) {
			let settled: Settled;
			try {
				settled = await doubt.settle();
			} catch (error) {
				return asUnavailable(error);
			}
			// Otherwise `takeAll` was called meanwhile.
			if (this.#doubts[0] !== doubt) continue;
			this.#doubts.shift();
			// The result is that of the store's `commit`.
			if (settled.isMade) this.#ends.made(settled.result as CommitResult, doubt.updates);
			else this.#ends.notMade(doubt.updates);
		}
		return null;
	}
}

function asUnavailable(error: unknown): StoreError {
	if (error instanceof StoreError) return error;
	return new StoreError("store_unavailable", "the store does not say what has become of a commit", { cause: error });
}
