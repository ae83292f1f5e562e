// Keys: which call needs which key, and how a request carries it.
import { describe, expect, it } from "vitest";

import { apiRoutes } from "../resources/table.ts";
import { accessTable } from "../test/access-table.ts";
import { caller, callerAlone } from "../test/caller.ts";
import { openTestApi } from "../test/test-api.ts";

accessTable(async () => {
	const api = await openTestApi();
	const { app, project, keys } = api;
	const dispose = () => api[Symbol.asyncDispose]();
	return {
		request: (path, init) => app.request(path, init),
		projectId: project.id,
		keys,
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
			listProjects: "read",
			createProject: "admin, workspace",
			getProject: "read",
			updateProject: "admin, workspace",
			deleteProject: "admin, workspace",
			createKey: "admin, workspace",
			listKeys: "admin, workspace",
			deleteKey: "admin, workspace",
			createWebhook: "write",
			listWebhooks: "read",
			getWebhook: "read",
			updateWebhook: "write",
			updateWebhookSecret: "write",
			deleteWebhook: "write",
			testWebhook: "write",
			pauseWebhook: "write",
			resumeWebhook: "write",
			replayWebhook: "write",
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
			getEvent: "read",
			listDeliveries: "read",
			getDelivery: "read",
			getProjectStats: "read",
			getWebhookStats: "read",
			stream: "read",
			retryDelivery: "write",
			cancelDelivery: "write",
			retryDeliveries: "write",
			cancelDeliveries: "write",
			eraseEventData: "write",
			listAuditEntries: "admin, workspace",
			getHealth: "open",
			getReadiness: "open",
			getMetrics: "open",
			getOpenApi: "open",
			getDocs: "open",
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
