// The own events, `fanfare.*`, as their receivers get them: the `data` of each, with an example. A test compares them with what the
// engine sends.
import { z } from "@hono/zod-openapi";

import type { OwnEventType } from "../../../core/event-type.ts";

/** An own event in the document. */
export interface OwnEventDoc {
	readonly summary: string;
	readonly data: z.ZodObject;
	readonly example: Readonly<Record<string, unknown>>;
}

const WEBHOOK = "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7";
const FAILING_SINCE = 1_723_733_000_000;

const webhookId = z.string().openapi({ description: "The webhook." });
const name = z.string().openapi({ description: "The name of the webhook." });
const reason = (description: string) => z.string().nullable().openapi({ description });
const failingSince = z.int().nullable().openapi({
	description: "When the first attempt after the last success failed. Milliseconds since the epoch.",
});
const exhaustedCount = z
	.int()
	.openapi({ description: "Deliveries that have used up their retries since the last success." });
/** Every own event about something that belongs to a customer has it. */
const customerId = z
	.string()
	.optional()
	.openapi({ description: "The customer whom the webhook belongs to. Present only if set." });

const changedData = z.object({
	webhookId,
	name,
	actor: z
		.object({
			kind: z.enum(["key", "customer"]).openapi({ description: "The owner of an API key, or a customer by a token." }),
		})
		.openapi({ description: "Who made the change." }),
	customerId,
});
const changedExample = { webhookId: WEBHOOK, name: "aws-lambda", actor: { kind: "customer" }, customerId: "acme" };
const changed = (what: string) =>
	({
		summary: `Somebody has ${what} a webhook by the API`,
		data: changedData,
		example: changedExample,
	}) satisfies OwnEventDoc;

/** All own events, by their types. */
export const OWN_EVENTS = {
	"fanfare.delivery.exhausted": {
		summary: "A delivery has become Failed",
		data: z.object({
			deliveryId: z.string().openapi({ description: "The delivery." }),
			webhookId,
			eventId: z.string().openapi({ description: "The event that could not be delivered." }),
			eventType: z.string().openapi({ description: "Its type." }),
			attemptCount: z.int().openapi({ description: "The number of attempts." }),
			responseCode: z
				.int()
				.nullable()
				.openapi({ description: "The response code of the last attempt; 0 if no response came." }),
			reason: reason("Why it has failed, as a sentence."),
			customerId,
		}),
		example: {
			deliveryId: "dlv_01936a2e-5c3b-7c10-8000-3b2f5d1e9a78",
			webhookId: WEBHOOK,
			eventId: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			eventType: "user.created",
			attemptCount: 18,
			responseCode: 500,
			reason: "exhausted after 18 attempts: the receiver responded with 500",
		},
	},
	"fanfare.webhook.failing": {
		summary: "Five attempts or more have failed in a row, and none has succeeded for 5 minutes",
		data: z.object({
			webhookId,
			name,
			failingSince,
			reason: reason("Why the last attempt failed that was counted, as a sentence."),
			customerId,
		}),
		example: {
			webhookId: WEBHOOK,
			name: "aws-lambda",
			failingSince: FAILING_SINCE,
			reason: "the receiver responded with 500",
		},
	},
	"fanfare.webhook.disabling": {
		summary: "A warning: the webhook goes on failing, and will be disabled",
		data: z.object({
			webhookId,
			name,
			failingSince,
			exhaustedCount,
			disableDate: z
				.int()
				.openapi({ description: "The earliest time at which it can be disabled. Milliseconds since the epoch." }),
			customerId,
		}),
		example: {
			webhookId: WEBHOOK,
			name: "aws-lambda",
			failingSince: FAILING_SINCE,
			exhaustedCount: 3,
			disableDate: 1_724_165_000_000,
		},
	},
	"fanfare.webhook.recovered": {
		summary: "The first success after fanfare.webhook.failing",
		data: z.object({ webhookId, name, failingSince, exhaustedCount, customerId }),
		example: { webhookId: WEBHOOK, name: "aws-lambda", failingSince: FAILING_SINCE, exhaustedCount: 3 },
	},
	"fanfare.webhook.disabled": {
		summary: "Fanfare has disabled a webhook, because it failed for long or its receiver responded with 410",
		data: z.object({ webhookId, name, reason: reason("Why it was disabled, as a sentence."), customerId }),
		example: { webhookId: WEBHOOK, name: "aws-lambda", reason: "the receiver responded with 410 (Gone)" },
	},
	"fanfare.webhook.created": changed("created"),
	"fanfare.webhook.updated": changed("changed"),
	"fanfare.webhook.deleted": {
		summary: "Somebody has deleted a webhook by the API, alone or with its customer",
		data: changedData.extend({
			name: z.string().optional().openapi({
				description: "The name of the webhook. Omitted if the webhook was deleted together with its customer.",
			}),
		}),
		example: changedExample,
	},
	"fanfare.webhook.paused": changed("paused"),
	"fanfare.webhook.resumed": changed("resumed"),
	"fanfare.customer.deleted": {
		summary: "Nothing is left of a customer that somebody has deleted by the API",
		data: z.object({
			customerId: z.string().openapi({ description: "The customer that was deleted." }),
			webhookCount: z.int().openapi({ description: "The number of webhooks that were deleted and emptied." }),
			deliveryCount: z
				.int()
				.openapi({ description: "The number of deliveries to them, which keep no response any more." }),
			eventCount: z.int().openapi({ description: "The number of payloads that were erased." }),
		}),
		example: { customerId: "acme", webhookCount: 3, deliveryCount: 1_200, eventCount: 400 },
	},
	"fanfare.replay.finished": {
		summary: "A replay has created all its deliveries, which may still be waiting",
		data: z.object({
			replayId: z.string().openapi({ description: "The replay." }),
			webhookId,
			scannedCount: z.int().openapi({ description: "The number of events that it has looked at." }),
			deliveryCount: z.int().openapi({ description: "The number of deliveries that it has created." }),
			customerId,
		}),
		example: {
			replayId: "replay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			webhookId: WEBHOOK,
			scannedCount: 120_500,
			deliveryCount: 4_711,
		},
	},
} as const satisfies Readonly<Record<OwnEventType, OwnEventDoc>>;
