// The promise to existing clients: the Python SDK for Nexus webhooks works unchanged. Requests are written exactly as that SDK writes
// them (docs/nexus.md lists the differences), and responses are compared field by field.
import { createHmac } from "node:crypto";

import { RawConnection, type RawAnswer } from "@fanfare/testkit/raw-connection";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startHere, type ServerHere } from "./server-here.ts";

const SECRET_BYTES = Buffer.from("31c2a3f4aaf8198aabd634d43fb20b3c8590a9da2da8b4b0", "hex");
const SECRET = SECRET_BYTES.toString("base64");
const OTHER_SECRET = Buffer.alloc(32, 7).toString("base64");
const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const WEBHOOK_ID = expect.stringMatching(`^webhook_${UUID}$`) as string;
const PROJECT_ID = expect.stringMatching(/^proj_[0-9a-f]{32}$/) as string;
const WORKSPACE_ID = expect.stringMatching(/^ws_[0-9a-f]{32}$/) as string;
const REQUEST_ID = expect.stringMatching(/^req_[0-9a-f]{32}$/) as string;
/** The current time, with a tolerance of some minutes. */
const MILLISECONDS = expect.closeTo(Date.now(), -6) as number;

/** The result of a test, without what differs. */
const TESTED = { latencyMs: expect.any(Number) as number, body: null, reason: null, failedBy: null };

let server: ServerHere;
let receiver: Receiver;
beforeAll(async () => {
	[server, receiver] = await Promise.all([startHere(), startReceiver()]);
});
afterAll(async () => {
	await Promise.all([server[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]);
});

/** Makes a call as Python's `requests` does, which sends a content type even without a body. */
async function call(
	method: string,
	path: string,
	body?: string,
	key = server.key,
): Promise<RawAnswer & { json: unknown }> {
	using connection = new RawConnection(server.port);
	const headers: Record<string, string> = {
		"User-Agent": "python-requests/2.32.3",
		"Accept-Encoding": "gzip, deflate",
		Accept: "*/*",
		Connection: "keep-alive",
		"Secret-Key": key,
		"Content-Type": "application/json",
	};
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	// `requests` sends no content-length with a GET, and 0 with a POST that has no body.
	const length = method === "GET" ? "" : `Content-Length: ${Buffer.byteLength(body ?? "")}\r\n`;
	await connection.write(
		`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${lines.join("")}${length}\r\n${body ?? ""}`,
	);
	const answer = await connection.answer(40_000);
	expect(answer.headers["content-type"]).toMatch(/^application\/json/);
	return { ...answer, json: JSON.parse(answer.body) as unknown };
}

const webhooksPath = () => `/projects/${server.projectId}/batch/webhooks`;

/** Writes the body as the SDK does: `json.dumps` puts a space after each colon and comma. */
function create(name: string, path = "/hook") {
	const endpoint = receiver.url + path;
	const spec = `{"endpoint": "${endpoint}", "secret": {"contents": "${SECRET}"}, "retries": {"maxRetries": 3, "maxBackoffMs": 15000}}`;
	return call("POST", webhooksPath(), `{"name": "${name}", "spec": ${spec}}`);
}

async function createdId(name: string, path?: string): Promise<string> {
	return ((await create(name, path)).json as { id: string }).id;
}

/** The fields that Nexus knows, with their values. Fanfare adds fields of its own. */
function webhook(fields: object = {}): object {
	return {
		id: WEBHOOK_ID,
		object: "webhook",
		projectId: server.projectId,
		name: "aws-lambda",
		endpoint: `${receiver.url}/hook`,
		// The SDK decodes it strictly: it must have no other fields.
		retries: { maxRetries: 3, maxBackoffMs: 15_000 },
		createDate: MILLISECONDS,
		updateDate: MILLISECONDS,
		...fields,
	};
}

function expectWebhook({ status, json }: RawAnswer & { json: unknown }, fields: object = {}): void {
	expect([status, json]).toMatchObject([200, webhook(fields)]);
	expect(Object.keys((json as { retries: object }).retries)).toEqual(["maxRetries", "maxBackoffMs"]);
}

function project(): object {
	return {
		id: server.projectId,
		object: "project",
		name: "My project",
		workspaceId: WORKSPACE_ID,
		type: "webhooks",
		createDate: MILLISECONDS,
		localization: "local",
		tags: [],
		groups: [],
		statistic: { tagsCount: [], totalAssets: 0, annotatedAssets: 0, totalAnnotations: 0 },
	};
}

describe("workspace and projects", () => {
	it("GET /workspace", async () => {
		const expected = { id: WORKSPACE_ID, name: "My workspace", owner: "admin", tier: "self-hosted" };
		const { status, json } = await call("GET", "/workspace");
		expect([status, json]).toEqual([200, { ...expected, object: "workspace", createDate: MILLISECONDS }]);
	});

	it("GET /workspace/projects is a bare array", async () => {
		const { status, json } = await call("GET", "/workspace/projects");
		expect([status, json]).toEqual([200, [project()]]);
	});

	it("GET /projects/{projectId}", async () => {
		expect(server.projectId).toEqual(PROJECT_ID);
		const { status, json } = await call("GET", `/projects/${server.projectId}`);
		expect([status, json]).toEqual([200, project()]);
	});
});

describe("webhooks", () => {
	it("POST creates one and GET returns it, without the secret", async () => {
		const created = await create("aws-lambda");
		expectWebhook(created);
		expect(created.body).not.toContain(SECRET);
		const { id, createDate, updateDate } = created.json as { id: string; createDate: number; updateDate: number };
		expect(createDate).toBe(updateDate);
		expectWebhook(await call("GET", `${webhooksPath()}/${id}`), { id });
	});

	it("POST uses defaults for fields that the SDK omits", async () => {
		for (const [retries, maxRetries] of [
			["", 17],
			[', "retries": {"maxRetries": 0}', 0],
		] as const) {
			const body = `{"name": "little", "spec": {"endpoint": "${receiver.url}/little"${retries}}}`;
			expectWebhook(await call("POST", webhooksPath(), body), {
				name: "little",
				endpoint: `${receiver.url}/little`,
				retries: { maxRetries, maxBackoffMs: 28_800_000 },
			});
		}
	});

	it("PATCH changes the given fields, and ignores the secret that the SDK adds", async () => {
		const id = await createdId("before", "/patched");
		const rename = await call("PATCH", `${webhooksPath()}/${id}`, '{"name": "after", "spec": {}}');
		expectWebhook(rename, { id, name: "after", endpoint: `${receiver.url}/patched` });
		expect(rename.headers["fanfare-warning"]).toBeUndefined();
		const spec = `{"endpoint": "${receiver.url}/moved", "retries": {"maxRetries": 1, "maxBackoffMs": 1000}, "secret": {"contents": "${OTHER_SECRET}"}}`;
		const moved = await call("PATCH", `${webhooksPath()}/${id}`, `{"spec": ${spec}}`);
		const retries = { maxRetries: 1, maxBackoffMs: 1_000 };
		expectWebhook(moved, { id, name: "after", endpoint: `${receiver.url}/moved`, retries });
		await expectSignedWith(id, SECRET_BYTES);
	});

	it.each(["null", '{"contents": "not base64"}'])(
		"PATCH ignores a secret that is %s, and says so in a header",
		async (secret) => {
			const id = await createdId("before");
			const patched = await call(
				"PATCH",
				`${webhooksPath()}/${id}`,
				`{"name": "after", "spec": {"secret": ${secret}}}`,
			);
			expectWebhook(patched, { name: "after" });
			expect(patched.headers["fanfare-warning"]).toBe("spec.secret is ignored; use PUT .../secret");
			await expectSignedWith(id, SECRET_BYTES);
		},
	);

	it("PUT replaces the secret", async () => {
		const id = await createdId("new secret");
		const replaced = await call("PUT", `${webhooksPath()}/${id}/secret`, `{"contents": "${OTHER_SECRET}"}`);
		expectWebhook(replaced, { id, name: "new secret" });
		expect(replaced.body).not.toContain(OTHER_SECRET);
		await expectSignedWith(id, Buffer.from(OTHER_SECRET, "base64"));
	});

	it("DELETE confirms it, and then the webhook does not exist", async () => {
		const id = await createdId("to delete");
		const { status, json } = await call("DELETE", `${webhooksPath()}/${id}`);
		expect([status, json]).toEqual([200, { id, deleted: true }]);
		for (const [method, path, body] of [
			["GET", `${webhooksPath()}/${id}`],
			["DELETE", `${webhooksPath()}/${id}`],
			["POST", `${webhooksPath()}/${id}:test`],
			["PATCH", `${webhooksPath()}/${id}`, '{"name": "x"}'],
		] as const) {
			expect([method, (await call(method, path, body)).status]).toEqual([method, 404]);
		}
	});

	it.each([":test", "%3Atest"])(
		"POST %s without a body has exactly six fields, the first four never null",
		async (action) => {
			const id = await createdId("to test");
			const { status, json } = await call("POST", `${webhooksPath()}/${id}${action}`);
			expect([status, json]).toEqual([200, { ...TESTED, status: "Ok", responseCode: 200, attemptCount: 1 }]);
		},
	);

	it("POST :test of an endpoint where no server listens", async () => {
		const spec = '{"endpoint": "http://127.0.0.1:9/", "retries": {"maxRetries": 1, "maxBackoffMs": 0}}';
		const { json } = await call("POST", webhooksPath(), `{"name": "nobody", "spec": ${spec}}`);
		const test = await call("POST", `${webhooksPath()}/${(json as { id: string }).id}:test`);
		const failure = { reason: "connection refused by 127.0.0.1:9", failedBy: "receiver" };
		const expected = { ...TESTED, status: "Failed", responseCode: 0, attemptCount: 2, ...failure };
		expect([test.status, test.json]).toEqual([200, expected]);
	});
});

describe("lists", () => {
	it("are read forward and back by cursors that need no escaping, with a query that ends in &", async () => {
		const other = await server.client.projects.create({ name: "for lists" });
		const path = `/projects/${other.id}/batch/webhooks`;
		expect((await call("GET", `${path}?`)).json).toEqual({ nextPage: null, prevPage: null, data: [] });
		const body = (name: number) => `{"name": "${name}", "spec": {"endpoint": "${receiver.url}/"}}`;
		for (let name = 1; name <= 5; name++) await call("POST", path, body(name));

		const first = await page(`${path}?limit=2&`);
		expect([first.names, first.prevPage]).toEqual([["5", "4"], null]);
		expect(first.nextPage).toMatch(/^[A-Za-z0-9_-]+$/);
		// New rows do not shift the pages.
		await call("POST", path, body(6));
		const second = await page(`${path}?limit=2&page=${first.nextPage}&`);
		expect(second.names).toEqual(["3", "2"]);
		const third = await page(`${path}?limit=2&page=${second.nextPage}&`);
		expect([third.names, third.nextPage]).toEqual([["1"], null]);
		expect((await page(`${path}?page=${third.prevPage}&limit=2&`)).names).toEqual(["3", "2"]);
		expect((await page(`${path}?page=${second.prevPage}&limit=2&`)).names).toEqual(["5", "4"]);
		expect((await page(`${path}?`)).names).toEqual(["6", "5", "4", "3", "2", "1"]);
	});

	async function page(path: string) {
		const { status, json } = await call("GET", path);
		expect(status).toBe(200);
		const { nextPage, prevPage, data, ...rest } = json as {
			nextPage: string | null;
			prevPage: string | null;
			data: { name: string }[];
		};
		expect(rest).toEqual({});
		return { nextPage, prevPage, names: data.map(({ name }) => name) };
	}
});

describe("errors have a status from which the SDK chooses its exception, and a message that it shows", () => {
	const SENTENCE = expect.stringMatching(/^.{15,}$/) as string;
	const ISSUES = expect.arrayContaining([
		{ path: expect.any(String) as string, message: expect.stringMatching(/.{5,}/) as string },
	]) as unknown;
	const body = (code: string, issues?: unknown) => ({
		message: SENTENCE,
		code,
		requestId: REQUEST_ID,
		...(issues !== undefined && { issues }),
	});

	it.each(["{", ""])("400 for %j, which is not JSON", async (text) => {
		const { status, json } = await call("POST", webhooksPath(), text);
		expect([status, json]).toEqual([400, body("invalid_json")]);
	});

	it.each([
		["no name", '{"spec": {"endpoint": "https://example.com/"}}'],
		["an unknown field", '{"name": "x", "spec": {"endpoint": "https://example.com/", "colour": 1}}'],
		["an address that is not public", '{"name": "x", "spec": {"endpoint": "https://10.0.0.1/"}}'],
		["a short secret", '{"name": "x", "spec": {"endpoint": "https://a.example/", "secret": {"contents": "AAAA"}}}'],
	])("400 for %s, never 422", async (_what, text) => {
		const { status, json } = await call("POST", webhooksPath(), text);
		expect([status, json]).toEqual([400, body("invalid_request", ISSUES)]);
	});

	it("400 for a cursor that the server did not make, and for a limit that it does not take", async () => {
		const { status, json } = await call("GET", `${webhooksPath()}?limit=2&page=abc&`);
		const issues = [{ path: "page", message: expect.any(String) as string }];
		expect([status, json]).toEqual([400, body("invalid_cursor", issues)]);
		const limited = await call("GET", `${webhooksPath()}?limit=1001&`);
		expect([limited.status, limited.json]).toMatchObject([
			400,
			{ code: "invalid_request", issues: [{ path: "limit" }] },
		]);
	});

	it.each([
		["", "missing_key"],
		[`sk_${"x".repeat(43)}`, "unknown_key"],
	])("401 for the key %j", async (key, code) => {
		const { status, json } = await call("GET", "/workspace", undefined, key);
		expect([status, json]).toEqual([401, body(code)]);
	});

	it("403 for a key without the scope", async () => {
		const { secretKey } = await server.client.keys.create({ name: "reader", scope: "read" });
		const { status, json } = await call("POST", webhooksPath(), "{}", secretKey);
		expect([status, json]).toEqual([403, body("insufficient_scope")]);
	});

	it("404 for a webhook or a project of somebody else, exactly as for one that does not exist", async () => {
		const { id } = await server.client.projects.create({ name: "other" });
		const { secretKey } = await server.client.keys.create({ name: "of other", scope: "admin", projectId: id });
		const webhookId = await createdId("mine");
		for (const [code, ...paths] of [
			[
				"webhook_not_found",
				`${webhooksPath()}/${webhookId.replace(/.{12}$/, "000000000000")}`,
				`/projects/${id}/batch/webhooks/${webhookId}`,
			],
			["project_not_found", `/projects/${server.projectId}`, `/projects/proj_${"0".repeat(32)}`],
		] as const) {
			const key = code === "project_not_found" ? secretKey : server.key;
			const answers = [await call("GET", paths[0], undefined, key), await call("GET", paths[1], undefined, key)];
			for (const { status, json } of answers) expect([status, json]).toEqual([404, body(code)]);
			expect(new Set(answers.map(({ json }) => (json as { message: string }).message)).size).toBe(1);
		}
	});
});

/** Expects that the webhook's next test request is signed with this secret first. */
async function expectSignedWith(webhookId: string, secret: Buffer): Promise<void> {
	await call("POST", `${webhooksPath()}/${webhookId}:test`);
	const { headers, rawBody } = receiver.requests.at(-1)!;
	const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.`;
	const signature = createHmac("sha256", secret).update(signed).update(rawBody).digest("base64");
	expect(String(headers["webhook-signature"]).split(" ")[0]).toBe(`v1,${signature}`);
}
