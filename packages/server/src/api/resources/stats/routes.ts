// Statistics.
import { json, keyWith, route } from "../../request/route.ts";
import { presentStats } from "./present.ts";
import { statsQuerySchema, statsSchema } from "./schemas.ts";

export const statsRoutes = [
	route({
		id: "getProjectStats",
		tag: "Statistics",
		method: "get",
		path: "/projects/{projectId}/stats",
		access: keyWith("read"),
		summary: "Get a project's statistics",
		description: "Buckets of a minute, an hour or a day (UTC), without gaps. Tests of a webhook are not in them.",
		query: statsQuerySchema,
		answers: { 200: { description: "The statistics.", schema: statsSchema } },
		async handle({ deps, params, query: { width = "hour", from = null, to = null } }) {
			return json(presentStats(await deps.engine.stats.read(params.projectId, null, { width, from, to })));
		},
	}),
	route({
		id: "getWebhookStats",
		tag: "Statistics",
		method: "get",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}/stats",
		access: keyWith("read"),
		summary: "Get a webhook's statistics",
		description: "The same of one webhook.",
		query: statsQuerySchema,
		answers: { 200: { description: "The statistics.", schema: statsSchema } },
		async handle({ deps, params: { projectId, webhookId }, query: { width = "hour", from = null, to = null } }) {
			return json(presentStats(await deps.engine.stats.read(projectId, webhookId, { width, from, to })));
		},
	}),
];
