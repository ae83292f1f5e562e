// The audit log, retention settings and erasing, through the API and the real engine.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openTestApi } from "../src/api/test/test-api.ts";
import type { TestEngine } from "../src/engine/test/test-engine.ts";

interface Answer {
	readonly status: number;
	readonly json: Readonly<Record<string, unknown>>;
	readonly text: string;
}

async function open() {
	const { test, app } = await openTestApi();
	const { engine, projectId } = test;
	const { key, secretKey } = await engine.keys.create({ name: "admin", scope: "admin", projectId: null }, null);
	const call = async (method: string, path: string, body?: unknown, as = secretKey): Promise<Answer> => {
		const response = await app.request(path.replace("./", `/projects/${projectId}/`), {
			method,
			headers: { "secret-key": as, "content-type": "application/json" },
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, text, json: JSON.parse(text) as Answer["json"] };
	};
	return { test, call, keyId: key.id, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

const entriesOf = ({ json }: Answer) => json["data"] as Record<string, unknown>[];

describe("the audit log over HTTP", () => {
	it("lists every change of a webhook, newest first, by key and by object", async () => {
		await using receiver = await startReceiver();
		await using api = await open();
		const { call, keyId, test } = api;
		const spec = { endpoint: `${receiver.url}/SECRET-path`, headers: { "x-a": "SECRET-value" } };
		const { json: webhook } = await call("POST", "./batch/webhooks", { name: "SECRET-name", spec });
		const path = `./batch/webhooks/${String(webhook["id"])}`;
		const writer = await call("POST", "/workspace/keys", { name: "w", scope: "write", projectId: test.projectId });
		const other = String(writer.json["secretKey"]);
		await call("PATCH", path, { spec: { timeoutMs: 2_000 } }, other);
		await call("PUT", `${path}/secret`, { contents: Buffer.from("SECRET-".repeat(5)).toString("base64") });
		for (const action of [":pause", ":resume", ":test"]) await call("POST", path + action);
		await call("DELETE", path);
		const all = await call("GET", `/workspace/audit?objectId=${String(webhook["id"])}`);
		expect(entriesOf(all).map(({ action, fields }) => [action, fields])).toEqual([
			["webhook.delete", []],
			["webhook.test", []],
			["webhook.resume", []],
			["webhook.pause", []],
			["webhook.update_secret", ["contents"]],
			["webhook.update", ["spec.timeoutMs"]],
			["webhook.create", ["name", "spec.endpoint", "spec.headers"]],
		]);
		expect(new Set(entriesOf(all).map((entry) => entry["keyId"]))).toEqual(new Set([keyId, writer.json["id"]]));
		const byKey = await call("GET", `/workspace/audit?keyId=${String(writer.json["id"])}`);
		expect(entriesOf(byKey).map(({ action }) => action)).toEqual(["webhook.update"]);
		const page = await call("GET", "/workspace/audit?limit=2");
		expect([entriesOf(page).length, typeof page.json["nextPage"]]).toEqual([2, "string"]);
		const everything = entriesOf(await call("GET", "/workspace/audit"));
		// What the webhook is called now is no part of an entry.
		const kept = JSON.stringify(everything.map((entry) => ({ ...entry, objectName: null })));
		expect(kept).not.toMatch(/SECRET-|U0VDUkVULV/);
		expect(JSON.stringify(everything)).not.toMatch(/SECRET-(?!name)|U0VDUkVULV/);
		expect(JSON.stringify(everything)).not.toContain(other);
	});

	it("is readable only for an admin of the whole workspace", async () => {
		await using api = await open();
		const { engine, projectId } = api.test;
		const { secretKey } = await engine.keys.create({ name: "p", scope: "admin", projectId }, null);
		const { status, json } = await api.call("GET", "/workspace/audit", undefined, secretKey);
		expect([status, json["code"]]).toEqual([403, "insufficient_scope"]);
	});
});

describe("retention settings over HTTP", () => {
	it("are shown and set for each project, and null restores the server's default", async () => {
		await using api = await open();
		const { call } = api;
		const project = `/projects/${api.test.projectId}`;
		expect((await call("GET", project)).json).not.toHaveProperty("retentionDays");
		const set = await call("PATCH", project, { retentionDays: 7, payloadRetentionDays: 1 });
		expect(set.json).toMatchObject({ retentionDays: 7, payloadRetentionDays: 1, name: "My project" });
		const reset = (await call("PATCH", project, { retentionDays: null })).json;
		expect(reset).toMatchObject({ payloadRetentionDays: 1 });
		expect(reset).not.toHaveProperty("retentionDays");
		const [entry] = entriesOf(await call("GET", "/workspace/audit?action=project.update"));
		expect(entry).toMatchObject({ fields: ["retentionDays"], projectId: api.test.projectId });
	});

	it("that contradict each other are refused, and none of them is set", async () => {
		await using api = await open();
		const project = `/projects/${api.test.projectId}`;
		const { status, json } = await api.call("PATCH", project, { retentionDays: 7, payloadRetentionDays: 8 });
		expect(status).toBe(400);
		expect(json["issues"]).toEqual([
			{ path: "payloadRetentionDays", message: "must not be more than the 7 days that events are kept, got 8" },
		]);
		for (const retentionDays of [-1, 1.5, 3_651, "7"]) {
			expect((await api.call("PATCH", project, { retentionDays })).status).toBe(400);
		}
		const { json: unchanged } = await api.call("GET", project);
		expect(unchanged).not.toHaveProperty("retentionDays");
		expect(unchanged).not.toHaveProperty("payloadRetentionDays");
		expect(entriesOf(await api.call("GET", "/workspace/audit?action=project.update"))).toEqual([]);
	});
});

describe("erasing over HTTP", () => {
	const erase = async (api: { call: (method: string, path: string) => Promise<Answer> }, eventId: string) =>
		api.call("DELETE", `./events/${eventId}/data`);
	const sendHeld = async (test: TestEngine): Promise<string> => {
		const webhook = await test.createWebhook("http://127.0.0.1:1/");
		await test.engine.webhooks.pause(test.change, webhook.id);
		return test.send({ dataJson: '{"n": 1.0}' });
	};

	it("shows the data before, null after, and leaves an entry in the audit log", async () => {
		await using api = await open();
		const eventId = await sendHeld(api.test);
		const before = await api.call("GET", `./events/${eventId}`);
		expect(before.json["dataErased"]).toBe(false);
		expect(before.text).toContain('"data":{"n": 1.0}}');
		expect((await erase(api, eventId)).json).toEqual({
			id: eventId,
			object: "erasure",
			dataErased: true,
			cancelledCount: 1,
		});
		expect((await api.call("GET", `./events/${eventId}`)).json).toMatchObject({ data: null, dataErased: true });
		const [delivery] = await api.test.deliveries({ eventId });
		const retry = await api.call("POST", `./deliveries/${delivery?.id ?? ""}:retry`);
		expect([retry.status, retry.json["code"]]).toEqual([409, "webhook_not_active"]);
		const [entry] = entriesOf(await api.call("GET", "/workspace/audit"));
		expect(entry).toMatchObject({ action: "event.erase", objectId: eventId, projectId: api.test.projectId });
	});

	it("is a 404 for an event that does not exist", async () => {
		await using api = await open();
		expect(await erase(api, "evt_1")).toMatchObject({ status: 404, json: { code: "event_not_found" } });
	});
});
