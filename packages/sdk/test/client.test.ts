// Creating a client, and keeping secrets out of logs and errors.
import { readFile } from "node:fs/promises";
import { format, inspect } from "node:util";

import { describe, expect, it } from "vitest";

import { Client, utils } from "../src/index.ts";
import { VERSION } from "../src/version.ts";
import {
	failure,
	hang,
	json,
	KEY,
	PROJECT_ID,
	raw,
	reset,
	ScriptedServer,
	testClient,
	wireProject,
	wireWebhook,
	type Step,
} from "./scripted-server.ts";

describe("Client.inPage", () => {
	it("sends the header of the page instead of a key, also to open a stream", async () => {
		const stream = raw(200, "data: {}\n\n", { "content-type": "text/event-stream" });
		await using server = await ScriptedServer.start(json(200, { id: "ws_1" }), stream);
		const client = Client.inPage({ endpoint: server.endpoint, maxRetries: 0, actor: "ada@example.com" });
		await client.getInfo();
		for await (const _item of client.project(PROJECT_ID).stream()) break;
		expect(server.requests).toHaveLength(2);
		for (const { headers } of server.requests) {
			expect(headers).toMatchObject({ "fanfare-page": "1", "fanfare-actor": "ada@example.com" });
			expect(headers).not.toHaveProperty("secret-key");
			expect(headers).not.toHaveProperty("authorization");
		}
	});

	it("shows nothing of the key that somebody signs in with, and does not try again by itself", async () => {
		const page = raw(200, "<html>sk_typed</html>", { "content-type": "text/html" });
		await using server = await ScriptedServer.start(page, json(429, { message: "wait" }, { "retry-after": "1" }));
		const client = Client.inPage({ endpoint: server.endpoint });
		const wrong = await client.sessions.signIn({ key: "sk_typed" }).catch((error: unknown) => error);
		expect(shown(wrong)).not.toContain("sk_typed");
		await expect(client.sessions.signIn({ key: "sk_typed" })).rejects.toMatchObject({ status: 429 });
		expect(server.requests).toHaveLength(2);
	});

	it("refuses options that are not valid, as a client with a key does", () => {
		expect(() => Client.inPage({ timeoutMs: 0 })).toThrow(/^timeoutMs must be/);
		expect(() => Client.inPage("https://example.com" as never)).toThrow(/^The client's options must be/);
	});
});

describe("new Client", () => {
	it("uses a Fanfare on this machine by default", () => {
		expect(new Client(KEY).endpoint).toBe("http://127.0.0.1:8787");
	});

	it.each(["", undefined, null, 42, "sk_with space", "sk_line\n", "sk_é"])(
		"refuses %j as a key, and does not show it",
		(key) => {
			const build = () => new Client(key as string);
			expect(build).toThrow(TypeError);
			expect(build).toThrow("secret key");
			if (typeof key === "string" && key !== "") expect(build).not.toThrow(key.trim());
		},
	);

	it.each([
		["", "absolute http or https URL"],
		["fanfare.example.com", "absolute http or https URL"],
		["/relative", "absolute http or https URL"],
		["ftp://example.com", "got ftp:"],
		["http://me:hunter2@example.com", "without user name and password"],
		["http://example.com?x=1", "without a query"],
		["http://example.com#x", "without a query"],
	])("refuses the endpoint %j", (endpoint, words) => {
		const build = () => new Client(KEY, { endpoint });
		expect(build).toThrow(TypeError);
		expect(build).toThrow(words);
		expect(build).not.toThrow("hunter2");
	});

	it.each(["https://fanfare.example.com", null, 8787])("refuses %j instead of options", (options) => {
		expect(() => new Client(KEY, options as never)).toThrow(/^The client's options must be an object such as/);
	});

	it.each(["endPoint", "baseUrl", "timeout", "__proto__", "toString"])(
		"refuses the option %s, which does not exist",
		(name) => {
			const options = JSON.parse(`{"endpoint":"http://127.0.0.1:1",${JSON.stringify(name)}:"secret value"}`) as object;
			const build = () => new Client(KEY, options);
			expect(build).toThrow(TypeError);
			expect(build).toThrow(
				`The client has no option "${name}". Its options are: endpoint, timeoutMs, maxRetries, actor, fetch.`,
			);
			expect(build).not.toThrow("secret value");
		},
	);

	it("accepts options that are undefined", () => {
		const none = Object.fromEntries(
			["endpoint", "timeoutMs", "maxRetries", "actor", "fetch"].map((name) => [name, undefined]),
		);
		expect(new Client(KEY, none).endpoint).toBe("http://127.0.0.1:8787");
	});

	it.each([0, -1, 1.5, Number.NaN, 2 ** 31])("refuses a timeout of %d", (timeoutMs) => {
		expect(() => new Client(KEY, { timeoutMs })).toThrow(/^timeoutMs must be/);
	});

	it.each([-1, 0.5, Number.NaN, Infinity])("refuses %d retries", (maxRetries) => {
		expect(() => new Client(KEY, { maxRetries })).toThrow(/^maxRetries must be/);
	});

	it.each(["", "Ada Lovelace", "adä", "a".repeat(129), null, 42])(
		"refuses the actor %j, and does not show it",
		(actor) => {
			const build = () => new Client(KEY, { actor: actor as string });
			expect(build).toThrow(/^actor must be a string of 1–128 visible ASCII characters/);
			if (typeof actor === "string" && actor !== "") expect(build).not.toThrow(actor);
		},
	);

	it("has the version of its package", async () => {
		const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as object;
		expect(manifest).toMatchObject({ version: VERSION });
	});
});

/** Servers that are none of Fanfare's, and repeat what was sent. */
const PAGES: readonly [string, (sent: string) => Step][] = [
	["a page", (sent) => raw(502, `<h1>Bad gateway</h1><pre>${sent}</pre>`)],
	["a page that is a 200", (sent) => raw(200, `<h1>Hello</h1><pre>${sent}</pre>`)],
];
const shown = (value: unknown) => inspect(value, { depth: null, showHidden: true });

describe("the secret key", () => {
	it("does not appear when objects are logged or serialized", async () => {
		await using server = await ScriptedServer.start(
			json(200, wireProject),
			json(200, { nextPage: null, prevPage: null, data: [] }),
		);
		const { client } = testClient(server);
		const project = await client.getProject(PROJECT_ID);
		const list = project.events.list();
		for (const value of [client, client.projects, client.keys, project, project.batch.webhooks, list, await list]) {
			expect(shown(value)).not.toContain(KEY);
			expect(JSON.stringify(value)).not.toContain(KEY);
		}
		expect(server.last.headers["secret-key"]).toBe(KEY);
	});

	it("does not appear in errors", async () => {
		const steps = [reset, raw(502, "<h1>Bad gateway</h1>"), json(401, { message: "no" }), raw(200, "hello"), hang];
		await using server = await ScriptedServer.start(...steps);
		const { client } = testClient(server, { maxRetries: 0 });
		const names: string[] = [];
		for (const step of steps) {
			// Only a server that never answers has little time for it.
			const error = await failure(client.getInfo(step === hang ? { timeoutMs: 100 } : {}));
			names.push((error as Error).name);
			expect(shown(error)).not.toContain(KEY);
		}
		expect(names).toEqual([
			"ConnectionError",
			"InternalServerError",
			"AuthenticationError",
			"UnexpectedResponseError",
			"TimeoutError",
		]);
	});

	it.each<[string, (sent: string) => Step]>([
		...PAGES,
		["JSON", (sent) => json(400, { message: sent, code: sent, issues: [{ path: sent, message: sent }] })],
		["JSON that is a 200", (sent) => raw(200, sent)],
	])("is in no error when %s repeats what was sent", async (_name, step) => {
		await using server = await ScriptedServer.start((response, request) =>
			step(JSON.stringify(request.headers))(response, request),
		);
		const error = await failure(testClient(server, { maxRetries: 0 }).client.getInfo());
		expect(shown(error)).not.toContain(KEY);
	});
});

describe("a webhook's secret", () => {
	it.each<[string, (sent: string) => Step]>([
		...PAGES,
		["JSON that is not Fanfare's", (sent) => json(400, { message: sent })],
	])("is in no error when %s repeats what was sent", async (_name, step) => {
		const repeat: Step = (response, request) => step(request.body)(response, request);
		await using server = await ScriptedServer.start(repeat, repeat, repeat);
		const { webhooks } = testClient(server, { maxRetries: 0 }).client.project(PROJECT_ID).batch;
		const secret = utils.generateWebhookSecret();
		const spec = { endpoint: "https://example.com/", secret, headers: { authorization: secret } };
		for (const call of [
			() => webhooks.create({ name: "a", spec }),
			() => webhooks.update("webhook_1", { spec: { headers: spec.headers } }),
			() => webhooks.updateSecret("webhook_1", secret),
		]) {
			expect(shown(await failure(call()))).not.toContain(secret);
			expect(server.last.body).toContain(secret);
		}
	});
});

describe("the secret of a new webhook", () => {
	it("is generated if it is omitted, the same for each try, and another for each webhook", async () => {
		const answer = json(200, wireWebhook);
		await using server = await ScriptedServer.start(json(503, {}, { "retry-after": "0" }), answer, answer);
		const { webhooks } = testClient(server).client.project(PROJECT_ID).batch;
		const create = () => webhooks.create({ name: "a", spec: { endpoint: "https://example.com/" } });
		const { secret } = await create();
		expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		expect(server.requests.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
			{ spec: { secret: { contents: secret } } },
			{ spec: { secret: { contents: secret } } },
		]);
		expect((await create()).secret).not.toBe(secret);
	});

	it("is the given one, if one is given", async () => {
		await using server = await ScriptedServer.start(json(200, wireWebhook), json(200, wireWebhook));
		const { webhooks } = testClient(server).client.project(PROJECT_ID).batch;
		const given = utils.generateWebhookSecret();
		for (const secret of [given, { contents: given }]) {
			const created = await webhooks.create({ name: "a", spec: { endpoint: "https://example.com/", secret } });
			expect(created.secret).toBe(given);
		}
	});

	it("is in no log, JSON or copy of the webhook", async () => {
		await using server = await ScriptedServer.start(json(200, wireWebhook), json(200, wireWebhook));
		const { webhooks } = testClient(server).client.project(PROJECT_ID).batch;
		const created = await webhooks.create({ name: "a", spec: { endpoint: "https://example.com/" } });
		const { secret } = created;
		const texts = [inspect(created), JSON.stringify(created), format("%o %j", { ...created }, created)];
		for (const text of [...texts, JSON.stringify(structuredClone(created))]) {
			expect(text).toContain(created.id);
			expect(text).not.toContain(secret);
		}
		expect(Object.keys(created)).toEqual(Object.keys(await webhooks.get(created.id)));
	});
});

describe("utils.generateWebhookSecret", () => {
	it("generates whsec_ and 32 random bytes in standard base64", () => {
		const secrets = Array.from({ length: 50 }, () => utils.generateWebhookSecret());
		for (const secret of secrets) {
			const bytes = Buffer.from(secret.slice("whsec_".length), "base64");
			expect(bytes).toHaveLength(32);
			expect(secret).toBe(`whsec_${bytes.toString("base64")}`);
		}
		expect(new Set(secrets).size).toBe(50);
	});
});
