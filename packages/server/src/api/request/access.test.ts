// Keys: which call needs which key, and how a request carries it.
import { describe, expect, it } from "vitest";

import { apiRoutes } from "../resources/table.ts";
import { accessTable, type SessionKey } from "../test/access-table.ts";
import { caller } from "../test/caller.ts";
import { openTestApi } from "../test/test-api.ts";

accessTable(async () => {
	const api = await openTestApi();
	const { app, project, keys, test, tokenOf } = api;
	const dispose = () => api[Symbol.asyncDispose]();
	const customerId = "globex";
	const { id: webhookId } = await test.createWebhook("http://127.0.0.1:9/", { customerId });
	const eventId = await test.send({ customers: customerId });
	const [delivery] = await test.deliveries({ eventId });
	const range = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;
	const { id: replayId } = await test.engine.replays.start(test.change, webhookId, range);
	const signIn = async (name: SessionKey): Promise<Record<string, string>> => {
		const headers = { "fanfare-page": "1", "content-type": "application/json" };
		const body = JSON.stringify({ key: keys[name] });
		const answer = await app.request("/sessions", { method: "POST", headers, body });
		if (answer.status !== 200) throw new Error(`nobody could sign in: ${answer.status} ${await answer.text()}`);
		return { "fanfare-page": "1", cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" };
	};
	return {
		request: (path, init) => app.request(path, init),
		projectId: project.id,
		sessions: {
			read: await signIn("read"),
			admin: await signIn("admin"),
			project: await signIn("project"),
			projectRead: await signIn("projectRead"),
			other: await signIn("other"),
		},
		keys: { ...keys, customer: await tokenOf("acme") },
		customerWith: (capabilities) => tokenOf("acme", capabilities),
		foreign: { webhookId, eventId, deliveryId: delivery?.id ?? "", replayId, customerId },
		[Symbol.asyncDispose]: dispose,
	};
});

/**
 * For each call, the scope of the key that it needs, and the capability that a customer's token needs, "read" for every token and "no"
 * for calls that are not for customers. What is added without a decision is not for them.
 */
const ACCESS: Readonly<Record<string, readonly [key: string, customers: string]>> = {
	getWorkspace: ["read", "no"],
	getWorkspaceStatus: ["read, workspace", "no"],
	getEgressAddresses: ["read", "read"],
	listProjects: ["read", "no"],
	searchProjects: ["read", "no"],
	createProject: ["admin, workspace", "no"],
	getProject: ["read", "no"],
	getProjectUsage: ["read", "no"],
	updateProject: ["admin, workspace", "no"],
	deleteProject: ["admin, workspace", "no"],
	getCaller: ["read", "read"],
	createKey: ["admin, workspace", "no"],
	listKeys: ["admin, workspace", "no"],
	updateKey: ["admin, workspace", "no"],
	rollKey: ["admin, workspace", "no"],
	deleteKey: ["admin, workspace", "no"],
	createSession: ["open", "open"],
	deleteSessions: ["read", "no"],
	createSignInLink: ["read", "no"],
	createWebhook: ["write", "webhooks.write"],
	listWebhooks: ["read", "read"],
	exportWebhooks: ["read", "read"],
	getWebhook: ["read", "read"],
	updateWebhook: ["write", "webhooks.write"],
	updateWebhookSecret: ["write", "secrets.rotate"],
	deleteWebhook: ["write", "webhooks.write"],
	testWebhook: ["write", "webhooks.write"],
	conformWebhook: ["write", "no"],
	pauseWebhook: ["write", "webhooks.write"],
	resumeWebhook: ["write", "webhooks.write"],
	releaseWebhook: ["admin", "no"],
	releaseProjectWebhooks: ["admin", "no"],
	releaseWebhooks: ["admin, workspace", "no"],
	replayWebhook: ["write", "replay"],
	createReplays: ["write", "replay"],
	listReplays: ["read", "read"],
	getReplay: ["read", "read"],
	cancelReplay: ["write", "replay"],
	createEventType: ["write", "no"],
	listEventTypes: ["read", "read"],
	getEventType: ["read", "read"],
	putEventType: ["write", "no"],
	updateEventType: ["write", "no"],
	deleteEventType: ["write", "no"],
	sendEvent: ["write", "no"],
	sendEvents: ["write", "no"],
	listEvents: ["read", "read"],
	exportEvents: ["read", "read"],
	getEvent: ["read", "read"],
	getEventData: ["read", "payloads.read"],
	matchEvent: ["read", "read"],
	getEventRouting: ["read", "read"],
	listDeliveries: ["read", "read"],
	countDeliveries: ["read", "read"],
	exportDeliveries: ["read", "read"],
	getDelivery: ["read", "read"],
	listAttempts: ["read", "read"],
	getProjectStats: ["read", "read"],
	getWebhookStats: ["read", "read"],
	getStatsOfWebhooks: ["read", "read"],
	getCustomerStats: ["read", "read"],
	listCustomers: ["read", "no"],
	exportCustomers: ["read", "no"],
	getCustomer: ["read", "no"],
	updateCustomer: ["write", "no"],
	deleteCustomer: ["write", "no"],
	pauseCustomer: ["write", "no"],
	resumeCustomer: ["write", "no"],
	putRelay: ["write", "no"],
	listRelays: ["read", "no"],
	getRelay: ["read", "no"],
	updateRelay: ["write", "no"],
	deleteRelay: ["write", "no"],
	relayRequests: ["write", "no"],
	answerRelayRequest: ["write", "no"],
	createPortalSession: ["write", "no"],
	listPortalSessions: ["read", "no"],
	getPortalSession: ["read", "no"],
	revokePortalSession: ["write", "no"],
	revokePortalSessions: ["write", "no"],
	stream: ["read", "read"],
	listStreamItems: ["read", "read"],
	retryDelivery: ["write", "deliveries.retry"],
	cancelDelivery: ["write", "deliveries.retry"],
	retryDeliveries: ["write", "deliveries.retry"],
	cancelDeliveries: ["write", "deliveries.retry"],
	eraseEventData: ["write", "no"],
	listAuditEntries: ["admin, workspace", "no"],
	exportAuditEntries: ["admin, workspace", "no"],
	listProjectAuditEntries: ["admin", "no"],
	exportProjectAuditEntries: ["admin", "no"],
	getHealth: ["open", "open"],
	getReadiness: ["open", "open"],
	getMetrics: ["open", "open"],
	getOpenApi: ["open", "open"],
	getDocs: ["open", "open"],
	getApiDocs: ["open", "open"],
};

describe("access", () => {
	it("needs the documented scope on each route, and a customer's token gives some calls, some only with a capability", () => {
		const table = apiRoutes().map(({ id, access }) => {
			if (access === null) return [id, ["open", "open"]];
			return [id, [access.scope + (access.wholeWorkspace ? ", workspace" : ""), access.customers ?? "no"]];
		});
		expect(Object.fromEntries(table)).toEqual(ACCESS);
	});

	it("accepts a key as a bearer token, too, and in no other scheme", async () => {
		const { app, keys } = await caller();
		for (const [scheme, status] of Object.entries({ Bearer: 200, bearer: 200, Basic: 401 })) {
			const response = await app.request("/workspace", { headers: { authorization: `${scheme} ${keys.read}` } });
			expect([scheme, response.status]).toEqual([scheme, status]);
		}
	});

	it("uses Secret-Key if both headers are present, and does not fall back to the other if it is unknown", async () => {
		const { app, keys } = await caller();
		const ask = async (secretKey: string, bearer: string) => {
			const headers = { "secret-key": secretKey, authorization: `Bearer ${bearer}` };
			return (await app.request("/workspace/keys", { headers })).status;
		};
		expect(await ask(keys.admin, keys.read)).toBe(200);
		expect(await ask(keys.read, keys.admin)).toBe(403);
		expect(await ask(`sk_${"A".repeat(43)}`, keys.admin)).toBe(401);
	});

	it("is checked before the body", async () => {
		const { call, keys } = await caller();
		expect((await call("POST", "./events", "not json", { "secret-key": keys.other })).status).toBe(404);
	});

	it("never repeats a key, neither in a response nor in a log line", async () => {
		const { get, keys, lines } = await caller();
		const almost = `${keys.admin.slice(0, -1)}_`;
		expect((await get("/workspace", almost)).text).not.toContain(almost.slice(3, 20));
		await get("/workspace");
		expect(JSON.stringify(lines)).not.toContain(keys.admin.slice(3, 20));
	});
});
