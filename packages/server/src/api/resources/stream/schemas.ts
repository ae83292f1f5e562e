// The live stream on the wire.
import { z } from "@hono/zod-openapi";

import { ATTEMPT_TRIGGERS, DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { EVENT_TYPE_MAX_LENGTH } from "../../../core/event.ts";
import { isLiveId, LIVE_KINDS } from "../../../core/live.ts";
import { REPLAY_STATUSES, REPLAY_WAITS } from "../../../core/replay.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import { shortText } from "../common/bounded.ts";
import { listParameter, wordsParameter } from "../common/lists.ts";
import { customerIdText, idText, integerParameter, timeOut } from "../common/schemas.ts";

const MAX_ID_LENGTH = 64;
const EXAMPLE_ID = "01936a2e5c3b7c10-42";
export const DEFAULT_ITEMS = 500;
const MAX_ITEMS = 1_000;

const isTypeFilter = (text: string) => text.length <= EVENT_TYPE_MAX_LENGTH && EVENT_TYPE_FILTER_PATTERN.test(text);

const filters = {
	kinds: wordsParameter(LIVE_KINDS, "Only items of these kinds").optional(),
	customerId: customerIdText.optional().openapi({
		description:
			"Only items about webhooks of this customer, and accepted events that are for this customer. Of an event with a list of " +
			"`customerIds`, customers without a webhook are not known here.",
	}),
	webhookId: idText("webhook")
		.optional()
		.openapi({ description: "Only items about this webhook. Items without a webhook never match." }),
	eventTypes: listParameter(
		(text): text is string => isTypeFilter(text),
		"names of event types, or prefixes such as order.*",
		"Only items about these event types, or with a prefix such as `order.*`. Items without an event type never match",
	).optional(),
};

export const streamQuerySchema = z.strictObject(filters);

/** The id of the last item that a client has; empty for none. One that is not of this stream any more is a gap, and no mistake. */
export const lastEventIdText = shortText(MAX_ID_LENGTH)
	.refine(
		(text) => text === "" || isLiveId(text),
		`must be the id of an item of the stream, such as ${EXAMPLE_ID}, exactly as it came: omit it to begin now`,
	)
	.openapi({ example: EXAMPLE_ID });

export const pollQuerySchema = z.strictObject({
	...filters,
	lastEventId: lastEventIdText.optional().openapi({
		description: "The `lastEventId` of the last response, or the id of the last item of a stream. Defaults to now.",
	}),
	limit: integerParameter(1, MAX_ITEMS, `The most items to return. Defaults to ${DEFAULT_ITEMS}.`).optional(),
});

const item = {
	object: z.literal("streamItem"),
	id: z.string().openapi({ description: "The position of the item, to continue after it." }),
	projectId: z.string(),
	date: timeOut.openapi({ description: "When it happened. Milliseconds since the epoch." }),
};
const ofDelivery = { webhookId: z.string(), eventId: z.string(), eventType: z.string(), deliveryId: z.string() };
const reason = z
	.string()
	.nullable()
	.openapi({ description: "Why, as a sentence; null if there is nothing to explain." });
const status = z.enum(DELIVERY_STATUSES).openapi({ description: "The status now." });
const webhookStatus = z
	.enum(["Enabled", "Paused", "Disabled", "Deleted"])
	.openapi({ description: "The status now; `Deleted` if it was deleted." });
const ITEM = {
	object: "streamItem",
	id: EXAMPLE_ID,
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	date: 1_723_633_671_620,
	kind: "event.accepted",
	eventId: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	eventType: "user.created",
	deliveryCount: 2,
};

/** The `data` of each server-sent event. Its `event` is the `kind`. */
export const streamItemSchema = z
	.discriminatedUnion("kind", [
		z.object({
			...item,
			kind: z.literal("event.accepted"),
			eventId: z.string(),
			eventType: z.string(),
			deliveryCount: z.int().openapi({ description: "The number of webhooks that the event goes to." }),
			tags: z.array(z.string()).optional().openapi({ description: "Present only if there are any." }),
		}),
		z.object({
			...item,
			kind: z.literal("attempt.finished"),
			...ofDelivery,
			number: z.int(),
			trigger: z.enum(ATTEMPT_TRIGGERS),
			result: z.enum(["success", "failure"]).openapi({ description: "`success` after a 2xx." }),
			responseCode: z.int().openapi({ description: "0 if no response came." }),
			error: z
				.string()
				.nullable()
				.openapi({ description: "Such as `timeout`, `dns` or `refused`; null if a complete response came." }),
			durationMs: z.int().openapi({ description: "From the start to the end of the response, or to the failure." }),
		}),
		z.object({
			...item,
			kind: z.literal("delivery.updated"),
			...ofDelivery,
			status,
			reason,
			attemptCount: z.int(),
			nextAttemptDate: timeOut.nullable(),
		}),
		z.object({
			...item,
			kind: z.literal("deliveries.updated"),
			webhookId: z.string(),
			status,
			reason,
			count: z.int().openapi({ description: "The number of deliveries." }),
		}),
		z.object({
			...item,
			kind: z.literal("webhook.created"),
			webhookId: z.string(),
			status: webhookStatus,
			reason,
		}),
		z.object({
			...item,
			kind: z.literal("webhook.updated"),
			webhookId: z.string(),
			status: webhookStatus,
			reason,
		}),
		z.object({
			...item,
			kind: z.literal("replay.updated"),
			replayId: z.string().openapi({ description: "The id of the replay." }),
			webhookId: z.string(),
			status: z.enum(REPLAY_STATUSES).openapi({ description: "The status now." }),
			scannedCount: z.int().openapi({ description: "Events that it has looked at." }),
			deliveryCount: z.int().openapi({ description: "Deliveries that it has made." }),
			progress: z.number().openapi({ description: "From 0 to 1, measured in the time of its range." }),
			waitingFor: z
				.enum(REPLAY_WAITS)
				.optional()
				.openapi({ description: "Present only if it waits for room in the project's quota of stored bytes now." }),
		}),
		z.object({
			object: z.literal("streamItem"),
			kind: z.enum(["gap", "dropped", "end"]),
			reason: z.string().openapi({ description: "Why, as a sentence." }),
		}),
	])
	.openapi("StreamItem", { example: ITEM });

export const streamItemsSchema = z
	.object({
		object: z.literal("streamItems"),
		data: z.array(streamItemSchema).openapi({ description: "Oldest first." }),
		lastEventId: z.string().openapi({ description: "The position after these items, for the next call." }),
		hasMore: z.boolean().openapi({ description: "Whether there are more items already: call again at once." }),
	})
	.openapi("StreamItems", {
		example: { object: "streamItems", data: [ITEM], lastEventId: ITEM.id, hasMore: false },
	});
