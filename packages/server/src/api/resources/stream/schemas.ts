// The live stream on the wire.
import { z } from "@hono/zod-openapi";

import { ATTEMPT_TRIGGERS, DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { LIVE_KINDS } from "../../../core/live.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import { idText, timeOut } from "../common/schemas.ts";

const MAX_ENTRIES = 100;
const MAX_LENGTH = 4_000;

/** A comma-separated list in one query parameter. `expected` and `description` say what each entry must be. */
function listParameter<T extends string>(
	isEntry: (entry: string) => entry is T,
	expected: string,
	description: string,
): z.ZodType<readonly T[], string> {
	return z
		.string()
		.max(MAX_LENGTH)
		.transform((value, context) => {
			const entries = value.split(",");
			if (entries.length <= MAX_ENTRIES && entries.every(isEntry)) return entries;
			context.addIssue({
				code: "custom",
				message: `must be a list of ${expected}, separated by commas, at most ${MAX_ENTRIES}`,
			});
			return z.NEVER;
		})
		.openapi({ type: "string", description: `${description}. Separate several with commas. Defaults to all.` });
}

const isKind = (text: string) => (LIVE_KINDS as readonly string[]).includes(text);
const isTypeFilter = (text: string) => EVENT_TYPE_FILTER_PATTERN.test(text);

export const streamQuerySchema = z.strictObject({
	kinds: listParameter(
		(text): text is (typeof LIVE_KINDS)[number] => isKind(text),
		LIVE_KINDS.join(", "),
		"Only items of these kinds",
	).optional(),
	webhookId: idText("webhook")
		.optional()
		.openapi({ description: "Only items about this webhook. Items without a webhook never match." }),
	eventTypes: listParameter(
		(text): text is string => isTypeFilter(text),
		"names of event types, or prefixes such as order.*",
		"Only items about these event types, or with a prefix such as `order.*`. Items without an event type never match",
	).optional(),
});

const item = { object: z.literal("streamItem"), id: z.string(), projectId: z.string(), date: timeOut };
const ofDelivery = { webhookId: z.string(), eventId: z.string(), eventType: z.string(), deliveryId: z.string() };
const reason = z.string().nullable();

/** The `data` of each server-sent event. Its `event` is the `kind`. */
export const streamItemSchema = z
	.discriminatedUnion("kind", [
		z.object({
			...item,
			kind: z.literal("event.accepted"),
			eventId: z.string(),
			eventType: z.string(),
			deliveryCount: z.int(),
		}),
		z.object({
			...item,
			kind: z.literal("attempt.finished"),
			...ofDelivery,
			number: z.int(),
			trigger: z.enum(ATTEMPT_TRIGGERS),
			result: z.enum(["success", "failure"]),
			responseCode: z.int(),
			error: z.string().nullable(),
			durationMs: z.int(),
		}),
		z.object({
			...item,
			kind: z.literal("delivery.updated"),
			...ofDelivery,
			status: z.enum(DELIVERY_STATUSES),
			reason,
			attemptCount: z.int(),
			nextAttemptDate: timeOut.nullable(),
		}),
		z.object({
			...item,
			kind: z.literal("deliveries.updated"),
			webhookId: z.string(),
			status: z.enum(DELIVERY_STATUSES),
			reason,
			count: z.int(),
		}),
		z.object({
			...item,
			kind: z.literal("webhook.updated"),
			webhookId: z.string(),
			status: z.enum(["Enabled", "Paused", "Disabled", "Deleted"]),
			reason,
		}),
		z.object({ object: z.literal("streamItem"), kind: z.enum(["gap", "dropped", "end"]), reason: z.string() }),
	])
	.openapi("StreamItem");
