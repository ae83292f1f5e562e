// How a store fails.

/** Why the store did not do something. */
export type StoreErrorCode = "store_full" | "store_unavailable" | "store_conflict";

/** A store's failure, translated from its driver's once, at the edge. */
export class StoreError extends Error {
	override readonly name = "StoreError";
	readonly code: StoreErrorCode;

	constructor(code: StoreErrorCode, message: string, options?: { cause: unknown }) {
		super(message, options);
		this.code = code;
	}
}
