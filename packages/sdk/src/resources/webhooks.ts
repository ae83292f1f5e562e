// project.batch.webhooks: the webhooks of a project.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import { toSdkNames, toWireNames, type NamesOf } from "../wire/names.ts";
import { wireReplay, type Replay, type ReplayEstimate, type ReplayWebhook } from "./replays.ts";
import { getStats, type Stats, type StatsParams } from "./stats.ts";

/** How often a failed delivery is retried, and after which delays. */
export interface RetryPolicy {
	/** The most retries after the first attempt, 0–20. */
	readonly maxRetries: number;
	/** The longest delay between two attempts in milliseconds, 0–86,400,000. */
	readonly maxRetryDelay: number;
	/** The delays in milliseconds, 1–20 of them. Optional; replaces the exponential backoff. */
	readonly scheduleMs?: readonly number[] | null | undefined;
}

/** A registered endpoint. Its secret is never returned. */
export interface Webhook {
	/** `webhook_` and a UUID. */
	readonly id: string;
	readonly object: "webhook";
	readonly projectId: string;
	readonly name: string;
	/** The URL that events are sent to. */
	readonly endpoint: string;
	readonly retries: RetryPolicy;
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** In milliseconds since the epoch. */
	readonly updateDate: number;
	/** Rises with each change of the webhook. */
	readonly revision: number;
	readonly description: string | null;
	/** The event types that it gets, as exact names or `prefix.*`; null for all. */
	readonly eventTypes: readonly string[] | null;
	/** The names of the headers sent with each attempt. Their values are never returned. */
	readonly headers: Readonly<Record<string, "***">>;
	/** Time limit for one attempt, in milliseconds. */
	readonly timeoutMs: number;
	/** Null if there is no limit. */
	readonly rateLimit: RateLimit | null;
	/** The webhook is disabled after failing this long (in milliseconds) without a success; 0 for never. */
	readonly disableAfterMs: number;
	readonly metadata: Readonly<Record<string, string>>;
	/** Deliveries of a `Paused` or `Disabled` webhook are held. */
	readonly status: "Enabled" | "Paused" | "Disabled";
	/** Why it is disabled, as a sentence; null if it is not. */
	readonly disabledReason: string | null;
	/** The last four characters of the secret. */
	readonly secretHint: string;
	/** Until when an older secret also signs, in milliseconds since the epoch; null if none does. */
	readonly secretOverlapUntil: number | null;
}

/** Limits the attempts to a webhook. */
export interface RateLimit {
	/** The most attempts per second. A burst may have the same number. */
	readonly perSecond: number;
}

/** A secret: 24–64 bytes in standard base64, with or without `whsec_`. A string, or an object as in the Nexus SDK. */
export type WebhookSecret = string | { readonly contents: string };

/** The settings of a webhook. All but `endpoint` are optional. */
export interface WebhookSpec {
	/** An absolute `https` URL with a public address. */
	readonly endpoint: string;
	/** Generated if omitted. It is never returned, so pass your own. To change it later, use `updateSecret`. */
	readonly secret?: WebhookSecret | undefined;
	/**
	 * Defaults to 17 retries, at most 8 hours apart: about a day in all. On `create`, a field that is omitted gets its default; on
	 * `update`, it stays.
	 */
	readonly retries?: Partial<RetryPolicy> | undefined;
	readonly description?: string | null | undefined;
	/** The event types that it gets, as exact names or `prefix.*`. Defaults to all, as does null. */
	readonly eventTypes?: readonly string[] | null | undefined;
	/** Headers to send with each attempt. Write-only: their values are never returned. */
	readonly headers?: Readonly<Record<string, string>> | null | undefined;
	/** Time limit for one attempt in milliseconds, 1,000–30,000. Defaults to 15,000. */
	readonly timeoutMs?: number | undefined;
	/** Defaults to no limit, as does null. */
	readonly rateLimit?: RateLimit | null | undefined;
	/**
	 * The webhook is disabled after failing this long (in milliseconds) without a success; 0 for never. Defaults to 5
	 * days.
	 */
	readonly disableAfterMs?: number | undefined;
	/** Your own keys and values. Fanfare does not use them. */
	readonly metadata?: Readonly<Record<string, string>> | null | undefined;
}

/** A webhook to create. */
export interface CreateWebhook {
	/** 1–128 characters. */
	readonly name: string;
	readonly spec: WebhookSpec;
}

/** Changes to a webhook. Omitted fields stay unchanged. */
export interface UpdateWebhook {
	readonly name?: string | undefined;
	readonly spec?: Partial<Omit<WebhookSpec, "secret">> | undefined;
	/**
	 * The `revision` that your changes were made on. If somebody else has changed the webhook since, nothing is changed and the call
	 * rejects with a `ConflictError`. If omitted, the given fields are changed in any case.
	 */
	readonly revision?: number | undefined;
}

/** The result of a test. A failure of the endpoint is a result, not an error. */
export interface WebhookTest {
	readonly status: "Ok" | "Failed";
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	readonly latencyMs: number;
	readonly attemptCount: number;
	/** The beginning of the response body; null if there was no response. */
	readonly body: string | null;
	/** Why it failed, as a sentence; null if it did not. */
	readonly reason: string | null;
}

/** Options of `updateSecret`. All are optional. */
export interface UpdateSecretOptions extends RequestOptions {
	/** How long the old secret also signs, in milliseconds, 0–604,800,000 (7 days). Defaults to 24 hours. */
	readonly overlapMs?: number | undefined;
}

/** Options of `test`. All are optional. */
export interface TestWebhookOptions extends RequestOptions {
	/** One of the project's event types, whose example is sent. If omitted, a generic sample is sent. */
	readonly eventType?: string | undefined;
}

/** The result of deleting an object. */
export interface Deleted {
	readonly id: string;
	readonly deleted: true;
}

/** The only fields of a webhook that the SDK calls differently. */
export const RETRY_POLICY_NAMES = { maxBackoffMs: "maxRetryDelay" } as const satisfies NamesOf<
	wire.Webhook["retries"],
	RetryPolicy
>;
const BODY_NAMES = { "spec.retries": RETRY_POLICY_NAMES };

// A test takes up to 30 s on the server; the client must not give up first.
const TEST_TIMEOUT_MS = 45_000;

/** The webhooks of a project. Use it as `project.batch.webhooks`. */
export class Webhooks {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Creates a webhook.
	 *
	 * Retried only if the server has not started to process the call (after a 429, or a 503 with `Retry-After`), because a
	 * second call creates a second webhook. After a `ConnectionError`, check the list before you try again.
	 *
	 * @example
	 * const secret = utils.generateWebhookSecret();
	 * const webhook = await project.batch.webhooks.create({
	 * 	name: "aws-lambda",
	 * 	spec: { endpoint: "https://example.com/hook", secret, eventTypes: ["batch.*"] },
	 * });
	 */
	async create(webhook: CreateWebhook, options?: RequestOptions): Promise<Webhook> {
		const body: wire.CreateWebhook = { ...webhook, spec: wireSpec(webhook.spec) };
		const json = JSON.stringify(body);
		return this.#call({ method: "POST", path: this.#path(), json, isConfidential: true, names: BODY_NAMES }, options);
	}

	/** Lists the project's webhooks, newest first. */
	list(params: ListParams = {}, options?: RequestOptions): PagePromise<Webhook> {
		const { page, ...query } = params;
		const request = { path: this.#path(), query: { ...query } };
		return listOf(this.#transport, request, page, options, (entry) => readWebhook(entry as wire.Webhook));
	}

	/** Fetches one webhook. */
	async get(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "GET", path: this.#path() + path`/${webhookId}` }, options);
	}

	/**
	 * Changes the given fields; omitted fields stay unchanged. To change the secret, use `updateSecret`. With a `revision`, it may
	 * reject with a `ConflictError` although it succeeded: if the response was lost and the call was retried.
	 */
	async update(webhookId: string, changes: UpdateWebhook, options?: RequestOptions): Promise<Webhook> {
		const body: wire.UpdateWebhook = { ...changes, spec: wireSpec(changes.spec ?? {}) };
		const request = {
			method: "PATCH",
			path: this.#path() + path`/${webhookId}`,
			json: JSON.stringify(body),
			isConfidential: true,
			names: BODY_NAMES,
		} as const;
		return this.#call(request, options);
	}

	/**
	 * Sets a new secret. For `overlapMs` (defaults to 24 hours), requests are signed with the old secret too, so that
	 * receivers have time to switch.
	 *
	 * @example
	 * await project.batch.webhooks.updateSecret(webhook.id, utils.generateWebhookSecret(), { overlapMs: 3_600_000 });
	 */
	async updateSecret(webhookId: string, secret: WebhookSecret, options: UpdateSecretOptions = {}): Promise<Webhook> {
		const { overlapMs } = options;
		const body: wire.UpdateWebhookSecret = { ...wireSecret(secret), overlapMs };
		const request = {
			method: "PUT",
			path: this.#path() + path`/${webhookId}/secret`,
			json: JSON.stringify(body),
			isConfidential: true,
		} as const;
		return this.#call(request, options);
	}

	/**
	 * Sends a signed sample to the endpoint now and returns the result. With `eventType`, the example of your own event type is
	 * sent. Makes up to min(`maxRetries`, 3) + 1 attempts, at most 1 s apart, and takes 30 s at most.
	 *
	 * @example
	 * const { status, reason } = await project.batch.webhooks.test(webhook.id);
	 * if (status === "Failed") console.error(reason);
	 */
	async test(webhookId: string, options: TestWebhookOptions = {}): Promise<WebhookTest> {
		const { eventType } = options;
		const body: wire.TestWebhook = { eventType };
		const json = eventType === undefined ? {} : { json: JSON.stringify(body) };
		const timeoutMs = options.timeoutMs ?? Math.max(this.#transport.timeoutMs, TEST_TIMEOUT_MS);
		const request = {
			method: "POST",
			path: this.#path() + path`/${webhookId}:test`,
			...json,
			answer: "webhookTest",
		} as const;
		return this.#transport.request<WebhookTest>(request, { ...options, timeoutMs });
	}

	/** Pauses the webhook: its deliveries, waiting and future ones, are held until `resume`. */
	async pause(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "POST", path: this.#path() + path`/${webhookId}:pause` }, options);
	}

	/** Enables the webhook again after it was paused or disabled. Held deliveries are sent, oldest first. */
	async resume(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "POST", path: this.#path() + path`/${webhookId}:resume` }, options);
	}

	/**
	 * Sends old events to the webhook again, in the background, each event once. With `dryRun`, it only counts them.
	 *
	 * Retried only if the server has not started to process the call, because a second call starts a second replay. A dry
	 * run is retried after any temporary failure.
	 *
	 * @example
	 * const range = { since: Date.now() - 3_600_000, status: ["Failed", "Missed"] } as const;
	 * const { count } = await project.batch.webhooks.replay(webhook.id, { ...range, dryRun: true });
	 * const replay = await project.batch.webhooks.replay(webhook.id, range);
	 */
	replay(
		webhookId: string,
		replay: ReplayWebhook & { readonly dryRun: true },
		options?: RequestOptions,
	): Promise<ReplayEstimate>;
	replay(
		webhookId: string,
		replay: ReplayWebhook & { readonly dryRun?: false | undefined },
		options?: RequestOptions,
	): Promise<Replay>;
	async replay(
		webhookId: string,
		replay: ReplayWebhook & { readonly dryRun?: boolean | undefined },
		options?: RequestOptions,
	): Promise<Replay | ReplayEstimate> {
		const request = {
			method: "POST",
			path: this.#path() + path`/${webhookId}:replay`,
			json: JSON.stringify(wireReplay(replay)),
			repeat: replay.dryRun === true ? "any" : "refused",
			answer: replay.dryRun === true ? "replayEstimate" : "replay",
		} as const;
		return this.#transport.request<Replay | ReplayEstimate>(request, options);
	}

	/** Returns counts and latencies of its deliveries per minute, hour or day, and their current number by status. */
	async stats(webhookId: string, params: StatsParams = {}, options?: RequestOptions): Promise<Stats> {
		return getStats(this.#transport, this.#path() + path`/${webhookId}`, params, options);
	}

	/**
	 * Deletes the webhook and cancels its waiting deliveries. May reject with a `NotFoundError` although it succeeded: if
	 * the response was lost and the call was retried.
	 */
	async delete(webhookId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: this.#path() + path`/${webhookId}`, answer: "deleted" },
			options,
		);
	}

	async #call(request: Parameters<Transport["request"]>[0], options: RequestOptions | undefined): Promise<Webhook> {
		return readWebhook(await this.#transport.request<wire.Webhook>({ ...request, answer: "webhook" }, options));
	}

	#path(): string {
		return path`/projects/${this.#projectId}/batch/webhooks`;
	}
}

/**
 * Converts the settings of a webhook to the wire format. Unknown or invalid fields are passed on, so that the server
 * reports them.
 */
function wireSpec(spec: WebhookSpec): wire.CreateWebhook["spec"];
function wireSpec(spec: Partial<WebhookSpec>): Partial<wire.CreateWebhook["spec"]>;
function wireSpec(spec: Partial<WebhookSpec>): Partial<wire.CreateWebhook["spec"]> {
	if (!isObject(spec)) return spec;
	const { secret, retries } = spec;
	return {
		...spec,
		secret: secret === undefined ? undefined : wireSecret(secret),
		retries: isObject(retries) ? toWireNames(retries, RETRY_POLICY_NAMES) : retries,
	};
}

function wireSecret(secret: WebhookSecret): { readonly contents: string } {
	if (typeof secret === "string") return { contents: secret };
	return isObject(secret) ? { contents: secret.contents } : secret;
}

function isObject<T>(value: T): value is T & object {
	return typeof value === "object" && value !== null;
}

function readWebhook(webhook: wire.Webhook): Webhook {
	return { ...webhook, retries: toSdkNames(webhook.retries, RETRY_POLICY_NAMES) };
}
