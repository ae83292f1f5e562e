// The engine's public calls: everything that the API, or a program that embeds Fanfare, can ask of it.
//
// Times are milliseconds since the epoch. A refused call throws, or rejects with, a `FanfareError`; the codes are named
// at each call. Calls that read or write the store reject with a `StoreError` if the store fails, except for sends,
// which translate it.
import type { AuditDraft } from "../core/access/audit.ts";
import type { ApiKey, KeyScope } from "../core/access/key.ts";
import type { Principal, Scope } from "../core/access/principal.ts";
import type { Delivery, DeliveryStatus } from "../core/delivery.ts";
import type { FanfareError } from "../core/errors.ts";
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

/**
 * A change that is made for somebody. It is one transaction: what it changes and its audit entry are written together or
 * not at all, and a change that changes nothing has no entry.
 */
export interface Change {
	/** The data that may be changed. */
	readonly scope: Scope;
	/** What the audit log says about the change; null leaves no entry. */
	readonly audit: AuditDraft | null;
}

/** All settings of a webhook except its secret. */
export interface WebhookSettings {
	readonly name: string;
	readonly endpoint: string;
	readonly retries: RetryPolicy;
	readonly description: string | null;
	/** Exact names or `prefix.*`; null means every type. */
	readonly eventTypes: readonly string[] | null;
	readonly timeoutMs: number;
	/** Null means no limit. */
	readonly rateLimit: RateLimit | null;
	/** A webhook that fails for this long without a success is disabled; 0 means never. */
	readonly disableAfterMs: number;
	readonly metadata: Readonly<Record<string, string>>;
	/** Sent with each attempt. Names are in lower case; values are write-only. */
	readonly headers: Readonly<Record<string, string>>;
}

/**
 * The settings of a webhook to change. Within `retries` only the fields present are changed; `headers` replaces all
 * headers.
 */
export interface WebhookPatch extends Partial<Omit<WebhookSettings, "retries">> {
	readonly retries?: Partial<RetryPolicy>;
	/** The revision that the change was made on. If omitted, the change is made on any. */
	readonly revision?: number;
}

/** The result of a test of a webhook. */
export interface WebhookTest {
	readonly status: "Ok" | "Failed";
	/** The status of the last response; 0 if there was no response. */
	readonly responseCode: number;
	readonly latencyMs: number;
	readonly attemptCount: number;
	/** The body of the last response; null if it was empty or there was no response. */
	readonly body: string | null;
	/** Why the test failed; null if it succeeded. */
	readonly reason: string | null;
}

/** Every call throws `project_not_found`. Every call with a webhook id throws `webhook_not_found`. */
export interface Webhooks {
	/**
	 * Registers a webhook. `secret` is the key as bytes; null generates one. Throws `invalid_request` for an endpoint
	 * that must not be called.
	 */
	create(change: Change, settings: WebhookSettings, secret: Uint8Array | null): Promise<Webhook>;
	/** Newest first. */
	list(scope: Scope, page: PageRequest): Promise<Page<Webhook>>;
	get(scope: Scope, webhookId: string): Webhook;
	/**
	 * Changes only the settings in `patch`. Throws `invalid_request` for an endpoint that must not be called, and
	 * `revision_conflict` if `patch` names a revision that the webhook no longer has.
	 */
	update(change: Change, webhookId: string, patch: WebhookPatch): Promise<Webhook>;
	/**
	 * Replaces the secret, beginning with the next attempt. For `overlapMs` the older secrets sign beside the new one,
	 * newest first, up to five secrets in all.
	 */
	updateSecret(change: Change, webhookId: string, secret: Uint8Array, overlapMs: number): Promise<Webhook>;
	/**
	 * Sends the example of `eventType`, or Fanfare's own sample if it is null. Throws `invalid_request` if the project
	 * has no such event type, or if the type has no example.
	 */
	test(change: Change, webhookId: string, eventType: string | null): Promise<WebhookTest>;
	/** Pauses an enabled webhook: its new and waiting deliveries are Held until `resume`. */
	pause(change: Change, webhookId: string): Promise<Webhook>;
	/** Enables a paused or disabled webhook: its Held deliveries are sent, oldest first. */
	resume(change: Change, webhookId: string): Promise<Webhook>;
	/** Deletes a webhook and cancels its waiting deliveries. */
	delete(change: Change, webhookId: string): Promise<void>;
}

/** All settings of a project. */
export type ProjectSettings = Omit<Project, "id" | "workspaceId" | "createDate" | "revision">;

/** Every call with a scope throws `project_not_found`. */
export interface Projects {
	/** Oldest first. */
	list(): readonly Project[];
	get(scope: Scope): Project;
	create(name: string, audit: AuditDraft | null): Promise<Project>;
	/**
	 * Changes only the settings in `changes`. Throws `invalid_request` if payloads would be kept longer than their
	 * events.
	 */
	update(change: Change, changes: Partial<ProjectSettings>): Promise<Project>;
	/** Deletes a project with its webhooks and keys, and cancels its waiting deliveries. */
	delete(change: Change): Promise<void>;
}

/** All settings of an event type. */
export type EventTypeSettings = Pick<EventType, "description" | "schemaJson" | "exampleJson" | "archived">;

/** The settings of an event type to change. */
export interface EventTypePatch extends Partial<EventTypeSettings> {
	/** The revision that the change was made on. If omitted, the change is made on any. */
	readonly revision?: number;
}

/**
 * The event types of projects. Every call throws `project_not_found`. Calls that check a schema or an example throw
 * `overloaded` if too many checks wait.
 */
export interface EventTypes {
	/**
	 * Sorted by name in ascending order. In page requests, names are the cursors and "older" means later in the
	 * alphabet. `archived` null means both.
	 */
	list(scope: Scope, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	/** Throws `event_type_not_found`. */
	get(scope: Scope, name: string): Promise<EventType>;
	/**
	 * Throws `event_type_exists`, `too_many_event_types`, and `invalid_request` for errors in the name, the schema or
	 * the example.
	 */
	create(change: Change, name: string, settings: EventTypeSettings): Promise<EventType>;
	/** Creates or replaces an event type. Throws `too_many_event_types` and `invalid_request`, as `create` does. */
	put(change: Change, name: string, settings: EventTypeSettings): Promise<EventType>;
	/**
	 * Changes only the settings in `patch`. Throws `event_type_not_found`, `invalid_request` as `create` does, and
	 * `revision_conflict` if `patch` names a revision that the event type no longer has.
	 */
	update(change: Change, name: string, patch: EventTypePatch): Promise<EventType>;
	/** Deletes an event type; its events stay. Throws `event_type_not_found`. */
	delete(change: Change, name: string): Promise<void>;
}

/** API keys. */
export interface Keys {
	/** Returns whose key this text is, or null if there is no such key. Takes the same time in both cases. */
	authenticate(secretKey: string): Principal | null;
	/** Newest first. */
	list(page: PageRequest): Page<ApiKey>;
	/**
	 * Creates a key for one project, or for the whole workspace if `projectId` is null. The text of the key,
	 * `secretKey`, is returned only here. Throws `project_not_found`.
	 */
	create(
		input: { readonly name: string; readonly scope: KeyScope; readonly projectId: string | null },
		audit: AuditDraft | null,
	): Promise<{ readonly key: ApiKey; readonly secretKey: string }>;
	/** Throws `key_not_found`, and `last_admin_key` for the last key that administers the workspace. */
	delete(keyId: string, audit: AuditDraft | null): Promise<void>;
}

/** The result of a change of many deliveries. */
export interface ManyChanged {
	/** Deliveries that matched the filter and were examined. */
	readonly matched: number;
	/** Deliveries that were changed. */
	readonly changed: number;
	/** False if there are more matching deliveries: call again with the same filter to continue. */
	readonly complete: boolean;
}

/** Changes of deliveries by hand. Every call throws `project_not_found`. */
export interface Deliveries {
	/**
	 * Makes an attempt now for a delivery that is Failed, Cancelled or Pending. If the attempt fails, the automatic
	 * schedule continues as before. Throws `delivery_not_found`, `delivery_not_changeable`, `webhook_not_active` or
	 * `payload_erased`.
	 */
	retry(change: Change, deliveryId: string): Promise<Delivery>;
	/**
	 * Cancels a delivery that is Pending or Held. An attempt in flight can't be called back. Throws
	 * `delivery_not_found` or `delivery_not_changeable`.
	 */
	cancel(change: Change, deliveryId: string): Promise<Delivery>;
	/** Retries all deliveries that match the filter and can be retried. */
	retryMany(change: Change, filter: DeliveryFilter): Promise<ManyChanged>;
	/** Cancels all deliveries that match the filter and can be cancelled. */
	cancelMany(change: Change, filter: DeliveryFilter): Promise<ManyChanged>;
}

/** The result of an accepted send. */
export interface SentEvent {
	readonly event: Event;
	/**
	 * True if an equal send with the same idempotency key was accepted earlier. Then `event` is the one accepted
	 * earlier.
	 */
	readonly duplicate: boolean;
}

/** Accepts events. */
export interface Intake {
	/**
	 * Accepts an event. Resolves when the event and its deliveries are committed and synced to disk. Throws
	 * `project_not_found`, `invalid_request` for a type or data that the project does not accept, `unknown_webhook`,
	 * `idempotency_conflict`, `payload_too_large`, `overloaded`, `shutting_down`, `store_full`, `store_unavailable`.
	 *
	 * @example
	 * const { event } = await engine.intake.send(projectScope(projectId), {
	 * 	type: "order.paid",
	 * 	dataJson: '{"orderId":1}',
	 * 	timestamp: null,
	 * 	idempotencyKey: null,
	 * 	webhookIds: null,
	 * });
	 */
	send(scope: Scope, input: EventInput): Promise<SentEvent>;
	/**
	 * Sends several events, in one commit if they fit into one. Each succeeds or fails by itself: the results are in
	 * the order of `inputs`, and the refusal of one event is its result. Throws `project_not_found`, and errors that
	 * concern the whole batch (`overloaded`, `shutting_down`, `store_full`, `store_unavailable`).
	 */
	sendBatch(scope: Scope, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]>;
}

/** The events that a replay sends to a webhook again. */
export interface ReplayRequest {
	/** Inclusive. */
	readonly since: number;
	/** Exclusive; null means now. */
	readonly until: number | null;
	readonly outcomes: readonly ReplayOutcome[];
	/** Exact names or `prefix.*`. Null means every type, but of missed events only the types that the webhook wants. */
	readonly eventTypes: readonly string[] | null;
}

/** The result of a count of the events that a replay would send. */
export interface ReplayEstimate {
	/** Events that would be sent now. */
	readonly count: number;
	/** False if counting took too long and ended early: then there may be more. */
	readonly complete: boolean;
}

/** Every call throws `project_not_found`. */
export interface Replays {
	/**
	 * Starts a replay in the background. It continues after stops and crashes, waits while the webhook is paused or
	 * disabled, and is cancelled when the webhook is deleted. Throws `webhook_not_found`, `too_many_replays`.
	 */
	start(change: Change, webhookId: string, request: ReplayRequest): Promise<Replay>;
	/** Counts the events that `start` would send. Throws `webhook_not_found`. */
	estimate(scope: Scope, webhookId: string, request: ReplayRequest): Promise<ReplayEstimate>;
	/** Newest first; `webhookId` null means all webhooks. */
	list(scope: Scope, webhookId: string | null, page: PageRequest): Promise<Page<Replay>>;
	/** Throws `replay_not_found`. */
	get(scope: Scope, replayId: string): Promise<Replay>;
	/** Stops creating deliveries; those already created are still sent. Throws `replay_not_found`, `replay_ended`. */
	cancel(change: Change, replayId: string): Promise<Replay>;
}

/** Changes of events that were accepted. */
export interface Events {
	/**
	 * Erases an event's payload and the responses of receivers to it for good, and cancels its waiting deliveries. An
	 * attempt in flight can't be called back. Throws `project_not_found`, `event_not_found`.
	 */
	erasePayload(change: Change, eventId: string): Promise<{ readonly cancelledCount: number }>;
}

/** A request to watch a project live. */
export interface LiveRequest {
	readonly scope: Scope;
	/** Who opened the stream: it ends when this key is deleted. Null if nobody in particular. */
	readonly principal: Principal | null;
	readonly filter: LiveFilter;
	/** The id of the last item that the client has received; null to begin with what happens from now on. */
	readonly lastEventId: string | null;
	/** Closes the connection by force. Called if the client is too slow even to receive the last signal. */
	readonly abandon: () => void;
}

/** One client's live stream. */
export interface LiveSubscription {
	/**
	 * Resolves with what has happened since the last call. Waits up to 15 s if nothing has. Null when the stream has
	 * ended. Do not call it again before it has resolved.
	 */
	next(): Promise<readonly LiveSignal[] | null>;
	/** Call this when the client has disconnected. May be called twice. */
	close(): void;
}

/** The live stream of projects. */
export interface Live {
	/**
	 * Watches a project from now on, or from the client's last position. Memory is bounded: a client that receives
	 * items more slowly than they occur is disconnected. Throws `overloaded` if there are too many clients, and
	 * `shutting_down`.
	 */
	subscribe(request: LiveRequest): LiveSubscription;
}

/** The stats of a range of time. */
export interface StatsReport extends StatsRange {
	readonly width: StatsWidth;
	/** Every bucket of the range, oldest first, empty ones too. */
	readonly buckets: readonly StatsBucket[];
	/** The sum of the buckets. */
	readonly totals: StatsBucket;
	/** How many deliveries are in each status now. */
	readonly deliveries: Readonly<Record<DeliveryStatus, number>>;
}

/** Counts and latencies of deliveries. */
export interface Stats {
	/**
	 * Reads the stats of a webhook, or of the whole scope if `webhookId` is null. Throws `project_not_found`,
	 * `webhook_not_found`, and `invalid_request` for a range that is not allowed.
	 */
	read(scope: Scope, webhookId: string | null, request: StatsRequest): Promise<StatsReport>;
}

/** Whether the server can do its work, with the result of each check. */
export interface Readiness {
	readonly ready: boolean;
	readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message: string }>>;
}

/**
 * An engine on a store. `openEngine` in `engine.ts` opens one.
 *
 * States: open ──start──▶ running ──stop──▶ stopping ──▶ stopped
 *
 * - open: all calls work, and events are accepted, but no delivery is attempted.
 * - running: deliveries are attempted, and background work goes on.
 * - stopping: sends are refused with `shutting_down`; attempts in flight end and their outcomes are committed.
 * - stopped: the engine starts nothing any more. Its parts (store, sender, schema validator) belong to whoever opened
 *   them, who closes them now. Calls that only read work until then. There is no way back.
 *
 * @example
 * const { engine } = await openEngine({ parts, userAgent });
 * await engine.start();
 * await engine.stop();
 * await Promise.all([parts.schemas.close(), parts.sender.close()]);
 * await parts.store.close();
 */
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
	readonly stats: Stats;
	/** Checks the store and the dispatcher. Never rejects: a failure is the result of its check. */
	readiness(): Promise<Readiness>;
	/** Current values for metrics. */
	gauges(): EngineGauges;
	/** Recovers the deliveries that an earlier run has left unfinished, and begins to deliver. May be called twice. */
	start(): Promise<void>;
	/**
	 * Refuses new sends, waits until the attempts in flight have ended, `graceMs` at most (30 s if omitted), and commits
	 * their outcomes. Closes nothing: store, sender and schema validator stay open for whoever opened them. May be called
	 * twice.
	 */
	stop(graceMs?: number): Promise<void>;
}
