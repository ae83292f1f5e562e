// Webhooks as responses show them: without their secrets, and with header names but no header values.
import type { z } from "@hono/zod-openapi";

import type { RetryPolicy } from "../../../core/policies/retry-policy.ts";
import { HIDDEN_VALUE, type Webhook } from "../../../core/webhook.ts";
import type { webhookSchema } from "./schemas.ts";

export function presentWebhook(webhook: Webhook): z.infer<typeof webhookSchema> {
	return {
		id: webhook.id,
		object: "webhook",
		projectId: webhook.projectId,
		name: webhook.name,
		endpoint: webhook.endpoint,
		retries: presentRetries(webhook.retries),
		createDate: webhook.createDate,
		updateDate: webhook.updateDate,
		revision: webhook.revision,
		description: webhook.description,
		eventTypes: webhook.eventTypes === null ? null : [...webhook.eventTypes],
		headers: Object.fromEntries(webhook.headerNames.map((name) => [name, HIDDEN_VALUE])),
		timeoutMs: webhook.timeoutMs,
		rateLimit: webhook.rateLimit,
		disableAfterMs: webhook.disableAfterMs,
		metadata: webhook.metadata,
		status: webhook.status,
		disabledReason: webhook.disabledReason,
		secretHint: webhook.secretHint,
		secretOverlapUntil: webhook.secretOverlapUntil,
	};
}

/** The two fields that Nexus has, and the schedule only if set. */
function presentRetries({ maxRetries, maxBackoffMs, scheduleMs }: RetryPolicy) {
	return { maxRetries, maxBackoffMs, ...(scheduleMs && { scheduleMs: [...scheduleMs] }) };
}
