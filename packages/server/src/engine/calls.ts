import type { AuditEntry } from "../core/audit.ts";
import type { ApiKey, Scope } from "../core/crypto/key.ts";
import type { Delivery, DeliveryStatus } from "../core/delivery.ts";
import type { FanfareError } from "../core/errors.ts";
// The engine's public calls: all that the api, or a program that embeds Fanfare, may ask of it.
import type { EventType } from "../core/event-type.ts";
import type { Event, EventInput } from "../core/event.ts";
import type { LiveFilter, LiveSignal } from "../core/live.ts";
import type { Page, PageRequest } from "../core/page.ts";
import type { RetryPolicy } from "../core/policies/retry-policy.ts";
import type { Replay, ReplayOutcome } from "../core/replay.ts";
import type { StatsBucket, StatsRange, StatsRequest, StatsWidth } from "../core/stats/stats.ts";
import type { RateLimit, Webhook } from "../core/webhook.ts";
import type { Project, Workspace } from "../core/workspace.ts";
import type { EngineGauges } from "../ports/observer.ts";
import type { DeliveryFilter } from "../ports/store/log.ts";

/** Everything that can be set on a webhook besides its secret. */
export interface WebhookSettings {
	readonly name: string;
	readonly endpoint: string;
	readonly retries: RetryPolicy;
	readonly description: string | null;
	readonly eventTypes: readonly string[] | null;
	readonly timeoutMs: number;
	readonly rateLimit: RateLimit | null;
	readonly disableAfterMs: number;
	readonly metadata: Readonly<Record<string, string>>;
	/** Sent with each attempt; lower-case names. Values are write-only. */
	readonly headers: Readonly<Record<string, string>>;
}

/** How a test of a webhook went. */
export interface WebhookTest {
	readonly status: "Ok" | "Failed";
	/** That of the last answer, 0 if none came. */
	readonly responseCode: number;
	readonly latencyMs: number;
	readonly attemptCount: number;
	readonly body: string | null;
	readonly reason: string | null;
}

/** Every call throws `project_not_found` or `webhook_not_found` for what is not in the project. */
export interface Webhooks {
	/** `secret` are the key's bytes; null makes one. Throws `invalid_request` for an endpoint that may not be called. */
	create(projectId: string, settings: WebhookSettings, secret: Uint8Array | null): Promise<Webhook>;
	list(projectId: string, page: PageRequest): Promise<Page<Webhook>>;
	get(projectId: string, webhookId: string): Webhook;
	/** Changes what is named in `patch`; within `retries`, only what is named there. `headers` replaces all of them. */
	update(
		projectId: string,
		webhookId: string,
		patch: Partial<Omit<WebhookSettings, "retries">> & { readonly retries?: Partial<RetryPolicy> },
	): Promise<Webhook>;
	/**
	 * From the next attempt on the new secret signs, and for `overlapMs` the older ones beside it, newest first, five at most in all.
	 */
	updateSecret(projectId: string, webhookId: string, secret: Uint8Array, overlapMs: number): Promise<Webhook>;
	/** Sends the example of `eventType`, or Fanfare's own sample for null. Throws `invalid_request` if that type has no example. */
	test(projectId: string, webhookId: string, eventType: string | null): Promise<WebhookTest>;
	/** New and waiting deliveries are held until `resume`. */
	pause(projectId: string, webhookId: string): Promise<Webhook>;
	/** Enables a paused or disabled webhook; what was held goes out, oldest first. */
	resume(projectId: string, webhookId: string): Promise<Webhook>;
	/** Cancels what waits. */
	delete(projectId: string, webhookId: string): Promise<void>;
}

/** Everything that can be set on a project. */
export type ProjectSettings = Omit<Project, "id" | "workspaceId" | "createDate">;

export interface Projects {
	/** Oldest first. */
	list(): readonly Project[];
	/** Throws `project_not_found`. */
	get(projectId: string): Project;
	create(name: string): Promise<Project>;
	/** Changes what is named in `changes`. */
	update(projectId: string, changes: Partial<ProjectSettings>): Promise<Project>;
	/** Deletes the project with its webhooks and keys; what waits is cancelled. */
	delete(projectId: string): Promise<void>;
}

/** Everything that can be set on an event type. */
export type EventTypeSettings = Pick<EventType, "description" | "schemaJson" | "exampleJson" | "archived">;

/** The catalogue. Every call throws `project_not_found`, and what else is said. */
export interface EventTypes {
	/** By name, A first, which is "newer" here; cursors are names. `archived` null: all. */
	list(projectId: string, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	/** Throws `event_type_not_found`. */
	get(projectId: string, name: string): Promise<EventType>;
	/** Throws `event_type_exists`, `too_many_event_types`, and `invalid_request` for what is wrong in schema and example. */
	create(projectId: string, name: string, settings: EventTypeSettings): Promise<EventType>;
	/** Creates it or replaces it. */
	put(projectId: string, name: string, settings: EventTypeSettings): Promise<EventType>;
	/** Changes what is named in `patch`. Throws `event_type_not_found`. */
	update(projectId: string, name: string, patch: Partial<EventTypeSettings>): Promise<EventType>;
	/** Throws `event_type_not_found`. Events of this type stay. */
	delete(projectId: string, name: string): Promise<void>;
}

export interface Keys {
	/** The key that is written so; null if there is none. Takes the same time whichever it is. */
	authenticate(secretKey: string): ApiKey | null;
	/** Newest first. */
	list(page: PageRequest): Page<ApiKey>;
	/** The full key comes back here and never again. Throws `project_not_found`. */
	create(input: {
		readonly name: string;
		readonly scope: Scope;
		readonly projectId: string | null;
	}): Promise<{ readonly key: ApiKey; readonly secretKey: string }>;
	/** Throws `key_not_found` or `last_admin_key`. */
	delete(keyId: string): Promise<void>;
}

/** What a change of many deliveries has done. */
export interface ManyChanged {
	/** Deliveries that the filter matched and that were looked at. */
	readonly matched: number;
	readonly changed: number;
	/** False: there are more. Call again with the same filter to go on. */
	readonly complete: boolean;
}

/** Deliveries by hand. */
export interface Deliveries {
	/**
	 * Makes an attempt now, of one that is Failed, Cancelled or Pending. If it fails, the automatic schedule goes on as it was.
	 * Throws `delivery_not_found`, `delivery_not_changeable`, `webhook_not_active` or `payload_erased`.
	 */
	retry(projectId: string, deliveryId: string): Promise<Delivery>;
	/** Cancels one that is Pending or Held. An attempt in flight can't be called back. */
	cancel(projectId: string, deliveryId: string): Promise<Delivery>;
	/** The same for all that match and can be retried. */
	retryMany(projectId: string, filter: DeliveryFilter): Promise<ManyChanged>;
	cancelMany(projectId: string, filter: DeliveryFilter): Promise<ManyChanged>;
}

export interface SentEvent {
	readonly event: Event;
	/** True if this send had come before under the same idempotency key, and `event` is that of then. */
	readonly duplicate: boolean;
}

export interface Intake {
	/**
	 * Accepts an event: resolves when it and its deliveries are committed and synced. Throws `project_not_found`,
	 * `unknown_webhook`, `idempotency_conflict`, `payload_too_large`, `overloaded`, `shutting_down`, `store_full`, `store_unavailable`.
	 */
	send(projectId: string, input: EventInput): Promise<SentEvent>;
	/**
	 * Sends each by itself, all in one commit where they fit; results in the order of `inputs`. A refusal of one
	 * is its own result; what stops the whole batch (`overloaded`, `store_full`, …) is thrown.
	 */
	sendBatch(projectId: string, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]>;
}

/** Which events are sent to a webhook again. */
export interface ReplayRequest {
	/** Inclusive; the end is exclusive, and null = now. */
	readonly since: number;
	readonly until: number | null;
	readonly outcomes: readonly ReplayOutcome[];
	/** Exact names or `prefix.*`. Null = every type; but of missed events only those of the types that the webhook wants. */
	readonly eventTypes: readonly string[] | null;
}

export interface ReplayEstimate {
	/** Events that would be sent now. */
	readonly count: number;
	/** False: there were so many events to look at that it was ended early; there are more. */
	readonly complete: boolean;
}

/** Every call throws `project_not_found`, and what else is said. */
export interface Replays {
	/**
	 * Begins a replay in the background: it goes on through stops and crashes, waits while the webhook is paused or disabled, and
	 * is cancelled when the webhook is deleted. Throws `webhook_not_found`, `too_many_replays`.
	 */
	start(projectId: string, webhookId: string, request: ReplayRequest): Promise<Replay>;
	/** What `start` would send. Throws `webhook_not_found`. */
	estimate(projectId: string, webhookId: string, request: ReplayRequest): Promise<ReplayEstimate>;
	/** Newest first; `webhookId` null = of all webhooks. */
	list(projectId: string, webhookId: string | null, page: PageRequest): Promise<Page<Replay>>;
	/** Throws `replay_not_found`. */
	get(projectId: string, replayId: string): Promise<Replay>;
	/** Makes no more deliveries; those that are made go on. Throws `replay_not_found`, `replay_ended`. */
	cancel(projectId: string, replayId: string): Promise<Replay>;
}

/** Events after their acceptance. */
export interface Events {
	/**
	 * Takes out an event's payload and what receivers answered to it, for good; what waits of it is cancelled. An attempt in flight
	 * can't be called back. Throws `project_not_found`, `event_not_found`.
	 */
	erasePayload(projectId: string, eventId: string): Promise<{ readonly cancelledCount: number }>;
}

export interface Audit {
	/** Resolves with the entry's id when it is on the disk. It must hold no value that was set, only the names of fields. */
	record(entry: Omit<AuditEntry, "id" | "at">): Promise<string>;
	/** Names the object of an entry that was written before there was one. A failure is logged, not thrown: the entry is there. */
	amend(entryId: string, object: Pick<AuditEntry, "objectId" | "projectId">): Promise<void>;
	/** Takes an entry back whose call came to nothing. A failure is logged, not thrown. */
	withdraw(entryId: string): Promise<void>;
}

/** Who wants to watch what. */
export interface LiveRequest {
	readonly projectId: string;
	/** The key that opened the stream, which ends with it. */
	readonly keyId: string | null;
	readonly filter: LiveFilter;
	/** The place that the client has come to; null: from now on. */
	readonly lastEventId: string | null;
	/** Ends the connection by force; called if the client does not even take the last signal. */
	readonly abandon: () => void;
}

export interface LiveSubscription {
	/**
	 * What has happened since the last call; waits until there is something, 15 s at most. Null when it is over. Not to be called again
	 * before it has resolved.
	 */
	next(): Promise<readonly LiveSignal[] | null>;
	/** To be called when the client has gone. May be called twice. */
	close(): void;
}

export interface Live {
	/**
	 * Watches what happens in a project from now on, or from where the client was. Bounded: a client that takes what it is given more
	 * slowly than things happen is dropped. Throws `overloaded` if too many watch, and `shutting_down`.
	 */
	subscribe(request: LiveRequest): LiveSubscription;
}

/** Statistics of a time. */
export interface StatsReport extends StatsRange {
	readonly width: StatsWidth;
	/** Every bucket of the range, oldest first. */
	readonly buckets: readonly StatsBucket[];
	/** Their sum. */
	readonly totals: StatsBucket;
	/** How many deliveries are in each status now. */
	readonly deliveries: Readonly<Record<DeliveryStatus, number>>;
}

export interface Stats {
	/** Of a webhook, or for null of the project. Throws `project_not_found`, `webhook_not_found`, `invalid_request`. */
	read(projectId: string, webhookId: string | null, request: StatsRequest): Promise<StatsReport>;
}

/** Whether the server can do its work, check by check. */
export interface Readiness {
	readonly ready: boolean;
	readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
}

export interface Engine {
	readonly workspace: Workspace;
	readonly projects: Projects;
	readonly webhooks: Webhooks;
	readonly keys: Keys;
	readonly intake: Intake;
	readonly eventTypes: EventTypes;
	readonly live: Live;
	readonly replays: Replays;
	readonly deliveries: Deliveries;
	readonly events: Events;
	readonly audit: Audit;
	readonly stats: Stats;
	readiness(): Promise<Readiness>;
	gauges(): EngineGauges;
	/** Recovers what a former run left and begins to deliver. May be called twice. */
	start(): Promise<void>;
	/** Refuses new sends, lets attempts in flight finish (`graceMs` at most), writes all results. May be called twice. */
	stop(graceMs?: number): Promise<void>;
}
