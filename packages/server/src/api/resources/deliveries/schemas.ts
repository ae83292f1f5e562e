// Deliveries and their attempts on the wire.
import { z } from "@hono/zod-openapi";

import { ATTEMPT_TRIGGERS, DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { ATTEMPT_CAUSES, ATTEMPT_ERRORS } from "../../../core/log/attempt-cause.ts";
import { customerIdOut, pageQuery, timeOut } from "../common/schemas.ts";

const errorOut = z
	.string()
	.nullable()
	.openapi({
		description: `What kind of failure kept a complete response from coming; null if one came. One of ${ATTEMPT_ERRORS.join(", ")}.`,
	});

const causeOut = z
	.enum(ATTEMPT_CAUSES)
	.nullable()
	.openapi({
		description:
			"Why it failed, for programs; null if it succeeded. docs/causes.md has the likely reason and the cure of each. Later versions may " +
			"add others.",
	});

const DELIVERY = {
	id: "dlv_01936a2e-5c3b-7c10-8000-3b2f5d1e9a78",
	object: "delivery",
	projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
	eventId: "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	eventType: "user.created",
	webhookId: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
	webhookName: "billing",
	webhookHost: "example.com",
	customerId: "acme",
	status: "Pending",
	reason: "the receiver responded with 503",
	attemptCount: 1,
	nextAttemptDate: 1_723_633_673_120,
	responseCode: 503,
	lastAttempt: {
		startDate: 1_723_633_671_625,
		durationMs: 495,
		responseCode: 503,
		error: null,
		cause: "status_5xx",
		trigger: "auto",
	},
	createDate: 1_723_633_671_620,
	updateDate: 1_723_633_672_120,
};

const ATTEMPT = {
	id: "atm_01936a2e-5c3b-7c10-8000-3b2f5d1e9a79",
	object: "attempt",
	number: 1,
	trigger: "auto",
	startDate: 1_723_633_671_625,
	durationMs: 495,
	endpoint: "https://example.com/webhooks",
	remoteAddress: "203.0.113.7",
	timings: { lookupMs: 3, connectMs: 21, tlsMs: 40, firstByteMs: 490 },
	certificateExpireDate: 1_731_409_671_000,
	responseCode: 503,
	error: null,
	cause: "status_5xx",
	reason: "the receiver responded with 503",
	request: {
		headers: {
			"content-type": "application/json",
			"webhook-id": "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
			"webhook-timestamp": "1723633671",
			"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
	},
	response: { headers: { "retry-after": "1" }, body: "busy", bodyTruncated: false },
};

export const deliverySchema = z
	.object({
		id: z.string(),
		object: z.literal("delivery"),
		projectId: z.string(),
		eventId: z.string(),
		eventType: z.string(),
		webhookId: z.string(),
		webhookName: z.string().openapi({
			description: "The name of the webhook now, also of a deleted one. Empty if it was erased with its customer.",
		}),
		webhookHost: z.string().openapi({
			description: "Host and port of the webhook's endpoint now. An attempt has the endpoint that it has called.",
			example: "hooks.example.com",
		}),
		customerId: customerIdOut,
		status: z.enum(DELIVERY_STATUSES).openapi({
			description:
				"`Pending`: waits for its next attempt, or is in progress. `Held`: waits because its webhook is paused or disabled. " +
				"`Succeeded`: the receiver has responded with a 2xx. `Failed`: the retries are used up, or the receiver has responded with " +
				"410. `Cancelled`: by a call, or with its webhook.",
		}),
		reason: z.string().nullable().openapi({ description: "Why the delivery is in this status, in words." }),
		attemptCount: z.int(),
		nextAttemptDate: timeOut.nullable().openapi({ description: "Null unless the delivery is Pending." }),
		responseCode: z.int().nullable().openapi({
			description: "The response code of the last attempt; 0 if it got no response; null before the first attempt.",
		}),
		lastAttempt: z
			.object({
				startDate: timeOut,
				durationMs: z.int().openapi({ description: "From its start to the end of the response, or to the failure." }),
				responseCode: z.int().openapi({ description: "0 if no response came." }),
				error: errorOut,
				cause: causeOut,
				trigger: z.enum(ATTEMPT_TRIGGERS),
			})
			.nullable()
			.openapi({ description: "The last attempt in short. Null before the first one." }),
		createDate: timeOut,
		updateDate: timeOut,
	})
	.openapi("Delivery", { example: DELIVERY });

function stepTime(step: string) {
	return z
		.int()
		.nullable()
		.openapi({ description: `Milliseconds for ${step}.` });
}

const headerMap = z.record(z.string(), z.string()).openapi({ description: "By their names, in lower case." });

export const attemptSchema = z
	.object({
		id: z.string(),
		object: z.literal("attempt"),
		number: z.int(),
		trigger: z.enum(ATTEMPT_TRIGGERS),
		startDate: timeOut,
		durationMs: z.int().openapi({
			description: "From the start to the end of the response, or to the failure. Milliseconds, as all timings.",
		}),
		endpoint: z
			.string()
			.nullable()
			.openapi({
				description:
					"The URL that was called. The webhook may have another one by now. Null if it is not known: for attempts of version " +
					"0.1, and for a webhook that had more than 100 endpoints since.",
			}),
		remoteAddress: z
			.string()
			.nullable()
			.openapi({ description: "The IP address that was called. Null if none was reached, or if it is not public." }),
		timings: z
			.object({
				lookupMs: stepTime("looking up the name"),
				connectMs: stepTime("connecting; through a proxy, until its tunnel was open"),
				tlsMs: stepTime("the TLS handshake"),
				firstByteMs: z.int().nullable().openapi({
					description: "From the start of the attempt to the first byte of the response. Null if none came.",
				}),
			})
			.openapi({
				description:
					"The first three are those of the connection, for the first attempt that uses it. They are null if the connection was " +
					"kept from an earlier attempt, and for a step that was not needed or did not end.",
			}),
		certificateExpireDate: timeOut.nullable().openapi({
			description: "When the receiver's certificate expires. Null if no TLS handshake has succeeded.",
		}),
		responseCode: z.int().openapi({ description: "0 if no response came." }),
		error: errorOut,
		cause: causeOut,
		reason: z.string().nullable().openapi({ description: "The error in words; null if a complete response came." }),
		request: z.object({ headers: headerMap }).openapi({
			description:
				"Values of custom headers are hidden. A key with the scope `read` sees only the beginning of `webhook-signature`.",
		}),
		response: z
			.object({
				headers: headerMap,
				body: z.string().openapi({ description: "The first 4 KiB as text, or a note if it is not text." }),
				bodyTruncated: z.boolean().openapi({ description: "Whether the body of the response was longer." }),
			})
			.nullable()
			.openapi({
				description:
					"The stored part of the response; null if no response came. A key with the scope `read` does not see the value " +
					"of `set-cookie`.",
			}),
	})
	.openapi("Attempt", { example: ATTEMPT });

/** The attempts that a delivery shows; the others are in the list of its attempts. */
export const SHOWN_ATTEMPTS = 100;

export const deliveryWithAttemptsSchema = deliverySchema
	.extend({
		attempts: z.array(attemptSchema).openapi({
			description: `The newest attempts, up to ${SHOWN_ATTEMPTS}, in the order of their numbers.`,
		}),
		hasMoreAttempts: z.boolean().openapi({
			description: "True if there are older attempts than these. The list of the delivery's attempts has all of them.",
		}),
	})
	.openapi("DeliveryWithAttempts", { example: { ...DELIVERY, attempts: [ATTEMPT], hasMoreAttempts: false } });

export const attemptQuerySchema = z.strictObject(pageQuery);

export const manyChangedSchema = z
	.object({
		object: z.literal("deliveriesChanged"),
		matched: z.int().openapi({ description: "Deliveries that matched, could be changed, and were looked at." }),
		changed: z.int().openapi({ description: "Deliveries that were retried or cancelled." }),
		complete: z.boolean().openapi({ description: "False if there may be more." }),
		nextPage: z
			.string()
			.nullable()
			.openapi({
				description:
					"Send it as `page` with the same filter to go on. Deliveries that have changed since the first call are left out, so that one " +
					"that is retried and fails again is not met again, and this ends. Null if it is complete.",
			}),
	})
	.openapi("DeliveriesChanged", {
		example: { object: "deliveriesChanged", matched: 120, changed: 118, complete: true, nextPage: null },
	});

export const deliveryCountSchema = z
	.object({
		object: z.literal("deliveryCount"),
		count: z.int().openapi({ description: "Deliveries that match." }),
		complete: z
			.boolean()
			.openapi({ description: "False if counting took too long and ended early: then there may be more." }),
		scannedTo: timeOut.nullable().openapi({
			description:
				"The `createDate` that the count has come to, from the newest deliveries on. Null if it is complete.",
		}),
	})
	.openapi("DeliveryCount", {
		example: { object: "deliveryCount", count: 1_204, complete: true, scannedTo: null },
	});
