// Conformance checks of webhooks on the wire.
import { z } from "@hono/zod-openapi";

import { list } from "../common/bounded.ts";
import { eventTypeName } from "../event-types/schemas.ts";

const MAX_BURST = 50;
const MAX_SLOW_MS = 15_000;
const MAX_NAMES = 50;

const checkName = z.string().regex(/^[a-z_]{1,40}$/, "must be the name of a check, such as `changed_body`");

export const conformWebhookSchema = z
	.strictObject({
		eventType: eventTypeName.nullish().openapi({
			description: "The event type of the requests, as in a test. Defaults to `conform.test`, with `{}` as its data.",
		}),
		data: z
			.unknown()
			.optional()
			.openapi({
				description: "The data of the requests, any JSON value but null. Defaults to the example of the event type.",
				example: { id: 4711, plan: "pro" },
			}),
		checks: list(checkName, { min: 1, max: MAX_NAMES })
			.optional()
			.openapi({
				description: "Make these checks and the basic ones, without which they mean nothing. Defaults to all.",
				example: ["changed_body", "rotation"],
			}),
		burst: z.int().min(1).max(MAX_BURST).optional().openapi({
			description: "How many requests come at once in the check `burst`. Defaults to 20.",
			example: 20,
		}),
		slowMs: z.int().min(1).max(MAX_SLOW_MS).optional().openapi({
			description: "How long the first response may take in the check `quick`. Defaults to 5,000.",
			example: 5_000,
		}),
	})
	.openapi("ConformWebhook");

const conformanceCheckSchema = z
	.object({
		name: z.string().openapi({ description: "The name of the check, such as `changed_body`." }),
		title: z.string().openapi({ description: "What a correct receiver does." }),
		result: z.enum(["passed", "failed", "skipped"]).openapi({
			description: "`skipped` if a basic check has failed before, or the whole check ended early.",
		}),
		problem: z.string().nullable().openapi({
			description: "What is wrong, and what to do, in sentences; null unless the result is `failed`.",
		}),
		durationMs: z.int().openapi({ description: "How long the check took." }),
	})
	.openapi("ConformanceCheck");

export const conformanceSchema = z
	.object({
		object: z.literal("conformance"),
		conforms: z.boolean().openapi({ description: "Whether every check was made and passed." }),
		endedEarly: z.string().nullable().openapi({
			description:
				"Why the rest was skipped, which says nothing about the receiver, such as that the minute was over; null if it was not.",
		}),
		requestCount: z.int().openapi({ description: "How many requests were sent." }),
		checks: z.array(conformanceCheckSchema).openapi({ description: "The checks in their order." }),
	})
	.openapi("Conformance", {
		example: {
			object: "conformance",
			conforms: false,
			endedEarly: null,
			requestCount: 2,
			checks: [
				{ name: "reachable", title: "responds at all", result: "passed", problem: null, durationMs: 0 },
				{
					name: "changed_body",
					title: "refuses a body that was changed",
					result: "failed",
					problem: "It responded with 200. It does not compare the signature with the body.",
					durationMs: 12,
				},
			],
		},
	});
