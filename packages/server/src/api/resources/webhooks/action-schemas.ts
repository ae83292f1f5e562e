// Tests and releases of webhooks on the wire.
import { z } from "@hono/zod-openapi";

import { eventTypeName } from "../event-types/schemas.ts";

export const testWebhookSchema = z
	.strictObject({
		eventType: eventTypeName
			.nullish()
			.openapi({ description: "Send the example of this event type. Defaults to a sample of Fanfare's own." }),
	})
	.openapi("TestWebhook");

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
	})
	.openapi("WebhookTest", {
		example: {
			status: "Ok",
			responseCode: 204,
			latencyMs: 648,
			attemptCount: 1,
			body: null,
			reason: null,
			failedBy: null,
		},
	});

export const webhooksReleasedSchema = z
	.object({
		object: z.literal("webhooksReleased"),
		released: z.int().openapi({ description: "Webhooks that were resumed." }),
		complete: z.boolean().openapi({ description: "False if there are more: call again." }),
	})
	.openapi("WebhooksReleased", { example: { object: "webhooksReleased", released: 12, complete: true } });
