// Tests of webhooks on the wire.
import { z } from "@hono/zod-openapi";

import { eventTypeName } from "../event-types/schemas.ts";

export const testWebhookSchema = z
	.strictObject({
		eventType: eventTypeName.nullish().openapi({
			description:
				"Send the example of this event type, or with `data` an event of this type. Defaults to `fanfare.test`, and to a sample of " +
				"Fanfare's own.",
		}),
		data: z
			.unknown()
			.optional()
			.openapi({
				description:
					"Any JSON value but null, to send in place of the example: the receiver gets exactly these bytes. Checked as in a send: a project " +
					"that takes only listed event types refuses here what it refuses there. With a customer's token it needs the capability " +
					"`secrets.rotate`, since whoever chooses the data has it signed.",
				example: { id: 4711, plan: "pro" },
			}),
	})
	.openapi("TestWebhook");

export const testQuerySchema = z.strictObject({
	exchange: z.enum(["true", "false"]).optional().openapi({
		description: "If `true`, the response has `exchange`: the last request as it was sent, and the response to it.",
	}),
});

const headersOut = z.record(z.string(), z.string());

const exchangeSchema = z
	.object({
		request: z
			.object({
				method: z.literal("POST").openapi({ description: "Always `POST`." }),
				url: z.string().openapi({ description: "The URL that was called." }),
				headers: headersOut.openapi({
					description:
						"With names in lower case, without those of the connection, such as `host` and `content-length`. Values of the webhook's own headers " +
						"are hidden. A customer's token sees only the beginning of `webhook-signature`.",
				}),
				body: z.string().openapi({ description: "The body, whose bytes in UTF-8 are signed." }),
			})
			.openapi({
				description: "The request of the last attempt. If Fanfare could not make it, as it would have been.",
			}),
		response: z
			.object({
				responseCode: z.int().openapi({ description: "The HTTP status." }),
				headers: headersOut.openapi({
					description:
						"With names in lower case. Empty for a customer's token without the capability `payloads.read`; other tokens see no " +
						"value of `set-cookie`.",
				}),
				body: z.string().openapi({
					description:
						"The first 4 KiB as text, or a note if the body is not text. Empty for a customer's token without `payloads.read`.",
				}),
				bodyTruncated: z.boolean().openapi({ description: "Whether the body has more than is shown." }),
			})
			.nullable()
			.openapi({ description: "The response; null if none came." }),
	})
	.openapi("TestExchange");

export const webhookTestSchema = z
	.object({
		status: z.enum(["Ok", "Failed"]).openapi({ description: "`Ok` if an attempt got a 2xx." }),
		responseCode: z.int().openapi({ description: "The response code of the last attempt; 0 if no response came." }),
		latencyMs: z.int().openapi({ description: "How long the last attempt took." }),
		attemptCount: z.int().openapi({ description: "The number of attempts that were made." }),
		body: z.string().nullable().openapi({ description: "The start of the last response body, at most 4 KiB." }),
		reason: z.string().nullable().openapi({ description: "Why it has failed, as a sentence; null if it has not." }),
		failedBy: z
			.enum(["receiver", "fanfare"])
			.nullable()
			.openapi({
				description:
					"`fanfare` if the last attempt failed for lack of something on the server, such as a free descriptor or a turn to connect: " +
					"this says nothing about the receiver, so test again. Null if the test succeeded.",
			}),
		exchange: exchangeSchema
			.optional()
			.openapi({ description: "The last request and the response to it. Present only with `?exchange=true`." }),
	})
	.openapi("WebhookTest", {
		example: {
			status: "Ok",
			responseCode: 200,
			latencyMs: 648,
			attemptCount: 1,
			body: "thanks",
			reason: null,
			failedBy: null,
			exchange: {
				request: {
					method: "POST",
					url: "https://example.com/webhooks",
					headers: {
						"content-type": "application/json",
						"user-agent": "Fanfare/0.2.0 (+https://github.com/fanfare-webhooks/fanfare)",
						"webhook-id": "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
						"webhook-timestamp": "1732454640",
						"webhook-signature": "v1,jiYdUseC4xdvs+f1iSNp1zmnAuAZ4/xrLo6Iwxn0MHU=",
					},
					body: '{"type":"user.created","timestamp":"2024-11-24T13:24:00.000Z","data":{"id":4711,"plan":"pro"}}',
				},
				response: {
					responseCode: 200,
					headers: { "content-type": "text/plain" },
					body: "thanks",
					bodyTruncated: false,
				},
			},
		},
	});
