// The parts of the engine that are handed in from outside, and its limits.
import type { KeptCustomerLimits } from "../core/access/customer.ts";
import type { Chance } from "../core/chance.ts";
import type { Clock } from "../core/clock.ts";
import type { Sealer } from "../core/crypto/sealing.ts";
import type { IdMaker } from "../core/ids.ts";
import type { ChangeQuotas } from "../core/policies/change-quota.ts";
import type { CustomerLimits } from "../core/policies/customer-limits.ts";
import { NO_QUOTAS, type QuotaSettings } from "../core/policies/quota.ts";
import { DEFAULT_RETENTION, type RetentionSettings } from "../core/policies/retention.ts";
import type { RelayLimits } from "../core/receivers/relay.ts";
import type { WebhookLimits } from "../core/webhook.ts";
import type { Membership } from "../ports/membership.ts";
import type { Observer } from "../ports/observer.ts";
import type { SchemaValidator } from "../ports/schema-validator.ts";
import type { EndpointGuard, Sender } from "../ports/sender.ts";
import type { Store } from "../ports/store/store.ts";
import type { Tenure } from "../ports/tenure.ts";
import type { Tracing } from "../ports/tracing.ts";
import type { Wire } from "../ports/wire.ts";
import type { ChangeRates } from "./managing/changes/change-rates.ts";

/** Everything outside the engine that it uses. Whoever opens these also closes them, after the engine has stopped. */
export type OutsideParts = Omit<EngineParts, "wall" | "changeRates">;

/** What the parts of the engine are given. */
export interface EngineParts {
	readonly store: Store;
	readonly sender: Sender;
	readonly guard: EndpointGuard;
	readonly schemas: SchemaValidator;
	/** Inside the engine, this is a `SteadyClock` on the clock that was handed in. */
	readonly clock: Clock;
	/** The wall time as it is, for what other machines compare with their own clocks. */
	readonly wall: Pick<Clock, "now">;
	readonly observer: Observer;
	readonly sealer: Sealer;
	readonly ids: IdMaker;
	/** Which webhooks this process delivers, and which single duties it has. */
	readonly tenure: Tenure;
	/** Messages between the processes that share the store. */
	readonly wire: Wire;
	/** What this process is among those that share the store. Omitted if it runs alone. */
	readonly membership?: Membership;
	/** Spans of sends and attempts. Omitted if nobody asked for traces. */
	readonly tracing?: Tracing;
	/** The quotas of changes, which belong to the engine. */
	readonly changeRates: Pick<ChangeRates, "take" | "check" | "checkCall">;
	/** What ids, secrets and the jitter of retries are made of. The system's, but for simulations. */
	readonly chance: Chance;
}

/**
 * The same parts for a class that needs only a slice of the store, such as `QueueStore`. A constructor names the parts
 * it uses: `Pick<PartsOn<QueueStore>, "store" | "clock">`.
 */
export interface PartsOn<S extends Partial<Store>> extends Omit<EngineParts, "store"> {
	readonly store: S;
}

/** Limits. Together they bound the engine's memory, however large the backlog is. */
export interface EngineLimits extends WebhookLimits, KeptCustomerLimits, CustomerLimits, RelayLimits, ChangeQuotas {
	/** Whether clients may make relays and connect to them. */
	readonly relays: boolean;
	/** Projects that are not deleted. */
	readonly maxProjects: number;
	/** Running replays of one project, with those of its customers. */
	readonly maxReplays: number;
	/** API keys, of the workspace and of all projects. */
	readonly maxKeys: number;
	/** Attempts in flight at once, in all. */
	readonly maxInFlight: number;
	/** Attempts in flight at once to one webhook. */
	readonly maxInFlightPerWebhook: number;
	/** Attempts in flight at once to a webhook that fails without a success. */
	readonly maxInFlightWhileFailing: number;
	/** Deliveries ready in memory, in all. */
	readonly maxReady: number;
	/** Deliveries ready in memory for one webhook. */
	readonly maxReadyPerWebhook: number;
	/** Bytes of the bodies of ready deliveries. */
	readonly maxReadyBytes: number;
	/** Sends that wait for their commit. */
	readonly maxWaitingSends: number;
	/** Bytes of the sends that wait for their commit. */
	readonly maxWaitingBytes: number;
	/** Live streams of programs that are open at once. Those of the page and of customers come on top, each with a part of this number. */
	readonly maxStreams: number;
	/** How long after the beginning of a large commit the next one begins at the earliest, so that more work gathers. */
	readonly gatherMs: number;
	/** How long the outcome of an attempt may wait for a send to share its commit. A crash repeats what has waited. */
	readonly rideMs: number;
	/** How long a lease lasts. It must be longer than the longest attempt. */
	readonly leaseMs: number;
	/** Deliveries of an event that one transaction erases. Of events with more, the rest follows in steps. */
	readonly eraseStep: number;
	/** Portal sessions of one project that are valid. */
	readonly maxPortalSessions: number;
	readonly maxPortalSessionsPerCustomer: number;
	/** How often leases are renewed and the store is asked for due deliveries. */
	readonly pollEveryMs: number;
	/**
	 * How often the store is asked for due deliveries if that must be more often, since other processes commit deliveries of this
	 * process's webhooks and hand nothing off. Null: `pollEveryMs`.
	 */
	readonly findEveryMs: number | null;
	/** How many claims of due deliveries may be under way at once: more than a few only if the store makes them together. */
	readonly maxClaims: number;
	/** Bytes of bodies that one of them asks for. The room for them is taken from that of the others while it is under way. */
	readonly maxClaimBytes: number;
	/** Whether the store is in another process, so that the answer to a commit or a claim may be lost. */
	readonly mayLoseAnswers: boolean;
}

export const DEFAULT_LIMITS: EngineLimits = {
	maxProjects: 10_000,
	maxKeys: 10_000,
	maxWebhooks: 100_000,
	maxWebhookBytes: 64 * 1_024 * 1_024,
	maxCustomers: 100_000,
	maxCustomerBytes: 64 * 1_024 * 1_024,
	maxInFlight: 1_024,
	maxInFlightPerWebhook: 256,
	maxInFlightWhileFailing: 4,
	maxReady: 20_000,
	maxReadyPerWebhook: 2_000,
	maxReadyBytes: 64 * 1_024 * 1_024,
	maxWaitingSends: 20_000,
	maxWaitingBytes: 64 * 1_024 * 1_024,
	maxStreams: 1_000,
	gatherMs: 2,
	rideMs: 20,
	leaseMs: 120_000,
	pollEveryMs: 30_000,
	findEveryMs: null,
	maxClaims: 4,
	maxClaimBytes: Infinity,
	mayLoseAnswers: false,
	maxReplays: 100,
	maxWebhooksPerCustomer: 50,
	maxReplaysPerCustomer: 2,
	maxStreamsPerCustomer: 5,
	maxTestsPerCustomer: 2,
	relays: true,
	maxRelays: 25,
	maxRelaysPerCustomer: 5,
	eraseStep: 100,
	maxPortalSessions: 100_000,
	maxPortalSessionsPerCustomer: 100,
	maxChangesPerMinute: 1_800,
	maxChangesPerMinutePerCustomer: 30,
};

/** The limits that can change while the engine runs: each is compared with a count when something is added. */
export type ChangeableLimits = Pick<
	EngineLimits,
	| keyof WebhookLimits
	| keyof KeptCustomerLimits
	| keyof CustomerLimits
	| keyof RelayLimits
	| keyof ChangeQuotas
	| "relays"
	| "maxProjects"
	| "maxKeys"
	| "maxReplays"
>;

/** What can change while the engine runs. */
export interface EngineChange {
	readonly limits: ChangeableLimits;
	readonly retention: RetentionSettings;
	readonly quotas: QuotaSettings;
}

/**
 * The settings of an engine. The same objects are with all its parts, which read from them when they need something and keep no copy of what
 * can change.
 */
export class EngineSettings {
	readonly limits: EngineLimits;
	readonly retention: RetentionSettings;
	readonly quotas: QuotaSettings;

	constructor({ limits = {}, retention = {}, quotas = NO_QUOTAS }: GivenSettings) {
		this.limits = { ...DEFAULT_LIMITS, ...limits };
		this.retention = { ...DEFAULT_RETENTION, ...retention };
		this.quotas = { ...quotas };
	}

	/** Puts other values in force. What exceeds them stays; only what is added is refused. */
	change({ limits, retention, quotas }: EngineChange): void {
		Object.assign(this.limits, limits);
		Object.assign(this.retention, retention);
		Object.assign(this.quotas, quotas);
	}
}

/** The settings that an engine is opened with. */
export interface GivenSettings {
	/** Limits that differ from `DEFAULT_LIMITS`. */
	readonly limits?: Partial<EngineLimits>;
	/** Settings that differ from `DEFAULT_RETENTION`. */
	readonly retention?: Partial<RetentionSettings>;
	/** For projects without quotas of their own. Defaults to `NO_QUOTAS`. */
	readonly quotas?: QuotaSettings;
}
