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
		reason: z.string().nullable().openapi({ description: "Why it is in this status, in words." }),
		attemptCount: z.int(),
		nextAttemptDate: timeOut.nullable().openapi({ description: "Null unless Pending." }),
		responseCode: z
			.int()
			.nullable()
			.openapi({ description: "Of the last attempt: 0 if no answer came; null before the first." }),
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
		responseCode: z.int().openapi({ description: "0 if no answer came." }),
		error: z
			.string()
			.nullable()
			.openapi({ description: "Such as `timeout`, `dns`, `refused`, `tls`; null if one came." }),
		reason: z.string().nullable().openapi({ description: "What went wrong, as a sentence." }),
		request: z.object({ headers: headerMap }),
		response: z
			.object({ headers: headerMap, body: z.string(), bodyTruncated: z.boolean() })
			.nullable()
			.openapi({ description: "What is kept of the answer; null if none came." }),
	})
	.openapi("Attempt");

export const deliveryWithAttemptsSchema = deliverySchema
	.extend({ attempts: z.array(attemptSchema).openapi({ description: "First one first." }) })
	.openapi("DeliveryWithAttempts");

/** What a change of many is asked with: at least one of them, so that nobody retries everything by an empty body. */
export const deliveryFilterSchema = z
	.strictObject({
		webhookId: idText("webhook").optional(),
		eventId: idText("evt").optional(),
		eventType: z.string().max(EVENT_TYPE_MAX_LENGTH).optional(),
		status: z.enum(DELIVERY_STATUSES).optional(),
		responseCode: integer(0, MAX_RESPONSE_CODE).optional(),
		after: integer(0, Number.MAX_SAFE_INTEGER).optional().openapi({ description: "Inclusive." }),
		before: integer(0, Number.MAX_SAFE_INTEGER).optional().openapi({ description: "Exclusive." }),
	})
	.refine((filter) => Object.keys(filter).length > 0, "must name at least one filter, such as webhookId or after")
	.openapi("DeliveryFilter");

export const manyChangedSchema = z
	.object({
		object: z.literal("deliveriesChanged"),
		matched: z.int().openapi({ description: "Deliveries that the filter matched and that were looked at." }),
		changed: z.int(),
		complete: z.boolean().openapi({ description: "False: there are more. Call again with the same filter." }),
	})
	.openapi("DeliveriesChanged");

export const deliveryQuerySchema = z.strictObject({
	...pageQuery,
	webhookId: idText("webhook").optional(),
	eventId: idText("evt").optional(),
	eventType: z.string().max(EVENT_TYPE_MAX_LENGTH).optional().openapi({ description: "Exactly this type." }),
	status: z.enum(DELIVERY_STATUSES).optional(),
	responseCode: integerParameter(0, MAX_RESPONSE_CODE, "Of the last attempt; 0: no answer came.").optional(),
	...timeRangeQuery,
});
