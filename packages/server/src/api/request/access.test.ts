// Keys: which call needs which key, and how a request carries it.
import { describe, expect, it } from "vitest";

import { apiRoutes } from "../resources/table.ts";
import { accessTable, type SessionKey } from "../test/access-table.ts";
import { caller, callerAlone } from "../test/caller.ts";
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
		const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
		return { "fanfare-page": "1", cookie };
	};
	const sessions = {
		read: await signIn("read"),
		admin: await signIn("admin"),
		project: await signIn("project"),
		projectRead: await signIn("projectRead"),
		other: await signIn("other"),
	};
	return {
		request: (path, init) => app.request(path, init),
		projectId: project.id,
		sessions,
		keys: { ...keys, customer: await tokenOf("acme") },
		customerWith: (capabilities) => tokenOf("acme", capabilities),
		foreign: { webhookId, eventId, deliveryId: delivery?.id ?? "", replayId, customerId },
		[Symbol.asyncDispose]: dispose,
	};
});

describe("access", () => {
	it("needs the documented scope on each route", () => {
		const table = apiRoutes().map(({ id, access }) => [
			id,
			access === null ? "open" : access.scope + (access.wholeWorkspace ? ", workspace" : ""),
		]);
		expect(Object.fromEntries(table)).toEqual({
			getWorkspace: "read",
			getWorkspaceStatus: "read, workspace",
			getEgressAddresses: "read",
			listProjects: "read",
			searchProjects: "read",
			createProject: "admin, workspace",
			getProject: "read",
			getProjectUsage: "read",
			updateProject: "admin, workspace",
			deleteProject: "admin, workspace",
			getCaller: "read",
			createKey: "admin, workspace",
			listKeys: "admin, workspace",
			updateKey: "admin, workspace",
			rollKey: "admin, workspace",
			deleteKey: "admin, workspace",
			createSession: "open",
			deleteSessions: "read",
			createSignInLink: "read",
			createWebhook: "write",
			listWebhooks: "read",
			exportWebhooks: "read",
			getWebhook: "read",
			updateWebhook: "write",
			updateWebhookSecret: "write",
			deleteWebhook: "write",
			testWebhook: "write",
			conformWebhook: "write",
			pauseWebhook: "write",
			resumeWebhook: "write",
			releaseWebhook: "admin",
			releaseProjectWebhooks: "admin",
			releaseWebhooks: "admin, workspace",
			replayWebhook: "write",
			createReplays: "write",
			listReplays: "read",
			getReplay: "read",
			cancelReplay: "write",
			createEventType: "write",
			listEventTypes: "read",
			getEventType: "read",
			putEventType: "write",
			updateEventType: "write",
			deleteEventType: "write",
			sendEvent: "write",
			sendEvents: "write",
			listEvents: "read",
			exportEvents: "read",
			getEvent: "read",
			getEventData: "read",
			matchEvent: "read",
			getEventRouting: "read",
			listDeliveries: "read",
			countDeliveries: "read",
			exportDeliveries: "read",
			getDelivery: "read",
			listAttempts: "read",
			getProjectStats: "read",
			getWebhookStats: "read",
			getStatsOfWebhooks: "read",
			getCustomerStats: "read",
			listCustomers: "read",
			exportCustomers: "read",
			getCustomer: "read",
			updateCustomer: "write",
			deleteCustomer: "write",
			pauseCustomer: "write",
			resumeCustomer: "write",
			putRelay: "write",
			listRelays: "read",
			getRelay: "read",
			updateRelay: "write",
			deleteRelay: "write",
			relayRequests: "write",
			answerRelayRequest: "write",
			createPortalSession: "write",
			listPortalSessions: "read",
			getPortalSession: "read",
			revokePortalSession: "write",
			revokePortalSessions: "write",
			stream: "read",
			listStreamItems: "read",
			retryDelivery: "write",
			cancelDelivery: "write",
			retryDeliveries: "write",
			cancelDeliveries: "write",
			eraseEventData: "write",
			listAuditEntries: "admin, workspace",
			exportAuditEntries: "admin, workspace",
			listProjectAuditEntries: "admin",
			exportProjectAuditEntries: "admin",
			getHealth: "open",
			getReadiness: "open",
			getMetrics: "open",
			getOpenApi: "open",
			getDocs: "open",
			getApiDocs: "open",
		});
	});

	// Each route has an entry. What is added without a decision is not for customers.
	it("gives a customer's token only some calls, and some of those only with a capability", () => {
		const table = apiRoutes().map(({ id, access }) => [id, access === null ? "open" : (access.customers ?? "no")]);
		expect(Object.fromEntries(table)).toEqual({
			getWorkspace: "no",
			getWorkspaceStatus: "no",
			getEgressAddresses: "read",
			listProjects: "no",
			searchProjects: "no",
			createProject: "no",
			getProject: "no",
			getProjectUsage: "no",
			updateProject: "no",
			deleteProject: "no",
			getCaller: "read",
			createKey: "no",
			listKeys: "no",
			updateKey: "no",
			rollKey: "no",
			deleteKey: "no",
			createSession: "open",
			deleteSessions: "no",
			createSignInLink: "no",
			createWebhook: "webhooks.write",
			listWebhooks: "read",
			exportWebhooks: "read",
			getWebhook: "read",
			updateWebhook: "webhooks.write",
			updateWebhookSecret: "secrets.rotate",
			deleteWebhook: "webhooks.write",
			testWebhook: "webhooks.write",
			conformWebhook: "no",
			pauseWebhook: "webhooks.write",
			resumeWebhook: "webhooks.write",
			releaseWebhook: "no",
			releaseProjectWebhooks: "no",
			releaseWebhooks: "no",
			replayWebhook: "replay",
			createReplays: "replay",
			listReplays: "read",
			getReplay: "read",
			cancelReplay: "replay",
			createEventType: "no",
			listEventTypes: "read",
			getEventType: "read",
			putEventType: "no",
			updateEventType: "no",
			deleteEventType: "no",
			sendEvent: "no",
			sendEvents: "no",
			listEvents: "read",
			exportEvents: "read",
			getEvent: "read",
			getEventData: "payloads.read",
			matchEvent: "read",
			getEventRouting: "read",
			listDeliveries: "read",
			countDeliveries: "read",
			exportDeliveries: "read",
			getDelivery: "read",
			listAttempts: "read",
			getProjectStats: "read",
			getWebhookStats: "read",
			getStatsOfWebhooks: "read",
			getCustomerStats: "read",
			listCustomers: "no",
			exportCustomers: "no",
			getCustomer: "no",
			updateCustomer: "no",
			deleteCustomer: "no",
			pauseCustomer: "no",
			resumeCustomer: "no",
			putRelay: "no",
			listRelays: "no",
			getRelay: "no",
			updateRelay: "no",
			deleteRelay: "no",
			relayRequests: "no",
			answerRelayRequest: "no",
			createPortalSession: "no",
			listPortalSessions: "no",
			getPortalSession: "no",
			revokePortalSession: "no",
			revokePortalSessions: "no",
			stream: "read",
			listStreamItems: "read",
			retryDelivery: "deliveries.retry",
			cancelDelivery: "deliveries.retry",
			retryDeliveries: "deliveries.retry",
			cancelDeliveries: "deliveries.retry",
			eraseEventData: "no",
			listAuditEntries: "no",
			exportAuditEntries: "no",
			listProjectAuditEntries: "no",
			exportProjectAuditEntries: "no",
			getHealth: "open",
			getReadiness: "open",
			getMetrics: "open",
			getOpenApi: "open",
			getDocs: "open",
			getApiDocs: "open",
		});
	});

	it("accepts a key as a bearer token, too", async () => {
		const { app, keys } = await caller();
		for (const scheme of ["Bearer", "bearer"]) {
			const response = await app.request("/workspace", { headers: { authorization: `${scheme} ${keys.read}` } });
			expect(response.status).toBe(200);
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

	it("accepts no other scheme", async () => {
		const { app, keys } = await caller();
		const response = await app.request("/workspace", { headers: { authorization: `Basic ${keys.read}` } });
		expect(response.status).toBe(401);
	});

	it("lists only its own project to a key of one project", async () => {
		const { app, keys, project, other } = await callerAlone();
		const idsFor = async (key: string): Promise<string[]> => {
			const response = await app.request("/workspace/projects", { headers: { "secret-key": key } });
			const projects = (await response.json()) as { id: string }[];
			return projects.map(({ id }) => id);
		};
		expect(await idsFor(keys.read)).toEqual([project.id, other.id]);
		expect(await idsFor(keys.projectRead)).toEqual([project.id]);
	});

	it("is checked before the body", async () => {
		const { app, keys, project } = await caller();
		const init = { method: "POST", headers: { "secret-key": keys.other }, body: "not json" };
		const response = await app.request(`/projects/${project.id}/events`, init);
		expect(response.status).toBe(404);
	});

	it("never repeats a key, neither in a response nor in a log line", async () => {
		const { app, keys, lines } = await caller();
		const almost = `${keys.admin.slice(0, -1)}_`;
		const response = await app.request("/workspace", { headers: { "secret-key": almost } });
		expect(await response.text()).not.toContain(almost.slice(3, 20));
		await app.request("/workspace", { headers: { "secret-key": keys.admin } });
		expect(JSON.stringify(lines)).not.toContain(keys.admin.slice(3, 20));
	});
});
