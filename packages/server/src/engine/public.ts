import type { Delivery } from "../core/delivery.ts";
import type { FanfareError } from "../core/errors.ts";
// The engine's public calls: all that the api, or a program that embeds Fanfare, may ask of it.
import type { Event, EventInput } from "../core/event.ts";
import type { ApiKey, Scope } from "../core/key.ts";
import type { Page, PageRequest } from "../core/page.ts";
import type { RetryPolicy } from "../core/retry-policy.ts";
import type { RateLimit, Webhook } from "../core/webhook.ts";
import type { Project, Workspace } from "../core/workspace.ts";
import type { EngineGauges } from "../ports/observer.ts";
import type { DeliveryFilter } from "../ports/store.ts";

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
	test(projectId: string, webhookId: string): Promise<WebhookTest>;
	/** New and waiting deliveries are held until `resume`. */
	pause(projectId: string, webhookId: string): Promise<Webhook>;
	/** Enables a paused or disabled webhook; what was held goes out, oldest first. */
	resume(projectId: string, webhookId: string): Promise<Webhook>;
	/** Cancels what waits. */
	delete(projectId: string, webhookId: string): Promise<void>;
}

export interface Projects {
	/** Oldest first. */
	list(): readonly Project[];
	/** Throws `project_not_found`. */
	get(projectId: string): Project;
	create(name: string): Promise<Project>;
	rename(projectId: string, name: string): Promise<Project>;
	/** Deletes the project with its webhooks and keys; what waits is cancelled. */
	delete(projectId: string): Promise<void>;
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
	 * Throws `delivery_not_found`, `delivery_not_changeable` or `webhook_not_active`.
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
	readonly deliveries: Deliveries;
	readiness(): Promise<Readiness>;
	gauges(): EngineGauges;
	/** Recovers what a former run left and begins to deliver. May be called twice. */
	start(): Promise<void>;
	/** Refuses new sends, lets attempts in flight finish (`graceMs` at most), writes all results. May be called twice. */
	stop(graceMs?: number): Promise<void>;
}
