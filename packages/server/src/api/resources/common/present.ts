// The domain's objects as answers show them. Nothing write-only is anywhere near: the types here have none of it.
import type { z } from "@hono/zod-openapi";

import type { ApiKey } from "../../../core/crypto/key.ts";
import type { Attempt, Delivery } from "../../../core/delivery.ts";
import type { Event } from "../../../core/event.ts";
import type { RetryPolicy } from "../../../core/policies/retry-policy.ts";
import { HIDDEN_VALUE, type Webhook } from "../../../core/webhook.ts";
import type { Project, Workspace } from "../../../core/workspace.ts";
import type { attemptSchema, deliverySchema } from "../deliveries/schemas.ts";
import type { eventSchema } from "../events/schemas.ts";
import type { webhookSchema } from "../webhooks/schemas.ts";
import type { keySchema, projectSchema, workspaceSchema } from "../workspace/schemas.ts";

export function presentWorkspace(workspace: Workspace): z.infer<typeof workspaceSchema> {
	const { id, name, owner, tier, createDate } = workspace;
	return { id, object: "workspace", name, owner, tier, createDate };
}

/** With the fields that the Nexus SDK decodes strictly and Fanfare has no use for. */
export function presentProject(project: Project): z.infer<typeof projectSchema> {
	const { id, name, workspaceId, createDate, eventTypes, retentionDays, payloadRetentionDays } = project;
	return {
		id,
		object: "project",
		name,
		workspaceId,
		type: "webhooks",
		createDate,
		localization: "local",
		tags: [],
		groups: [],
		statistic: { tagsCount: [], totalAssets: 0, annotatedAssets: 0, totalAnnotations: 0 },
		// Only where they were set: clients that know no more than Nexus's fields get no more.
		...(eventTypes !== "open" && { eventTypes }),
		...(retentionDays !== null && { retentionDays }),
		...(payloadRetentionDays !== null && { payloadRetentionDays }),
	};
}

export function presentKey(key: ApiKey): z.infer<typeof keySchema> {
	const { id, name, scope, projectId, hint, createDate } = key;
	return { id, object: "key", name, scope, projectId, hint, createDate };
}

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

/** Two fields, as Nexus has them; the third only where it was set. */
function presentRetries({ maxRetries, maxBackoffMs, scheduleMs }: RetryPolicy) {
	return { maxRetries, maxBackoffMs, ...(scheduleMs && { scheduleMs: [...scheduleMs] }) };
}

export function presentEvent(event: Event, duplicate: boolean): z.infer<typeof eventSchema> {
	const { id, projectId, type, timestamp, createDate, deliveryCount } = event;
	return { id, object: "event", projectId, type, timestamp, createDate, duplicate, deliveryCount };
}

export function presentDelivery(delivery: Delivery): z.infer<typeof deliverySchema> {
	return {
		id: delivery.id,
		object: "delivery",
		projectId: delivery.projectId,
		eventId: delivery.eventId,
		eventType: delivery.eventType,
		webhookId: delivery.webhookId,
		status: delivery.status,
		reason: delivery.reason,
		attemptCount: delivery.attemptCount,
		nextAttemptDate: delivery.nextAttemptAt,
		responseCode: delivery.responseCode,
		createDate: delivery.createDate,
		updateDate: delivery.updateDate,
	};
}

export function presentAttempt(attempt: Attempt): z.infer<typeof attemptSchema> {
	return {
		id: attempt.id,
		object: "attempt",
		number: attempt.number,
		trigger: attempt.trigger,
		startDate: attempt.startDate,
		durationMs: attempt.durationMs,
		responseCode: attempt.responseCode,
		error: attempt.error,
		reason: attempt.reason,
		request: { headers: attempt.requestHeaders },
		response: attempt.response,
	};
}
