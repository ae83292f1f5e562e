// The common path of all requests: errors, retries, timeouts.
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";

import { afterEach, describe, expect, it, vi } from "vitest";

import * as sdk from "../src/index.ts";
import {
	failure,
	endless,
	hang,
	hangInBody,
	json,
	PROJECT_ID,
	raw,
	reset,
	resetInBody,
	ScriptedServer,
	testClient,
	WEBHOOK_ID,
	wireEvent,
	wireWebhook,
	type Step,
} from "./scripted-server.ts";

const TIMEOUT_MS = 1_000;
/** Turns of the event loop in which the client reads what the server has written. */
const TURNS_TO_READ = 10;

const ok = json(200, { id: "ws_1" });
const unavailable = json(503, { message: "Busy.", code: "overloaded" }, { "retry-after": "1" });
const send = (client: sdk.Client) => client.project(PROJECT_ID).events.send({ type: "a.b", data: {} });
const create = (client: sdk.Client) =>
	client.project(PROJECT_ID).batch.webhooks.create({ name: "n", spec: { endpoint: "https://example.com/" } });

/** The step, after which the time of a try is over. No time passes before: a try may take as long as the machine needs. */
function late(step: Step): Step {
	const passTime = async () => {
		for (let turn = 0; turn < TURNS_TO_READ; turn++) await nextTurn();
		vi.advanceTimersByTime(TIMEOUT_MS);
	};
	return (response, request) => {
		step(response, request);
		void passTime();
	};
}

afterEach(() => void vi.useRealTimers());

describe("errors", () => {
	it.each([
		[400, sdk.BadRequestError],
		[401, sdk.AuthenticationError],
		[403, sdk.PermissionDeniedError],
		[404, sdk.NotFoundError],
		[405, sdk.ApiError],
		[409, sdk.ConflictError],
		[413, sdk.PayloadTooLargeError],
		[429, sdk.RateLimitError],
		[500, sdk.InternalServerError],
		[502, sdk.InternalServerError],
		[503, sdk.ServiceUnavailableError],
	])("a %d has its own class, with the details of the response", async (status, expected) => {
		const issues = [{ path: "spec.endpoint", message: "must be https" }];
		const body = { message: "That was wrong.", code: "some_code", requestId: "req_1", issues };
		await using server = await ScriptedServer.start(json(status, body));
		const error = (await failure(testClient(server, { maxRetries: 0 }).client.getInfo())) as sdk.ApiError;

		expect(error.constructor).toBe(expected);
		expect(error).toBeInstanceOf(sdk.FanfareError);
		expect(error).toMatchObject({ name: expected.name, status, ...body });
	});

	it("includes the text of a proxy's error page", async () => {
		const page = "<html><head><style>p{}</style></head><body><h1>502 Bad Gateway</h1>\n<hr>nginx</body></html>";
		await using server = await ScriptedServer.start(
			raw(502, page, { "content-type": "text/html", "x-request-id": "r1" }),
		);
		const error = await failure(testClient(server, { maxRetries: 0 }).client.getInfo());

		expect(error).toBeInstanceOf(sdk.InternalServerError);
		expect(error).toMatchObject({ status: 502, code: null, requestId: "r1", issues: [] });
		expect((error as Error).message).toMatch(
			/^GET \/workspace was answered with 502 \(text\/html\) .*: "502 Bad Gateway nginx"/,
		);
	});

	it.each([
		["no body", raw(500, "")],
		["JSON of another shape", json(500, ["x"])],
		["fields of other types", json(500, { message: 1, code: {}, requestId: [], issues: [null, { path: 3 }, 7] })],
	])("handles an error response of %s", async (_name, step) => {
		await using server = await ScriptedServer.start(step);
		const error = await failure(testClient(server, { maxRetries: 0 }).client.getInfo());
		expect(error).toMatchObject({ status: 500, code: null, requestId: null, issues: [] });
		expect((error as Error).message).toContain("GET /workspace was answered with 500");
	});

	it.each([
		["a page", raw(200, "<h1>Welcome</h1>", { "content-type": "text/html" })],
		["nothing", raw(204, "")],
		["half of a JSON", raw(200, '{"id":')],
	])("does not accept %s as a response, and does not retry", async (_name, step) => {
		await using server = await ScriptedServer.start(step);
		expect(await failure(testClient(server).client.getInfo())).toBeInstanceOf(sdk.UnexpectedResponseError);
		expect(server.requests).toHaveLength(1);
	});

	it.each([
		["a response", 200, sdk.UnexpectedResponseError],
		["an error response", 500, sdk.InternalServerError],
	])("stops reading %s without end after a limit", async (_name, status, expected) => {
		const seen: ServerResponse[] = [];
		await using server = await ScriptedServer.start((response, request) => {
			seen.push(response);
			endless(status)(response, request);
		});
		const error = await failure(testClient(server, { maxRetries: 0 }).client.getInfo());
		expect(error).toBeInstanceOf(expected);
		expect(error).toMatchObject({ status });
		await expect.poll(() => seen[0]?.destroyed).toBe(true);
	});

	it.each<[string, (client: sdk.Client) => PromiseLike<unknown>]>([
		["an event", send],
		["a webhook", create],
		["a project", (client) => client.getProject(PROJECT_ID)],
		["all projects", (client) => client.listProjects()],
		["a test", (client) => client.project(PROJECT_ID).batch.webhooks.test(WEBHOOK_ID)],
		["a deletion", (client) => client.project(PROJECT_ID).batch.webhooks.delete(WEBHOOK_ID)],
		["stats", (client) => client.project(PROJECT_ID).stats()],
		["the end of a replay", (client) => client.project(PROJECT_ID).replays.wait("replay_1")],
		["the workspace", (client) => client.getInfo()],
	])("does not accept another server's response as %s", async (_name, call) => {
		for (const answer of [{}, null, [null], "ok", 7, { error: "no such route" }, { object: "list", data: [] }]) {
			await using server = await ScriptedServer.start(json(200, answer));
			const error = await failure(call(testClient(server).client));
			expect(error).toBeInstanceOf(sdk.UnexpectedResponseError);
			expect((error as Error).message).toMatch(/was answered with 200 and JSON that is not a \w+\./);
			expect(server.requests).toHaveLength(1);
		}
	});

	it("does not follow a redirect with the secret key", async () => {
		await using other = await ScriptedServer.start(ok);
		await using server = await ScriptedServer.start(raw(307, "", { location: `${other.endpoint}/workspace` }));
		const error = await failure(testClient(server).client.getInfo());

		expect(error).toBeInstanceOf(sdk.UnexpectedResponseError);
		expect((error as Error).message).toContain(`redirect to ${other.endpoint}/workspace`);
		expect(other.requests).toEqual([]);
	});

	it.each([
		[
			"a connection that is closed without a response",
			(response: ServerResponse) => response.socket?.end(),
			"other side closed",
		],
		["a status that Node's fetch treats as a network error", raw(407, ""), "fetch failed"],
	])("describes the problem: %s", async (_name, step, expected) => {
		await using server = await ScriptedServer.start(step);
		const error = (await failure(testClient(server, { maxRetries: 0 }).client.getInfo())) as Error;
		expect(error.constructor).toBe(sdk.ConnectionError);
		expect(error.message).toContain(expected);
	});
});

describe("retries", () => {
	it.each([
		["a 429", json(429, { message: "Slow down." })],
		["a 500", raw(500, "")],
		["a 502", raw(502, "<h1>oops</h1>")],
		["a 503", unavailable],
		["a lost connection", reset],
		["a connection lost during the body", resetInBody],
		["no response in time", late(hang)],
		["no complete response in time", late(hangInBody)],
	])("are made after %s", async (_name, trouble: Step) => {
		await using server = await ScriptedServer.start(trouble, trouble, trouble, ok);
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const { client, waits } = testClient(server, { timeoutMs: TIMEOUT_MS });

		expect(await client.getInfo()).toEqual({ id: "ws_1" });
		expect(server.requests).toHaveLength(4);
		expect(waits).toHaveLength(3);
	});

	it("end with the last error", async () => {
		await using server = await ScriptedServer.start(reset, raw(500, ""), unavailable);
		const error = await failure(testClient(server, { maxRetries: 2 }).client.getInfo());

		expect(error).toBeInstanceOf(sdk.ServiceUnavailableError);
		expect(server.requests).toHaveLength(3);
	});

	it.each([400, 401, 403, 404, 409, 413])("are not made after a %d", async (status) => {
		await using server = await ScriptedServer.start(json(status, { message: "no" }));
		await failure(testClient(server).client.getInfo());
		expect(server.requests).toHaveLength(1);
	});

	it("wait twice as long each time, up to 8 s", async () => {
		await using server = await ScriptedServer.start(...Array.from({ length: 7 }, () => raw(500, "")));
		const { client, waits } = testClient(server, { maxRetries: 6 });
		await failure(client.getInfo());
		expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
	});

	it("have random waits, down to half the maximum", async () => {
		await using server = await ScriptedServer.start(raw(500, ""), ok);
		const { client, waits } = testClient(server, {}, { random: () => 0 });
		await client.getInfo();
		expect(waits).toEqual([250]);
	});

	it.each([
		["in seconds", "7", 7_000],
		["as a date", new Date(1_700_000_009_000).toUTCString(), 9_000],
		["shorter than the client's own wait", "0", 500],
		["as a date in the past", new Date(0).toUTCString(), 500],
		["that is not valid", "soon", 500],
		["that is negative", "-5", 500],
		["of exactly the maximum", "60", 60_000],
	])("honour a Retry-After %s", async (_name, header, expected) => {
		await using server = await ScriptedServer.start(raw(503, "{}", { "retry-after": header }), ok);
		const { client, waits } = testClient(server, {}, { now: () => 1_700_000_000_000 });
		await client.getInfo();
		expect(waits).toEqual([expected]);
	});

	it.each(["61", "99999999999999999999", new Date(1_700_003_600_000).toUTCString()])(
		"are not made after a Retry-After of %s, which the error reports",
		async (header) => {
			await using server = await ScriptedServer.start(json(429, { message: "Later." }, { "retry-after": header }));
			const { client, waits } = testClient(server, {}, { now: () => 1_700_000_000_000 });
			const error = (await failure(client.getInfo())) as sdk.ApiError;

			expect(error).toBeInstanceOf(sdk.RateLimitError);
			expect(error.retryAfterMs).toBeGreaterThan(60_000);
			expect(waits).toEqual([]);
			expect(server.requests).toHaveLength(1);
		},
	);

	it.each([
		["in seconds", "7", 7_000],
		["in the past", new Date(0).toUTCString(), 0],
		["that is not valid", "soon", null],
		["that is negative", "-5", null],
	])("report a Retry-After %s", async (_name, header, expected) => {
		await using server = await ScriptedServer.start(raw(503, "{}", { "retry-after": header }));
		const { client } = testClient(server, { maxRetries: 0 }, { now: () => 1_700_000_000_000 });
		expect(await failure(client.getInfo())).toMatchObject({ retryAfterMs: expected });
	});

	it("send an event with the same idempotency key and exactly the same bytes", async () => {
		const accepted = json(202, wireEvent(1));
		await using server = await ScriptedServer.start(reset, raw(500, ""), unavailable, accepted, accepted);
		const { client } = testClient(server);
		expect(await send(client)).toEqual(wireEvent(1));
		const bodies = new Set(server.requests.map(({ body }) => body));
		expect(bodies.size).toBe(1);
		const idempotencyKey: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/);
		expect(JSON.parse([...bodies][0]!)).toEqual({ type: "a.b", data: {}, idempotencyKey });
		// Another event has another key.
		await send(client);
		expect(bodies).not.toContain(server.last.body);
	});

	it.each([
		["a 429", json(429, { message: "Slow down." })],
		["a 503 with Retry-After", unavailable],
	])("repeat calls that create after %s, because nothing was done yet", async (_name, refusal) => {
		await using server = await ScriptedServer.start(refusal, json(200, wireWebhook));
		await create(testClient(server).client);
		expect(server.requests).toHaveLength(2);
	});

	it.each([
		["a 500", raw(500, "")],
		["a 503 without Retry-After", raw(503, "")],
		["a connection that is cut", reset],
		["no answer in time", hang],
	])(
		"never repeat calls that create or test after %s, because they may have been processed",
		async (_name, trouble) => {
			const last = trouble === hang ? late(hang) : trouble;
			await using server = await ScriptedServer.start(trouble, trouble, trouble, last);
			vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
			const { client } = testClient(server, { timeoutMs: TIMEOUT_MS });
			const calls = [
				create(client),
				client.projects.create({ name: "n" }),
				client.keys.create({ name: "n", scope: "read" }),
				client.project(PROJECT_ID).batch.webhooks.test(WEBHOOK_ID, { timeoutMs: TIMEOUT_MS }),
			];
			for (const error of await Promise.all(calls.map(failure))) expect(error).toBeInstanceOf(sdk.FanfareError);
			expect(server.requests).toHaveLength(calls.length);
		},
	);

	it.each(["update", "updateSecret", "delete"] as const)("repeat %s after a lost connection", async (method) => {
		const answer = method === "delete" ? { id: WEBHOOK_ID, deleted: true } : wireWebhook;
		await using server = await ScriptedServer.start(reset, json(200, answer));
		const { webhooks } = testClient(server).client.project(PROJECT_ID).batch;
		if (method === "update") await webhooks.update(WEBHOOK_ID, { name: "n" });
		if (method === "updateSecret") await webhooks.updateSecret(WEBHOOK_ID, "c2VjcmV0");
		if (method === "delete") await webhooks.delete(WEBHOOK_ID);
		expect(server.requests).toHaveLength(2);
	});

	it("can be set for one call", async () => {
		await using server = await ScriptedServer.start(raw(500, ""));
		await failure(testClient(server).client.getInfo({ maxRetries: 0 }));
		expect(server.requests).toHaveLength(1);
	});
});

it("uses the caller's fetch", async () => {
	await using server = await ScriptedServer.start(ok);
	const urls: string[] = [];
	const { client } = testClient(server, {
		fetch: (url, init) => {
			urls.push(url);
			return fetch(url, init);
		},
	});
	await client.getInfo();
	expect(urls).toEqual([`${server.endpoint}/workspace`]);
});

describe("the actor", () => {
	it("is sent with each call of the client, unless a call has its own", async () => {
		const page = json(200, { nextPage: null, prevPage: null, data: [] });
		await using server = await ScriptedServer.start(unavailable, ok, ok, page, ok);
		const { client } = testClient(server, { actor: "ada@example.com" });
		await client.getInfo();
		await client.getInfo({ actor: "bob@example.com" });
		await client.audit.list({}, { actor: "bob@example.com" });
		await testClient(server).client.getInfo();
		expect(server.requests.map(({ headers }) => headers["fanfare-actor"])).toEqual([
			"ada@example.com",
			"ada@example.com",
			"bob@example.com",
			"bob@example.com",
			undefined,
		]);
	});

	it("is checked before anything is sent", async () => {
		await using server = await ScriptedServer.start();
		const error = await failure(testClient(server).client.getInfo({ actor: "a\nb" }));
		expect(error).toBeInstanceOf(TypeError);
		expect(server.requests).toHaveLength(0);
	});
});

it("the trace of a send is sent with each try, of one event and of many", async () => {
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	const event = json(202, { object: "event", id: "evt_1" });
	const batch = json(202, { object: "batch", data: [{ status: 202, event: { object: "event", id: "evt_1" } }] });
	await using server = await ScriptedServer.start(unavailable, event, batch, event);
	const { events } = testClient(server).client.project("proj_1");
	await events.send({ type: "a", data: 1 }, { traceparent });
	await events.sendBatch([{ type: "a", data: 1 }], { traceparent });
	await events.send({ type: "a", data: 1 });
	const traces = server.requests.map(({ headers }) => headers["traceparent"]);
	expect(traces).toEqual([traceparent, traceparent, traceparent, undefined]);
});
