// project.batch.webhooks: the webhooks of a project.
import { objectArgument } from "../../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../../page.ts";
import { exportedCsv, exportedRows } from "../../streaming/exported.ts";
import { path, type RequestOptions, type Transport } from "../../transport.ts";
import { utils } from "../../utils.ts";
import type * as wire from "../../wire/generated/types.ts";
import { toSdkNames, toWireNames } from "../../wire/names.ts";
import { wireReplay, type EstimateReplay, type Replay, type ReplayEstimate, type StartReplay } from "../replays.ts";
import { getSeries, getStats, type Stats, type StatsParams, type WebhookStats } from "../stats.ts";
import { conformWebhook, type Conformance, type ConformOptions } from "./conformance.ts";
import { releaseMany, type WebhooksReleased } from "./releases.ts";
import {
	RETRY_POLICY_NAMES,
	type Webhook,
	type CreatedWebhook,
	type WebhookSecret,
	type WebhookFilter,
	type WebhookSpec,
	type CreateWebhook,
	type UpdateWebhook,
	type WebhookTest,
	type UpdateSecretOptions,
	type TestWebhookOptions,
	type Deleted,
} from "./webhook.ts";

const CREATE_FORM = '{ name: "orders", spec: { endpoint: "https://example.com/hooks" } }';
const USE_UPDATE_SECRET =
	"update can't change the secret, since receivers need time to switch: use updateSecret(webhookId, secret).";
const BODY_NAMES = { "spec.retries": RETRY_POLICY_NAMES };

// A test takes up to 30 s on the server; the client must not give up first.
const TEST_TIMEOUT_MS = 45_000;

/** The webhooks of a project. Use it as `project.batch.webhooks`. */
export class Webhooks {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Creates a webhook, and returns it with its secret. The secret is generated here if you pass none.
	 *
	 * Retried only if the server has not started to process the call (after a 408 or a 429, or a 503 with `Retry-After`), because a
	 * second call creates a second webhook. After a `ConnectionError`, check the list before you try again.
	 *
	 * @example
	 * const webhook = await project.batch.webhooks.create({
	 * 	name: "aws-lambda",
	 * 	spec: { endpoint: "https://example.com/hook", eventTypes: ["batch.*"] },
	 * });
	 * await keepForTheReceiver(webhook.secret); // whsec_…
	 *
	 * @example
	 * // Make sure that there is one webhook with this key, whoever else does so at the same time.
	 * try {
	 * 	await project.batch.webhooks.create({ key: "orders", name, spec });
	 * } catch (error) {
	 * 	if (!(error instanceof ConflictError && error.code === "webhook_key_exists")) throw error;
	 * 	const [known] = (await project.batch.webhooks.list({ key: "orders" })).data;
	 * 	if (known !== undefined) await project.batch.webhooks.update(known.id, { name, spec: { endpoint } });
	 * }
	 */
	async create(webhook: CreateWebhook, options?: RequestOptions): Promise<CreatedWebhook> {
		const { spec } = objectArgument("webhook", webhook, CREATE_FORM);
		const body: wire.CreateWebhook = { ...webhook, spec: wireSpec(withSecret(spec)) };
		const request = {
			method: "POST",
			path: this.#path(),
			json: JSON.stringify(body),
			isConfidential: true,
			names: BODY_NAMES,
		} as const;
		const created = await this.#call(request, options);
		const value = body.spec.secret?.contents;
		return Object.defineProperty(created, "secret", { value, enumerable: false }) as CreatedWebhook;
	}

	/**
	 * Lists the project's webhooks, newest first; with filters, those that match all of them. Where few match, a page can have fewer
	 * rows than `limit`, even none, although there are more: follow the pages.
	 *
	 * @example
	 * for await (const { name, lastAttempt } of project.batch.webhooks.list({ health: ["Failing", "Disabling"] })) {
	 * 	console.log(name, lastAttempt?.responseCode);
	 * }
	 */
	list(params: WebhookFilter = {}, options?: RequestOptions): PagePromise<Webhook> {
		const { page, ...filter } = params;
		const request = { path: this.#path(), query: queryOf(filter) };
		return listOf(this.#transport, request, page, options, (entry) => readWebhook(entry as wire.Webhook));
	}

	/**
	 * Exports all webhooks that match, newest first, however many there are: they are read from one streaming response, as fast as you
	 * take them. The request is made when the iteration starts, and leaving the loop ends it. Rejects with a `ConnectionError` if the
	 * response is cut off, so that no part is taken for the whole. A project can have 2 exports at once.
	 *
	 * @example
	 * for await (const webhook of project.batch.webhooks.export({ status: "Disabled" })) {
	 * 	console.log(webhook.customerId, webhook.endpoint, webhook.disabledReason);
	 * }
	 */
	export(filter: Omit<WebhookFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<Webhook> {
		const exported = { path: `${this.#path()}:export`, query: queryOf(filter), options };
		return exportedRows(this.#transport, exported, (sent) => readWebhook(sent as wire.Webhook));
	}

	/**
	 * The same as a CSV file for spreadsheets, in pieces of text. An apostrophe stands before a character that would begin a formula.
	 *
	 * @example
	 * // `pipeline` is that of node:stream/promises.
	 * await pipeline(project.batch.webhooks.exportCsv({ customerId: "acme" }), createWriteStream("webhooks.csv"));
	 */
	exportCsv(filter: Omit<WebhookFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<string> {
		return exportedCsv(this.#transport, { path: `${this.#path()}:export`, query: queryOf(filter), options });
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
		const { spec = {} } = objectArgument("changes", changes, '{ spec: { endpoint: "https://…" } }');
		if (isObject(spec) && spec.secret !== undefined) throw new TypeError(USE_UPDATE_SECRET);
		const body: wire.UpdateWebhook = { ...changes, spec: wireSpec(spec as Partial<WebhookSpec>) };
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
	 * receivers have time to switch. The webhook's own secret set again changes nothing, except that a shorter `overlapMs`
	 * ends an overlap earlier.
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
	 * sent, with `data` what you give. Makes up to min(`maxRetries`, 3) + 1 attempts, at most 1 s apart, and takes 30 s at most.
	 *
	 * @example
	 * const { status, reason } = await project.batch.webhooks.test(webhook.id);
	 * if (status === "Failed") console.error(reason);
	 *
	 * const data = { orderId: 42 };
	 * const { exchange } = await project.batch.webhooks.test(webhook.id, { eventType: "order.paid", data, exchange: true });
	 * console.log(exchange?.request.headers["webhook-signature"], exchange?.response?.body);
	 */
	async test(webhookId: string, options: TestWebhookOptions = {}): Promise<WebhookTest> {
		const { eventType, data, exchange } = options;
		const body: wire.TestWebhook = { eventType, data };
		const json = eventType === undefined && data === undefined ? {} : { json: JSON.stringify(body) };
		const timeoutMs = options.timeoutMs ?? Math.max(this.#transport.timeoutMs, TEST_TIMEOUT_MS);
		const request = {
			method: "POST",
			path: this.#path() + path`/${webhookId}:test`,
			...(exchange === undefined ? {} : { query: { exchange: String(exchange) } }),
			...json,
			answer: "webhookTest",
		} as const;
		return this.#transport.request<WebhookTest>(request, { ...options, timeoutMs });
	}

	/**
	 * Checks whether the receiver does what receivers must do: sends about forty requests, valid and invalid ones, and says of each
	 * defect what to do. Takes up to a minute. The receiver handles the valid ones as real events, so check one that is for tests.
	 * Rejects with a `ServiceUnavailableError` while another webhook of the project is being checked.
	 *
	 * @example
	 * const { conforms, checks } = await project.batch.webhooks.conform(webhook.id);
	 * for (const { title, problem } of checks) if (problem !== null) console.error(`not as it should be: ${title}. ${problem}`);
	 */
	async conform(webhookId: string, options: ConformOptions = {}): Promise<Conformance> {
		return conformWebhook(this.#transport, this.#path() + path`/${webhookId}`, options);
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
	 * Resumes the webhook if its `pausedReason` is `restored`: a restore from a backup with `--hold` has paused it. Changes nothing
	 * otherwise. Needs an admin key.
	 */
	async release(webhookId: string, options?: RequestOptions): Promise<Webhook> {
		return this.#call({ method: "POST", path: this.#path() + path`/${webhookId}:release` }, options);
	}

	/**
	 * Resumes the webhooks of the project that a restore from a backup has paused, and no others; at most 500 per call. Needs an
	 * admin key. `client.releaseWebhooks` does it for all projects.
	 *
	 * @example
	 * while (!(await project.batch.webhooks.releaseAll()).complete);
	 */
	async releaseAll(options?: RequestOptions): Promise<WebhooksReleased> {
		return releaseMany(this.#transport, this.#path(), options);
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
	replay(webhookId: string, replay: EstimateReplay, options?: RequestOptions): Promise<ReplayEstimate>;
	/** Sends old events to the webhook again, in the background, each event once. With `dryRun`, it only counts them. */
	replay(webhookId: string, replay: StartReplay, options?: RequestOptions): Promise<Replay>;
	async replay(
		webhookId: string,
		replay: StartReplay | EstimateReplay,
		options?: RequestOptions,
	): Promise<Replay | ReplayEstimate> {
		const request = {
			method: "POST",
			path: this.#path() + path`/${webhookId}:replay`,
			json: JSON.stringify(wireReplay(objectArgument("replay", replay, "{ since: Date.now() - 3_600_000 }"))),
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
	 * Returns the attempts of up to 100 webhooks per minute, hour or day in one call, in up to 200 buckets: for small charts in a list.
	 * Rejects with a `NotFoundError` if one of them does not exist; its `issues` say which.
	 *
	 * @example
	 * const { data: webhooks } = await project.batch.webhooks.list({ limit: 100 });
	 * const { data } = await project.batch.webhooks.statsOf(webhooks.map(({ id }) => id));
	 * for (const { webhookId, attempts } of data) console.log(webhookId, attempts.failed);
	 */
	async statsOf(
		webhookIds: readonly string[],
		params: StatsParams = {},
		options?: RequestOptions,
	): Promise<WebhookStats> {
		return getSeries(this.#transport, this.#path(), webhookIds, params, options);
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

/** A filter as query parameters. */
function queryOf({ status, health, metadata = {}, ...rest }: Omit<WebhookFilter, "page">) {
	return { ...rest, status: listed(status), health: listed(health), ...metadataQuery(metadata) };
}

/** One value or several, as a query has them. */
function listed(values: string | readonly string[] | undefined): string | undefined {
	return Array.isArray(values) ? values.join(",") : (values as string | undefined);
}

function metadataQuery(metadata: Readonly<Record<string, string>>): Record<string, string> {
	return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`metadata.${name}`, value]));
}

function withSecret(spec: WebhookSpec): WebhookSpec {
	return isObject(spec) ? { ...spec, secret: spec.secret ?? utils.generateWebhookSecret() } : spec;
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
