// Who watches the world: told of each call of the store and each attempt, at the moment at which it happens.
import type { AttemptOutcome, AttemptRequest } from "../../packages/server/src/ports/sender.ts";
import type { Claim } from "../../packages/server/src/ports/store/queue.ts";
import type { RunScope } from "./run-scope.ts";

/** Sees each call when the store executes it. It may read the store: nothing else happens meanwhile. */
export interface StoreWatcher {
	before(name: string, parameters: readonly unknown[]): Promise<void>;
	/** `run` has made the call. */
	after(run: RunScope, name: string, parameters: readonly unknown[], result: unknown): Promise<void>;
}

/** Sees how processes share the work. */
export interface SharingWatcher {
	/** Called when a process owns these shards from now on; what it returns is called when it has taken them over. */
	gained(shards: readonly number[]): Promise<() => Promise<void>>;
	/** A process has claimed these deliveries, and was not told: they wait for the ends of their leases. */
	claimedUntold(claim: Claim): void;
}

/** Sees each attempt when it begins and when its outcome comes back. */
export interface AttemptWatcher {
	/** Whether a request is the attempt of a delivery, and not of a test. */
	isDelivery(request: AttemptRequest): boolean;
	/** `outcome` is what the receiver will answer. Returns a function that is called with the outcome that came back. */
	started(
		run: RunScope,
		host: string,
		request: AttemptRequest,
		outcome: AttemptOutcome,
	): (outcome: AttemptOutcome) => void;
}
