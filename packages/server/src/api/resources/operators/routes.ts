// Health, readiness and metrics, for operators. These calls need no key and return nothing secret.
import { z } from "@hono/zod-openapi";

import { json, OPEN, route } from "../../request/route.ts";

const healthSchema = z
	.object({
		status: z.literal("ok").openapi({ description: "Always `ok`." }),
		version: z.string().openapi({ description: "The version of the server." }),
	})
	.openapi("Health", { example: { status: "ok", version: "0.2.0" } });
const readinessSchema = z
	.object({
		ready: z.boolean().openapi({ description: "Whether the process can do the work of its role." }),
		checks: z
			.record(
				z.string(),
				z.object({
					ok: z.boolean().openapi({ description: "Whether it has passed." }),
					message: z.string().openapi({ description: "What was found, as a sentence." }),
				}),
			)
			.openapi({
				description:
					"The checks by their names. All have to pass but `delivery`, which says whether any process of the cluster delivers.",
			}),
	})
	.openapi("Readiness", { example: { ready: true, checks: { store: { ok: true, message: "the store answers" } } } });

export const operatorRoutes = [
	route({
		id: "getHealth",
		tag: "Operators",
		method: "get",
		path: "/healthz",
		access: OPEN,
		summary: "Check whether the server is alive",
		description: "Responds with 200 as long as the process can respond. Checks nothing else.",
		answers: { 200: { description: "The server is alive.", schema: healthSchema } },
		handle: ({ deps }) => json({ status: "ok", version: deps.version }),
	}),
	route({
		id: "getReadiness",
		tag: "Operators",
		method: "get",
		path: "/readyz",
		access: OPEN,
		summary: "Check whether the server is ready",
		description: "Checks each thing that the server needs to work.",
		answers: {
			200: { description: "The server is ready.", schema: readinessSchema },
			503: {
				description: "The server is not ready; `checks` says why, and how far an upgrade of the stored data is.",
				schema: readinessSchema,
			},
		},
		async handle({ deps }) {
			const { ready, checks } = await deps.engine.readiness();
			return json({ ready, checks }, ready ? 200 : 503);
		},
	}),
	route({
		id: "getMetrics",
		tag: "Operators",
		method: "get",
		path: "/metrics",
		access: OPEN,
		summary: "Get metrics for Prometheus",
		description:
			"Contains no secret and no payload, but counts of your traffic: do not let your proxy expose it to the internet.",
		answers: { 200: { description: "The metrics.", contentType: "text/plain" } },
		async handle({ deps }) {
			const { contentType, text } = await deps.metrics();
			return { status: 200, body: text, contentType };
		},
	}),
];
