// The rows of a store, one by one, on their way from one kind of store to another. They say what both kinds keep, in the words of the
// domain; where there is a record of `core` or of the port, a row is that record, and what the stores keep beside it.
import type { AuditDraft, AuditEntry } from "../../../core/access/audit.ts";
import type { Customer } from "../../../core/access/customer.ts";
import type { ApiKey } from "../../../core/access/key.ts";
import type { PortalSession } from "../../../core/access/portal-session.ts";
import type { Session, SignInLink } from "../../../core/access/session.ts";
import type { DeliveryState, DeliveryStatus } from "../../../core/delivery.ts";
import type { EventType } from "../../../core/event-type.ts";
import type { Event, EventDetails } from "../../../core/event.ts";
import type { WebhookHealth } from "../../../core/policies/webhook-health.ts";
import type { Relay } from "../../../core/receivers/relay.ts";
import type { Replay } from "../../../core/replay.ts";
import type { Project } from "../../../core/workspace.ts";
import type { SealedSecret, WebhookRecord } from "../directory.ts";

/** The rows by the name of their part. Secrets stay sealed as they are. */
export interface TransferRows {
	readonly projects: TransferredProject;
	readonly keys: ApiKey;
	readonly keyUses: { readonly keyId: string; readonly at: number };
	readonly webhooks: TransferredWebhook;
	readonly webhookSecrets: { readonly webhookId: string; readonly secret: SealedSecret };
	readonly webhookVersions: TransferredVersion;
	readonly webhookHealth: TransferredHealth;
	readonly eventTypes: EventType;
	readonly customers: Customer;
	readonly customerDeletions: TransferredDeletion;
	readonly sessions: Session;
	readonly signInLinks: SignInLink;
	readonly portalSessions: PortalSession;
	readonly relays: Relay;
	readonly auditEntries: AuditEntry;
	readonly revokedKeys: RevokedKey;
	readonly replays: TransferredReplay;
	readonly events: TransferredEvent;
	readonly idempotencyKeys: TransferredKey;
	readonly deliveries: TransferredDelivery;
	readonly attempts: TransferredAttempt;
	readonly erasures: TransferredErasure;
	readonly stats: TransferredStats;
	readonly statsChanges: TransferredChanges;
	readonly statusCounts: TransferredCounts;
	readonly storedBytes: { readonly projectId: string; readonly bytes: number };
}

export type PartName = keyof TransferRows;

/** The parts in the order in which they are written: what others refer to comes before them. */
export const PART_NAMES = [
	"projects",
	"keys",
	"keyUses",
	"webhooks",
	"webhookSecrets",
	"webhookVersions",
	"webhookHealth",
	"eventTypes",
	"customers",
	"customerDeletions",
	"sessions",
	"signInLinks",
	"portalSessions",
	"relays",
	"auditEntries",
	"revokedKeys",
	"replays",
	"events",
	"idempotencyKeys",
	"deliveries",
	"attempts",
	"erasures",
	"stats",
	"statsChanges",
	"statusCounts",
	"storedBytes",
] as const satisfies readonly PartName[];

export interface TransferredProject {
	readonly project: Project;
	readonly deleteDate: number | null;
	readonly version: number;
	/** The bytes that the webhooks that are not deleted count. */
	readonly webhookCount: number;
	readonly webhookBytes: number;
}

export interface TransferredWebhook {
	readonly webhook: Omit<WebhookRecord, "secrets">;
	/** Whether its customer was deleted. */
	readonly erased: boolean;
}

/** A key that was revoked, or that has gone with its project, for as long as an audit entry names it. */
export type RevokedKey = Pick<ApiKey, "id" | "projectId" | "name">;

/** Where a webhook was called and what it wanted, from a revision on. */
export interface TransferredVersion {
	readonly webhookId: string;
	readonly revision: number;
	readonly endpoint: string;
	readonly eventTypes: readonly string[] | null;
	readonly createDate: number;
}

export interface TransferredHealth {
	readonly webhookId: string;
	readonly health: WebhookHealth;
	/** When something is due to be reported; null if nothing is. */
	readonly nextDate: number | null;
}

/** The deletion of a customer that has not ended. */
export interface TransferredDeletion {
	readonly projectId: string;
	readonly customerId: string;
	readonly startDate: number;
	readonly draft: AuditDraft | null;
	readonly webhooks: number;
	readonly deliveries: number;
	readonly events: number;
	/** The webhook that is being erased; null if none is. The search for payloads begins anew: those that are erased cost a look. */
	readonly webhookId: string | null;
	/** The last of its deliveries that is done. */
	readonly throughId: string | null;
}

export interface TransferredReplay {
	readonly replay: Replay;
	/** The chosen events that are still there; null if it is about every event of its range. */
	readonly eventIds: readonly string[] | null;
	/** The last event that was looked at. */
	readonly positionId: string | null;
	/** No event or delivery of the project had a higher id when the replay was made; null if there was none. */
	readonly madeAfter: string | null;
}

export interface TransferredEvent {
	readonly event: Event;
	readonly details: EventDetails;
	/** What was counted for its key and its customers: see `storedLabelBytes`. */
	readonly labelBytes: number;
	/** Empty: erased. */
	readonly body: Uint8Array;
}

export interface TransferredKey {
	readonly projectId: string;
	readonly key: string;
	readonly eventId: string;
	/** Null: the key is forgotten, but events are still found by it. */
	readonly fingerprint: Uint8Array | null;
	readonly createDate: number;
}

export interface TransferredDelivery {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly createDate: number;
	readonly updateDate: number;
	/** Its lease has ended. */
	readonly state: DeliveryState;
	/** The cause of the last attempt, by `causeCode`. */
	readonly cause: number;
	/** Whether a replay has made it. */
	readonly isReplayed: boolean;
	/** The number of its last change; null if it has none. */
	readonly change: number | null;
	/** Its first attempt; the later ones are rows of `attempts`. */
	readonly attempt: Omit<TransferredAttempt, "deliveryId"> | null;
}

export interface TransferredAttempt {
	readonly deliveryId: string;
	readonly number: number;
	/** The attempt as all kinds of stores keep it: a JSON array that begins with the version of its form. */
	readonly text: string;
}

/** The erasure of a payload that has not ended. */
export interface TransferredErasure {
	readonly eventId: string;
	readonly projectId: string;
	/** The last delivery that is done; null if none is. */
	readonly throughId: string | null;
	readonly cancelled: number;
}

interface Counters {
	readonly accepted: number;
	readonly attemptsSucceeded: number;
	readonly attemptsFailed: number;
	readonly succeeded: number;
	readonly exhausted: number;
}

/** Counts by bucket of `core/stats/latency-histogram.ts`. */
type Latencies = readonly (readonly [bucket: number, count: number])[];

/** Failed attempts by the numbers of `core/log/attempt-cause.ts`. */
type Causes = readonly (readonly [code: number, count: number])[];

/** A bucket of the stats of a webhook or a project: `owner` is the UUID of one of them. */
export interface TransferredStats extends Counters {
	readonly owner: string;
	readonly widthMs: number;
	readonly start: number;
	readonly latencies: Latencies;
	readonly causes: Causes;
}

/** What happened in a minute and is not in `stats`, `statusCounts` and `storedBytes` yet. */
export interface TransferredChanges extends Counters {
	readonly projectId: string;
	/** Null: it is about the project alone. */
	readonly webhookId: string | null;
	readonly minute: number;
	/** Differences. */
	readonly counts: Readonly<Record<DeliveryStatus, number>>;
	readonly storedBytes: number;
	readonly lastAttemptId: string | null;
	readonly latencies: Latencies;
	readonly causes: Causes;
}

/** The deliveries of a webhook or a project by status. */
export interface TransferredCounts {
	/** The UUID of one of them. */
	readonly owner: string;
	readonly counts: Readonly<Record<DeliveryStatus, number>>;
	/** The delivery whose attempt was recorded last; null if it is not known any more. */
	readonly lastAttemptId: string | null;
}
