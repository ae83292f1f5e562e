// Webhooks as responses show them: without their secrets, and with header names but no header values.
import type { z } from "@hono/zod-openapi";

import type { Scope } from "../../../core/access/principal.ts";
import type { RetryPolicy } from "../../../core/policies/retry-policy.ts";
import { HEALTHY, shownHealth, type ShownHealth } from "../../../core/policies/webhook-health.ts";
import { HIDDEN_VALUE, type Webhook } from "../../../core/webhook.ts";
import type { Engine } from "../../../engine/calls.ts";
import type { LastAttempt, WebhookActivity } from "../../../ports/store/stats.ts";
import type { webhookSchema } from "./schemas.ts";

type Shown = z.infer<typeof webhookSchema>;

/** Presents webhooks with their health and their activity. */
export async function presentWebhooks(
	{ webhooks: calls }: Pick<Engine, "webhooks">,
	scope: Scope,
	webhooks: readonly Webhook[],
): Promise<Shown[]> {
	const ids = webhooks.map(({ id }) => id);
	const [health, activity] = await Promise.all([calls.health(webhooks), calls.activity(scope, ids)]);
	return webhooks.map((webhook, index) => presentWebhook(webhook, health[index], activity[index]));
}

/**
 * Makes a change of a webhook, and presents it. The activity is read first: if that is refused, since too many reads of the project
 * wait, nothing has changed.
 */
export async function presentChanged(
	{ webhooks: calls }: Pick<Engine, "webhooks">,
	scope: Scope,
	webhookId: string,
	change: () => Promise<Webhook>,
): Promise<Shown> {
	const [activity] = await calls.activity(scope, [webhookId]);
	const webhook = await change();
	const [health] = await calls.health([webhook]);
	return presentWebhook(webhook, health, activity);
}

const NO_ACTIVITY: WebhookActivity = { deliveries: { Pending: 0, Held: 0, Failed: 0 }, lastAttempt: null };

/** Presents a webhook that has no deliveries yet, unless its health and activity are given. */
export function presentWebhook(
	webhook: Webhook,
	health: ShownHealth = shownHealth(HEALTHY, webhook, 0),
	{ deliveries, lastAttempt }: WebhookActivity = NO_ACTIVITY,
): Shown {
	return {
		id: webhook.id,
		object: "webhook",
		projectId: webhook.projectId,
		...(webhook.customerId !== null && { customerId: webhook.customerId }),
		...(webhook.key !== null && { key: webhook.key }),
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
		pausedReason: webhook.pausedReason,
		secretHint: webhook.secretHint,
		secretOverlapUntil: webhook.secretOverlapUntil,
		health: { ...health },
		deliveries: { ...deliveries },
		lastAttempt: lastAttempt === null ? null : presentLastAttempt(lastAttempt),
	};
}

function presentLastAttempt({ deliveryId, startDate, responseCode, error, cause }: LastAttempt) {
	return { date: startDate, responseCode, error, cause, deliveryId };
}

/** The two fields that Nexus has, and the schedule only if set. */
function presentRetries({ maxRetries, maxBackoffMs, scheduleMs }: RetryPolicy) {
	return { maxRetries, maxBackoffMs, ...(scheduleMs && { scheduleMs: [...scheduleMs] }) };
}
