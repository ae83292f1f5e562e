// Reads the settings of a webhook, in the form that the engine takes.
import type { z } from "@hono/zod-openapi";

import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "../../../core/policies/retry-policy.ts";
import { DEFAULT_DISABLE_AFTER_MS, DEFAULT_TIMEOUT_MS } from "../../../core/webhook.ts";
import type { NewWebhook, WebhookPatch } from "../../../engine/webhook-settings.ts";
import type { WebhookFilter } from "../../../ports/store/directory.ts";
import type { webhookExportQuerySchema } from "./list-query.ts";
import type { CreateWebhook, UpdateWebhook } from "./schemas.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A new webhook with all its settings. A field that is omitted or null gets its default. */
export function newWebhook({ name, customerId, key, spec }: CreateWebhook): NewWebhook {
	return {
		customerId: customerId ?? null,
		key: key ?? null,
		name,
		endpoint: spec.endpoint,
		retries: fullRetries(spec.retries),
		description: spec.description ?? null,
		eventTypes: spec.eventTypes ?? null,
		timeoutMs: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
		metadata: spec.metadata ?? {},
		rateLimit: spec.rateLimit ?? null,
		disableAfterMs: spec.disableAfterMs ?? DEFAULT_DISABLE_AFTER_MS,
		headers: lowerCased(spec.headers),
	};
}

/** The changes of a PATCH. A field that is omitted does not change; null sets the default. `secret` is ignored. */
export function webhookPatch({ name, key, spec = {}, revision }: UpdateWebhook): WebhookPatch {
	const patch: Writable<WebhookPatch> = {};
	if (revision !== undefined) patch.revision = revision;
	if (name !== undefined) patch.name = name;
	if (key !== undefined) patch.key = key;
	if (spec.endpoint !== undefined) patch.endpoint = spec.endpoint;
	if (spec.retries === null) patch.retries = { ...DEFAULT_RETRY_POLICY, scheduleMs: null };
	else if (spec.retries !== undefined) patch.retries = someRetries(spec.retries);
	if (spec.description !== undefined) patch.description = spec.description;
	if (spec.eventTypes !== undefined) patch.eventTypes = spec.eventTypes;
	if (spec.timeoutMs !== undefined) patch.timeoutMs = spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
	if (spec.metadata !== undefined) patch.metadata = spec.metadata ?? {};
	if (spec.rateLimit !== undefined) patch.rateLimit = spec.rateLimit;
	if (spec.disableAfterMs !== undefined) patch.disableAfterMs = spec.disableAfterMs ?? DEFAULT_DISABLE_AFTER_MS;
	if (spec.headers !== undefined) patch.headers = lowerCased(spec.headers);
	return patch;
}

/** The filter of a list of webhooks, or of an export. */
export function webhookFilter(query: z.infer<typeof webhookExportQuerySchema>): WebhookFilter {
	const {
		q = null,
		status = null,
		health = null,
		customerId = null,
		key = null,
		eventType = null,
		metadata = {},
	} = query;
	return { text: q, statuses: status, health, customerId, key, eventType, metadata };
}

type RetriesInput = NonNullable<CreateWebhook["spec"]["retries"]>;

/** A complete retry policy: fields that are omitted or null get their defaults. */
function fullRetries(retries: RetriesInput | null | undefined): RetryPolicy {
	const { scheduleMs, ...exponential } = { ...DEFAULT_RETRY_POLICY, ...someRetries(retries ?? {}) };
	return scheduleMs ? { ...exponential, scheduleMs } : exponential;
}

/** A schedule determines the number of retries. A number of retries without a schedule removes the schedule. */
function someRetries({ maxRetries, maxBackoffMs, scheduleMs }: RetriesInput): Partial<RetryPolicy> {
	if (scheduleMs !== undefined && scheduleMs !== null) {
		return { ...someRetries({ maxBackoffMs }), scheduleMs, maxRetries: scheduleMs.length };
	}
	return {
		...((scheduleMs === null || maxRetries !== undefined) && { scheduleMs: null }),
		...(maxRetries !== undefined && { maxRetries: maxRetries ?? DEFAULT_RETRY_POLICY.maxRetries }),
		...(maxBackoffMs !== undefined && { maxBackoffMs: maxBackoffMs ?? DEFAULT_RETRY_POLICY.maxBackoffMs }),
	};
}

function lowerCased(headers: Readonly<Record<string, string>> | null | undefined): Record<string, string> {
	return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
