// Every call that changes something leaves an audit entry, with the names of the fields that were set and never a value.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import type { AuditEntry } from "../../../core/audit.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { callerAlone, type Caller } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

const SENDS = ["sendEvent", "sendEvents"];
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
			else if (SENDS.includes(id)) expect({ id, audit }).toEqual({ id, audit: null });
			else expect({ id, audit }).toEqual({ id, audit: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/) });
			if (typeof audit === "string") expect({ id, access }).not.toEqual({ id, access: null });
		}
		const names = apiRoutes().flatMap(({ audit }) => audit ?? []);
		expect(new Set(names).size).toBe(names.length);
	});

	it("has the key, the action, the object and the names of the fields that were set", async () => {
		const { call, last, engine, keys, project, test } = await auditCaller();
		const keyId = engine.keys.authenticate(keys.project)?.id ?? "";
		const { json, headers } = await call("POST", "./batch/webhooks", webhook, { "secret-key": keys.project });
		expect(await last()).toEqual({
			id: expect.stringMatching(/^aud_/),
			at: test.clock.now(),
			keyId,
			projectId: project.id,
			action: "webhook.create",
			objectId: json["id"],
			fields: ["name", "spec.endpoint", "spec.secret", "spec.headers", "spec.metadata", "spec.retries"],
			requestId: headers.get("x-request-id"),
		});
	});

	it("does not name ignored fields, and names no fields if none were sent", async () => {
		await using receiver = await startReceiver();
		const { call, last, makeWebhook } = await auditCaller();
		const id = await makeWebhook(receiver.url);
		await call("PATCH", `./batch/webhooks/${id}`, { spec: { timeoutMs: 2_000, secret: webhook.spec.secret } });
		expect(await last()).toMatchObject({ action: "webhook.update", objectId: id, fields: ["spec.timeoutMs"] });
		await call("POST", `./batch/webhooks/${id}:test`);
		expect(await last()).toMatchObject({ action: "webhook.test", objectId: id, fields: [] });
		await call("DELETE", `./batch/webhooks/${id}`);
		expect(await last()).toMatchObject({ action: "webhook.delete", objectId: id, fields: [] });
	});

	it("has the project of an object that was created with a call of the workspace", async () => {
		const { call, last, project } = await auditCaller();
		const made = await call("POST", "/workspace/projects", { name: "b" });
		expect(await last()).toMatchObject({
			action: "project.create",
			objectId: made.json["id"],
			projectId: made.json["id"],
		});
		const key = await call("POST", "/workspace/keys", { name: "k", scope: "read", projectId: project.id });
		expect(await last()).toMatchObject({ action: "key.create", objectId: key.json["id"], projectId: project.id });
		await call("DELETE", `/workspace/keys/${String(key.json["id"])}`);
		expect(await last()).toMatchObject({ action: "key.delete", objectId: key.json["id"], projectId: null });
		await call("POST", "./deliveries:retry", { status: "Failed" });
		expect(await last()).toMatchObject({ action: "delivery.retry_many", objectId: project.id, fields: ["status"] });
	});

	it("has no entry for refused calls, reads, dry runs and sends", async () => {
		const { call, audited, makeWebhook } = await auditCaller();
		const id = await makeWebhook();
		const entries = await audited();
		expect((await call("POST", "./batch/webhooks", { ...webhook, name: "" })).status).toBe(400);
		expect((await call("DELETE", `./batch/webhooks/${id}x`)).status).toBe(404);
		expect((await call("POST", "/workspace/projects", { name: "b" }, { "secret-key": "sk_x" })).status).toBe(401);
		expect((await call("GET", `./batch/webhooks/${id}`)).status).toBe(200);
		expect((await call("POST", "./events", { type: "a", data: 1 })).status).toBe(202);
		const replay = { since: 1, status: ["Failed"], dryRun: true };
		expect((await call("POST", `./batch/webhooks/${id}:replay`, replay)).status).toBe(200);
		expect(await audited()).toEqual(entries);
	});

	it("never contains a secret or any other value", async () => {
		const { call, audited, makeWebhook } = await auditCaller();
		const id = await makeWebhook();
		const { json } = await call("POST", "/workspace/keys", { name: "SECRET-name", scope: "read" });
		await call("POST", "./batch/webhooks", webhook);
		await call("PATCH", `./batch/webhooks/${id}`, webhook);
		await call("PUT", `./batch/webhooks/${id}/secret`, webhook.spec.secret);
		await call("PATCH", "/projects/x", { name: "SECRET-name" });
		await call("PUT", "./event-types/a.b", { description: "SECRET-text", example: { "SECRET-name": "SECRET-value" } });
		const entries = await audited();
		const text = JSON.stringify(entries);
		expect(entries.length).toBeGreaterThanOrEqual(5);
		expect(text).not.toMatch(/secret-/i);
		expect(text).not.toContain(webhook.spec.secret.contents);
		expect(text).not.toContain(json["secretKey"]);
	});

	it("prevents the change if the entry cannot be written, and responds with 503", async () => {
		const { call, engine, store } = await auditCaller();
		store.insertAuditEntry = () => Promise.reject(new StoreError("store_full", "full"));
		const { status, json } = await call("POST", "/workspace/projects", { name: "b" });
		expect([status, json["code"]]).toEqual([503, "store_full"]);
		expect(engine.projects.list().map(({ name }) => name)).not.toContain("b");
	});

	it("has no entry if the call fails", async () => {
		const { call, audited } = await auditCaller();
		const before = await audited();
		expect(
			(await call("PATCH", "./batch/webhooks/webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77", { name: "b" })).status,
		).toBe(404);
		expect(await audited()).toEqual(before);
	});

	it("is written before the response is sent", async () => {
		const { call, store, test } = await auditCaller();
		const order: string[] = [];
		store.insertAuditEntry = async (entry) => {
			await new Promise((resolve) => setTimeout(resolve, 5));
			await test.store.insertAuditEntry(entry);
			order.push("written");
		};
		await call("POST", "/workspace/projects", { name: "b" });
		order.push("answered");
		expect(order).toEqual(["written", "answered"]);
	});
});
