// Creating a client, and keeping secrets out of logs and errors.
import { readFile } from "node:fs/promises";
import { inspect } from "node:util";

import { describe, expect, it } from "vitest";

import { Client, utils } from "../src/index.ts";
import { VERSION } from "../src/version.ts";
import {
	hang,
	json,
	KEY,
	PROJECT_ID,
	raw,
	reset,
	ScriptedServer,
	testClient,
	wireProject,
	type Step,
} from "./scripted-server.ts";

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

	it.each([0, -1, 1.5, Number.NaN, 2 ** 31])("refuses a timeout of %d", (timeoutMs) => {
		expect(() => new Client(KEY, { timeoutMs })).toThrow(/^timeoutMs must be/);
	});

	it.each([-1, 0.5, Number.NaN, Infinity])("refuses %d retries", (maxRetries) => {
		expect(() => new Client(KEY, { maxRetries })).toThrow(/^maxRetries must be/);
	});

	it("has the version of its package", async () => {
		const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as object;
		expect(manifest).toMatchObject({ version: VERSION });
	});
});

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
			expect(inspect(value, { depth: null, showHidden: true })).not.toContain(KEY);
			expect(JSON.stringify(value)).not.toContain(KEY);
		}
		expect(server.last.headers["secret-key"]).toBe(KEY);
	});

	it("does not appear in errors", async () => {
		const steps = [reset, hang, raw(502, "<h1>Bad gateway</h1>"), json(401, { message: "no" }), raw(200, "hello")];
		await using server = await ScriptedServer.start(...steps);
		const { client } = testClient(server, { maxRetries: 0, timeoutMs: 100 });
		for (let call = 0; call < steps.length; call++) {
			const error = await client.getInfo().catch((error: unknown) => error);
			expect(error).toBeInstanceOf(Error);
			expect(inspect(error, { depth: null, showHidden: true })).not.toContain(KEY);
		}
	});

	it.each<[string, (sent: string) => Step]>([
		["a page", (sent) => raw(502, `<h1>Bad gateway</h1><pre>${sent}</pre>`)],
		["a page that is a 200", (sent) => raw(200, `<h1>Hello</h1><pre>${sent}</pre>`)],
		["JSON", (sent) => json(400, { message: sent, code: sent, issues: [{ path: sent, message: sent }] })],
		["JSON that is a 200", (sent) => raw(200, sent)],
	])("is in no error when %s repeats what was sent", async (_name, step) => {
		await using server = await ScriptedServer.start((response, request) =>
			step(JSON.stringify(request.headers))(response, request),
		);
		const error = await testClient(server, { maxRetries: 0 })
			.client.getInfo()
			.catch((error: unknown) => error);
		expect(error).toBeInstanceOf(Error);
		expect(inspect(error, { depth: null, showHidden: true })).not.toContain(KEY);
	});
});

describe("a webhook's secret", () => {
	it.each<[string, (sent: string) => Step]>([
		["a page", (sent) => raw(502, `<h1>Bad gateway</h1><pre>${sent}</pre>`)],
		["a page that is a 200", (sent) => raw(200, `<pre>${sent}</pre>`)],
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
			const error = await call().catch((error: unknown) => error);
			expect(error).toBeInstanceOf(Error);
			expect(inspect(error, { depth: null, showHidden: true })).not.toContain(secret);
			expect(server.last.body).toContain(secret);
		}
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
