// What each call puts on the wire, and what it makes of the answer.
import { expect, it } from "vitest";

import type { Client } from "../src/index.ts";
import {
	json,
	PROJECT_ID,
	raw,
	ScriptedServer,
	testClient,
	WEBHOOK_ID,
	wireEvent,
	wireProject,
	wireWebhook,
} from "./scripted-server.ts";

const webhook = { ...wireWebhook, retries: { maxRetries: 3, maxRetryDelay: 15_000 } };
const webhooksPath = `/projects/${PROJECT_ID}/batch/webhooks`;
const emptyPage = { nextPage: null, prevPage: null, data: [] };
const wireKey = {
	id: "key_1",
	object: "key",
	name: "checkout",
	scope: "write",
	projectId: PROJECT_ID,
	hint: "wxyz",
	createDate: 1,
};

const wireFigures = {
	accepted: 3,
	attempts: { succeeded: 2, failed: 1 },
	succeeded: 2,
	exhausted: 1,
	latencyMs: { p50: 12, p95: 80, p99: null },
};
const wireStats = {
	object: "stats",
	width: "day",
	from: 86_400_000,
	to: 172_800_000,
	data: [{ start: 86_400_000, ...wireFigures }],
	totals: wireFigures,
	deliveries: { Pending: 0, Succeeded: 2, Failed: 1, Held: 0, Cancelled: 0 },
};

interface Case {
	readonly call: (client: Client) => PromiseLike<unknown>;
	/** Method, path and, if there is one, body. */
	readonly sends: readonly [method: string, url: string, body?: unknown];
	readonly answer: unknown;
	/** If it is not the answer as it is. */
	readonly gives?: unknown;
}

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

const types = (client: Client) => client.project(PROJECT_ID).eventTypes;
const hooks = (client: Client) => client.project(PROJECT_ID).batch.webhooks;
const cases: Record<string, Case> = {
	getInfo: {
		call: (client) => client.getInfo(),
		sends: ["GET", "/workspace"],
		answer: { id: "ws_1", name: "Ours", owner: "me", tier: "self-hosted", createDate: 1 },
	},
	listProjects: {
		call: (client) => client.listProjects(),
		sends: ["GET", "/workspace/projects"],
		answer: [wireProject],
	},
	getProject: {
		call: (client) => client.getProject(PROJECT_ID),
		sends: ["GET", `/projects/${PROJECT_ID}`],
		answer: wireProject,
	},
	"getProject, its prefix missing": {
		call: (client) => client.getProject(PROJECT_ID.slice("proj_".length)),
		sends: ["GET", `/projects/${PROJECT_ID}`],
		answer: wireProject,
	},
	"projects.create": {
		call: (client) => client.projects.create({ name: "My project" }),
		sends: ["POST", "/workspace/projects", { name: "My project" }],
		answer: wireProject,
	},
	"projects.update": {
		call: (client) => client.projects.update(PROJECT_ID, { name: "Other" }),
		sends: ["PATCH", `/projects/${PROJECT_ID}`, { name: "Other" }],
		answer: wireProject,
	},
	"projects.delete": {
		call: (client) => client.projects.delete(PROJECT_ID),
		sends: ["DELETE", `/projects/${PROJECT_ID}`],
		answer: { id: PROJECT_ID, deleted: true },
	},
	"keys.create for a project": {
		call: (client) => client.keys.create({ name: "checkout", scope: "write", projectId: PROJECT_ID.slice(5) }),
		sends: ["POST", "/workspace/keys", { name: "checkout", scope: "write", projectId: PROJECT_ID }],
		answer: { ...wireKey, secretKey: "sk_new" },
	},
	"keys.create for the workspace": {
		call: (client) => client.keys.create({ name: "ops", scope: "admin", projectId: null }),
		sends: ["POST", "/workspace/keys", { name: "ops", scope: "admin", projectId: null }],
		answer: { ...wireKey, projectId: null, secretKey: "sk_new" },
	},
	"keys.list": {
		call: (client) => client.keys.list({ limit: 5 }),
		sends: ["GET", "/workspace/keys?limit=5"],
		answer: { ...emptyPage, data: [wireKey] },
	},
	"keys.delete": {
		call: (client) => client.keys.delete("key_1"),
		sends: ["DELETE", "/workspace/keys/key_1"],
		answer: { id: "key_1", deleted: true },
	},
	"project.stats": {
		call: (client) => client.project(PROJECT_ID).stats({ width: "day", from: new Date(86_400_000), to: 172_800_000 }),
		sends: ["GET", `/projects/${PROJECT_ID}/stats?width=day&from=86400000&to=172800000`],
		answer: wireStats,
	},
	"webhooks.stats": {
		call: (client) => hooks(client).stats(WEBHOOK_ID),
		sends: ["GET", `${webhooksPath}/${WEBHOOK_ID}/stats`],
		answer: wireStats,
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
	"webhooks.test": {
		call: (client) => hooks(client).test(WEBHOOK_ID),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:test`],
		answer: { status: "Ok", responseCode: 204, latencyMs: 648, attemptCount: 1, body: null, reason: null },
	},
	"webhooks.test of a type": {
		call: (client) => hooks(client).test(WEBHOOK_ID, { eventType: "order.paid" }),
		sends: ["POST", `${webhooksPath}/${WEBHOOK_ID}:test`, { eventType: "order.paid" }],
		answer: { status: "Ok", responseCode: 204, latencyMs: 648, attemptCount: 1, body: null, reason: null },
	},
	"projects.update of the policy on event types": {
		call: (client) => client.projects.update(PROJECT_ID, { eventTypes: "catalogued" }),
		sends: ["PATCH", `/projects/${PROJECT_ID}`, { eventTypes: "catalogued" }],
		answer: { ...wireProject, eventTypes: "catalogued" },
		gives: expect.objectContaining({ name: "My project", eventTypePolicy: "catalogued" }),
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
	"events.send": {
		call: (client) =>
			client.project(PROJECT_ID).events.send({
				type: "order.paid",
				data: { orderId: 42 },
				timestamp: new Date(1_700_000_000_123),
				idempotencyKey: "order-42",
				webhookIds: [WEBHOOK_ID],
			}),
		sends: [
			"POST",
			`/projects/${PROJECT_ID}/events`,
			{
				type: "order.paid",
				data: { orderId: 42 },
				timestamp: 1_700_000_000_123,
				idempotencyKey: "order-42",
				webhookIds: [WEBHOOK_ID],
			},
		],
		answer: wireEvent(1),
	},
	"events.list": {
		call: (client) =>
			client.project(PROJECT_ID).events.list({ limit: 10, type: "a.b", after: new Date(5), before: 9, page: "x" }),
		sends: ["GET", `/projects/${PROJECT_ID}/events?limit=10&type=a.b&after=5&before=9&page=x`],
		answer: { ...emptyPage, data: [wireEvent(1)] },
	},
	"projects.update of retention": {
		call: (client) => client.projects.update(PROJECT_ID, { retentionDays: 7, payloadRetentionDays: null }),
		sends: ["PATCH", `/projects/${PROJECT_ID}`, { retentionDays: 7, payloadRetentionDays: null }],
		answer: { ...wireProject, retentionDays: 7, payloadRetentionDays: null },
	},
	"audit.list": {
		call: (client) =>
			client.audit.list({ objectId: "webhook_1", action: "webhook.update", after: new Date(5), limit: 2 }),
		sends: ["GET", "/workspace/audit?objectId=webhook_1&action=webhook.update&limit=2&after=5"],
		answer: emptyPage,
	},
	"events.eraseData": {
		call: (client) => client.project(PROJECT_ID).events.eraseData("evt_1"),
		sends: ["DELETE", `/projects/${PROJECT_ID}/events/evt_1/data`],
		answer: { id: "evt_1", object: "erasure", dataErased: true, cancelledCount: 2 },
	},
	"events.get": {
		call: (client) => client.project(PROJECT_ID).events.get("evt_1"),
		sends: ["GET", `/projects/${PROJECT_ID}/events/evt_1`],
		answer: wireEvent(1),
	},
	"deliveries.list": {
		call: (client) =>
			client.project(PROJECT_ID).deliveries.list({
				limit: 1,
				webhookId: WEBHOOK_ID,
				eventId: "evt_1",
				eventType: "a b",
				status: "Failed",
				responseCode: 0,
				after: 0,
				before: new Date(7),
			}),
		sends: [
			"GET",
			`/projects/${PROJECT_ID}/deliveries?limit=1&webhookId=${WEBHOOK_ID}&eventId=evt_1&eventType=a%20b&status=Failed&responseCode=0&after=0&before=7`,
		],
		answer: emptyPage,
	},
	"deliveries.get": {
		call: (client) => client.project(PROJECT_ID).deliveries.get("dlv_1"),
		sends: ["GET", `/projects/${PROJECT_ID}/deliveries/dlv_1`],
		answer: { id: "dlv_1", object: "delivery", attempts: [] },
	},
	"deliveries.retry": {
		call: (client) => client.project(PROJECT_ID).deliveries.retry("dlv_1"),
		sends: ["POST", `/projects/${PROJECT_ID}/deliveries/dlv_1:retry`],
		answer: { id: "dlv_1", object: "delivery" },
	},
	"deliveries.cancel": {
		call: (client) => client.project(PROJECT_ID).deliveries.cancel("dlv_1"),
		sends: ["POST", `/projects/${PROJECT_ID}/deliveries/dlv_1:cancel`],
		answer: { id: "dlv_1", object: "delivery" },
	},
	"deliveries.retryMany": {
		call: (client) => client.project(PROJECT_ID).deliveries.retryMany({ status: "Failed", after: new Date(5) }),
		sends: ["POST", `/projects/${PROJECT_ID}/deliveries:retry`, { status: "Failed", after: 5 }],
		answer: { object: "deliveriesChanged", matched: 2, changed: 1, complete: true },
	},
	"deliveries.cancelMany": {
		call: (client) => client.project(PROJECT_ID).deliveries.cancelMany({ webhookId: WEBHOOK_ID }),
		sends: ["POST", `/projects/${PROJECT_ID}/deliveries:cancel`, { webhookId: WEBHOOK_ID }],
		answer: { object: "deliveriesChanged", matched: 2, changed: 2, complete: true },
	},
};

it.each(Object.entries(cases))(
	"%s sends and gives what the contract says",
	async (_name, { call, sends, answer, gives }) => {
		await using server = await ScriptedServer.start(json(200, answer));
		const { client } = testClient(server);

		expect(await call(client)).toEqual(gives ?? answer);

		const [method, url, body] = sends;
		expect(server.requests).toHaveLength(1);
		expect([server.last.method, server.last.url]).toEqual([method, url]);
		expect(server.last.body === "" ? undefined : JSON.parse(server.last.body)).toEqual(body);
		expect(server.last.headers).toMatchObject({
			"secret-key": "sk_a-key-that-must-not-be-seen",
			accept: "application/json",
		});
		expect(server.last.headers["content-type"]).toBe(body === undefined ? undefined : "application/json");
		expect(server.last.headers["user-agent"]).toMatch(/^fanfare-sdk\/\d+\.\d+\.\d+$/);
	},
);

it("works in a project that was fetched or listed", async () => {
	await using server = await ScriptedServer.start(json(200, wireProject), json(200, wireWebhook));
	const project = await testClient(server).client.getProject(PROJECT_ID);

	expect(project.name).toBe("My project");
	expect((await project.batch.webhooks.get(WEBHOOK_ID)).retries.maxRetryDelay).toBe(15_000);
	expect(JSON.parse(JSON.stringify(project))).toEqual(wireProject);
});

it("puts the endpoint's own path in front, with or without a slash at its end", async () => {
	await using server = await ScriptedServer.start(json(200, {}), json(200, {}));

	for (const end of ["", "/"]) {
		await testClient({ endpoint: `${server.endpoint}/hooks/api${end}` }).client.getInfo();
		expect(server.last.url).toBe("/hooks/api/workspace");
	}
});

it("encodes ids, so that none leads to another path", async () => {
	await using server = await ScriptedServer.start(json(200, {}));
	const { events } = testClient(server).client.project(PROJECT_ID);

	await events.get("evt_1/../../x?y#z");

	expect(server.last.url).toBe(`/projects/${PROJECT_ID}/events/evt_1%2F..%2F..%2Fx%3Fy%23z`);
});

it.each(["", ".", "..", undefined])("refuses %j as an id before anything is sent", async (id) => {
	await using server = await ScriptedServer.start();
	const { client } = testClient(server);

	await expect(hooks(client).delete(id as string)).rejects.toThrow(TypeError);
	await expect(client.keys.delete(id as string)).rejects.toThrow(/^An id must be a string/);
	expect(server.requests).toEqual([]);
});

it("leaves a field that it doesn't know to the server", async () => {
	await using server = await ScriptedServer.start(json(200, wireWebhook));
	const spec = { endpoint: "https://example.com/", retries: { maxRetries: 1, jitter: true }, colour: "red" };

	await hooks(testClient(server).client).create({ name: "n", spec });

	expect(JSON.parse(server.last.body)).toEqual({ name: "n", spec });
});

it("gives a webhook test, which may take 30 s, more time than the client's other calls", async () => {
	await using server = await ScriptedServer.start((response) => {
		setTimeout(() => raw(200, "{}")(response, server.last), 60);
	});
	const { client } = testClient(server, { timeoutMs: 20 });

	expect(await hooks(client).test(WEBHOOK_ID)).toEqual({});
});
