import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { NONCE_MARK, UI_MARK, type BuiltPage, type PageFile } from "../../ports/page-files.ts";
import { Page } from "./page.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const script: PageFile = {
	contentType: "text/javascript; charset=utf-8",
	bytes: bytes("plain"),
	brotli: bytes("brotli"),
	gzip: bytes("gzip"),
};
const icon: PageFile = { contentType: "image/svg+xml", bytes: bytes("<svg/>"), brotli: null, gzip: null };
const built: BuiltPage = {
	shells: {
		ui: `<script nonce="${NONCE_MARK}" src="${UI_MARK}assets/main.js"></script>`,
		portal: `<script nonce="${NONCE_MARK}" src="${UI_MARK}assets/portal.js"></script>`,
	},
	files: new Map([
		["assets/main.js", script],
		["assets/portal.js", script],
		["assets/icon.svg", icon],
	]),
};

const page = new Page(() => built, systemChance, []);

/** Asks for a path. `headers` have names in lower case. */
function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET", asked = page) {
	return asked.reply({ method, path, header: (name) => headers[name] });
}

/** The body of a reply as text. */
const textOf = (reply: ReturnType<typeof ask>) => Buffer.from(reply?.body as Uint8Array).toString();

describe("the page", () => {
	it("is where a browser that asks for / is sent, and no program", () => {
		const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
		expect(ask("/", html)).toMatchObject({ status: 302, headers: { location: "ui/" } });
		expect(ask("/ui")).toMatchObject({ status: 302, headers: { location: "ui/" } });
		expect(ask("/", { accept: "application/json" })).toBeNull();
		expect(ask("/")).toBeNull();
		expect(ask("/", html, "POST")).toBeNull();
	});

	it("is not asked about other paths", () => {
		for (const path of ["/uix", "/projects/x", "/healthz", "/UI/", "/portals", "/portal-sessions"])
			expect(ask(path)).toBeNull();
	});

	it("is the same HTML for all its addresses, which finds its files from each depth", () => {
		const sourceAt = (path: string) => /src="([^"]*)"/.exec(ask(path)?.body as string)?.[1];
		expect(sourceAt("/ui/")).toBe("./assets/main.js");
		expect(sourceAt("/ui/proj_1")).toBe("./assets/main.js");
		expect(sourceAt("/ui/proj_1/")).toBe("../assets/main.js");
		expect(sourceAt("/ui/proj_1/webhooks/webhook_1")).toBe("../../assets/main.js");
	});

	it("has the portal for customers beside it, with the same files", () => {
		expect(ask("/portal")).toMatchObject({ status: 302, headers: { location: "portal/" } });
		expect(ask("/portal/webhooks/webhook_1")?.body).toContain('src="../assets/portal.js"');
		expect(textOf(ask("/portal/assets/portal.js"))).toBe("plain");
		expect(() => ask("/portal/", {}, "POST")).toThrow(expect.objectContaining({ allow: "GET, HEAD" }));
		expect(() => ask("/portal/assets/other.js")).toThrow(expect.objectContaining({ code: "route_not_found" }));
	});

	it("has a nonce of its own for each request, which is in its policy", () => {
		const replies = [ask("/ui/"), ask("/ui/")];
		const nonces = replies.map((reply) => /nonce="([^"]*)"/.exec(reply?.body as string)?.[1]);
		expect(new Set(nonces).size).toBe(2);
		for (const [index, reply] of replies.entries()) {
			expect(nonces[index]).toMatch(/^[A-Za-z0-9+/]{24}$/);
			const policy = reply?.headers?.["content-security-policy"];
			expect(policy).toContain(`script-src 'self' 'nonce-${nonces[index]}'`);
			expect(policy).toContain("default-src 'none'");
			expect(policy).toContain("frame-ancestors 'none'");
			expect(policy).not.toMatch(/unsafe|\*|https?:/);
			expect(reply?.headers?.["cache-control"]).toBe("no-cache");
		}
	});

	it("lets only the named origins show the portal in a frame, and nobody the page of the operator", () => {
		const origins = ["https://app.example.com", "http://localhost:5173"];
		const named = new Page(() => built, systemChance, origins);
		const ancestors = (path: string, asked: Page) =>
			/frame-ancestors ([^;]*)/.exec(ask(path, {}, "GET", asked)?.headers?.["content-security-policy"] ?? "")?.[1];
		for (const path of ["/portal/", "/portal/webhooks/webhook_1"]) {
			expect(ancestors(path, named)).toBe(origins.join(" "));
			expect(ancestors(path, page)).toBe("'none'");
		}
		expect(ancestors("/ui/", named)).toBe("'none'");
	});

	it("lets browsers keep nothing of the portal, which tells no other page where it is", () => {
		const reply = ask("/portal/");
		expect(reply?.headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
		const policy = reply?.headers?.["content-security-policy"];
		expect(policy).toContain("default-src 'none'");
		expect(policy).toContain("connect-src 'self'");
		expect(policy).not.toMatch(/unsafe|\*|https?:/);
	});

	it("serves files for good, compressed as the client accepts it", () => {
		const encodings = [
			["gzip, deflate, br, zstd", "br", "brotli"],
			["gzip;q=1.0, br;q=0", "gzip", "gzip"],
			["BR", "br", "brotli"],
			["brotli, x-gzip", undefined, "plain"],
			["", undefined, "plain"],
		] as const;
		for (const [accepted, encoding, text] of encodings) {
			const reply = ask("/ui/assets/main.js", { "accept-encoding": accepted });
			expect(reply?.headers?.["content-encoding"]).toBe(encoding);
			expect(textOf(reply)).toBe(text);
			expect(reply?.headers).toMatchObject({
				"cache-control": "public, max-age=31536000, immutable",
				vary: "accept-encoding",
			});
		}
		expect(textOf(ask("/ui/assets/icon.svg", { "accept-encoding": "br" }))).toBe("<svg/>");
	});

	it("has no other files, whatever the path, and is only read", () => {
		for (const file of ["other.js", "", "../../package.json", "..%2f..%2fpackage.json", "constructor"])
			expect(() => ask(`/ui/assets/${file}`)).toThrow(expect.objectContaining({ code: "route_not_found" }));
		expect(() => ask("/ui/", {}, "POST")).toThrow(expect.objectContaining({ allow: "GET, HEAD" }));
		expect(ask("/ui/", {}, "HEAD")).toMatchObject({ status: 200 });
	});

	it("says how to build it if it is not built, and is there as soon as it is", () => {
		let isBuilt = false;
		const later = new Page(() => (isBuilt ? built : null), systemChance, []);
		const reply = ask("/ui/anything", {}, "GET", later);
		expect(reply).toMatchObject({ status: 404, contentType: "text/plain; charset=utf-8" });
		expect(reply?.body).toContain("npm run build:page");
		isBuilt = true;
		expect(ask("/ui/anything", {}, "GET", later)).toMatchObject({ status: 200 });
	});
});
