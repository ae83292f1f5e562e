// The OpenAPI document and /docs: complete, valid, and loading nothing from elsewhere.
import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import { LIVE_KINDS } from "../../core/live.ts";
import { apiRoutes, exportOpenApiDocument } from "../resources/table.ts";
import { caller } from "../test/caller.ts";

describe("/openapi.json", () => {
	it("is the document that scripts export, and it is the same each time", async () => {
		const { call } = await caller();
		const { json, headers } = await call("GET", "/openapi.json");
		expect(headers.get("content-type")).toMatch("application/json");
		expect(json).toEqual(JSON.parse(JSON.stringify(exportOpenApiDocument("0.0.0-test"))));
		expect(JSON.stringify(exportOpenApiDocument("1"))).toBe(JSON.stringify(exportOpenApiDocument("1")));
	});

	it("names the public URL as the server, and otherwise the one that it was loaded from", async () => {
		const publicUrl = "https://example.com/fanfare";
		const { call } = await caller({}, publicUrl);
		const { json } = await call("GET", "/openapi.json");
		expect(json["servers"]).toEqual([{ url: publicUrl }]);
		expect(exportOpenApiDocument("1").servers).toEqual([{ url: "/" }]);
	});

	it("has every route with a unique id, and every schema that it refers to", () => {
		const document = exportOpenApiDocument("1");
		const routes = apiRoutes();
		for (const { path, method, id } of routes) expect(document.paths?.[path]?.[method]?.operationId).toBe(id);
		expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
		const schemas = Object.keys(document.components?.schemas ?? {});
		const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
			([, name]) => name,
		);
		expect(schemas).toEqual(expect.arrayContaining([...new Set(refs)]));
	});

	it("has valid regular expressions, and examples that the calls accept", () => {
		const text = JSON.stringify(exportOpenApiDocument("1"));
		for (const [, pattern = ""] of text.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)) {
			const source = JSON.parse(pattern) as string;
			expect(source).not.toMatch(/\/[a-z]+$/);
			expect(() => new RegExp(source)).not.toThrow();
		}
		for (const { id, body } of apiRoutes()) {
			if (body === undefined) continue;
			const json = JSON.stringify(body.example);
			expect({ id, ...body.schema.safeParse(JSON.parse(json)) }).toMatchObject({ id, success: true });
		}
	});

	it("has every required field of a schema in its example", () => {
		const { schemas = {} } = exportOpenApiDocument("1").components ?? {};
		const parsed = JSON.parse(JSON.stringify(schemas)) as Record<string, { required?: string[]; example?: object }>;
		for (const [name, { required = [], example }] of Object.entries(parsed)) {
			if (example === undefined) continue;
			expect({ name, missing: required.filter((field) => !(field in example)) }).toEqual({ name, missing: [] });
		}
	});
});

describe("the document has the response code", () => {
	const documented = (id: string) => {
		const route = apiRoutes().find((route) => route.id === id);
		const paths = exportOpenApiDocument("1").paths ?? {};
		return Object.keys(paths[route?.path ?? ""]?.[route?.method ?? "get"]?.responses ?? {});
	};

	it.each(apiRoutes().map(({ id, method, path }) => [id, method, path] as const))(
		"of wrong requests to %s",
		async (id, method, path) => {
			const { call, project } = await caller();
			const url = path.replace("{projectId}", project.id).replaceAll(/\{\w+\}/g, "nobody");
			const answers = [await call(method.toUpperCase(), `${url}?unknown=1`)];
			if (method !== "get") answers.push(await call(method.toUpperCase(), url, `{${" ".repeat(6_000_000)}}`));
			expect(documented(id)).toEqual(expect.arrayContaining(answers.map(({ status }) => String(status))));
		},
	);

	it.each([
		["retryDelivery", "409"],
		["cancelDelivery", "409"],
		["createKey", "404"],
	])("of %s for its own errors: %s", (id, status) => {
		expect(documented(id)).toContain(status);
	});
});

describe("/docs", () => {
	it("shows every call with an example, and has an anchor for every link", async () => {
		const { call } = await caller();
		const { status, text, headers } = await call("GET", "/docs");
		expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
		const anchors = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
		for (const { id } of apiRoutes()) expect(anchors).toContain(id);
		for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(anchors).toContain(target);
		expect(text.match(/>curl /g)).toHaveLength(apiRoutes().length);
	});

	it("shows each variant of an object that has several", async () => {
		const { call } = await caller();
		const { text } = await call("GET", "/docs");
		const article = text.slice(text.indexOf('id="object-StreamItem"'), text.indexOf('id="object-AuditEntry"'));
		const forms = [...article.matchAll(/<h4><code>(.*?)<\/code><\/h4>/g)].map(([, name]) => name);
		expect(forms).toEqual([...LIVE_KINDS, "gap, dropped, end"]);
		expect(article).toContain("<code>deliveryCount</code>");
		expect(text).toContain('text/event-stream of <a href="#object-StreamItem">');
	});

	it("has examples that mean the same in zsh as in other shells", async () => {
		const { call } = await caller();
		const { text } = await call("GET", "/docs");
		expect(text).toContain("/batch/webhooks/${WEBHOOK_ID}:test");
		// In zsh a colon right after a name begins a modifier.
		expect(text).not.toMatch(/\$\w+:/);
	});

	it("has the public URL in its examples, and a link that works behind a path prefix", async () => {
		const { call } = await caller({}, "https://example.com/fanfare");
		const { text } = await call("GET", "/docs");
		expect(text.match(/>curl /g)).toHaveLength(apiRoutes().length);
		expect(text.match(/>curl .*&quot;https:\/\/example\.com\/fanfare\/\w/g)).toHaveLength(apiRoutes().length);
		expect(text).not.toContain("127.0.0.1");
		const link = /href="([^"#]*openapi\.json)"/.exec(text)?.[1] ?? "";
		expect(new URL(link, "https://example.com/fanfare/docs").pathname).toBe("/fanfare/openapi.json");
		const { text: withoutUrl } = await (await caller()).call("GET", "/docs");
		expect(withoutUrl).toContain("http://127.0.0.1:8787/workspace");
	});

	it("loads nothing from elsewhere, and its policy allows only its own style", async () => {
		const { call } = await caller();
		const { text, headers } = await call("GET", "/docs");
		expect(text).not.toMatch(/<script|<img|<link|@import|url\(|\son\w+=/i);
		const style = /<style>([^]*?)<\/style>/.exec(text)?.[1] ?? "";
		const hash = createHash("sha256").update(style).digest("base64");
		expect(headers.get("content-security-policy")).toContain(`style-src 'sha256-${hash}'`);
		expect(headers.get("content-security-policy")).toContain("default-src 'none'");
	});
});
