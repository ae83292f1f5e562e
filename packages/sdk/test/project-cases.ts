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
	expireDate: null,
	lastUsedDate: 60_000,
	secretOverlapUntil: null,
};

const wireCustomer = {
	id: "a:b",
	object: "customer",
	projectId: PROJECT_ID,
	name: null,
	metadata: {},
	webhooks: { total: 1, failing: 0 },
	createDate: 1,
	updateDate: 2,
};

const wireStatus = {
	object: "workspaceStatus",
	version: "0.2.0",
	startDate: 1,
	date: 2,
	store: { storedBytes: 3, fileBytes: null, volumeBytes: null, freeBytes: null },
	backlog: { pending: 0, held: 0, readyDeliveries: 0, inFlightAttempts: 0, waitingSends: 0, oldestDueMs: 0 },
	commits: { count: 0, p50Ms: null, p99Ms: null },
	limits: [{ name: "maxProjects", used: 1, allowed: 2 }],
	warnings: [{ code: "limit_reached", message: "x", projectId: null }],
};

const wireRelay = { id: "relay_1", object: "relay", webhookId: WEBHOOK_ID, projectId: PROJECT_ID, device: "laptop" };

export const projectCases: Record<string, WireCase> = {
	"relays.list": {
		call: (client) => client.project(PROJECT_ID).relays.list(),
		sends: ["GET", `/projects/${PROJECT_ID}/relays`],
		answer: { object: "relays", data: [wireRelay] },
		gives: [wireRelay],
	},
	"relays.get": {
		call: (client) => client.project(PROJECT_ID).relays.get("relay_1"),
		sends: ["GET", `/projects/${PROJECT_ID}/relays/relay_1`],
		answer: wireRelay,
	},
	"relays.delete": {
		call: (client) => client.project(PROJECT_ID).relays.delete("relay_1"),
		sends: ["DELETE", `/projects/${PROJECT_ID}/relays/relay_1`],
		answer: { id: "relay_1", deleted: true },
	},
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
	"projects.search": {
		call: (client) => client.projects.search({ q: "shop" }),
		sends: ["GET", "/projects?q=shop"],
		answer: { ...emptyPage, data: [wireProject] },
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
	getStatus: {
		call: (client) => client.getStatus(),
		sends: ["GET", "/workspace/status"],
		// A server of an earlier version says nothing of its database, and nothing of the messages of its members.
		answer: { ...wireStatus, members: [{ id: "member" }] },
		gives: { ...wireStatus, database: null, members: [{ id: "member", messages: null }] },
	},
	getEgressAddresses: {
		call: (client) => client.getEgressAddresses(),
		sends: ["GET", "/workspace/egress-addresses"],
		answer: { object: "egressAddresses", addresses: ["203.0.113.7"] },
	},
	getCaller: {
		call: (client) => client.getCaller(),
		sends: ["GET", "/workspace/key"],
		answer: { object: "caller", kind: "key", id: "key_1", name: "ops", scope: "admin", projectId: null, expireDate: 5 },
	},
	"sessions.createLink": {
		call: (client) => client.sessions.createLink(),
		sends: ["POST", "/sign-in-links"],
		answer: {
			id: "link_1",
			object: "signInLink",
			keyId: "key_1",
			url: "https://fanfare.example.com/ui/#link=sl_x",
			createDate: 1,
			expireDate: 2,
		},
	},
	"sessions.signOut": {
		call: (client) => client.sessions.signOut(),
		sends: ["DELETE", "/sessions"],
		answer: { object: "sessionsEnded", ended: 1 },
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
	"customers.get": {
		call: (client) => client.project(PROJECT_ID).customers.get("a:b"),
		sends: ["GET", `/projects/${PROJECT_ID}/customers/a%3Ab`],
		answer: wireCustomer,
	},
	"customers.delete": {
		call: (client) => client.project(PROJECT_ID).customers.delete("a:b"),
		sends: ["DELETE", `/projects/${PROJECT_ID}/customers/a%3Ab`],
		answer: wireCustomer,
	},
	"customers.pause": {
		call: (client) => client.project(PROJECT_ID).customers.pause("acme"),
		sends: ["POST", `/projects/${PROJECT_ID}/customers/acme:pause`],
		answer: { object: "webhooksChanged", matched: 2, changed: 1 },
	},
	"customers.resume": {
		call: (client) => client.project(PROJECT_ID).customers.resume("acme"),
		sends: ["POST", `/projects/${PROJECT_ID}/customers/acme:resume`],
		answer: { object: "webhooksChanged", matched: 2, changed: 1 },
	},
	"portalSessions.get": {
		call: (client) => client.project(PROJECT_ID).portalSessions.get("portal_1"),
		sends: ["GET", `/projects/${PROJECT_ID}/portal-sessions/portal_1`],
		answer: { id: "portal_1", object: "portalSession" },
	},
	"portalSessions.revoke": {
		call: (client) => client.project(PROJECT_ID).portalSessions.revoke("portal_1"),
		sends: ["DELETE", `/projects/${PROJECT_ID}/portal-sessions/portal_1`],
		answer: { id: "portal_1", deleted: true },
	},
	"portalSessions.revokeAll of a key": {
		call: (client) => client.project(PROJECT_ID).portalSessions.revokeAll({ keyId: "key_1" }),
		sends: ["DELETE", `/projects/${PROJECT_ID}/portal-sessions?keyId=key_1`],
		answer: { object: "portalSessionsRevoked", count: 3 },
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
	"project.usage": {
		call: (client) => client.project(PROJECT_ID).usage(),
		sends: ["GET", `/projects/${PROJECT_ID}/usage`],
		answer: { object: "projectUsage", storedBytes: 1_000, maxEventsPerSecond: 0, maxStoredBytes: 5_000 },
	},
	"audit.list": {
		call: (client) =>
			client.audit.list({ objectId: "webhook_1", action: "webhook.update", after: new Date(5), limit: 2 }),
		sends: ["GET", "/workspace/audit?objectId=webhook_1&action=webhook.update&limit=2&after=5"],
		answer: emptyPage,
	},
	"project.audit.list": {
		call: (client) => client.project(PROJECT_ID).audit.list({ action: "webhook.update", before: 5 }),
		sends: ["GET", `/projects/${PROJECT_ID}/audit?action=webhook.update&before=5`],
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
		answer: { id: "dlv_1", object: "delivery", attempts: [], hasMoreAttempts: false },
	},
	"deliveries.listAttempts": {
		call: (client) => client.project(PROJECT_ID).deliveries.listAttempts("dlv_1", { limit: 2, page: "x" }),
		sends: ["GET", `/projects/${PROJECT_ID}/deliveries/dlv_1/attempts?limit=2&page=x`],
		answer: { ...emptyPage, data: [{ id: "atm_1", object: "attempt", number: 1 }] },
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
