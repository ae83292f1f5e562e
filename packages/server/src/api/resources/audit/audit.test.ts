// Every call that changes something leaves an audit entry, with the names of the fields that were set and never a value.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { AUDIT_ACTIONS, type AuditEntry } from "../../../core/access/audit.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { NO_UUID, refused } from "../../test/answers.ts";
import { caller, callerAlone, type Caller } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

/** They change nothing that is set up. */
const NOT_AUDITED = ["sendEvent", "sendEvents", "matchEvent", "answerRelayRequest"];
const endpoint = "https://example.com/hook?token=SECRET-endpoint";
const webhook = {
	name: "SECRET-name",
	spec: {
		endpoint,
		secret: { contents: Buffer.from("SECRET-".repeat(5)).toString("base64") },
		headers: { "x-SECRET-header": "SECRET-value" },
		metadata: { "SECRET-key": "SECRET-value" },
		retries: { maxRetries: 3 },
	},
};

interface AuditCaller extends Caller {
	/** All entries, oldest first. */
	readonly audited: () => Promise<AuditEntry[]>;
	readonly last: () => Promise<AuditEntry | undefined>;
}

async function auditCaller(): Promise<AuditCaller> {
	const api = await callerAlone();
	const all = { keyId: null, projectId: null, objectId: null, action: null, after: null, before: null };
	const audited = async () =>
		(await api.test.store.auditEntries(all, { limit: 1_000, cursor: null })).rows.toReversed();
	return { ...api, audited, last: async () => (await audited()).at(-1) };
}

describe("the audit log", () => {
	it("has an action for each route that changes something, except sends, and for no other route", () => {
		for (const { id, method, audit, access } of apiRoutes()) {
			if (method === "get") expect({ id, audit }).toEqual({ id, audit: undefined });
			else if (NOT_AUDITED.includes(id)) expect({ id, audit }).toEqual({ id, audit: null });
			else expect({ id, audit }).toEqual({ id, audit: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/) });
			// Who signs in shows a key in the body: the entry has it.
			if (typeof audit === "string" && id !== "createSession") expect({ id, access }).not.toEqual({ id, access: null });
		}
		const names = apiRoutes().flatMap(({ audit }) => audit ?? []);
		expect(new Set(names).size).toBe(names.length);
		const ofServer = ["customer.deleted", "webhook.disable", "workspace.restore"];
		expect([...names, ...ofServer].toSorted()).toEqual([...AUDIT_ACTIONS].toSorted());
	});

	it("refuses a filter by an action that there is none of, with all that there are", async () => {
		const { call } = await auditCaller();
		for (const path of ["/workspace/audit", "/workspace/audit:export", "./audit", "./audit:export"]) {
			const { status, json } = await call("GET", `${path}?action=webhook.updat`);
			expect([status, json["issues"]]).toEqual([400, [{ path: "action", message: expect.any(String) as string }]]);
			const message = String(json["message"]);
			for (const action of AUDIT_ACTIONS) expect(message).toContain(`"${action}"`);
			expect(message).toMatch(/, got "webhook\.updat" \(did you mean "webhook\.update"\?\)$/);
		}
	});

	it("can be filtered by an action of another version, which it does not know", async () => {
		const { call, test, project } = await auditCaller();
		const nobody = { keyId: null, sessionId: null, customerId: null, portalSessionId: null, actor: null };
		const draft = { ...nobody, action: "webhook.repaint", fields: [], requestId: null };
		await test.engine.projects.update({ ...test.change, audit: draft }, { name: "Other" });
		for (const path of ["/workspace/audit", "./audit"]) {
			const { status, json } = await call("GET", `${path}?action=webhook.repaint`);
			expect([status, json["data"]]).toMatchObject([200, [{ action: "webhook.repaint", objectId: project.id }]]);
			expect(await call("GET", `${path}?action=thing.never_was`)).toMatchObject({ status: 200, json: { data: [] } });
		}
		for (const action of ["", "webhook", "webhook.", "Webhook.repaint", "a.b.c", `a.${"b".repeat(63)}`])
			expect((await call("GET", `./audit?action=${action}`)).status).toBe(400);
	});

	it("has the key, the action, the object and the names of the fields that were set", async () => {
		const { call, last, engine, keys, project, test } = await auditCaller();
		const keyId = engine.keys.authenticate(keys.project)?.key.id ?? "";
		const { json, headers } = await call("POST", "./batch/webhooks", webhook, { "secret-key": keys.project });
		expect(await last()).toEqual({
			id: expect.stringMatching(/^aud_/),
			at: test.clock.now(),
			keyId,
			customerId: null,
			sessionId: null,
			portalSessionId: null,
			actor: null,
			projectId: project.id,
			action: "webhook.create",
			objectId: json["id"],
			fields: ["name", "spec.endpoint", "spec.secret", "spec.headers", "spec.metadata", "spec.retries"],
			requestId: headers.get("x-request-id"),
		});
	});

	it("has the actor that the caller names, beside the key, and null for a call that names none", async () => {
		const { call, audited, makeWebhook, keys, lines } = await auditCaller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		const actors = ["ada@example.com", "urn:user:4711", "!", "~".repeat(128)];
		for (const actor of actors) {
			const answer = await call("POST", `${path}:pause`, undefined, { "fanfare-actor": actor });
			expect(answer.status).toBe(200);
			await call("POST", `${path}:resume`, undefined, { "FANFARE-ACTOR": actor, "secret-key": keys.project });
		}
		await call("POST", `${path}:pause`);
		const entries = (await audited()).slice(-9);
		expect(entries.map(({ actor }) => actor)).toEqual([...actors.flatMap((actor) => [actor, actor]), null]);
		expect(new Set(entries.map(({ keyId }) => keyId)).size).toBe(2);
		const { json } = await call("GET", "/workspace/audit?limit=2");
		expect(json["data"]).toMatchObject([{ actor: null }, { actor: "~".repeat(128) }]);
		// An actor is often a person: the request log has the key only.
		expect(JSON.stringify(lines)).not.toContain("ada@example.com");
	});

	it("refuses what can be no actor, says what is allowed, and repeats nothing of it; so of what a trusted proxy names", async () => {
		const { call, audited, makeWebhook, lines } = await auditCaller();
		const { call: behindProxy } = await caller({}, null, { proxyActorHeader: () => "X-Forwarded-User" });
		const id = await makeWebhook();
		const entries = await audited();
		const secrets = [`sk_${"A".repeat(43)}`, "x:whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
		const two = "ada@example.com, mallory@example.com";
		for (const actor of ["", "Ada Lovelace", "ada\tlovelace", "a".repeat(129), "adä", two, ...secrets]) {
			for (const [method, path] of [
				["POST", `./batch/webhooks/${id}:pause`],
				["GET", `./batch/webhooks/${id}`],
				["POST", "./events"],
			] as const) {
				const { status, json, text } = await call(method, path, undefined, { "fanfare-actor": actor });
				expect([actor, status, json["code"]]).toEqual([actor, 400, "invalid_request"]);
				expect(json["message"]).toMatch(/^Fanfare-Actor: must be 1–128 visible ASCII characters.*ada@example\.com/);
				if (actor !== "") expect(text + JSON.stringify(lines.slice(-1))).not.toContain(actor);
			}
			if (actor === "") continue;
			// Whatever the caller says of itself.
			const headers = { "x-forwarded-user": actor, "fanfare-actor": "bo@example.com" };
			const answer = await behindProxy("POST", "/workspace/projects", { name: "p" }, headers);
			expect(answer).toMatchObject(refused("X-Forwarded-User"));
			expect(answer.text).not.toContain(actor);
		}
		expect(await audited()).toEqual(entries);
	});

	it("looks at the actor after the key, and not at all where no key is needed", async () => {
		const { call } = await auditCaller();
		const bad = { "fanfare-actor": "a b" };
		expect((await call("GET", "/workspace", undefined, { ...bad, "secret-key": "sk_x" })).status).toBe(401);
		expect((await call("GET", "/healthz", undefined, bad)).status).toBe(200);
	});

	it("is shown with what keys and webhooks are called now, also deleted and revoked ones, by a key of the project too", async () => {
		const { call, makeWebhook, engine, keys, project } = await auditCaller();
		const id = await makeWebhook();
		const made = await call("POST", "/workspace/keys", { name: "Ada's laptop", scope: "admin", projectId: project.id });
		const asAda = { "secret-key": String(made.json["secretKey"]) };
		await call("PATCH", `./batch/webhooks/${id}`, { name: "Billing" }, asAda);
		await call("DELETE", `./batch/webhooks/${id}`);
		await call("PUT", "./event-types/order.paid", {});
		const admin = engine.keys.authenticate(keys.admin)?.key.name;
		const { json } = await call("GET", "./audit", undefined, asAda);
		expect(json["data"]).toMatchObject([
			{ action: "event_type.put", keyName: admin, objectName: null },
			{ action: "webhook.delete", keyName: admin, objectName: "Billing" },
			{ action: "webhook.update", keyName: "Ada's laptop", objectName: "Billing" },
			{ action: "key.create", objectName: "Ada's laptop" },
			{ action: "webhook.create", objectName: "Billing" },
		]);
		await call("DELETE", `/workspace/keys/${String(made.json["id"])}`);
		const { text } = await call("GET", `./audit:export?keyId=${String(made.json["id"])}`);
		expect(JSON.parse(text)).toMatchObject({ keyName: "Ada's laptop", objectName: "Billing" });
		const { json: after } = await call("GET", "/workspace/audit?action=key.delete");
		expect(after["data"]).toMatchObject([{ action: "key.delete", keyName: admin, objectName: "Ada's laptop" }]);
	});

	it("tells an admin of one project no name of another, whose ids are the names of its event types and customers", async () => {
		const api = await auditCaller();
		const { call, project, other, engine, keys } = api;
		const made = await call("POST", "/workspace/keys", { name: "Mallory", scope: "admin", projectId: project.id });
		const asMallory = { "secret-key": String(made.json["secretKey"]) };
		await call("PATCH", `/projects/${other.id}`, { name: "Secret merger" });
		const foreign = { name: "Secret partner", spec: { endpoint: "https://example.com/" } };
		const [kept, deleted] = [
			await call("POST", `/projects/${other.id}/batch/webhooks`, foreign),
			await call("POST", `/projects/${other.id}/batch/webhooks`, foreign),
		];
		await call("DELETE", `/projects/${other.id}/batch/webhooks/${String(deleted.json["id"])}`);
		const key = await call("POST", "/workspace/keys", { name: "Secret hand", scope: "read", projectId: other.id });
		const workspaceKey = await call("POST", "/workspace/keys", { name: "Secret root", scope: "admin" });
		const ids = [kept, deleted, key, workspaceKey].map(({ json }) => String(json["id"]));
		for (const id of [...ids, other.id]) {
			expect((await call("PUT", `./event-types/${id}`, {}, asMallory)).status).toBe(200);
			await call("POST", "./batch/webhooks", { ...foreign, name: "Mallory", customerId: id }, asMallory);
			const opened = await call("POST", "./portal-sessions", { customerId: id }, asMallory);
			expect(opened.text).toContain("portal_");
			const revoked = await call("DELETE", `./portal-sessions?customerId=${id}`, undefined, asMallory);
			expect(revoked).toMatchObject({ status: 200, json: { count: 1 } });
			expect((await call("POST", `./customers/${id}:pause`, undefined, asMallory)).status).toBe(200);
		}
		const { json, text } = await call("GET", "./audit?limit=100", undefined, asMallory);
		const rows = json["data"] as { action: string; keyName: string; objectName: string | null }[];
		expect(rows.filter(({ action }) => action === "portal_session.revoke_many")).toHaveLength(5);
		// A project's admin sees what the workspace's keys that have changed something in it are called, as docs/operating.md says.
		const admin = engine.keys.authenticate(keys.admin)?.key.name;
		expect(new Set(rows.map(({ keyName }) => keyName))).toEqual(new Set(["Mallory", admin]));
		expect(new Set(rows.map(({ objectName }) => objectName))).toEqual(new Set(["Mallory", null]));
		const exports = ["./audit:export", "./audit:export?format=csv"].map((path) =>
			call("GET", path, undefined, asMallory),
		);
		for (const shown of [text, ...(await Promise.all(exports)).map((answer) => answer.text)]) {
			expect(shown).toContain("Mallory");
			expect(shown).not.toContain("Secret");
		}
		const asCustomer = { "secret-key": await api.tokenOf("acme", ["webhooks.write"]) };
		for (const path of ["./audit", "./audit:export", "/workspace/audit"])
			expect((await call("GET", path, undefined, asCustomer)).status).toBe(403);
	});

	it("names no ignored fields, and has the project of an object that was created with a call of the workspace", async () => {
		const { call, last, makeWebhook, project } = await auditCaller();
		const id = await makeWebhook();
		await call("PATCH", `./batch/webhooks/${id}`, { spec: { timeoutMs: 2_000, secret: webhook.spec.secret } });
		expect(await last()).toMatchObject({ action: "webhook.update", objectId: id, fields: ["spec.timeoutMs"] });
		await call("DELETE", `./batch/webhooks/${id}`);
		expect(await last()).toMatchObject({ action: "webhook.delete", objectId: id, fields: [] });
		const { id: keyId } = (await call("POST", "/workspace/keys", { name: "k", scope: "read", projectId: project.id }))
			.json;
		const ofKey = { objectId: keyId, projectId: project.id };
		expect(await last()).toMatchObject({ action: "key.create", ...ofKey });
		await call("DELETE", `/workspace/keys/${String(keyId)}`);
		expect(await last()).toMatchObject({ action: "key.delete", ...ofKey });
	});

	it("has no entry for calls that are refused, fail or change nothing, nor for reads, dry runs and sends", async () => {
		const { call, audited, makeWebhook } = await auditCaller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		const entries = await audited();
		const unknown = `./batch/webhooks/webhook_${NO_UUID}`;
		for (const [status, method, url, body, headers] of [
			[400, "POST", "./batch/webhooks", { ...webhook, name: "" }],
			[404, "DELETE", `${path}x`],
			[404, "PATCH", unknown, { name: "b" }],
			[401, "POST", "/workspace/projects", { name: "b" }, { "secret-key": "sk_x" }],
			[200, "GET", path],
			[202, "POST", "./events", { type: "a", data: 1 }],
			[200, "POST", `${path}:replay`, { since: 1, status: ["Failed"], dryRun: true }],
			[200, "POST", `${path}:resume`],
			[200, "PATCH", path, { spec: {} }],
			[200, "POST", "./deliveries:retry", { status: "Failed" }],
		] as const) {
			expect([url, (await call(method, url, body, headers)).status]).toEqual([url, status]);
		}
		expect(await audited()).toEqual(entries);
	});

	it("never contains a secret or any other value", async () => {
		const { call, audited, makeWebhook } = await auditCaller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		const { json } = await call("POST", "/workspace/keys", { name: "SECRET-name", scope: "read" });
		await call("POST", "./batch/webhooks", webhook);
		await call("PATCH", path, webhook);
		await call("PUT", `${path}/secret`, webhook.spec.secret);
		await call("PUT", "./event-types/a.b", { description: "SECRET-text", example: { "SECRET-name": "SECRET-value" } });
		const entries = await audited();
		expect(entries.length).toBeGreaterThanOrEqual(5);
		const text = JSON.stringify(entries);
		expect(text).not.toMatch(/secret-/i);
		for (const secret of [webhook.spec.secret.contents, json["secretKey"]]) expect(text).not.toContain(secret);
	});

	it("is written together with the change: if that fails, there is neither, and the response is a 503", async () => {
		const { call, engine, store, audited } = await auditCaller();
		const before = await audited();
		store.insertProject = () => Promise.reject(new StoreError("store_full", "full"));
		const { status, json } = await call("POST", "/workspace/projects", { name: "b" });
		expect([status, json["code"]]).toEqual([503, "store_full"]);
		expect(engine.projects.list().map(({ name }) => name)).not.toContain("b");
		expect(await audited()).toEqual(before);
	});

	it("has an entry for a test of a webhook before anything is sent, and sends nothing without it", async () => {
		await using receiver = await startReceiver();
		const { call, last, store, makeWebhook } = await auditCaller();
		const id = await makeWebhook(receiver.url);
		store.insertAuditEntry = () => Promise.reject(new StoreError("store_full", "full"));
		expect((await call("POST", `./batch/webhooks/${id}:test`)).status).toBe(503);
		expect([receiver.requests.length, (await last())?.action]).toEqual([0, "webhook.create"]);
	});

	it("shows one of two changes that were made on the same revision: the other is refused", async () => {
		const { call, audited, makeWebhook } = await auditCaller();
		const path = `./batch/webhooks/${await makeWebhook()}`;
		const { json } = await call("GET", path);
		const change = (name: string) => call("PATCH", path, { name, revision: json["revision"] });
		const answers = await Promise.all([change("first"), change("second")]);
		// Which one is first is the store's business.
		const [made, refused] = answers[0].status === 200 ? answers : answers.toReversed();
		expect([made?.status, refused?.status, refused?.json["code"]]).toEqual([200, 409, "revision_conflict"]);
		const { name, revision } = (await call("GET", path)).json;
		expect({ name, revision }).toEqual({ name: made?.json["name"], revision: made?.json["revision"] });
		const updates = (await audited()).filter(({ action }) => action === "webhook.update");
		expect(updates).toMatchObject([{ fields: ["name"] }]);
		const again = await change("third");
		expect([again.status, again.json["issues"]]).toEqual([
			409,
			[{ path: "revision", message: expect.stringContaining(String(revision)) as string }],
		]);
		expect((await call("PATCH", path, { name: "third", revision })).status).toBe(200);
	});
});
