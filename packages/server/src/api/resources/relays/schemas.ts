// Relays on the wire.
import { z } from "@hono/zod-openapi";

import { DEFAULT_RELAY_TIMEOUT_MS, DEVICE_MAX_LENGTH, RELAY_TIMEOUT_RANGE_MS } from "../../../core/receivers/relay.ts";
import { NAME_MAX_LENGTH, WEBHOOK_STATUSES } from "../../../core/webhook.ts";
import { RELAY_ERRORS } from "../../../engine/relay-calls.ts";
import { list, shortText } from "../common/bounded.ts";
import { customerIdOut, customerIdText, idText, integer, nameText, text, timeOut } from "../common/schemas.ts";
import { eventTypeList, subscribedTypes } from "../event-types/schemas.ts";
import { secretContents } from "../webhooks/schemas.ts";
import { DELIVERY_ID_EXAMPLE, EVENT_ID_EXAMPLE, RELAY_ID_EXAMPLE, WEBHOOK_ID_EXAMPLE } from "./examples.ts";

/** The most bytes of the body of a receiver's answer. */
const ANSWER_MAX_BYTES = 256 * 1_024;
const MAX_ANSWER_HEADERS = 200;
const MAX_HEADER_LENGTH = 16_384;
const MAX_REASON_LENGTH = 500;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const timeoutMs = integer(RELAY_TIMEOUT_RANGE_MS.min, RELAY_TIMEOUT_RANGE_MS.max).openapi({
	description: `How long the client may take to answer a request. Defaults to ${DEFAULT_RELAY_TIMEOUT_MS}.`,
});

const eventTypesOf = (types: typeof eventTypeList) =>
	types.nullish().openapi({ description: "Exact names or `prefix.*`. Defaults to every type.", example: ["order.*"] });

/** Those of a new relay, or of one that has them already. */
const eventTypes = eventTypesOf(eventTypeList);
const name = nameText(NAME_MAX_LENGTH, { stored: true });

/** What is new in a relay. One that is there already may keep others. */
export const newInRelaySchema = z.object({
	device: text(1, DEVICE_MAX_LENGTH).optional(),
	name: nameText(NAME_MAX_LENGTH).optional(),
	eventTypes: eventTypesOf(subscribedTypes),
});

export const putRelaySchema = z
	.strictObject({
		device: text(1, DEVICE_MAX_LENGTH, { stored: true }).openapi({
			description: "Names the machine or the tab. A relay of the same device is changed and not made twice.",
			example: "ada@laptop",
		}),
		secret: secretContents.openapi({
			description:
				"Signs the requests. The client makes it, and keeps it: standard base64 of 24–64 bytes, with or without the prefix `whsec_`.",
		}),
		name: name.optional().openapi({ description: "Defaults to the device.", example: "Ada's laptop" }),
		eventTypes,
		customerId: customerIdText.optional().openapi({ description: "Whom it belongs to, as for a webhook." }),
		mirrorOf: idText("webhook").nullish().openapi({
			description: "Takes over the event types of this webhook as they are now. Not together with `eventTypes`.",
		}),
		timeoutMs: timeoutMs.optional(),
	})
	.superRefine(({ eventTypes: own, mirrorOf }, context) => {
		if ((own ?? null) === null || (mirrorOf ?? null) === null) return;
		context.addIssue({
			code: "custom",
			path: ["mirrorOf"],
			message: "can't be set together with eventTypes: omit one",
		});
	})
	.openapi("PutRelay");

export const updateRelaySchema = z
	.strictObject({ name: name.optional(), eventTypes, timeoutMs: timeoutMs.nullish() })
	.openapi("UpdateRelay");

export const relaySchema = z
	.object({
		object: z.literal("relay"),
		id: z.string(),
		webhookId: z.string().openapi({ description: "The webhook that it is: the calls for webhooks work with it." }),
		projectId: z.string(),
		customerId: customerIdOut,
		device: z.string().openapi({ description: "The client's name for the machine or the tab." }),
		name: z.string(),
		eventTypes: z
			.array(z.string())
			.nullable()
			.openapi({ description: "Exact names or `prefix.*`; null for every type." }),
		mirrorOf: z
			.string()
			.nullable()
			.openapi({ description: "The webhook whose event types it has taken over; null for none." }),
		timeoutMs: z.int().openapi({ description: "How long the client may take to answer a request." }),
		secretHint: z.string().openapi({ description: "The last four characters of the secret." }),
		status: z.enum(WEBHOOK_STATUSES).openapi({
			description: "Of its webhook: `Paused` also while no client is connected. Its deliveries are Held until one is.",
		}),
		away: z.boolean().openapi({ description: "Whether it is paused because no client is connected." }),
		connected: z.boolean().openapi({ description: "Whether a client has the stream of its requests now." }),
		seenDate: timeOut.openapi({
			description: "When a client was last connected, within some minutes. An hour later, the relay is deleted.",
		}),
		createDate: timeOut,
		updateDate: timeOut,
	})
	.openapi("Relay", {
		example: {
			object: "relay",
			id: RELAY_ID_EXAMPLE,
			webhookId: WEBHOOK_ID_EXAMPLE,
			projectId: "proj_0f8fad5bd9cb469fa16570867728950e",
			device: "ada@laptop",
			name: "Ada's laptop",
			eventTypes: ["order.*"],
			mirrorOf: null,
			timeoutMs: DEFAULT_RELAY_TIMEOUT_MS,
			secretHint: "LaSw",
			status: "Enabled",
			away: false,
			connected: true,
			seenDate: 1_723_633_671_620,
			createDate: 1_723_633_671_620,
			updateDate: 1_723_633_671_620,
		},
	});

export const relaysSchema = z
	.object({ object: z.literal("relays"), data: z.array(relaySchema).openapi({ description: "By device." }) })
	.openapi("Relays");

/** The `data` of each server-sent event. Its `event` is `kind`. */
export const relaySignalSchema = z
	.discriminatedUnion("kind", [
		z.object({
			kind: z.literal("ready"),
			relayId: z.string().openapi({ description: "The relay." }),
			webhookId: z.string().openapi({ description: "The webhook that it is." }),
		}),
		z.object({
			kind: z.literal("request"),
			requestId: z.string().openapi({
				description:
					"The same for all attempts that count as one: a client that has answered it repeats its answer, not the request.",
				example: `${DELIVERY_ID_EXAMPLE}.1`,
			}),
			deliveryId: z.string().nullable().openapi({ description: "Null for a test." }),
			eventId: z.string(),
			attemptNumber: z.int().openapi({ description: "Counts the attempts of the delivery, from 1." }),
			trigger: z.string().openapi({ description: "As of an attempt, or `test`." }),
			method: z.literal("POST").openapi({ description: "Always `POST`." }),
			headers: z.array(z.array(z.string())).openapi({ description: "Pairs of name and value, in their order." }),
			bodyBase64: z
				.string()
				.openapi({ description: "The body, in standard base64: exactly the bytes that are signed." }),
			timeoutMs: z.int().openapi({ description: "The time that is left to answer." }),
		}),
		z.object({
			kind: z.literal("end"),
			code: z.enum(["replaced", "deleted", "silent", "stopped", "revoked"]).openapi({
				description:
					"`replaced`: another client has the relay. `deleted`: there is no such relay any more. `silent`: the client has not " +
					"answered a request within its time. `stopped`: the server is shutting down. `revoked`: the key is no longer valid. " +
					"After `replaced` and `deleted`, do not connect again.",
			}),
			reason: z.string().openapi({ description: "Why, as a sentence." }),
		}),
	])
	.openapi("RelaySignal", {
		example: {
			kind: "request",
			requestId: `${DELIVERY_ID_EXAMPLE}.1`,
			deliveryId: DELIVERY_ID_EXAMPLE,
			eventId: EVENT_ID_EXAMPLE,
			attemptNumber: 1,
			trigger: "auto",
			method: "POST",
			headers: [
				["content-type", "application/json"],
				["webhook-id", EVENT_ID_EXAMPLE],
			],
			bodyBase64: "eyJ0eXBlIjoib3JkZXIucGFpZCJ9",
			timeoutMs: 30_000,
		},
	});

/** Any name that HTTP has: the rules for headers that a webhook sets are stricter. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const answerHeader = list(shortText(MAX_HEADER_LENGTH), { min: 2, max: 2 }).superRefine(([name], context) => {
	if (typeof name !== "string" || HEADER_NAME.test(name)) return;
	context.addIssue({ code: "custom", path: [0], message: "must be the name of an HTTP header" });
});

export const answerSchema = z
	.strictObject({
		status: integer(200, 599).optional().openapi({ description: "The status of the receiver's response." }),
		headers: list(answerHeader, { min: 0, max: MAX_ANSWER_HEADERS })
			.optional()
			.openapi({
				type: "array",
				items: { type: "array", items: { type: "string" }, minItems: 2, maxItems: 2 },
				maxItems: MAX_ANSWER_HEADERS,
				description: "Pairs of name and value.",
			}),
		bodyBase64: shortText(Math.ceil(ANSWER_MAX_BYTES / 3) * 4)
			.refine((value) => BASE64.test(value), { error: "must be standard base64", abort: true })
			.optional()
			.openapi({
				description: "Of the body, at most 256 KiB: send its beginning if it is longer. The log keeps 4 KiB.",
			}),
		error: z.enum(RELAY_ERRORS).optional().openapi({ description: "Why there is no response, instead of `status`." }),
		reason: shortText(MAX_REASON_LENGTH)
			.optional()
			.openapi({ description: "The error in words, for the log.", example: "connection refused by localhost:3000" }),
	})
	.superRefine(({ status, headers, bodyBase64, error, reason }, context) => {
		const issue = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
		if (status === undefined && error === undefined) issue("status", "must be set, or error if there is no response");
		if (error === undefined && reason !== undefined) issue("reason", "can be set only together with error");
		if (error === undefined) return;
		for (const [name, value] of Object.entries({ status, headers, bodyBase64 })) {
			if (value !== undefined) issue(name, "can't be set together with error");
		}
	})
	.openapi("RelayAnswer");

export const answeredSchema = z
	.object({ object: z.literal("relayAnswer"), requestId: z.string().openapi({ description: "The request." }) })
	.openapi("RelayAnswered", { example: { object: "relayAnswer", requestId: `${DELIVERY_ID_EXAMPLE}.1` } });
