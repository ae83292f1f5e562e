// project.batch.webhooks: the endpoints that are registered in a project.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import { wireReplay, type Replay, type ReplayEstimate, type ReplayWebhook } from "./replays.ts";
import { getStats, type Stats, type StatsParams } from "./stats.ts";

/** How often and how far apart a delivery is attempted again. */
export interface RetryPolicy {
	/** Attempts after the first, 0–20. */
	readonly maxRetries: number;
	/** The longest wait between two attempts, in ms, 0–86,400,000. */
	readonly maxRetryDelay: number;
	/** The waits themselves in ms, 1–20 of them, in place of the exponential ones. */
	readonly scheduleMs?: readonly number[] | null | undefined;
}

/** A registered endpoint. Its secret is never part of it. */
export interface Webhook {
	/** `webhook_` and a UUID. */
	readonly id: string;
	readonly object: "webhook";
	readonly projectId: string;
	readonly name: string;
	readonly endpoint: string;
	readonly retries: RetryPolicy;
	readonly createDate: number;
	readonly updateDate: number;
	readonly description: string | null;
	/** Exact names or `prefix.*`; null = all. */
	readonly eventTypes: readonly string[] | null;
	/** The names of the headers that go with each attempt; the values never come back. */
	readonly headers: Readonly<Record<string, "***">>;
	/** How long an attempt may take. */
	readonly timeoutMs: number;
	readonly rateLimit: RateLimit | null;
	/** Failing for so long without a success disables it; 0 = never. */
	readonly disableAfterMs: number;
	readonly metadata: Readonly<Record<string, string>>;
	readonly status: "Enabled" | "Paused" | "Disabled";
	readonly disabledReason: string | null;
	/** The secret's last four characters. */
	readonly secretHint: string;
	/** Until when an older secret signs too; null if none does. */
	readonly secretOverlapUntil: number | null;
}

/** Attempts a second at most, with a burst of as many. */
export interface RateLimit {
	readonly perSecond: number;
}

/** Standard base64 of 24–64 bytes, with or without `whsec_`; as a string or as Nexus has it. */
export type WebhookSecret = string | { readonly contents: string };

/** What can be set on a webhook. */
export interface WebhookSpec {
	/** Absolute `https` URL with a public address. */
	readonly endpoint: string;
	/** Left out: one is made, and nobody ever sees it. Only `updateSecret` changes it later. */
	readonly secret?: WebhookSecret | undefined;
	/**
	 * Defaults to 17 retries, at most 8 hours apart: about a day in all. On `create`, a field that is omitted gets its default; on
	 * `update`, it stays.
	 */
	readonly retries?: Partial<RetryPolicy> | undefined;
	readonly description?: string | null | undefined;
	/** Exact names or `prefix.*`; null or left out = all. */
	readonly eventTypes?: readonly string[] | null | undefined;
	/** Sent with each attempt. Write-only: the values never come back. */
	readonly headers?: Readonly<Record<string, string>> | null | undefined;
	/** How long an attempt may take, 1,000–30,000, default 15,000. */
	readonly timeoutMs?: number | undefined;
	/** Null = no limit. */
	readonly rateLimit?: RateLimit | null | undefined;
	/** Failing for so long without a success disables it; 0 = never. Default: 5 days. */
	readonly disableAfterMs?: number | undefined;
	readonly metadata?: Readonly<Record<string, string>> | null | undefined;
}

export interface CreateWebhook {
	/** 1–128 characters. */
	readonly name: string;
	readonly spec: WebhookSpec;
}

/** What is left out stays as it is. */
export interface UpdateWebhook {
	readonly name?: string | undefined;
	readonly spec?: Partial<Omit<WebhookSpec, "secret">> | undefined;
}

/** How a test went. That the endpoint failed is a result, not an error. */
export interface WebhookTest {
	readonly status: "Ok" | "Failed";
	/** 0 if no answer came. */
	readonly responseCode: number;
	readonly latencyMs: number;
	readonly attemptCount: number;
	/** The start of the endpoint's answer. */
	readonly body: string | null;
	/** Why it failed, in words. */
	readonly reason: string | null;
}

export interface UpdateSecretOptions extends RequestOptions {
	readonly overlapMs?: number | undefined;
}

export interface TestWebhookOptions extends RequestOptions {
	/** A type in the project's catalogue: its example is what is sent. */
	readonly eventType?: string | undefined;
}

export interface Deleted {
	readonly id: string;
	readonly deleted: true;
}

interface WireWebhook extends Omit<Webhook, "retries"> {
	readonly retries: { readonly maxRetries: number; readonly maxBackoffMs: number };
}

// A test takes up to 30 s on the server; the client must not give up first.
const TEST_TIMEOUT_MS = 45_000;

export class Webhooks {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Registers an endpoint.
	 *
	 * A second call makes a second webhook, so this is repeated only where the server has refused to begin (a 429, or a 503 with
	 * `Retry-After`). After a `ConnectionError` look into the list before trying again.
	 *
	 * @example
	 * const secret = utils.generateWebhookSecret();
	 * const webhook = await project.batch.webhooks.create({
	 * 	name: "aws-lambda",
	 * 	spec: { endpoint: "https://example.com/hook", secret, eventTypes: ["batch.*"] },
	 * });
	 */
	async create(webhook: CreateWebhook, options?: RequestOptions): Promise<Webhook> {
		const json = JSON.stringify({ ...webhook, spec: wireSpec(webhook.spec) });
		return this.#call({ method: "POST", path: this.#path(), json, isConfidential: true }, options);
	}

	/** The project's webhooks, newest first. */
	list(params: ListParams = {}, options?: RequestOptions): PagePromise<Webhook> {
		const { page, ...query } = params;
		const request = { path: this.#path(), query: { ...query } };
		return listOf(this.#transport, request, page, options, (entry) => readWebhook(entry as WireWebhook));
	}

	async get(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "GET", path: this.#path() + path`/${webhookId}` }, options);
	}

	/** Changes what is named and leaves the rest. The secret has its own call, `updateSecret`. */
	async update(webhookId: string, changes: UpdateWebhook, options?: RequestOptions): Promise<Webhook> {
		const json = JSON.stringify({ ...changes, spec: wireSpec(changes.spec ?? {}) });
		return this.#call(
			{ method: "PATCH", path: this.#path() + path`/${webhookId}`, json, isConfidential: true },
			options,
		);
	}

	/**
	 * Sets a new secret. For `overlapMs` (0–7 days, default 24 h) the old one signs beside it, so that receivers can change over.
	 *
	 * @example
	 * await project.batch.webhooks.updateSecret(webhook.id, utils.generateWebhookSecret(), { overlapMs: 3_600_000 });
	 */
	async updateSecret(webhookId: string, secret: WebhookSecret, options: UpdateSecretOptions = {}): Promise<Webhook> {
		const { overlapMs } = options;
		const json = JSON.stringify({ ...(wireSecret(secret) as object | undefined), overlapMs });
		const request = {
			method: "PUT",
			path: this.#path() + path`/${webhookId}/secret`,
			json,
			isConfidential: true,
		} as const;
		return this.#call(request, options);
	}

	/**
	 * Sends a signed sample to the endpoint now, of your own `eventType` if you name one, and tells how that went. Makes up to
	 * min(`maxRetries`, 3) + 1 attempts, at most 1 s apart, and takes 30 s at most.
	 *
	 * @example
	 * const { status, reason } = await project.batch.webhooks.test(webhook.id);
	 * if (status === "Failed") console.error(reason);
	 */
	async test(webhookId: string, options: TestWebhookOptions = {}): Promise<WebhookTest> {
		const { eventType } = options;
		const json = eventType === undefined ? {} : { json: JSON.stringify({ eventType }) };
		const timeoutMs = options.timeoutMs ?? Math.max(this.#transport.timeoutMs, TEST_TIMEOUT_MS);
		const request = {
			method: "POST",
			path: this.#path() + path`/${webhookId}:test`,
			...json,
			answer: "webhookTest",
		} as const;
		return this.#transport.request<WebhookTest>(request, { ...options, timeoutMs });
	}

	/** Holds its deliveries, those that wait and those to come, until `resume`. */
	async pause(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "POST", path: this.#path() + path`/${webhookId}:pause` }, options);
	}

	/** Enables it again after a pause, or after it was disabled. What was held goes out, oldest first. */
	async resume(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "POST", path: this.#path() + path`/${webhookId}:resume` }, options);
	}

	/**
	 * Sends old events to it again, in the background and each once. With `dryRun` it only counts them. Two calls are two replays, so this
	 * is repeated only where the server has refused to begin.
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
			json: wireReplay(replay),
			repeat: replay.dryRun === true ? "any" : "refused",
			answer: replay.dryRun === true ? "replayEstimate" : "replay",
		} as const;
		return this.#transport.request<Replay | ReplayEstimate>(request, options);
	}

	/** What happened to it in each minute, hour or day, without gaps, and how many of its deliveries are in each status now. */
	async stats(webhookId: string, params: StatsParams = {}, options?: RequestOptions): Promise<Stats> {
		return getStats(this.#transport, this.#path() + path`/${webhookId}`, params, options);
	}

	/** Deletes it and cancels its deliveries. A retry after a lost answer can end in a `NotFoundError`: it is gone already. */
	async delete(webhookId: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: this.#path() + path`/${webhookId}`, answer: "deleted" },
			options,
		);
	}

	async #call(request: Parameters<Transport["request"]>[0], options: RequestOptions | undefined): Promise<Webhook> {
		return readWebhook(await this.#transport.request<WireWebhook>({ ...request, answer: "webhook" }, options));
	}

	#path(): string {
		return path`/projects/${this.#projectId}/batch/webhooks`;
	}
}

/** The SDK's names to the wire's. What it doesn't know, or misses, goes along, for the server to refuse by name. */
function wireSpec(spec: Partial<WebhookSpec> | undefined): unknown {
	if (!isObject(spec)) return spec;
	const wire: Record<string, unknown> = { ...spec };
	if (spec.secret !== undefined) wire["secret"] = wireSecret(spec.secret);
	if (isObject(spec.retries)) {
		const { maxRetryDelay, ...retries } = spec.retries;
		wire["retries"] = { ...retries, maxBackoffMs: maxRetryDelay };
	}
	return wire;
}

function wireSecret(secret: WebhookSecret | undefined): unknown {
	if (typeof secret === "string") return { contents: secret };
	return isObject(secret) ? { contents: secret.contents } : secret;
}

function isObject<T>(value: T): value is T & object {
	return typeof value === "object" && value !== null;
}

function readWebhook(wire: WireWebhook): Webhook {
	const { maxBackoffMs, ...retries } = wire.retries;
	return { ...wire, retries: { ...retries, maxRetryDelay: maxBackoffMs } };
}
