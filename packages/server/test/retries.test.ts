// The retry policy of a webhook over HTTP: what a PATCH changes, keeps and resets.
import { afterAll, beforeAll, expect, it } from "vitest";

import { openTestApi, type TestApi } from "./test-api.ts";

let api: TestApi;
let key = "";
beforeAll(async () => {
	api = await openTestApi();
	key = (await api.test.engine.keys.create({ name: "test", scope: "admin", projectId: null })).secretKey;
});
afterAll(() => api[Symbol.asyncDispose]());

async function call(method: string, path: string, body: unknown): Promise<{ id: string; retries: unknown }> {
	const url = `/projects/${api.test.projectId}/batch/webhooks${path}`;
	const response = await api.app.request(url, { method, headers: { "secret-key": key }, body: JSON.stringify(body) });
	expect(response.status).toBeLessThan(300);
	return (await response.json()) as { id: string; retries: unknown };
}

it("goes back to the default, without a schedule, when retries are set to null", async () => {
	const endpoint = "http://127.0.0.1:9/";
	const webhook = await call("POST", "", { name: "a", spec: { endpoint, retries: { scheduleMs: [1_000, 2_000] } } });
	expect(webhook.retries).toEqual({ maxRetries: 2, maxBackoffMs: 28_800_000, scheduleMs: [1_000, 2_000] });
	const patched = await call("PATCH", `/${webhook.id}`, { spec: { retries: null } });
	expect(patched.retries).toEqual({ maxRetries: 17, maxBackoffMs: 28_800_000 });
});
