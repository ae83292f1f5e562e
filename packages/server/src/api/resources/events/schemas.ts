// Events on the wire.
import { z } from "@hono/zod-openapi";

import { EVERY_CUSTOMER, MAX_EVENT_CUSTOMERS } from "../../../core/access/customer.ts";
import type { DeliveryStatus } from "../../../core/delivery.ts";
import { isReservedEventType, RESERVED_TYPE_MESSAGE } from "../../../core/event-type.ts";
import { EVENT_TARGETS, MAX_TAGS } from "../../../core/event.ts";
import { list } from "../common/bounded.ts";
import {
	addDuplicateIssues,
	customerIdOut,
	customerIdText,
	idText,
	problemSchema,
	tagText,
	timeMs,
	timeOut,
} from "../common/schemas.ts";
import { eventTypeName } from "../event-types/schemas.ts";

export const MAX_BATCH_EVENTS = 1_000;
const MAX_WEBHOOK_IDS = 1_000;
/** Printable characters: no control, format or private characters, no lone surrogates, no line separators. */
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;

export const customerIds = z.union(
	[
		z.literal(EVERY_CUSTOMER),
		list(customerIdText, { min: 1, max: MAX_EVENT_CUSTOMERS }).superRefine(addDuplicateIssues),
	],
	{ error: `must be "${EVERY_CUSTOMER}" or a list of 1–${MAX_EVENT_CUSTOMERS} customers` },
);

/** An idempotency key. */
export const idempotencyKeyText = z
	.string()
	.refine((key) => PRINTABLE.test(key), "must have 1–256 printable characters");

/** Zod needs 0.5 µs for this (measured), so that the busiest path can use the schema of the document, too. */
export const sendEventSchema = z
	.strictObject({
		type: eventTypeName
			.refine((type) => !isReservedEventType(type), RESERVED_TYPE_MESSAGE)
			.openapi({ description: "Groups of letters, digits, `_` and `-`, joined by full stops. Not `fanfare.*`." }),
		data: z.unknown().openapi({
			description:
				"Any JSON value. Receivers get exactly these bytes, with the same order of keys, numbers and escapes.",
			example: { id: 4711, plan: "pro" },
		}),
		timestamp: timeMs
			.nullish()
			.openapi({ description: "When the event happened. Defaults to the time at which it is accepted." }),
		idempotencyKey: idempotencyKeyText.nullish().openapi({
			description:
				"Makes a repeated send safe: the same event with the same key is accepted only once. A different event " +
				"with the same key is refused with 409. That holds for 25 hours; after them, the key makes a new event.",
			minLength: 1,
			maxLength: 256,
			example: "order-4711-created",
		}),
		webhookIds: list(idText("webhook"), { min: 1, max: MAX_WEBHOOK_IDS })
			.superRefine(addDuplicateIssues)
			.nullish()
			.openapi({
				description:
					"Send the event only to these webhooks, whatever their filters. Defaults to all webhooks whose filter matches.",
			}),
		customerId: customerIdText.nullish().openapi({
			description:
				"The customer of yours that the event is for: it reaches the webhooks of this customer, and those without a customer. " +
				"Without `customerId` and `customerIds`, an event reaches only webhooks without a customer.",
		}),
		customerIds: customerIds.nullish().openapi({
			description: `The same for several customers, or \`"*"\` for all. Not together with \`customerId\`.`,
		}),
		tags: list(tagText, { min: 0, max: MAX_TAGS })
			.superRefine(addDuplicateIssues)
			.nullish()
			.openapi({
				description:
					"Labels of your own, by which the event and its deliveries can be found. Receivers do not get them; customers see them " +
					"with the events that reach them. They stay if the data is erased, so put no personal data into them.",
				example: ["order:4711"],
			}),
	})
	.openapi("SendEvent", {
		required: ["type", "data"],
		example: { type: "user.created", data: { id: 4711, plan: "pro" }, idempotencyKey: "user-4711-created" },
	});

export const sendBatchSchema = z
	.strictObject({
		events: list(sendEventSchema, { min: 1, max: MAX_BATCH_EVENTS }).openapi({ description: "The events, in order." }),
	})
	.openapi("SendBatch");

/** The envelope of a batch. Its events are checked one by one. */
export const batchEnvelopeSchema = z.strictObject({ events: list(z.unknown(), { min: 1, max: Infinity }) });

const EVENT = {
	id: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	object: "event",
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	type: "user.created",
	timestamp: 1_723_633_671_620,
	createDate: 1_723_633_671_620,
	duplicate: false,
	deliveryCount: 2,
	customerId: "acme",
	tags: ["order:4711"],
};

export const eventSchema = z
	.object({
		id: z.string(),
		object: z.literal("event"),
		projectId: z.string(),
		type: z.string().openapi({ description: "Such as `user.created`." }),
		timestamp: timeOut.openapi({ description: "When the event happened. Milliseconds since the epoch." }),
		createDate: timeOut,
		duplicate: z.boolean().openapi({
			description: "True if the same event was accepted earlier with the same idempotency key. This is that event.",
		}),
		deliveryCount: z.int().openapi({ description: "The number of webhooks that the event goes to." }),
		customerId: customerIdOut,
		customerIds: z
			.union([z.literal(EVERY_CUSTOMER), z.array(z.string())])
			.optional()
			.openapi({ description: "Present only if set." }),
		tags: z.array(z.string()).optional().openapi({ description: "As they were sent. Present only if there are any." }),
	})
	.openapi("Event", { example: EVENT });

const LOGGED = {
	...EVENT,
	idempotencyKey: "user-4711-created",
	deliveries: { Pending: 0, Succeeded: 1, Failed: 1, Held: 0, Cancelled: 0 },
};

/** An event in the log. */
export const loggedEventSchema = eventSchema
	.extend({
		idempotencyKey: z.string().nullable().openapi({
			description: "As it was sent. It makes repeated sends safe for 25 hours, and is kept as long as the event.",
		}),
		deliveries: z
			.object({
				Pending: z.int(),
				Succeeded: z.int(),
				Failed: z.int(),
				Held: z.int(),
				Cancelled: z.int(),
			} satisfies Record<DeliveryStatus, z.ZodInt>)
			.nullable()
			.openapi({
				description:
					"How many of its deliveries are in each status now, with those that replays have made. Null if they were not counted: a page " +
					"counts about 10,000 deliveries.",
			}),
	})
	.openapi("LoggedEvent", { example: LOGGED });

export const eventWithDataSchema = loggedEventSchema
	.extend({
		targets: z
			.enum(EVENT_TARGETS)
			.nullable()
			.openapi({
				description:
					"`webhooks` if it was sent to the webhooks in `webhookIds`, `everyone` if it was sent to all whose filter matches, `nobody` " +
					"if to none. Null if it is not known: for events that version 0.1 accepted.",
			}),
		traceparent: z
			.string()
			.nullable()
			.openapi({
				description:
					"The `traceparent` header (W3C Trace Context) of the request that sent it, which receivers get with each attempt; null if it had " +
					"none that is valid. On a server that makes spans of its own, that of the event's acceptance.",
			}),
		data: z.unknown().openapi({ description: "The data byte for byte as it was sent. Null if it was erased." }),
		dataErased: z.boolean().openapi({ description: "True if the payload was erased: by hand, or because of its age." }),
		dataHidden: z.boolean().optional().openapi({
			description: "True if `data` is null because the customer's token may not see it. Otherwise not present.",
		}),
	})
	.openapi("EventWithData", {
		example: {
			...LOGGED,
			targets: "everyone",
			traceparent: null,
			data: { id: 4711, plan: "pro" },
			dataErased: false,
		},
	});

export const eventDataQuerySchema = z.strictObject({
	as: z
		.enum(["data", "body"])
		.optional()
		.openapi({ description: "`data`, the default: as it was sent. `body`: the request body that receivers get." }),
});

export const eventDataSchema = z
	.unknown()
	.openapi({ description: "Any JSON value.", example: { id: 4711, plan: "pro" } });

export const erasureSchema = z
	.object({
		id: z.string().openapi({ description: "The id of the event." }),
		object: z.literal("erasure"),
		dataErased: z.literal(true).openapi({ description: "Always true." }),
		cancelledCount: z.int().openapi({ description: "The number of deliveries that were cancelled." }),
	})
	.openapi("Erasure", {
		example: { id: EVENT.id, object: "erasure", dataErased: true, cancelledCount: 2 },
	});

export const batchSchema = z
	.object({
		object: z.literal("batch"),
		data: z
			.array(
				z.union([
					z.object({
						status: z.literal(202).openapi({ description: "The event is accepted." }),
						event: eventSchema,
					}),
					z.object({
						status: z.int().openapi({ description: "The status that the event would have got alone." }),
						error: problemSchema.omit({ requestId: true }).openapi({ description: "Why it is refused." }),
					}),
				]),
			)
			.openapi({ description: "One result for each event, in order." }),
	})
	.openapi("Batch", {
		example: {
			object: "batch",
			data: [
				{ status: 202, event: EVENT },
				{
					status: 400,
					error: {
						message: "events.1.type: is required",
						code: "invalid_request",
						issues: [{ path: "events.1.type", message: "is required" }],
					},
				},
			],
		},
	});
