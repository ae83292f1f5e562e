// Events on the wire.
import { z } from "@hono/zod-openapi";

import { isReservedEventType, RESERVED_TYPE_MESSAGE } from "../../../core/event-type.ts";
import { EVENT_TYPE_MAX_LENGTH } from "../../../core/event.ts";
import {
	addDuplicateIssues,
	idText,
	pageQuery,
	problemSchema,
	timeMs,
	timeOut,
	timeRangeQuery,
} from "../common/schemas.ts";
import { eventTypeName } from "../event-types/schemas.ts";

export const MAX_BATCH_EVENTS = 1_000;
const MAX_WEBHOOK_IDS = 1_000;
/** Printable characters: no control, format or private characters, no lone surrogates, no line separators. */
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;

/** Zod needs 0.5 µs for this (measured), so that the busiest path can use the schema of the document, too. */
export const sendEventSchema = z
	.strictObject({
		type: eventTypeName.refine((type) => !isReservedEventType(type), RESERVED_TYPE_MESSAGE),
		data: z.unknown().openapi({
			description:
				"Any JSON value. Receivers get exactly these bytes, with the same order of keys, numbers and escapes.",
			example: { id: 4711, plan: "pro" },
		}),
		timestamp: timeMs
			.nullish()
			.openapi({ description: "When the event happened. Defaults to the time at which it is accepted." }),
		idempotencyKey: z
			.string()
			.refine((key) => PRINTABLE.test(key), "must have 1–256 printable characters")
			.nullish()
			.openapi({
				description:
					"Makes a repeated send safe: the same event with the same key is accepted only once. A different event " +
					"with the same key is refused with 409. Keys are remembered for 25 hours.",
				minLength: 1,
				maxLength: 256,
				example: "order-4711-created",
			}),
		webhookIds: z
			.array(idText("webhook"))
			.min(1)
			.max(MAX_WEBHOOK_IDS)
			.superRefine(addDuplicateIssues)
			.nullish()
			.openapi({
				description:
					"Send the event only to these webhooks, whatever their filters. Defaults to all webhooks whose filter matches.",
			}),
	})
	.openapi("SendEvent", {
		required: ["type", "data"],
		example: { type: "user.created", data: { id: 4711, plan: "pro" }, idempotencyKey: "user-4711-created" },
	});

export const sendBatchSchema = z
	.strictObject({ events: z.array(sendEventSchema).min(1).max(MAX_BATCH_EVENTS) })
	.openapi("SendBatch");

/** The envelope of a batch. Its events are checked one by one. */
export const batchEnvelopeSchema = z.strictObject({ events: z.array(z.unknown()).min(1) });

export const eventSchema = z
	.object({
		id: z.string(),
		object: z.literal("event"),
		projectId: z.string(),
		type: z.string(),
		timestamp: timeOut,
		createDate: timeOut,
		duplicate: z.boolean().openapi({
			description: "True if the same event was accepted earlier with the same idempotency key. This is that event.",
		}),
		deliveryCount: z.int().openapi({ description: "The number of webhooks that the event goes to." }),
	})
	.openapi("Event", {
		example: {
			id: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			object: "event",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			type: "user.created",
			timestamp: 1_723_633_671_620,
			createDate: 1_723_633_671_620,
			duplicate: false,
			deliveryCount: 2,
		},
	});

export const eventWithDataSchema = eventSchema
	.extend({
		data: z.unknown().openapi({ description: "The data byte for byte as it was sent. Null if it was erased." }),
		dataErased: z.boolean().openapi({ description: "True if the payload was erased: by hand, or because of its age." }),
	})
	.openapi("EventWithData");

export const erasureSchema = z
	.object({
		id: z.string().openapi({ description: "The id of the event." }),
		object: z.literal("erasure"),
		dataErased: z.literal(true),
		cancelledCount: z.int().openapi({ description: "The number of deliveries that were cancelled." }),
	})
	.openapi("Erasure");

export const batchSchema = z
	.object({
		object: z.literal("batch"),
		data: z
			.array(
				z.union([
					z.object({ status: z.literal(202), event: eventSchema }),
					z.object({ status: z.int(), error: problemSchema.omit({ requestId: true }) }),
				]),
			)
			.openapi({ description: "One result for each event, in order." }),
	})
	.openapi("Batch");

export const eventQuerySchema = z.strictObject({
	...pageQuery,
	type: z.string().max(EVENT_TYPE_MAX_LENGTH).optional().openapi({ description: "Only events of this type." }),
	...timeRangeQuery,
});
