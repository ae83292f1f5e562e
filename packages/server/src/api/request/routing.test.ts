// Routing: paths, methods, actions and ids, and the operators' calls.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { problem } from "../test/answers.ts";
import { caller, callerAlone } from "../test/caller.ts";

describe("routing", () => {
	it("refuses an unknown path with the path and the place where all calls are listed", async () => {
		const { call } = await caller();
		const { status, json } = await call("GET", "/nope/here");
		expect(status).toBe(404);
		expect(json).toMatchObject({ code: "route_not_found", requestId: expect.stringMatching(/^req_[0-9a-f]{32}$/) });
		expect(json["message"]).toMatch(/GET \/nope\/here.*\/docs/);
	});

	it("routes no path that is far longer than those of all calls", async () => {
		const { call } = await caller();
		const codeOf = async (path: string) => (await call("GET", path)).json["code"];
		expect(await codeOf(`./batch/webhooks/${"x".repeat(4_000)}`)).toBe("webhook_not_found");
		expect(await codeOf(`./batch/webhooks/${"x".repeat(4_096)}`)).toBe("route_not_found");
		expect(await codeOf(`/${"a/".repeat(3_000)}`)).toBe("route_not_found");
	});

	it("refuses a wrong method with 405 and the allowed methods", async () => {
		const { call } = await caller();
		const { status, headers, json } = await call("PUT", "./batch/webhooks");
		expect(status).toBe(405);
		expect(headers.get("allow")).toBe("GET, HEAD, POST");
		expect(json).toMatchObject({ code: "method_not_allowed" });
	});

	it("responds to HEAD as to GET, without the body", async () => {
		const { call } = await caller();
		const { status, headers, text } = await call("HEAD", "./batch/webhooks");
		expect([status, text]).toEqual([200, ""]);
		expect(headers.get("content-type")).toMatch("application/json");
	});

	it("finds actions after an id, with the colon or the id escaped or not", async () => {
		await using receiver = await startReceiver();
		const { call, makeWebhook } = await caller();
		const id = await makeWebhook(receiver.url);
		for (const action of [":test", "%3Atest", "%3atest"]) {
			expect((await call("POST", `./batch/webhooks/${id}${action}`)).json).toMatchObject({ status: "Ok" });
		}
		const encoded = `./batch/webhooks/${id.replace("_", "%5F")}`;
		expect((await call("GET", encoded)).json).toMatchObject({ id });
		expect((await call("POST", `${encoded}:pause`)).json).toMatchObject({ status: "Paused" });
		expect((await call("GET", `./batch/webhooks/${id}:test`)).status).toBe(405);
		expect((await call("POST", `./batch/webhooks/${id}:explode`)).json).toMatchObject({ code: "route_not_found" });
	});

	it("treats an id of another kind, or nonsense, as an id that does not exist", async () => {
		const { call } = await caller();
		for (const id of ["x", "evt_1", "%00", "%E2%82", "__proto__", "..%2f..%2fworkspace"]) {
			expect(await call("GET", `./batch/webhooks/${id}`)).toMatchObject(problem(404, "webhook_not_found"));
		}
	});

	it("gives each request an id in the response and in the log, and uses no id of the client", async () => {
		const { call, lines } = await caller();
		const { headers } = await call("GET", "/workspace", undefined, { "x-request-id": "req_mine" });
		expect(headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
		expect(lines).toMatchObject([
			{ requestId: headers.get("x-request-id"), method: "GET", route: "/workspace", status: 200, code: null },
		]);
	});

	it("logs the project, the webhook, and the reason of a refusal as the response says it", async () => {
		const { call, lines, makeWebhook, project, other, keys } = await caller();
		const id = await makeWebhook();
		const foreign = { "secret-key": keys.project };
		const requests = [
			() => call("GET", `./batch/webhooks/${id}`),
			() => call("GET", "./batch/webhooks/webhook_nonsense"),
			() => call("POST", "./events", { type: "" }),
			() => call("GET", `/projects/${other.id}`, undefined, foreign),
			() => call("GET", "/workspace", undefined, { "secret-key": "no" }),
		];
		const before = lines.length;
		const messages: unknown[] = [];
		for (const request of requests) messages.push((await request()).json["message"] ?? null);
		const none = { projectId: null, webhookId: null };
		const expected = [
			{ status: 200, projectId: project.id, webhookId: id },
			{ status: 404, projectId: project.id, webhookId: null },
			{ status: 400, projectId: project.id, webhookId: null },
			{ status: 404, ...none },
			{ status: 401, ...none },
		];
		expect(lines.slice(before)).toMatchObject(
			expected.map((line, index) => ({ ...line, reason: messages[index], isProbe: false })),
		);
		expect(messages.slice(1)).toEqual(Array.from({ length: 4 }, () => expect.stringMatching(/.{20}/)));
	});

	it("forbids caching and sniffing of responses, and allows no other origin", async () => {
		const { call } = await caller();
		const { headers } = await call("GET", "/workspace", undefined, { origin: "https://evil.example" });
		const names = ["cache-control", "x-content-type-options", "access-control-allow-origin"];
		expect(names.map((name) => headers.get(name))).toEqual(["no-store", "nosniff", null]);
	});
});

describe("operators' calls", () => {
	it("report health, readiness and metrics", async () => {
		const { call, lines } = await caller();
		expect((await call("GET", "/healthz")).json).toEqual({ status: "ok", version: "0.0.0-test" });
		expect((await call("GET", "/readyz")).json).toMatchObject({ ready: true });
		const metrics = await call("GET", "/metrics");
		expect([metrics.headers.get("content-type"), metrics.text]).toEqual([
			"text/plain; version=0.0.4; charset=utf-8",
			"fanfare_up 1\n",
		]);
		expect(lines.map(({ path, isProbe }) => [path, isProbe])).toEqual([
			["/healthz", true],
			["/readyz", true],
			["/metrics", true],
		]);
	});

	it("respond with 503 and the checks when the server is not ready", async () => {
		// Alone: nobody has asked this engine a moment before.
		const { call, store } = await callerAlone();
		store.probe = () => Promise.reject(new Error("the disk is full"));
		const checks = { store: { ok: false, message: "the store can't be written: the disk is full" } };
		expect(await call("GET", "/readyz")).toMatchObject({ status: 503, json: { ready: false, checks } });
	});
});
