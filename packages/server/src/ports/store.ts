// What the domain needs of a store. One contract suite (store.contract.ts) says what each operation promises.
import type {
	Attempt,
	AttemptTrigger,
	Delivery,
	DeliveryChange,
	DeliveryState,
	DeliveryStatus,
} from "../core/delivery.ts";
import type { Event } from "../core/event.ts";
import type { ApiKey } from "../core/key.ts";
import type { Page, PageRequest } from "../core/page.ts";
import type { Webhook } from "../core/webhook.ts";
import type { Project, Workspace } from "../core/workspace.ts";
import type { AuditStore } from "./audit-store.ts";
import type { CatalogueStore } from "./catalogue-store.ts";
import type { HealthStore, HealthTurn } from "./health-store.ts";
import type { ReplayStore } from "./replay-store.ts";
import type { RetentionStore } from "./retention-store.ts";
import type { StatsStore } from "./stats-store.ts";

/** A secret or a set of header values as it lies on disk. */
export interface SealedSecret {
	/** Unique within the webhook; the newest has the highest. */
	readonly number: number;
	readonly sealed: Uint8Array;
	readonly createDate: number;
	/** From when on it signs no more; null = for good. */
	readonly expireDate: number | null;
}

/** A webhook with what is write-only, encrypted. */
export interface WebhookRecord extends Webhook {
	readonly secrets: readonly SealedSecret[];
	/** The sealed JSON of the header values; null if there are none. */
	readonly sealedHeaders: Uint8Array | null;
	/** Set when it was deleted: it is kept until its deliveries are settled. */
	readonly deleteDate: number | null;
}

/** An event to accept, with a delivery for each webhook that wants it. */
export interface NewEvent {
	readonly event: Event;
	readonly body: Uint8Array;
	readonly idempotency: {
		readonly key: string;
		/** SHA-256 of what was sent, to tell the same send from another under the same key. */
		readonly fingerprint: Uint8Array;
	} | null;
	readonly deliveries: readonly { readonly id: string; readonly webhookId: string; readonly state: DeliveryState }[];
}

/** What became of a NewEvent: accepted, the same as one before, or refused since its key belongs to another send. */
export type AcceptResult =
	| { readonly kind: "accepted" }
	| { readonly kind: "duplicate"; readonly event: Event }
	| { readonly kind: "conflict" };

/** A change of one delivery, with the attempt that it comes from, if any: both are one write. */
export interface DeliveryUpdate {
	readonly deliveryId: string;
	readonly change: DeliveryChange;
	readonly attempt: Attempt | null;
	readonly at: number;
}

/** One transaction of the busy path. */
export interface CommitBatch {
	readonly events: readonly NewEvent[];
	readonly updates: readonly DeliveryUpdate[];
}

export interface CommitResult {
	/** What the updates have meant for the health of webhooks, in order. */
	readonly turns: readonly HealthTurn[];
	/** One for each of `events`, in order. */
	readonly events: readonly AcceptResult[];
	/** The state after each of `updates`, in order; null if there is no such delivery. */
	readonly updates: readonly (DeliveryState | null)[];
}

/** A delivery that somebody has leased, with all that an attempt needs. */
export interface LeasedDelivery {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly trigger: AttemptTrigger;
	readonly attemptCount: number;
	readonly leaseUntil: number;
	/** When its event was accepted. */
	readonly createDate: number;
	readonly body: Uint8Array;
}

export interface ClaimRequest {
	readonly webhookId: string;
	readonly now: number;
	/** Rows at most. */
	readonly limit: number;
	/** Bytes of bodies at most; the first row comes in any case. */
	readonly maxBytes: number;
	readonly leaseUntil: number;
}

export interface TimeRange {
	/** Inclusive. */
	readonly after: number | null;
	/** Exclusive. */
	readonly before: number | null;
}

export interface EventFilter extends TimeRange {
	readonly type: string | null;
}

export interface DeliveryFilter extends TimeRange {
	readonly webhookId: string | null;
	readonly eventId: string | null;
	readonly eventType: string | null;
	readonly status: DeliveryStatus | null;
	readonly responseCode: number | null;
}

/** The key check: what the master key's fingerprint was when the store was made. */
export interface StoreIdentity {
	readonly workspace: Workspace;
	readonly masterKeyFingerprint: string;
}

/**
 * Durable storage. Every method that writes resolves only after the write is synced to disk, and rejects with a `StoreError`
 * if it was not done; then nothing of it was done.
 */
export interface Store extends HealthStore, ReplayStore, StatsStore, CatalogueStore, RetentionStore, AuditStore {
	/** What the store was made with; null for a new one, which `initialize` fills. */
	identity(): Promise<StoreIdentity | null>;
	/** Makes the workspace, its first project and its first key, all or nothing. */
	initialize(identity: StoreIdentity, project: Project, key: ApiKey): Promise<void>;

	/** Does all of the batch in one transaction. An event whose idempotency key is known does not fail the others. */
	commit(batch: CommitBatch): Promise<CommitResult>;
	/** Leases up to `limit` due deliveries of one webhook, earliest due first. */
	claimDue(request: ClaimRequest): Promise<readonly LeasedDelivery[]>;
	/** Each webhook with Pending deliveries, and when the earliest is due (the end of its lease, if leased). */
	dueWebhooks(): Promise<readonly { readonly webhookId: string; readonly dueAt: number }[]>;
	/** The same for one webhook; null if nothing of it is Pending. */
	nextDueAt(webhookId: string): Promise<number | null>;
	/** Moves the leases of these deliveries, if they are still leased. */
	renewLeases(deliveryIds: readonly string[], until: number): Promise<void>;
	/** Ends every lease: for a start, when whoever held them is known to be gone. Returns how many there were. */
	releaseAllLeases(): Promise<number>;
	/**
	 * Applies `change` to up to `limit` deliveries of a webhook in status `from`, oldest first; returns how many were changed.
	 * A result below `limit` means that none is left.
	 */
	sweepWebhook(
		webhookId: string,
		from: DeliveryStatus,
		change: DeliveryChange,
		at: number,
		limit: number,
	): Promise<number>;
	/** How many deliveries there are in each status that is not an end. */
	countOpen(): Promise<Readonly<Record<"Pending" | "Held", number>>>;

	/** All that live, oldest first. */
	projects(): Promise<readonly Project[]>;
	insertProject(project: Project): Promise<void>;
	updateProject(project: Project): Promise<void>;
	/** Marks the project and its webhooks as deleted and removes its keys. False if there is no such project. */
	deleteProject(projectId: string, at: number): Promise<boolean>;

	/** All keys, newest first. */
	keys(): Promise<readonly ApiKey[]>;
	insertKey(key: ApiKey): Promise<void>;
	/** Removes a key, unless it is the last that administers the whole workspace. */
	deleteKey(keyId: string): Promise<"deleted" | "not_found" | "last_admin">;

	/** Every webhook, also deleted ones that still have deliveries to settle. */
	webhookRecords(): Promise<readonly WebhookRecord[]>;
	insertWebhook(record: WebhookRecord): Promise<void>;
	/** Replaces all of a webhook's record, its secrets included. Its health is left alone, or begins anew. */
	updateWebhook(record: WebhookRecord, options?: { readonly resetHealth: boolean }): Promise<void>;
	/** Replaces each record, and the fingerprint, in one transaction: a change of the master key. */
	reseal(records: readonly WebhookRecord[], masterKeyFingerprint: string): Promise<void>;
	webhooks(projectId: string, page: PageRequest): Promise<Page<Webhook>>;

	events(projectId: string, filter: EventFilter, page: PageRequest): Promise<Page<Event>>;
	event(projectId: string, eventId: string): Promise<Event | null>;
	deliveries(projectId: string, filter: DeliveryFilter, page: PageRequest): Promise<Page<Delivery>>;
	delivery(projectId: string, deliveryId: string): Promise<Delivery | null>;
	/** The attempts of a delivery, first one first. */
	attempts(deliveryId: string): Promise<readonly Attempt[]>;

	/** Forgets up to `limit` idempotency keys made before `before`; returns how many. */
	forgetIdempotencyKeys(before: number, limit: number): Promise<number>;
	/** Writes a row and syncs it: proof that the store can be written. */
	probe(at: number): Promise<void>;
	/** Releases everything. May be called twice. */
	close(): Promise<void>;
}

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
