// The engine's public calls: everything that the API, or a program that embeds Fanfare, can ask of it.
//
// Times are milliseconds since the epoch. A refused call throws, or rejects with, a `FanfareError`; the codes are named
// at each call. Calls that read or write the store reject with a `StoreError` if the store fails, except for sends,
// which translate it.
import type { AuditDraft } from "../core/access/audit.ts";
import type { EventCustomers } from "../core/access/customer.ts";
import type { Scope } from "../core/access/principal.ts";
import type { FanfareError } from "../core/errors.ts";
import type { EventType } from "../core/event-type.ts";
import type { Event, EventInput } from "../core/event.ts";
import type { RoutingReason } from "../core/log/routing.ts";
import type { Page, PageRequest } from "../core/page.ts";
import type { ProjectUsage } from "../core/policies/quota.ts";
import type { ShownHealth } from "../core/policies/webhook-health.ts";
import type { ReplayNow, ReplayOutcome } from "../core/replay.ts";
import type { Webhook } from "../core/webhook.ts";
import type { Project, ProjectPatch, Workspace } from "../core/workspace.ts";
import type { EngineGauges } from "../ports/observer.ts";
import type { CustomerChanges, CustomerSummary } from "../ports/store/customers.ts";
import type { WebhookFilter } from "../ports/store/directory.ts";
import type { DeliveryFilter, EventDelivery, LoggedDelivery } from "../ports/store/log.ts";
import type { WebhookActivity } from "../ports/store/stats.ts";
import type { Change, ChangeQuotaCheck } from "./change.ts";
import type { Keys, Sessions } from "./key-calls.ts";
import type { Live } from "./live-calls.ts";
import type { ManyReleased } from "./many-released.ts";
import type { EngineChange } from "./parts.ts";
import type { PortalSessions } from "./portal-calls.ts";
import type { Relays } from "./relay-calls.ts";
import type { Stats } from "./stats-calls.ts";
import type { WorkspaceStatus } from "./status-calls.ts";
import type { NewWebhook, WebhookPatch } from "./webhook-settings.ts";
import type { Conformance, ConformanceAsked, TestSample, WebhookTest } from "./webhook-test.ts";

export type { Change };

/** Every call of a project throws `project_not_found`. Every call with a webhook id throws `webhook_not_found`. */
export interface Webhooks {
	/**
	 * Registers a webhook. `secret` is the key as bytes; null generates one. Throws `invalid_request` for an endpoint that must not be
	 * called, `customer_not_found` outside of the scope, and `too_many_webhooks` or `webhooks_too_large` if there is no room for it.
	 */
	create(change: Change, settings: NewWebhook, secret: Uint8Array | null): Promise<Webhook>;
	/** Newest first. Throws `customer_not_found` if the filter names a customer outside of the scope. */
	list(scope: Scope, filter: WebhookFilter, page: PageRequest): Promise<Page<Webhook>>;
	get(scope: Scope, webhookId: string): Promise<Webhook>;
	/** The health of webhooks that the caller has read, in their order. */
	health(webhooks: readonly Webhook[]): Promise<readonly ShownHealth[]>;
	/** What is going on at webhooks, in the order of their ids; nothing for those that are not in the scope. */
	activity(scope: Scope, webhookIds: readonly string[]): Promise<readonly WebhookActivity[]>;
	/**
	 * Changes only the settings in `patch`. Throws `invalid_request` for an endpoint that must not be called, `revision_conflict`
	 * if the webhook has another revision than `patch`, and `webhooks_too_large` if it grows beyond its project's room.
	 */
	update(change: Change, webhookId: string, patch: WebhookPatch): Promise<Webhook>;
	/**
	 * Replaces the secret, beginning with the next attempt. For `overlapMs` (null: a day) the older secrets sign beside the
	 * new one, newest first, up to five secrets in all. The same secret again can only end an overlap earlier.
	 */
	updateSecret(change: Change, webhookId: string, secret: Uint8Array, overlapMs: number | null): Promise<Webhook>;
	/**
	 * Sends a sample, Fanfare's own if it is null. Throws `invalid_request` if the project has no such event type, if the type has
	 * no example, or if the project would refuse an event of this type with this data.
	 */
	test(change: Change, webhookId: string, sample: TestSample | null): Promise<WebhookTest>;
	/**
	 * Sends valid and invalid requests, and grades what the receiver does. Throws `invalid_request` as `test` does, and `overloaded` if
	 * a webhook of the project is being checked already.
	 */
	conform(change: Change, webhookId: string, asked: ConformanceAsked): Promise<Conformance>;
	/** Pauses an enabled webhook: its new and waiting deliveries are Held until `resume`. */
	pause(change: Change, webhookId: string): Promise<Webhook>;
	/** Enables a paused or disabled webhook: its Held deliveries are sent, oldest first. */
	resume(change: Change, webhookId: string): Promise<Webhook>;
	/** Resumes a webhook if a restore from a backup has paused it. Leaves any other as it is. */
	release(change: Change, webhookId: string): Promise<Webhook>;
	/** Releases the webhooks of a project, up to 500 in a call. */
	releaseMany(change: Change): Promise<ManyReleased>;
	/** Releases the webhooks of all projects, up to 500 in a call. */
	releaseAll(audit: AuditDraft | null): Promise<ManyReleased>;
	/** Deletes a webhook and cancels its waiting deliveries. */
	delete(change: Change, webhookId: string): Promise<void>;
}

/** Every call with a scope throws `project_not_found`. */
export interface Projects extends ChangeQuotaCheck {
	/** Oldest first. */
	list(): readonly Project[];
	/**
	 * A page of the projects whose id or name contains `q`, in upper or lower case, newest first; all if it is null. If `projectId` is not
	 * null, there is no other project. The cursor is a `projectPosition`.
	 */
	search(projectId: string | null, q: string | null, request: PageRequest): Page<Project>;
	get(scope: Scope): Project;
	usage(scope: Scope): Promise<ProjectUsage>;
	create(name: string, audit: AuditDraft | null): Promise<Project>;
	/**
	 * Changes only the settings in `patch`. Throws `invalid_request` if payloads would be kept longer than their events, and
	 * `revision_conflict` if the project does not have the revision in it.
	 */
	update(change: Change, patch: ProjectPatch): Promise<Project>;
	/** Deletes a project with its webhooks and keys, and cancels its waiting deliveries. */
	delete(change: Change): Promise<void>;
}

/** All settings of an event type. */
export type EventTypeSettings = Pick<EventType, "description" | "schemaJson" | "exampleJson" | "archived"> & {
	/** If omitted, it stays, or is `public` for a new type. */
	readonly visibility?: EventType["visibility"];
};

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

/** The result of a change of many deliveries. */
export interface ManyChanged {
	/** Deliveries that matched the filter and were examined. */
	readonly matched: number;
	/** Deliveries that were changed. */
	readonly changed: number;
	/** False if there may be more matching deliveries. */
	readonly complete: boolean;
	/** Where the next call goes on, with the same filter; null if it begins anew. Text of `changePosition`. */
	readonly goesOnAt: string | null;
}

/** The result of a count of deliveries. */
export interface CountOfMany {
	readonly count: number;
	/** False if counting took too long and ended early: then there may be more. */
	readonly complete: boolean;
	/** The `createDate` that the count has come to, from the newest ones on; null if it is complete. */
	readonly scannedTo: number | null;
}

/** Changes of deliveries by hand, and their number. Every call throws `project_not_found`. */
export interface Deliveries {
	/**
	 * Makes an attempt now for a delivery that is Failed, Cancelled or Pending. If the attempt fails, the automatic
	 * schedule continues as before. Throws `delivery_not_found`, `delivery_not_changeable`, `webhook_not_active`,
	 * `payload_erased`, or `too_many_retries` after 100 retries by hand.
	 */
	retry(change: Change, deliveryId: string): Promise<LoggedDelivery>;
	/**
	 * Cancels a delivery that is Pending or Held. An attempt in flight can't be called back; when it resolves, no process begins another
	 * one. Throws `delivery_not_found`, `delivery_not_changeable`, or `outcome_unknown` if other processes were perhaps not reached.
	 */
	cancel(change: Change, deliveryId: string): Promise<LoggedDelivery>;
	/**
	 * Retries all deliveries that match the filter and can be retried, as they were when the first call began. `goesOnAt` is that of
	 * the call before; null or omitted for the first one.
	 */
	retryMany(change: Change, filter: DeliveryFilter, goesOnAt?: string | null): Promise<ManyChanged>;
	/** Cancels all deliveries that match the filter and can be cancelled. The same holds for `goesOnAt`. */
	cancelMany(change: Change, filter: DeliveryFilter, goesOnAt?: string | null): Promise<ManyChanged>;
	/** Counts the deliveries that match the filter, for two seconds at most. */
	count(scope: Scope, filter: DeliveryFilter): Promise<CountOfMany>;
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
	 * `idempotency_conflict`, `payload_too_large`, `overloaded`, `shutting_down`, `store_full`, `store_unavailable`, `outcome_unknown`.
	 *
	 * @example
	 * const { event } = await engine.intake.send(projectScope(projectId), {
	 * 	type: "order.paid",
	 * 	dataJson: '{"orderId":1}',
	 * 	timestamp: null,
	 * 	idempotencyKey: null,
	 * 	webhookIds: null,
	 * 	traceparent: null,
	 * 	customers: null,
	 * 	tags: [],
	 * });
	 */
	send(scope: Scope, input: EventInput): Promise<SentEvent>;
	/**
	 * Sends several events, in one commit if they fit into one. Each succeeds or fails by itself: the results are in
	 * the order of `inputs`, and the refusal of one event is its result. Throws `project_not_found`, and errors that
	 * concern the whole batch (`overloaded`, `shutting_down`, `store_full`, `store_unavailable`, `outcome_unknown`).
	 */
	sendBatch(scope: Scope, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]>;
}

/** The events that a replay sends to a webhook again. */
export interface ReplayRequest {
	/** Only these, at most `MAX_CHOSEN_EVENTS`, each named once, and `since` and `until` are ignored. Null, or if omitted: every event of the range. */
	readonly eventIds?: readonly string[] | null;
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
	/**
	 * The end of the range that was counted: that of the request, or when counting began; later if events with later dates were counted, as
	 * another process's clock was ahead. Null for chosen events.
	 */
	readonly until: number | null;
}

/** Every call throws `project_not_found`. */
export interface Replays {
	/**
	 * Starts a replay in the background. It continues after stops and crashes, waits while the webhook is paused or
	 * disabled, and is cancelled when the webhook is deleted. Throws `webhook_not_found`, `event_not_found`, `too_many_replays`, and
	 * `invalid_request` for an event that is not for the customer of the webhook.
	 */
	start(change: Change, webhookId: string, request: ReplayRequest): Promise<ReplayNow>;
	/**
	 * Starts a replay to each of these webhooks, each named once, or none of them. Throws what `start` throws, with the paths of the
	 * webhooks and events that are not in the scope.
	 */
	startAll(change: Change, webhookIds: readonly string[], request: ReplayRequest): Promise<readonly ReplayNow[]>;
	/** Counts what `startAll` would send. Throws `webhook_not_found`, `event_not_found`. */
	estimate(scope: Scope, webhookIds: readonly string[], request: ReplayRequest): Promise<ReplayEstimate>;
	/** Newest first; `webhookId` null means all webhooks. */
	list(scope: Scope, webhookId: string | null, page: PageRequest): Promise<Page<ReplayNow>>;
	/** Throws `replay_not_found`. */
	get(scope: Scope, replayId: string): Promise<ReplayNow>;
	/** Stops creating deliveries; those already created are still sent. Throws `replay_not_found`, `replay_ended`. */
	cancel(change: Change, replayId: string): Promise<ReplayNow>;
}

/** Customers. Every call but `list` is made in the scope of one customer, and throws `project_not_found`, `customer_not_found`. */
export interface Customers {
	/** Sorted by id. `text` selects those whose id or name contains it. */
	list(scope: Scope, text: string | null, page: PageRequest): Promise<Page<CustomerSummary & { readonly id: string }>>;
	get(scope: Scope): Promise<CustomerSummary>;
	/** Keeps a name or metadata for a customer, who need not be known yet. Throws `customer_being_deleted`. */
	update(change: Change, changes: CustomerChanges): Promise<CustomerSummary>;
	/**
	 * Begins the deletion of a customer, which goes on in the background and after a restart: of its sessions, webhooks and payloads,
	 * of the responses of its receivers, and of what is kept of it. `get` says how far it is, and throws `customer_not_found` when it
	 * is over. Until then, what would belong to the customer is refused with `customer_being_deleted`. May be called twice.
	 */
	delete(change: Change): Promise<CustomerSummary>;
	/** Pauses or resumes all webhooks of the customer, one after the other. Throws `customer_being_deleted`. */
	pause(change: Change): Promise<{ readonly matched: number; readonly changed: number }>;
	resume(change: Change): Promise<{ readonly matched: number; readonly changed: number }>;
}

/** An event that could be sent, and whose webhooks would get it. */
export interface PossibleEvent {
	readonly type: string;
	readonly customers: EventCustomers;
}

/** Why a webhook gets or got an event, or not. */
export interface RoutedWebhook {
	readonly webhook: Webhook;
	readonly reason: RoutingReason;
	/** Its newest delivery of the event; null if there is none. */
	readonly delivery: EventDelivery | null;
}

/** Which of a project's webhooks to explain. Null means all. */
export interface RoutingFilter {
	readonly webhookId: string | null;
	readonly customerId: string | null;
}

/** Events: who gets them, and changes of those that were accepted. */
export interface Events {
	/**
	 * Says for each webhook whether it would get an event that is sent now without `webhookIds`, and why, newest webhooks first; and how
	 * many webhooks of the scope would. In the scope of a customer, whether the type is internal does not count. Throws
	 * `project_not_found`, and in the scope of a customer `customer_not_found` for an event of another one and `insufficient_scope` for one
	 * of several.
	 */
	match(
		scope: Scope,
		event: PossibleEvent,
		page: PageRequest,
	): Promise<{ readonly page: Page<RoutedWebhook>; readonly matchedCount: number }>;
	/**
	 * Says for each webhook that exists now whether it got an event, and why, newest webhooks first. Throws `project_not_found`,
	 * `event_not_found`, and for the filter `webhook_not_found` and `customer_not_found`.
	 */
	routing(scope: Scope, eventId: string, filter: RoutingFilter, page: PageRequest): Promise<Page<RoutedWebhook>>;
	/**
	 * Erases an event's payload and the responses of receivers to it for good, and cancels its waiting deliveries. An
	 * attempt in flight can't be called back. Throws `project_not_found`, `event_not_found`.
	 */
	erasePayload(change: Change, eventId: string): Promise<{ readonly cancelledCount: number }>;
}

/** Whether the process can do the work of its role, with the result of each check. */
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
 * - stopped: the engine starts nothing any more. Its parts (store, sender, schema validator) belong to the program that
 *   opened them, which closes them now. Calls that only read work until then. There is no way back.
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
	readonly sessions: Sessions;
	readonly intake: Intake;
	readonly eventTypes: EventTypes;
	readonly live: Live;
	readonly replays: Replays;
	readonly deliveries: Deliveries;
	readonly events: Events;
	readonly customers: Customers;
	readonly relays: Relays;
	readonly portalSessions: PortalSessions;
	readonly stats: Stats;
	/** Checks the store, the dispatcher and the membership. Never rejects: a failure is the result of its check. */
	readiness(): Promise<Readiness>;
	/** What the server is doing, and what its operator should know. Never rejects because of the store: it then knows less. */
	status(): Promise<WorkspaceStatus>;
	/** Puts other limits, retention and quotas in force. What exceeds them stays; only what is added is refused. */
	change(change: EngineChange): void;
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
