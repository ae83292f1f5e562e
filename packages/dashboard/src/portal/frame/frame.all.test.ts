// The portal inside a page of the product, in a real browser.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";

import { ALL, portalSuite } from "../../../test/portal-suite.ts";

/** The web server of the product. It listens from the beginning, since the server of Fanfare must be told its origin. */
const pages = createServer().listen(0, "localhost");
await once(pages, "listening");
/** Not 127.0.0.1: a page of the product is of another origin than the portal. */
const HOST = `http://localhost:${(pages.address() as AddressInfo).port}`;

afterAll(() => void pages.close());

portalSuite(
	"the portal in a frame",
	({ world, portalSessions }) => {
		beforeAll(() => {
			pages.on("request", (request, response) => {
				const host = request.url === "/other" ? "http://127.0.0.1:1" : HOST;
				response.setHeader("content-type", "text/html");
				response.end(hostPage(`${world.server.url}/portal/?host=${encodeURIComponent(host)}`));
			});
		});

		async function embed(path = "/", prepare: (page: Page) => Promise<unknown> = async () => {}) {
			const person = await world.browser.person();
			const page = await person.tab("about:blank");
			await prepare(page);
			await page.goto(`${HOST}${path}`);
			return {
				page,
				frame: page.locator("iframe").first().contentFrame(),
				[Symbol.asyncDispose]: () => person[Symbol.asyncDispose](),
			};
		}
		const send = (page: Page, message: object) => page.evaluate((message) => window.send(message), message);
		const messages = (page: Page, kind: string) =>
			page.evaluate((kind) => window.received.filter((message) => message.kind === kind), kind);

		it("says that the session has ended if no token comes within ten seconds, and takes one that comes later", async () => {
			const first = await portalSessions().create({ customerId: "late", capabilities: ALL });
			await using tab = await embed("/", (page) => page.clock.install());
			await expect.poll(() => messages(tab.page, "ready")).toHaveLength(1);
			await send(tab.page, { kind: "session", token: first.token });
			await tab.frame.getByRole("heading", { name: "No endpoints yet" }).waitFor();
			await portalSessions().revoke(first.id);
			await tab.frame.getByText("It is being renewed").waitFor();
			await tab.page.clock.fastForward(10_000);
			await tab.frame.getByRole("heading", { name: "Your session has ended" }).waitFor();
			const second = await portalSessions().create({ customerId: "late", capabilities: ALL });
			await send(tab.page, { kind: "session", token: second.token });
			await tab.frame.getByRole("heading", { name: "No endpoints yet" }).waitFor();
		});

		it("listens to nobody but the page around it, and only if that is of the origin it was told", async () => {
			const { token } = await portalSessions().create({ customerId: "deaf", capabilities: ALL });
			const message = { source: "fanfare-portal", version: 1, kind: "session", token };
			for (const [path, say] of [
				["/other", (page: Page) => send(page, message)],
				["/", (page: Page) => page.evaluate((message) => window.sendFromAnotherFrame(message), message)],
			] as const) {
				await using tab = await embed(path);
				await tab.frame.getByText("Connecting…").waitFor();
				const calls: string[] = [];
				tab.page.on("request", (request) => calls.push(new URL(request.url()).pathname));
				const inFrame = tab.frame.locator("html");
				const heard = inFrame.evaluate(
					() => new Promise<boolean>((resolve) => addEventListener("message", () => resolve(true), { once: true })),
				);
				// The listener is there when a later call into the frame is answered.
				await inFrame.evaluate(() => true);
				await say(tab.page);
				expect(await heard).toBe(true);
				// A call of the portal would come before this one.
				await inFrame.evaluate(async () => (await fetch("/healthz")).ok);
				await expect.poll(() => calls).toContain("/healthz");
				expect(calls.filter((call) => call.startsWith("/workspace"))).toEqual([]);
			}
		});
	},
	HOST,
);

/** A page of a product, which keeps what the portal says. */
function hostPage(src: string): string {
	return `<!doctype html><title>Shop</title><iframe src="${src}" style="width: 100%; height: 700px"></iframe>
<script>
	const frame = document.querySelector("iframe");
	window.received = [];
	addEventListener("message", ({ source, data }) => source === frame.contentWindow && received.push(data));
	window.send = (message) => frame.contentWindow.postMessage({ source: "fanfare-portal", version: 1, ...message }, new URL(frame.src).origin);
	window.sendFromAnotherFrame = (message) => {
		const other = document.createElement("iframe");
		document.body.append(other);
		other.contentWindow.eval("parent.frames[0].postMessage(" + JSON.stringify(message) + ", '*')");
	};
</script>`;
}

declare global {
	interface Window {
		readonly received: readonly { readonly kind: string }[];
		readonly send: (message: object) => void;
		readonly sendFromAnotherFrame: (message: object) => void;
	}
}
