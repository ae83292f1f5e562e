// Stats over HTTP, with a real engine.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openTestEngine, type TestEngine } from "../../../engine/test/test-engine.ts";
import { createApp } from "../../app.ts";
import { fakeApi } from "../../test/fake-engine.ts";

const HOUR = 3_600_000;
const NO_COUNTS = {
	accepted: 0,
	attempts: { succeeded: 0, failed: 0 },
	succeeded: 0,
	exhausted: 0,
	latencyMs: { p50: null, p95: null, p99: null },
};

/** Makes calls to the API of a real engine. */
async function openApi(test: TestEngine): Promise<(path: string) => Promise<{ status: number; body: unknown }>> {
	const { deps } = await fakeApi();
	const app = createApp({ ...deps, engine: test.engine, store: test.store });
	const { secretKey } = await test.engine.keys.create({ name: "test", scope: "read", projectId: test.projectId });
	return async (path) => {
		const response = await app.request(`/projects/${test.projectId}${path}`, { headers: { "secret-key": secretKey } });
		return { status: response.status, body: await response.json() };
	};
}

describe("stats over HTTP", () => {
	it("default to the last day by the hour, for the project and for a webhook", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		await test.delivery(await test.send(), { status: "Succeeded" });
		const get = await openApi(test);
		const start = test.clock.now() - (test.clock.now() % HOUR);
		const latencyMs = { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) };
		const counts = { ...NO_COUNTS, accepted: 1, attempts: { succeeded: 1, failed: 0 }, succeeded: 1, latencyMs };
		const stats = {
			object: "stats",
			width: "hour",
			from: start - 23 * HOUR,
			to: start + HOUR,
			data: [
				...Array.from({ length: 23 }, (_, index) => ({ start: start - (23 - index) * HOUR, ...NO_COUNTS })),
				{ start, ...counts },
			],
			totals: counts,
			deliveries: { Pending: 0, Succeeded: 1, Failed: 0, Held: 0, Cancelled: 0 },
		};
		expect(await get("/stats")).toEqual({ status: 200, body: stats });
		expect(await get(`/batch/webhooks/${webhook.id}/stats`)).toEqual({ status: 200, body: stats });
	});

	it("have the requested width and range", async () => {
		await using test = await openTestEngine();
		const get = await openApi(test);
		const now = test.clock.now();
		expect(await get(`/stats?width=minute&from=${now}&to=${now + 90_000}`)).toMatchObject({
			status: 200,
			body: { width: "minute", from: now, to: now + 120_000, data: [{ start: now }, { start: now + 60_000 }] },
		});
	});

	it.each([
		["width=week", "width"],
		["from=yesterday", "from"],
		["from=2000&to=1000&width=day", "from"],
		["from=0&width=minute", "from"],
		["to=1000&from=1000", "from"],
		["since=0", "since"],
	])("are refused for ?%s", async (query, path) => {
		await using test = await openTestEngine();
		const get = await openApi(test);
		const refusal = { status: 400, body: { code: "invalid_request", issues: [{ path }] } };
		expect(await get(`/stats?${query}`)).toMatchObject(refusal);
	});

	it("are a 404 for a webhook that does not exist", async () => {
		await using test = await openTestEngine();
		const get = await openApi(test);
		const unknownId = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		const refusal = { status: 404, body: { code: "webhook_not_found" } };
		expect(await get(`/batch/webhooks/${unknownId}/stats`)).toMatchObject(refusal);
	});
});

describe("types of Fanfare's own events", () => {
	it("are refused in sends, with the path, and do not reach the engine", async () => {
		const { app, project, keys, sent } = await fakeApi();
		const post = async (path: string, body: unknown) => {
			const headers = { "secret-key": keys.write, "content-type": "application/json" };
			const response = await app.request(`/projects/${project.id}/${path}`, {
				method: "POST",
				headers,
				body: JSON.stringify(body),
			});
			return { status: response.status, body: await response.json() };
		};
		const own = { type: "fanfare.webhook.disabled", data: {} };
		const issues = [{ path: "type", message: expect.stringMatching(/^must not start with fanfare\./) }];
		expect(await post("events", own)).toMatchObject({ status: 400, body: { code: "invalid_request", issues } });
		const batch = await post("events:batch", { events: [{ type: "fanfarewell", data: {} }, own] });
		expect(batch.body).toMatchObject({
			data: [{ status: 202 }, { status: 400, error: { issues: [{ path: "events.1.type" }] } }],
		});
		expect(sent.map(({ type }) => type)).toEqual(["fanfarewell"]);
	});
});
