// Calls back who waits for a commit. What was committed stays so if a callback throws, and the others must be called back.
import type { Observer } from "../../ports/observer.ts";
import type { AcceptResult, NewEvent, UpdateResult } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { PendingSend, PendingUpdate } from "./pending.ts";

/** Calls the callbacks of sends and updates; reports what they throw. */
export class Caller {
	readonly #observer: Pick<Observer, "problem">;

	constructor(observer: Pick<Observer, "problem">) {
		this.#observer = observer;
	}

	/** An event was committed. */
	sent(send: PendingSend, event: NewEvent, result: AcceptResult): void {
		try {
			send.done(event, result);
		} catch (error) {
			this.#observer.problem("the callback of a send failed", error, { projectId: event.event.projectId });
		}
	}

	/** A change of a delivery was committed. */
	updated(update: PendingUpdate, result: UpdateResult | null): void {
		try {
			update.done(result);
		} catch (error) {
			this.#failed(update, error);
		}
	}

	/** Changes of deliveries will never be written. */
	reject(updates: readonly PendingUpdate[], reason: StoreError): void {
		for (const update of updates) {
			try {
				update.failed(reason);
			} catch (error) {
				this.#failed(update, error);
			}
		}
	}

	#failed({ update }: PendingUpdate, error: unknown): void {
		this.#observer.problem("the callback of a change failed", error, { deliveryId: update.deliveryId });
	}
}

/** What a caller is told of a failure. */
export function asStoreError(error: unknown): StoreError {
	return error instanceof StoreError
		? error
		: new StoreError("store_conflict", "the store failed in a way it should not", { cause: error });
}
