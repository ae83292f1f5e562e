import { describe, expect, it } from "vitest";

import type { BuiltDocs } from "../../ports/docs-files.ts";
import type { PageFile } from "../../ports/page-files.ts";
import { caller } from "../test/caller.ts";
import { DocsSite } from "./docs-site.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const file = (contentType: string, text: string): PageFile => ({
	contentType,
	bytes: bytes(text),
	brotli: bytes(`brotli of ${text}`),
	gzip: null,
});
const html = (text: string) => file("text/html; charset=utf-8", text);
const built: BuiltDocs = {
	pages: new Map([
		["", html("start")],
		["concepts", html("concepts")],
	]),
	files: new Map([["assets/site.js", file("text/javascript; charset=utf-8", "script")]]),
	apiShell: "<title>__FANFARE_API_TITLE__</title>__FANFARE_API_HEAD__<header>site</header>__FANFARE_API_BODY__",
};
const site = new DocsSite(() => built);

function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET", asked = site) {
	return asked.reply({ method, path, header: (name) => headers[name] });
}

const textOf = (reply: ReturnType<typeof ask>) => Buffer.from(reply?.body as Uint8Array).toString();

describe("the documents", () => {
	it("are pages that browsers ask for each time, compressed as the client accepts it, and files that they keep for good", () => {
		expect(textOf(ask("/docs/"))).toBe("start");
		expect(ask("/docs/assets/site.js")?.headers?.["cache-control"]).toBe("public, max-age=31536000, immutable");
		const reply = ask("/docs/concepts", { "accept-encoding": "gzip, br" });
		expect(textOf(reply)).toBe("brotli of concepts");
		expect(reply).toMatchObject({
			status: 200,
			contentType: "text/html; charset=utf-8",
			headers: { "cache-control": "no-cache", "content-encoding": "br", vary: "accept-encoding" },
		});
	});

	it("have a policy without any inline script or style, other host or frame", () => {
		const policy = ask("/docs/concepts")?.headers?.["content-security-policy"] ?? "";
		expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; ");
		expect(policy).toContain("frame-ancestors 'none'");
		expect(policy).not.toMatch(/unsafe|\*|http|data:/);
	});

	it("are nothing else, whatever the path", () => {
		for (const path of ["/docs/other", "/docs/concepts/", "/docs/assets/", "/docs/../x", "/docs/constructor"])
			expect(() => ask(path)).toThrow(expect.objectContaining({ code: "route_not_found" }));
		for (const path of ["/docs/api", "/docs", "/docsx", "/ui/"]) expect(ask(path)).toBeNull();
		expect(() => ask("/docs/concepts", {}, "POST")).toThrow(expect.objectContaining({ allow: "GET, HEAD" }));
		expect(ask("/docs/concepts", {}, "HEAD")).toMatchObject({ status: 200 });
	});

	it("say how to build them if they are not built, and are there as soon as they are", () => {
		let isBuilt = false;
		const later = new DocsSite(() => (isBuilt ? built : null));
		const reply = ask("/docs/concepts", {}, "GET", later);
		expect(reply).toMatchObject({ status: 404, contentType: "text/plain; charset=utf-8" });
		expect(reply?.body).toContain("npm run build:docs");
		isBuilt = true;
		expect(ask("/docs/concepts", {}, "GET", later)).toMatchObject({ status: 200 });
	});

	it("are around the page of the API as soon as they are built, with the address of the server in it", async () => {
		let shell: string | null = null;
		const { call } = await caller({}, "https://fanfare.example.com", { docsShell: () => shell });
		expect((await call("GET", "/docs/api")).text).not.toContain("<header>site</header>");
		shell = built.apiShell;
		const { text, headers } = await call("GET", "/docs/api");
		expect(text).toMatch(/^<title>Fanfare API \S+<\/title><style>/);
		expect(text).toContain("<header>site</header>");
		expect(text).toContain("curl &quot;https://fanfare.example.com/workspace&quot;");
		expect(text).not.toContain("__FANFARE");
		const policy = headers.get("content-security-policy") ?? "";
		expect(policy).toMatch(/script-src 'self' 'sha256-[^']+'; style-src 'self' 'sha256-[^']+'; /);
		expect(policy).not.toMatch(/unsafe|\*|http/);
	});
});
