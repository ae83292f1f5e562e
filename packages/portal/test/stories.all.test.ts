// The portal inside Foodie, as its customers use it: a real browser, the real tag and a real server.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Project } from "@fanfare/sdk";
import { startBrowser, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Product } from "../../../examples/portal/product.ts";
import { ensurePage } from "../../../scripts/page-build.ts";

const canRun = findChromium() !== null;
if (!canRun) process.stderr.write(`skipped: ${HOW_TO_GET_CHROMIUM}\n`);

/** A web server on a free port of this machine. */
async function listen(server: Server, resources: AsyncDisposableStack): Promise<number> {
	await new Promise<void>((resolve) => server.listen(0, () => resolve()));
	resources.defer(async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	});
	return (server.address() as AddressInfo).port;
}

describe.skipIf(!canRun && process.env["CI"] !== "true")("the portal in a product", () => {
	const opened = new AsyncDisposableStack();
	let browser: TestBrowser;
	let project: Project;
	let [foodie, foreign, fanfare] = ["", "", ""];
	beforeAll(async () => {
		await ensurePage();
		const site = createServer();
		foodie = `http://localhost:${await listen(site, opened)}`;
		const env = { FANFARE_PORTAL_ORIGINS: foodie, FANFARE_ALLOW_FOR_CUSTOMERS: "true" };
		const server = opened.use(await startServerProcess({ env }));
		fanfare = server.url;
		[project] = (await server.client.listProjects()) as [Project];
		const product = new Product(project, fanfare, foodie);
		await product.describeEvents();
		site.on("request", (request, response) => void product.answer(request, response));
		// A site that Fanfare was not told of. It has the tag, and a frame without it.
		const others = createServer(({ url }, response) => {
			response.setHeader("content-type", url === "/portal.js" ? "text/javascript" : "text/html");
			if (url === "/portal.js") void fetch(`${foodie}/portal.js`).then(async (code) => response.end(await code.text()));
			else response.end(`<!doctype html><link rel="icon" href="data:,"><title>Others</title>`);
		});
		foreign = `http://127.0.0.1:${await listen(others, opened)}`;
		browser = opened.use(await startBrowser());
	});
	afterAll(() => opened.disposeAsync());

	it("has the look of the product and the reader's language, and goes on with another token until the person has signed out", async () => {
		await using person = await browser.person({ locale: "de-DE" });
		const page = await person.tab(`${foodie}/`);
		await page.getByRole("button", { name: "Sign in as Ada" }).click();
		await page.getByRole("link", { name: "Webhooks", exact: true }).click();
		const tag = page.locator("fanfare-portal");
		const portal = page.frameLocator("fanfare-portal iframe");
		const add = portal.getByRole("link", { name: "Endpunkt hinzufügen" });
		const colours = async () => [
			await add.evaluate((link) => getComputedStyle(link).backgroundColor),
			await portal.locator("html").evaluate((html) => getComputedStyle(html).backgroundColor),
		];
		await expect.poll(colours).toEqual(["rgb(180, 67, 15)", "rgb(255, 250, 245)"]);
		await tag.evaluate((tag) => {
			tag.setAttribute("accent", "#0b5fa5");
			tag.setAttribute("background", "#101418");
		});
		await expect.poll(colours).toEqual(["rgb(11, 95, 165)", "rgb(16, 20, 24)"]);
		await tag.evaluate((tag) => tag.setAttribute("locale", "en"));
		await portal.getByRole("link", { name: "Add endpoint" }).click();
		await portal.getByLabel("Address").fill("https://example.com/typed");
		const sessions = async () => (await project.portalSessions.list({ customerId: "acme" })).data.map(({ id }) => id);
		const [former] = await sessions();
		await project.portalSessions.revokeAll({ customerId: "acme" });
		await expect.poll(sessions).toSatisfy((ids: string[]) => ids.length === 1 && ids[0] !== former);
		await portal.getByText("It is being renewed").waitFor({ state: "detached" });
		await expect.poll(() => portal.getByLabel("Address").inputValue()).toBe("https://example.com/typed");
		await portal.getByRole("button", { name: "Add and test" }).click();
		await portal.getByRole("heading", { name: "example.com is added" }).waitFor();
		// The frame is as high as what is in it: the page scrolls, and the frame does not.
		const inside = () => portal.locator("#root").evaluate((root) => Math.ceil(root.getBoundingClientRect().height));
		await expect.poll(async () => (await tag.evaluate((tag) => tag.clientHeight)) - (await inside())).toBe(0);
		expect(person.problems.filter((problem) => !problem.startsWith("request to another host"))).toEqual([]);

		const other = await person.tab(`${foodie}/`);
		await other.getByRole("button", { name: /^Sign Ada of .* out$/ }).click();
		await other.getByRole("heading", { name: "Sign in" }).waitFor();
		await project.portalSessions.revokeAll({ customerId: "acme" });
		await portal.getByRole("heading", { name: "Your session has ended" }).waitFor();
		expect(await sessions()).toEqual([]);
	});

	it("is shown by no page of another origin, and speaks with none", async () => {
		const { token } = await project.portalSessions.create({ customerId: "acme" });
		await using person = await browser.person();
		const page = await person.tab(`${foreign}/`);
		const heard = await page.evaluate(
			async ([src, host]) => {
				const heard: unknown[] = [];
				addEventListener("message", ({ data }) => heard.push(data));
				const queries = ["", `?host=${encodeURIComponent(location.origin)}`, `?host=${encodeURIComponent(host)}`];
				const loaded = queries.map((query) => {
					const frame = document.createElement("iframe");
					frame.src = `${src}/portal/${query}`;
					document.body.append(frame);
					return new Promise((resolve) => frame.addEventListener("load", resolve));
				});
				await Promise.all(loaded);
				return heard;
			},
			[fanfare, foodie] as const,
		);
		expect(heard).toEqual([]);
		const frames = page.frames().filter((frame) => frame !== page.mainFrame());
		const refused = "chrome-error://chromewebdata/";
		await expect.poll(() => frames.map((frame) => frame.url())).toEqual([refused, refused, refused]);
		await expect.poll(() => person.problems.filter((problem) => problem.includes("frame-ancestors"))).toHaveLength(3);
		// With the tag it is no different: nobody asks it for the token.
		await page.addScriptTag({ url: "/portal.js", type: "module" });
		await page.evaluate(
			([src, token]) => {
				document.body.innerHTML = `<fanfare-portal src="${src}" token="${token}"></fanfare-portal>`;
			},
			[fanfare, token] as const,
		);
		await expect.poll(() => page.frames().map((frame) => frame.url())).toContain(refused);
		// A window of its own is cut off from who has opened it.
		const opening = person.context.waitForEvent("page");
		await page.evaluate((src) => {
			Object.assign(window, { popup: open(`${src}/portal/?host=${encodeURIComponent(location.origin)}`) });
		}, fanfare);
		const popup = await opening;
		await popup.getByRole("heading", { name: "This page opens from a link" }).waitFor();
		expect(await popup.evaluate(() => window.opener as unknown)).toBeNull();
	});
});
