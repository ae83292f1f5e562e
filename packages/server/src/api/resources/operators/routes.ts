// For operators: is it alive, can it work, how is it doing. Open, and without anything secret.
import { z } from "@hono/zod-openapi";

import { json, OPEN, route } from "../../request/route.ts";

const healthSchema = z.object({ status: z.literal("ok"), version: z.string() }).openapi("Health");
const readinessSchema = z
	.object({
		ready: z.boolean(),
		checks: z.record(z.string(), z.object({ ok: z.boolean(), message: z.string() })),
	})
	.openapi("Readiness");

export const operatorRoutes = [
	route({
		id: "getHealth",
		tag: "Operators",
		method: "get",
		path: "/healthz",
		access: OPEN,
		summary: "Is it alive?",
		description: "Says yes as long as the process answers at all. Looks at nothing else.",
		answers: { 200: { description: "Alive.", schema: healthSchema } },
		handle: ({ deps }) => json({ status: "ok", version: deps.version }),
	}),
	route({
		id: "getReadiness",
		tag: "Operators",
		method: "get",
		path: "/readyz",
		access: OPEN,
		summary: "Can it work?",
		description: "Looks at each thing that the server needs.",
		answers: {
			200: { description: "It can.", schema: readinessSchema },
			503: { description: "It cannot; `checks` says why.", schema: readinessSchema },
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
		summary: "Metrics for Prometheus",
		description:
			"Holds no secret and no payload, but figures on your traffic: let a proxy keep it inside your network.",
		answers: { 200: { description: "The metrics.", contentType: "text/plain" } },
		async handle({ deps }) {
			const { contentType, text } = await deps.metrics();
			return { status: 200, body: text, contentType };
		},
	}),
];
