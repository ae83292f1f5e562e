// Properties in which stores differ, for the contract of a store.

export interface StoreCapabilities {
	/**
	 * For how long, in ms, a row can become visible after rows with higher ids: the bound from which the horizon follows
	 * (see `Store`). 0 if ids ascend in the order of commits.
	 */
	readonly horizonMs: number;
	/** Whether `releaseSpace` returns space to the file system. If not, it always returns 0. */
	readonly returnsSpace: boolean;
}

/** A store in a file that one process writes. */
export const EMBEDDED: StoreCapabilities = { horizonMs: 0, returnsSpace: true };
