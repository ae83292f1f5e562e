// Stats of a project and of a webhook.
import { MAX_SERIES_BUCKETS, MAX_SERIES_WEBHOOKS } from "../../../core/stats/stats.ts";
import { json, keyOrCustomerWith, route } from "../../request/route.ts";
import { presentSeries, presentStats } from "./present.ts";
import { seriesQuerySchema, statsQuerySchema, statsSchema, webhookStatsSchema } from "./schemas.ts";

export const statsRoutes = [
	route({
		id: "getProjectStats",
		tag: "Stats",
		method: "get",
		path: "/projects/{projectId}/stats",
		access: keyOrCustomerWith("read", "read"),
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
		access: keyOrCustomerWith("read", "read"),
		summary: "Get a webhook's stats",
		description: "Counts and latencies of one webhook, in the same form as a project's stats.",
		query: statsQuerySchema,
		answers: { 200: { description: "The stats.", schema: statsSchema } },
		async handle({ deps, scope, params: { webhookId }, query: { width = "hour", from = null, to = null } }) {
			return json(presentStats(await deps.engine.stats.read(scope, webhookId, { width, from, to })));
		},
	}),
	route({
		id: "getStatsOfWebhooks",
		tag: "Stats",
		method: "get",
		path: "/projects/{projectId}/batch/webhooks:stats",
		access: keyOrCustomerWith("read", "read"),
		summary: "Get the stats of several webhooks",
		description:
			`The attempts of up to ${MAX_SERIES_WEBHOOKS} webhooks in up to ${MAX_SERIES_BUCKETS} buckets each, for small charts in a list. ` +
			"A 404 names the ids that are not webhooks of the project, or not of the customer whose token is used; nothing is returned then.",
		query: seriesQuerySchema,
		answers: { 200: { description: "The attempts of each webhook.", schema: webhookStatsSchema } },
		errors: {
			404: "There is no such project (`project_not_found`) or webhook (`webhook_not_found`). `issues` says which of the ids it is.",
		},
		async handle({ deps, scope, query: { ids, width = "hour", from = null, to = null } }) {
			return json(presentSeries(await deps.engine.stats.readSeries(scope, ids, { width, from, to })));
		},
	}),
];
