// What waits for a commit, and what is in one.
import type { AcceptResult, DeliveryUpdate, NewEvent, UpdateResult } from "../../ports/store/accept.ts";
import type { StoreError } from "../../ports/store/errors.ts";

/** A send that waits for its commit. */
export interface PendingSend {
	readonly projectId: string;
	/** Bytes of memory that it takes, for the bound on memory. */
	readonly bytes: number;
	/** Builds the event just before the commit, so that its deliveries fit the webhooks and the room at that moment. */
	build(): NewEvent;
	/** Called after the commit, with the store's result for this event. */
	done(event: NewEvent, result: AcceptResult): void;
	/** Called if the event was not committed: nothing of it is in the store, unless the error leaves that in doubt. `event` is null if `build` has thrown. */
	failed(event: NewEvent | null, error: StoreError): void;
}

/** A change of a delivery that waits for its commit. */
export interface PendingUpdate {
	readonly update: DeliveryUpdate;
	/** Called after the commit: with null if there is no such delivery. */
	done(result: UpdateResult | null): void;
	/** Called if it will never be written. */
	failed(error: StoreError): void;
}

/** The contents of one commit. `events` has one event for each of `sends`, in the same order. */
export interface Work {
	readonly sends: readonly PendingSend[];
	readonly events: readonly NewEvent[];
	readonly updates: readonly PendingUpdate[];
	/** When the first of the sends came, in monotonic time. */
	readonly sendsSince: number;
}
