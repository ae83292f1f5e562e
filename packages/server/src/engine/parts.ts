// What the engine is made of: its parts, handed in, and its limits.
import type { Clock } from "../core/clock.ts";
import type { Sealer } from "../core/crypto/sealing.ts";
import type { IdMaker } from "../core/ids.ts";
import type { Observer } from "../ports/observer.ts";
import type { SchemaValidator } from "../ports/schema-validator.ts";
import type { EndpointGuard, Sender } from "../ports/sender.ts";
import type { Store } from "../ports/store/store.ts";

/** The world, as the engine sees it. */
export interface EngineParts {
	readonly store: Store;
	readonly sender: Sender;
	readonly guard: EndpointGuard;
	readonly schemas: SchemaValidator;
	readonly clock: Clock;
	readonly observer: Observer;
	readonly sealer: Sealer;
	readonly ids: IdMaker;
	/** 0 ≤ random() < 1 */
	readonly random: () => number;
}

/**
 * The same parts for a class that needs only a slice of the store, such as `QueueStore`. A constructor names the parts it uses:
 * `Pick<PartsOn<QueueStore>, "store" | "clock">`.
 */
export interface PartsOn<S extends Partial<Store>> extends Omit<EngineParts, "store"> {
	readonly store: S;
}

/** Bounds. Together they bound the engine's memory, whatever the backlog. */
export interface EngineLimits {
	/** Attempts under way at once, in all. */
	readonly maxInFlight: number;
	/** Attempts under way at once to one webhook. */
	readonly maxInFlightPerWebhook: number;
	/** The same while the webhook fails without a success. */
	readonly maxInFlightWhileFailing: number;
	/** Deliveries kept ready in memory, in all and for one webhook. */
	readonly maxReady: number;
	readonly maxReadyPerWebhook: number;
	/** Bytes of bodies kept ready in memory. */
	readonly maxReadyBytes: number;
	/** Sends that wait for their commit, and the bytes of their bodies. */
	readonly maxWaitingSends: number;
	readonly maxWaitingBytes: number;
	/** How long a lease lasts; longer than the longest attempt. */
	readonly leaseMs: number;
	/** How often leases are renewed and the store is asked for what nobody works on. */
	readonly reapEveryMs: number;
}

export const DEFAULT_LIMITS: EngineLimits = {
	maxInFlight: 1_024,
	maxInFlightPerWebhook: 256,
	maxInFlightWhileFailing: 4,
	maxReady: 20_000,
	maxReadyPerWebhook: 2_000,
	maxReadyBytes: 64 * 1_024 * 1_024,
	maxWaitingSends: 20_000,
	maxWaitingBytes: 64 * 1_024 * 1_024,
	leaseMs: 120_000,
	reapEveryMs: 30_000,
};
