// The built page as the server serves it, and the size of its first load.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ensurePage } from "../../../scripts/page-build.ts";
import { BuiltPage, screensIn } from "./first-load.ts";

const FIRST_LOAD_BYTES = 270_000;
/** Near what it is, so that nothing of the page gets into it. */
const PORTAL_FIRST_LOAD_BYTES = 165_000;
const folder = fileURLToPath(new URL("../../server/dist/page/", import.meta.url));
const read = (name: string) => readFileSync(join(folder, name));

let server: ServerProcess;
beforeAll(async () => {
	await ensurePage();
	server = await startServerProcess();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Asks without following redirects, and without decompressing. */
const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
	fetch(`${server.url}${path}`, { method, headers, redirect: "manual" });

/** The paths of the files that the HTML loads. */
async function loadedFiles(root = "/ui/"): Promise<string[]> {
	const html = await (await ask(root)).text();
	return [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path!);
}

/** The bytes that a browser receives. */
function sizeOf(name: string): number {
	const [packed] = globSync(`${name}.gz`, { cwd: folder });
	return read(packed ?? name).length;
}

const kilobytes = (bytes: number) => Math.round(bytes / 1_000);

describe("the server", () => {
	it("sends browsers from / to the page, and programs not", async () => {
		const browser = await ask("/", { accept: "text/html" });
		expect([browser.status, browser.headers.get("location")]).toEqual([302, "ui/"]);
		expect((await ask("/", { accept: "*/*" })).status).toBe(404);
	});

	it("serves the HTML at every depth, never from a cache and with no mark left in it", async () => {
		for (const path of ["/ui/", "/ui/sign-in", "/ui/proj_x/webhooks/webhook_y?tab=secret"]) {
			const response = await ask(path);
			const text = await response.text();
			expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-cache"]);
			expect(text).toContain('<div id="root">');
			expect(text).not.toContain("__FANFARE");
		}
		expect((await ask("/ui/", {}, "HEAD")).status).toBe(200);
		expect((await ask("/ui/", {}, "POST")).status).toBe(405);
	});

	it("serves the portal beside it, with all its files below /portal", async () => {
		const response = await ask("/portal/webhooks/webhook_x");
		expect([response.status, response.headers.get("referrer-policy")]).toEqual([200, "no-referrer"]);
		const files = await loadedFiles("/portal/");
		expect(files.length).toBeGreaterThanOrEqual(2);
		for (const path of files) expect((await ask(`/portal/${path}`)).status).toBe(200);
	});

	it("serves each file with its type, compressed and plain", async () => {
		const files = await loadedFiles();
		expect(files.length).toBeGreaterThanOrEqual(3);
		for (const path of files) {
			const plain = await ask(`/ui/${path}`, { "accept-encoding": "identity" });
			expect(plain.status).toBe(200);
			expect(plain.headers.get("cache-control")).toContain("immutable");
			expect(plain.headers.get("x-content-type-options")).toBe("nosniff");
			expect(read(path).equals(Buffer.from(await plain.arrayBuffer()))).toBe(true);
			const compressed = await ask(`/ui/${path}`, { "accept-encoding": "br" });
			expect(read(path).equals(Buffer.from(await compressed.arrayBuffer()))).toBe(true);
		}
		expect((await ask("/ui/assets/none.js")).status).toBe(404);
	});
});

describe("the build", () => {
	it(`has a first load of at most ${kilobytes(FIRST_LOAD_BYTES)} KB on each screen`, async () => {
		const html = await (await ask("/ui/")).text();
		const loads = new BuiltPage(folder).firstLoads(html);
		const router = readFileSync(new URL("../src/app/router.tsx", import.meta.url), "utf8");
		expect([...loads.keys()].toSorted()).toEqual(screensIn(router).toSorted());
		const sorted = [...loads].toSorted(([, one], [, other]) => other - one);
		const sizes = sorted.map(([screen, bytes]) => `${screen} ${kilobytes(bytes)}`);
		process.stdout.write(`first load in KB (gzip): ${sizes.join(", ")}\n`);
		expect(sorted.filter(([, bytes]) => bytes > FIRST_LOAD_BYTES)).toEqual([]);
	});

	it(`has a portal whose first load is at most ${kilobytes(PORTAL_FIRST_LOAD_BYTES)} KB, also in another language`, async () => {
		const languages = globSync("assets/de-*.js", { cwd: folder });
		expect(languages).toHaveLength(1);
		const total = [...(await loadedFiles("/portal/")), ...languages].reduce((sum, name) => sum + sizeOf(name), 0);
		process.stdout.write(`first load of the portal: ${kilobytes(total)} KB (gzip)\n`);
		expect(total).toBeLessThanOrEqual(PORTAL_FIRST_LOAD_BYTES);
	});

	it("has compressed files that say the same", () => {
		const names = globSync("assets/*.{js,css}", { cwd: folder });
		expect(names.length).toBeGreaterThan(3);
		for (const name of globSync("assets/*.br", { cwd: folder })) {
			const plain = read(name.replace(/\.br$/, ""));
			expect(brotliDecompressSync(read(name)).equals(plain)).toBe(true);
			expect(gunzipSync(read(name.replace(/\.br$/, ".gz"))).equals(plain)).toBe(true);
		}
	});

	it("contains no address of another host that it would load", () => {
		const html = read("index.html").toString();
		expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
		for (const name of globSync("assets/*.css", { cwd: folder }))
			expect(read(name).toString()).not.toMatch(/url\(["']?https?:/);
	});
});
