// Projects, keys, events, deliveries, replays and the audit log: the request of each call, and the value that it returns.
import { expect } from "vitest";

import { PROJECT_ID, WEBHOOK_ID, wireEvent, wireProject } from "./scripted-server.ts";
import { emptyPage, wireStats, type WireCase } from "./wire-case.ts";

const wireKey = {
	id: "key_1",
	object: "key",
	name: "checkout",
	scope: "write",
	projectId: PROJECT_ID,
	hint: "wxyz",
	createDate: 1,
};

export const projectCases: Record<string, WireCase> = {
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
	"projects.update of the policy on event types": {
		call: (client) => client.projects.update(PROJECT_ID, { eventTypes: "catalogued" }),
		sends: ["PATCH", `/projects/${PROJECT_ID}`, { eventTypes: "catalogued" }],
		answer: { ...wireProject, eventTypes: "catalogued" },
		gives: expect.objectContaining({ name: "My project", eventTypePolicy: "catalogued" }),
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
	"replays.get": {
		call: (client) => client.project(PROJECT_ID).replays.get("replay_1"),
		sends: ["GET", `/projects/${PROJECT_ID}/replays/replay_1`],
		answer: { id: "replay_1", object: "replay" },
	},
	"replays.cancel": {
		call: (client) => client.project(PROJECT_ID).replays.cancel("replay_1"),
		sends: ["POST", `/projects/${PROJECT_ID}/replays/replay_1:cancel`],
		answer: { id: "replay_1", object: "replay" },
	},
};
