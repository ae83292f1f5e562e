// The product's own page in a real browser: the SDK with the token of a portal session, against a server of another origin. What the
// headers of CORS mean is what a browser makes of them.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import type * as sdk from "@fanfare/sdk";
import { startBrowser, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

declare const fanfare: typeof sdk;

/** Serves a page with the SDK in the global `fanfare`, as the product would, on a free port of this machine. */
async function startProduct(): Promise<{ readonly port: number } & AsyncDisposable> {
	const { outputFiles } = await build({
		entryPoints: [fileURLToPath(new URL("../../sdk/src/index.ts", import.meta.url))],
		bundle: true,
		platform: "browser",
		format: "iife",
		globalName: "fanfare",
		target: "es2022",
		write: false,
	});
	const script = outputFiles[0]!.contents;
	const server = createServer(({ url }, response) => {
		response.writeHead(200, { "content-type": url === "/sdk.js" ? "text/javascript" : "text/html" });
		response.end(
			url === "/sdk.js" ? script : '<!doctype html><link rel="icon" href="data:,"><script src="/sdk.js"></script>',
		);
	});
	await new Promise<void>((resolve) => server.listen(0, () => resolve()));
	const { port } = server.address() as AddressInfo;
	const dispose = async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	};
	return { port, [Symbol.asyncDispose]: dispose };
}

/** What a page does with a key: runs in the browser. */
async function use({ endpoint, key }: { readonly endpoint: string; readonly key: string }): Promise<string> {
	try {
		const client = new fanfare.Client(key, { endpoint, maxRetries: 0 });
		const { customerId, projectId } = await client.getCaller();
		const { webhooks } = client.project(projectId ?? "").batch;
		const { id } = await webhooks.create({ name: "a", spec: { endpoint: "https://example.com/" } });
		await webhooks.update(id, { name: "b" });
		const changes = (async () => {
			for await (const item of client.project(projectId ?? "").stream()) return item.kind;
			return "nothing";
		})();
		// Until the stream has begun.
		const timer = setInterval(() => void webhooks.pause(id).then(() => webhooks.resume(id)), 100);
		const kind = await changes;
		clearInterval(timer);
		await webhooks.delete(id);
		return `${customerId}: ${kind}`;
	} catch (error) {
		return error instanceof fanfare.ApiError ? `${error.code} ${error.requestId?.slice(0, 4)}` : (error as Error).name;
	}
}

if (findChromium() !== null)
	describe("a page of another origin", () => {
		pages();
	});
else if (process.env["CI"] === "true") it("a page of another origin", () => expect.fail(HOW_TO_GET_CHROMIUM));
else it("a page of another origin", ({ skip }) => skip(HOW_TO_GET_CHROMIUM));

function pages(): void {
	const opened = new AsyncDisposableStack();
	let server: ServerProcess;
	let browser: TestBrowser;
	let port: number;
	beforeAll(async () => {
		({ port } = opened.use(await startProduct()));
		server = opened.use(await startServerProcess({ env: { FANFARE_PORTAL_ORIGINS: `http://localhost:${port}` } }));
		browser = opened.use(await startBrowser());
	});
	afterAll(() => opened.disposeAsync());

	/** Opens the product's page by this name of the machine, and has it use the key. */
	async function useOn(host: string, key: string): Promise<string> {
		await using person = await browser.person();
		const page = await person.tab(`http://${host}:${port}/`);
		const done = await page.evaluate(use, { endpoint: server.url, key });
		return done;
	}

	const session = () => server.project.portalSessions.create({ customerId: "acme", capabilities: ["webhooks.write"] });

	it("manages the webhooks of its customer and follows the live stream, if its origin is named", async () => {
		expect(await useOn("localhost", (await session()).token)).toMatch(/^acme: webhook\.updated$/);
	});

	it("learns that its session has ended", async () => {
		const { id, token } = await session();
		await server.project.portalSessions.revoke(id);
		expect(await useOn("localhost", token)).toBe("unknown_portal_session req_");
	});

	it("gets nothing if its origin is not named, or with an API key", async () => {
		expect(await useOn("127.0.0.1", (await session()).token)).toBe("ConnectionError");
		expect(await useOn("localhost", server.key)).toBe("ConnectionError");
		// What it has asked for was not done either: a browser asks first.
		expect((await server.project.batch.webhooks.list({ customerId: "acme" })).data).toEqual([]);
	});
}
