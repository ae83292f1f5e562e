// Event types through the API and the real engine.
import { readdirSync, readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

import { openTestApi } from "../src/api/test/test-api.ts";

async function openApi() {
	const { test, app } = await openTestApi();
	const { secretKey } = await test.engine.keys.create({ name: "test", scope: "admin", projectId: null }, null);
	const call = async (method: string, path: string, body: unknown) => {
		const init = { method, headers: { "secret-key": secretKey }, body: JSON.stringify(body) };
		const response = await app.request(`/projects/${test.projectId}${path}`, init);
		return { status: response.status, json: (await response.json()) as Record<string, unknown> };
	};
	return { call, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

describe("a project that accepts only its event types", () => {
	it("refuses invalid events with the path of the problem, also one by one in a batch", async () => {
		await using api = await openApi();
		const email = { type: "object", properties: { email: { type: "string", format: "email" } } };
		const schema = { type: "object", required: ["user"], properties: { user: email } };
		expect((await api.call("POST", "/event-types", { name: "user.created", schema })).status).toBe(200);
		expect((await api.call("PATCH", "", { eventTypes: "catalogued" })).status).toBe(200);

		const bad = { type: "user.created", data: { user: { email: "nobody" } } };
		expect(await api.call("POST", "/events", bad)).toMatchObject({
			status: 400,
			json: { code: "invalid_request", issues: [{ path: "data.user.email", message: 'must match format "email"' }] },
		});
		const good = { type: "user.created", data: { user: { email: "a@example.com" } } };
		const { status, json } = await api.call("POST", "/events:batch", {
			events: [good, { type: "no good", data: 1 }, { type: "unknown", data: 1 }, bad, good],
		});
		expect(status).toBe(202);
		expect(json["data"]).toMatchObject([
			{ status: 202 },
			{ status: 400, error: { issues: [{ path: "events.1.type" }] } },
			{ status: 400, error: { issues: [{ path: "events.2.type" }] } },
			{ status: 400, error: { issues: [{ path: "events.3.data.user.email" }] } },
			{ status: 202 },
		]);
	});

	it("refuses invalid schemas with the path of the problem", async () => {
		await using api = await openApi();
		expect(await api.call("PUT", "/event-types/a", { schema: { properties: { n: { type: "nmber" } } } })).toMatchObject(
			{
				status: 400,
				json: { issues: [{ path: "schema.properties.n.type" }] },
			},
		);
		expect(await api.call("PUT", "/event-types/a", { schema: { required: ["id"] }, example: {} })).toMatchObject({
			status: 400,
			json: { issues: [{ path: "example.id", message: "is required" }] },
		});
	});
});

/** Whether a process has the thread that checks by schemas. */
function hasSchemaThread({ pid }: ServerProcess): boolean {
	const folder = `/proc/${pid}/task`;
	return readdirSync(folder).some((id) => {
		try {
			return readFileSync(`${folder}/${id}/comm`, "utf8").trim() === "fanfare-schemas";
		} catch {
			// It has ended since.
			return false;
		}
	});
}

describe.skipIf(process.platform !== "linux")("the thread that checks by schemas", () => {
	it("is started with the first schema that is stored, and with a server that has one, before any send", async () => {
		await using server = await startServerProcess();
		const hasThread = () => hasSchemaThread(server);
		await server.project.eventTypes.create({ name: "a.b" });
		await server.client.projects.update(server.projectId, { eventTypes: "catalogued" });
		await server.stop();
		await server.restart();
		await server.project.events.send({ type: "a.b", data: 1 });
		expect(hasThread()).toBe(false);
		await server.project.eventTypes.put("a.c", { schema: { type: "object" } });
		expect(hasThread()).toBe(true);
		await server.stop();
		await server.restart();
		await eventually("the thread to be started", hasThread);
	});
});
