// Deliveries and their attempts on the wire.
import { z } from "@hono/zod-openapi";

import { ATTEMPT_TRIGGERS, DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { EVENT_TYPE_MAX_LENGTH } from "../../../core/event.ts";
import { idText, integer, integerParameter, pageQuery, timeOut, timeRangeQuery } from "../common/schemas.ts";

const MAX_RESPONSE_CODE = 999;

export const deliverySchema = z
	.object({
		id: z.string(),
		object: z.literal("delivery"),
		projectId: z.string(),
		eventId: z.string(),
		eventType: z.string(),
		webhookId: z.string(),
		status: z.enum(DELIVERY_STATUSES),
		reason: z.string().nullable().openapi({ description: "Why the delivery is in this status, in words." }),
		attemptCount: z.int(),
		nextAttemptDate: timeOut.nullable().openapi({ description: "Null unless the delivery is Pending." }),
		responseCode: z.int().nullable().openapi({
			description: "The response code of the last attempt; 0 if it got no response; null before the first attempt.",
		}),
		createDate: timeOut,
		updateDate: timeOut,
	})
	.openapi("Delivery");

const headerMap = z.record(z.string(), z.string());

export const attemptSchema = z
	.object({
		id: z.string(),
		object: z.literal("attempt"),
		number: z.int(),
		trigger: z.enum(ATTEMPT_TRIGGERS),
		startDate: timeOut,
		durationMs: z.number(),
		responseCode: z.int().openapi({ description: "0 if no response came." }),
		error: z
			.string()
			.nullable()
			.openapi({ description: "Such as `timeout`, `dns`, `refused` or `tls`; null if a complete response came." }),
		reason: z.string().nullable().openapi({ description: "The error in words; null if a complete response came." }),
		request: z.object({ headers: headerMap }),
		response: z
			.object({ headers: headerMap, body: z.string(), bodyTruncated: z.boolean() })
			.nullable()
			.openapi({ description: "The stored part of the response; null if no response came." }),
	})
	.openapi("Attempt");

export const deliveryWithAttemptsSchema = deliverySchema
	.extend({ attempts: z.array(attemptSchema).openapi({ description: "Oldest first." }) })
	.openapi("DeliveryWithAttempts");

/**
 * The filters of a change of many deliveries. At least one is required, so that an empty body does not retry
 * everything.
 */
export const deliveryFilterSchema = z
	.strictObject({
		webhookId: idText("webhook").optional(),
		eventId: idText("evt").optional(),
		eventType: z.string().max(EVENT_TYPE_MAX_LENGTH).optional(),
		status: z.enum(DELIVERY_STATUSES).optional(),
		responseCode: integer(0, MAX_RESPONSE_CODE).optional(),
		after: integer(0, Number.MAX_SAFE_INTEGER)
			.optional()
			.openapi({ description: "Only deliveries created at this time or later. Milliseconds since the epoch." }),
		before: integer(0, Number.MAX_SAFE_INTEGER)
			.optional()
			.openapi({ description: "Only deliveries created before this time. Milliseconds since the epoch." }),
	})
	.refine((filter) => Object.keys(filter).length > 0, "must have at least one filter, such as webhookId or after")
	.openapi("DeliveryFilter");

export const manyChangedSchema = z
	.object({
		object: z.literal("deliveriesChanged"),
		matched: z.int().openapi({ description: "Deliveries that matched and were looked at." }),
		changed: z.int().openapi({ description: "Deliveries that were retried or cancelled." }),
		complete: z.boolean().openapi({ description: "False if there are more: call again with the same filter." }),
	})
	.openapi("DeliveriesChanged");

export const deliveryQuerySchema = z.strictObject({
	...pageQuery,
	webhookId: idText("webhook").optional(),
	eventId: idText("evt").optional(),
	eventType: z
		.string()
		.max(EVENT_TYPE_MAX_LENGTH)
		.optional()
		.openapi({ description: "Only deliveries of events of this type." }),
	status: z.enum(DELIVERY_STATUSES).optional(),
	responseCode: integerParameter(
		0,
		MAX_RESPONSE_CODE,
		"Only deliveries whose last attempt got this response code; 0 means no response.",
	).optional(),
	...timeRangeQuery,
});
