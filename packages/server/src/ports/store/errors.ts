// How a store fails. Everybody who calls a store needs this.

/**
 * Why a call failed:
 *
 * - `store_full`: no disk space is left. The same call can succeed after space was made.
 * - `store_unavailable`: the store is closed, damaged or cannot be reached. The same call may succeed later.
 * - `store_overloaded`: too many reads or changes of the caller's project wait already, or they take too long. The same call can succeed soon.
 * - `store_conflict`: the data contradicts what is stored, such as an id that already exists, a webhook that does not
 *   exist, or an update of a missing row. The same call never succeeds, so nobody should retry it.
 */
export type StoreErrorCode = "store_full" | "store_unavailable" | "store_overloaded" | "store_conflict";

/** A failure of the store. The adapter translates its driver's errors into this class, in one place. */
export class StoreError extends Error {
	override readonly name = "StoreError";
	readonly code: StoreErrorCode;

	constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** What has become of a change that was in doubt: with what its call would have resolved with, if it was made. */
export type Settled = { readonly isMade: true; readonly result: unknown } | { readonly isMade: false };

/** The store was lost while it made a change, and does not say whether it was made: the caller must not be told that nothing was changed. */
export class StoreInDoubtError extends StoreError {
	/**
	 * Asks what has become of the change. From then on, it was made or never will be. Rejects with a `StoreError` while the store can't
	 * say, and may be called again then. Null if nobody can say it in this process.
	 */
	readonly settle: (() => Promise<Settled>) | null;

	constructor(message: string, { settle = null, ...options }: DoubtOptions = {}) {
		super("store_unavailable", message, options);
		this.settle = settle;
	}
}

interface DoubtOptions {
	readonly cause?: unknown;
	readonly settle?: StoreInDoubtError["settle"];
}

/** What others hold a lock on was not free within the time that the caller waits for it. Nothing was changed, and nothing has failed. */
export class StoreLockedError extends StoreError {
	constructor(options?: { cause: unknown }) {
		super("store_unavailable", "others hold a lock on what was to be changed; try again", options);
	}
}
