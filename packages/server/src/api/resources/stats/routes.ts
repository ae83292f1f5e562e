// Stats of a project and of a webhook.
import { json, keyWith, route } from "../../request/route.ts";
import { presentStats } from "./present.ts";
import { statsQuerySchema, statsSchema } from "./schemas.ts";

export const statsRoutes = [
	route({
		id: "getProjectStats",
		tag: "Stats",
		method: "get",
		path: "/projects/{projectId}/stats",
		access: keyWith("read"),
		summary: "Get a project's stats",
		description:
			"Counts and latencies in buckets of a minute, an hour or a day (UTC), without gaps, and without tests of webhooks.",
		query: statsQuerySchema,
		answers: { 200: { description: "The stats.", schema: statsSchema } },
		async handle({ deps, scope, query: { width = "hour", from = null, to = null } }) {
			return json(presentStats(await deps.engine.stats.read(scope, null, { width, from, to })));
		},
	}),
	route({
		id: "getWebhookStats",
		tag: "Stats",
		method: "get",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}/stats",
		access: keyWith("read"),
		summary: "Get a webhook's stats",
		description: "Counts and latencies of one webhook, in the same form as a project's stats.",
		query: statsQuerySchema,
		answers: { 200: { description: "The stats.", schema: statsSchema } },
		async handle({ deps, scope, params: { webhookId }, query: { width = "hour", from = null, to = null } }) {
			return json(presentStats(await deps.engine.stats.read(scope, webhookId, { width, from, to })));
		},
	}),
];
