// Replays: start one or count the events that it would send, look it up, cancel it.
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyOrCustomerWith, route } from "../../request/route.ts";
import { listReply, pageRequest } from "../common/list-reply.ts";
import { listOf } from "../common/schemas.ts";
import { replayRequest } from "./input.ts";
import { presentEstimate, presentReplay } from "./present.ts";
import {
	createReplaysSchema,
	replayEstimateSchema,
	replayQuerySchema,
	replaySchema,
	replaysStartedSchema,
	replayWebhookSchema,
} from "./schemas.ts";

const ONE = "/projects/{projectId}/replays/{replayId}";

export const replayRoutes = [
	route({
		id: "replayWebhook",
		tag: "Replays",
		method: "post",
		path: "/projects/{projectId}/batch/webhooks/{webhookId}:replay",
		audit: "replay.create",
		access: keyOrCustomerWith("write", "replay"),
		summary: "Replay events to a webhook",
		description:
			"Sends old events to this webhook again: each matching event once, oldest first, with the `webhook-id` of the " +
			"first time. A replay runs in the background, at a pace that leaves room for new events, and continues after " +
			"a restart. It waits while the webhook is paused or disabled, and ends when the webhook is deleted. At most " +
			"10 replays of a project run at once, and beside them 2 to the webhooks of each customer.",
		body: jsonBody(replayWebhookSchema, { since: 1_723_633_671_620, status: ["Failed", "Missed"], dryRun: true }),
		answers: {
			200: {
				description: "With `dryRun`: the number of events that would be sent. Nothing was sent.",
				schema: replayEstimateSchema,
			},
			202: { description: "The replay, which has started.", schema: replaySchema },
		},
		errors: {
			404: "The webhook or one of the events is not there (`webhook_not_found`, `event_not_found`); `issues` say which event.",
			409: "Too many replays are running in this project, or for this customer (`too_many_replays`).",
		},
		async handle({ deps, scope, change, params: { webhookId }, body }) {
			const request = replayRequest(body);
			if (body.dryRun !== true) {
				return json(presentReplay(await deps.engine.replays.start(change, webhookId, request)), 202);
			}
			return json(presentEstimate(await deps.engine.replays.estimate(scope, [webhookId], request)));
		},
	}),
	route({
		id: "createReplays",
		tag: "Replays",
		method: "post",
		path: "/projects/{projectId}/replays",
		audit: "replay.create_many",
		access: keyOrCustomerWith("write", "replay"),
		summary: "Replay events to several webhooks",
		description:
			"Starts a replay to each of these webhooks, as `:replay` of a webhook does, or none of them: if one of the webhooks or events is " +
			"not there, or if too many replays would run at once.",
		body: jsonBody(createReplaysSchema, {
			webhookIds: ["webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7"],
			eventIds: ["evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77"],
		}),
		answers: {
			200: {
				description: "With `dryRun`: how many deliveries there would be, to all of them. Nothing was sent.",
				schema: replayEstimateSchema,
			},
			202: {
				description: "The replays, which have started, in the order of `webhookIds`.",
				schema: replaysStartedSchema,
			},
		},
		errors: {
			404: "One of the webhooks or of the events is not there (`webhook_not_found`, `event_not_found`); `issues` say which.",
			409: "Too many replays would run in this project, or for a customer (`too_many_replays`).",
		},
		async handle({ deps, scope, change, body }) {
			const request = replayRequest(body);
			if (body.dryRun === true) {
				return json(presentEstimate(await deps.engine.replays.estimate(scope, body.webhookIds, request)));
			}
			const replays = await deps.engine.replays.startAll(change, body.webhookIds, request);
			return json({ object: "replaysStarted", data: replays.map(presentReplay) }, 202);
		},
	}),
	route({
		id: "listReplays",
		tag: "Replays",
		method: "get",
		path: "/projects/{projectId}/replays",
		access: keyOrCustomerWith("read", "read"),
		summary: "List replays",
		description: "Newest first, including those that have ended.",
		query: replayQuerySchema,
		answers: { 200: { description: "A page of replays.", schema: listOf(replaySchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "replay");
			const page = await deps.engine.replays.list(scope, query.webhookId ?? null, request);
			return listReply(page, request, presentReplay);
		},
	}),
	route({
		id: "getReplay",
		tag: "Replays",
		method: "get",
		path: ONE,
		access: keyOrCustomerWith("read", "read"),
		summary: "Get a replay",
		description: "Shows how far the replay has come.",
		answers: { 200: { description: "The replay.", schema: replaySchema } },
		handle: async ({ deps, scope, params }) =>
			json(presentReplay(await deps.engine.replays.get(scope, params.replayId))),
	}),
	route({
		id: "cancelReplay",
		tag: "Replays",
		method: "post",
		path: "/projects/{projectId}/replays/{replayId}:cancel",
		audit: "replay.cancel",
		access: keyOrCustomerWith("write", "replay"),
		summary: "Cancel a replay",
		description:
			"No more deliveries are created. Those that were created continue, and each can be cancelled by itself.",
		answers: { 200: { description: "The cancelled replay.", schema: replaySchema } },
		errors: { 409: "The replay has already ended (`replay_ended`)." },
		handle: async ({ deps, change, params }) =>
			json(presentReplay(await deps.engine.replays.cancel(change, params.replayId))),
	}),
];
