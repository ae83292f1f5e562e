// Webhooks and event types: the request of each call, and the value that it returns.
import type { Client } from "../src/index.ts";
import { PROJECT_ID, WEBHOOK_ID, wireWebhook } from "./scripted-server.ts";
import { emptyPage, wireSeries, wireStats, type WireCase } from "./wire-case.ts";

const webhook = { ...wireWebhook, retries: { maxRetries: 3, maxRetryDelay: 15_000 } };
const webhooksPath = `/projects/${PROJECT_ID}/batch/webhooks`;
const typesPath = `/projects/${PROJECT_ID}/event-types`;
const wireEventType = {
	id: "order.paid",
	object: "eventType",
	projectId: PROJECT_ID,
	name: "order.paid",
	description: null,
	schema: { type: "object" },
	example: { n: 1 },
	archived: false,
	createDate: 1,
	updateDate: 2,
};

const { schema, example, ...otherFields } = wireEventType;
const eventTypeAsText = {
	...otherFields,
	schemaText: JSON.stringify(schema),
	exampleText: JSON.stringify(example),
};

const types = (client: Client) => client.project(PROJECT_ID).eventTypes;
export const hooks = (client: Client) => client.project(PROJECT_ID).batch.webhooks;

export const webhookCases: Record<string, WireCase> = {
	"webhooks.stats": {
		call: (client) => hooks(client).stats(WEBHOOK_ID),
		sends: ["GET", `${webhooksPath}/${WEBHOOK_ID}/stats`],
		answer: wireStats,
	},
	"webhooks.statsOf": {
		call: (client) => hooks(client).statsOf([WEBHOOK_ID]),
		sends: ["GET", `${webhooksPath}:stats?ids=${WEBHOOK_ID}`],
		answer: wireSeries,
	},
	"webhooks.create as in the Nexus docs": {
		call: (client) =>
			hooks(client).create({
				name: "aws-lambda",
				spec: {
					endpoint: webhook.endpoint,
					secret: { contents: "HCK7CWdt83qYfstai9eRlu1Sbw3cZ1uQ1kQYcgofW/Q=" },
					retries: { maxRetries: 3, maxRetryDelay: 15_000 },
				},
			}),
		sends: [
			"POST",
			webhooksPath,
			{
				name: "aws-lambda",
				spec: {
					endpoint: webhook.endpoint,
					secret: { contents: "HCK7CWdt83qYfstai9eRlu1Sbw3cZ1uQ1kQYcgofW/Q=" },
					retries: { maxRetries: 3, maxBackoffMs: 15_000 },
				},
			},
		],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.create with everything of ours": {
		call: (client) =>
			hooks(client).create({
				name: "all",
				spec: {
					endpoint: webhook.endpoint,
					secret: "c2VjcmV0",
					retries: { maxRetries: 0 },
					description: "d",
					eventTypes: ["order.*"],
					headers: { "x-tenant": "1" },
					timeoutMs: 1_000,
					metadata: { team: "a" },
				},
			}),
		sends: [
			"POST",
			webhooksPath,
			{
				name: "all",
				spec: {
					endpoint: webhook.endpoint,
					secret: { contents: "c2VjcmV0" },
					retries: { maxRetries: 0 },
					description: "d",
					eventTypes: ["order.*"],
					headers: { "x-tenant": "1" },
					timeoutMs: 1_000,
					metadata: { team: "a" },
				},
			},
		],
		answer: { ...wireWebhook, description: "d", status: "Enabled" },
		gives: { ...webhook, description: "d", status: "Enabled" },
	},
	"webhooks.list": {
		call: (client) => hooks(client).list({ limit: 2, page: "abc" }),
		sends: ["GET", `${webhooksPath}?limit=2&page=abc`],
		answer: { nextPage: "n", prevPage: "p", data: [wireWebhook] },
		gives: { nextPage: "n", prevPage: "p", data: [webhook] },
	},
	"webhooks.get": {
		call: (client) => hooks(client).get(WEBHOOK_ID),
		sends: ["GET", `${webhooksPath}/${WEBHOOK_ID}`],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.update": {
		call: (client) =>
			hooks(client).update(WEBHOOK_ID, {
				spec: { retries: { maxRetryDelay: 0 }, eventTypes: null, description: null },
			}),
		sends: [
			"PATCH",
			`${webhooksPath}/${WEBHOOK_ID}`,
			{ spec: { retries: { maxBackoffMs: 0 }, eventTypes: null, description: null } },
		],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.update of the name alone": {
		call: (client) => hooks(client).update(WEBHOOK_ID, { name: "other" }),
		sends: ["PATCH", `${webhooksPath}/${WEBHOOK_ID}`, { name: "other", spec: {} }],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.updateSecret": {
		call: (client) => hooks(client).updateSecret(WEBHOOK_ID, { contents: "c2VjcmV0" }),
		sends: ["PUT", `${webhooksPath}/${WEBHOOK_ID}/secret`, { contents: "c2VjcmV0" }],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.updateSecret with a string": {
		call: (client) => hooks(client).updateSecret(WEBHOOK_ID, "c2VjcmV0"),
		sends: ["PUT", `${webhooksPath}/${WEBHOOK_ID}/secret`, { contents: "c2VjcmV0" }],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.updateSecret with an overlap": {
		call: (client) => hooks(client).updateSecret(WEBHOOK_ID, "c2VjcmV0", { overlapMs: 0 }),
		sends: ["PUT", `${webhooksPath}/${WEBHOOK_ID}/secret`, { contents: "c2VjcmV0", overlapMs: 0 }],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.pause": {
		call: (client) => hooks(client).pause(WEBHOOK_ID),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:pause`],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.resume": {
		call: (client) => hooks(client).resume(WEBHOOK_ID),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:resume`],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.release": {
		call: (client) => hooks(client).release(WEBHOOK_ID),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:release`],
		answer: wireWebhook,
		gives: webhook,
	},
	"webhooks.releaseAll": {
		call: (client) => hooks(client).releaseAll(),
		sends: ["POST", `${webhooksPath}:release`],
		answer: { object: "webhooksReleased", released: 2, complete: true },
	},
	"client.releaseWebhooks": {
		call: (client) => client.releaseWebhooks(),
		sends: ["POST", "/workspace/webhooks:release"],
		answer: { object: "webhooksReleased", released: 2, complete: true },
	},
	"webhooks.test": {
		call: (client) => hooks(client).test(WEBHOOK_ID),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:test`],
		answer: {
			status: "Ok",
			responseCode: 204,
			latencyMs: 648,
			attemptCount: 1,
			body: null,
			reason: null,
			failedBy: null,
		},
	},
	"webhooks.test of a type": {
		call: (client) => hooks(client).test(WEBHOOK_ID, { eventType: "order.paid" }),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:test`, { eventType: "order.paid" }],
		answer: {
			status: "Ok",
			responseCode: 204,
			latencyMs: 648,
			attemptCount: 1,
			body: null,
			reason: null,
			failedBy: null,
		},
	},
	"webhooks.conform": {
		call: (client) => hooks(client).conform(WEBHOOK_ID),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:conform`],
		answer: { object: "conformance", conforms: true, endedEarly: null, requestCount: 1, checks: [] },
	},
	"webhooks.test with data": {
		call: (client) => hooks(client).test(WEBHOOK_ID, { data: [], exchange: true }),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:test?exchange=true`, { data: [] }],
		answer: {
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
					headers: { "webhook-id": "evt_1" },
					body: "{}",
				},
				response: { responseCode: 200, headers: {}, body: "thanks", bodyTruncated: false },
			},
		},
	},
	"eventTypes.create": {
		call: (client) => types(client).create({ name: "order.paid", schema: { type: "object" }, example: { n: 1 } }),
		sends: ["POST", typesPath, { name: "order.paid", schema: { type: "object" }, example: { n: 1 } }],
		answer: wireEventType,
	},
	"eventTypes.list": {
		call: (client) => types(client).list({ limit: 2, page: "b", archived: false }),
		sends: ["GET", `${typesPath}?limit=2&archived=false&page=b`],
		answer: { ...emptyPage, data: [wireEventType] },
	},
	"eventTypes.get": {
		call: (client) => types(client).get("order.paid"),
		sends: ["GET", `${typesPath}/order.paid`],
		answer: wireEventType,
	},
	"eventTypes.listAsText": {
		call: (client) => types(client).listAsText({ limit: 2, page: "b", archived: false }),
		sends: ["GET", `${typesPath}?limit=2&archived=false&page=b`],
		answer: { ...emptyPage, data: [wireEventType] },
		gives: { ...emptyPage, data: [eventTypeAsText] },
	},
	"eventTypes.getAsText": {
		call: (client) => types(client).getAsText("order.paid"),
		sends: ["GET", `${typesPath}/order.paid`],
		answer: wireEventType,
		gives: eventTypeAsText,
	},
	"eventTypes.put": {
		call: (client) => types(client).put("order.paid", { description: "d" }),
		sends: ["PUT", `${typesPath}/order.paid`, { description: "d" }],
		answer: wireEventType,
	},
	"eventTypes.update": {
		call: (client) => types(client).update("order.paid", { archived: true, example: null }),
		sends: ["PATCH", `${typesPath}/order.paid`, { archived: true, example: null }],
		answer: wireEventType,
	},
	"eventTypes.delete": {
		call: (client) => types(client).delete("order.paid"),
		sends: ["DELETE", `${typesPath}/order.paid`],
		answer: { id: "order.paid", deleted: true },
	},
	"webhooks.delete": {
		call: (client) => hooks(client).delete(WEBHOOK_ID),
		sends: ["DELETE", `${webhooksPath}/${WEBHOOK_ID}`],
		answer: { id: WEBHOOK_ID, deleted: true },
	},
};
