// The portal inside Foodie, as its customers use it: a real browser, the real tag and a real server whose clock the test moves.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { Client, type Project } from "@fanfare/sdk";
import { generateSecretKey, ManualClock, readConfig, startServer } from "@fanfare/server";
import { startBrowser, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Product } from "../../../examples/portal/product.ts";
import { ensurePage } from "../../../scripts/page-build.ts";

const HOUR_MS = 3_600_000;

if (findChromium() !== null)
	describe("the portal in a product", () => {
		stories();
	});
else if (process.env["CI"] === "true") it("the portal in a product", () => expect.fail(HOW_TO_GET_CHROMIUM));
else it("the portal in a product", ({ skip }) => skip(HOW_TO_GET_CHROMIUM));

/** A web server on a free port of this machine. */
async function listen(server: Server, resources: AsyncDisposableStack): Promise<number> {
	await new Promise<void>((resolve) => server.listen(0, () => resolve()));
	resources.defer(async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	});
	return (server.address() as AddressInfo).port;
}

function stories(): void {
	const opened = new AsyncDisposableStack();
	const clock = new ManualClock(Date.now());
	let browser: TestBrowser;
	let receiver: Receiver;
	let project: Project;
	let [foodie, foreign, fanfare] = ["", "", ""];
	beforeAll(async () => {
		await ensurePage();
		const site = createServer();
		foodie = `http://localhost:${await listen(site, opened)}`;
		const dir = opened.use(new TemporaryDir());
		const adminKey = generateSecretKey();
		const server = await startServer(
			readConfig({
				FANFARE_PORT: "0",
				FANFARE_DATA_DIR: dir.join("data"),
				FANFARE_ADMIN_KEY: adminKey,
				FANFARE_PORTAL_ORIGINS: foodie,
				FANFARE_EGRESS_ADDRESSES: "203.0.113.7",
				FANFARE_ALLOW_HTTP: "true",
				FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
				FANFARE_ALLOW_FOR_CUSTOMERS: "true",
				FANFARE_LOG_LEVEL: "silent",
			}),
			{ clock },
		);
		opened.defer(() => server.stop());
		fanfare = server.url;
		[project] = (await new Client(adminKey, { endpoint: fanfare }).listProjects()) as [Project];
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
		receiver = opened.use(await startReceiver());
		browser = opened.use(await startBrowser());
	});
	afterAll(() => opened.disposeAsync());

	/** Signs somebody in to Foodie and opens the page with the portal. */
	async function signedIn(as: "Ada" | "Grace", locale = "en-GB") {
		const person = await browser.person({ locale });
		const page = await person.tab(`${foodie}/`);
		await page.getByRole("button", { name: `Sign in as ${as}` }).click();
		await page.getByRole("link", { name: "Webhooks", exact: true }).click();
		return {
			person,
			page,
			portal: page.frameLocator("fanfare-portal iframe"),
			[Symbol.asyncDispose]: () => person[Symbol.asyncDispose](),
		};
	}

	const frameOf = (page: Page) => page.frames().find((frame) => frame.url().startsWith(`${fanfare}/portal/`))!;

	it("leads from nothing to an endpoint that was wrong and is right", async () => {
		receiver.script(({ path }) => (path === "/right" ? {} : { status: 404 }));
		await using tab = await signedIn("Ada");
		const { page, portal } = tab;
		await portal.getByRole("link", { name: "Add endpoint" }).click();
		await portal.getByText("203.0.113.7").waitFor();
		await portal.getByLabel("Address").fill(`${receiver.url}/wrong`);
		await portal.getByRole("button", { name: "Add and test" }).click();
		// It is sent four times, a second apart on the server's clock.
		const answered = portal.getByText("Your server responded with 404.");
		await expect
			.poll(async () => {
				clock.advance(1_000);
				return answered.count();
			})
			.toBe(1);
		await portal.getByRole("link", { name: "Done" }).click();
		await portal.getByRole("link", { name: "Settings" }).click();
		await portal.getByLabel("Address").fill(`${receiver.url}/right`);
		await portal.getByRole("button", { name: "Save" }).click();
		await expect
			.poll(async () =>
				(await project.batch.webhooks.list({ customerId: "acme" })).data.map(({ endpoint }) => endpoint),
			)
			.toEqual([`${receiver.url}/right`]);
		const other = await tab.person.tab(`${foodie}/`);
		await other.getByRole("button", { name: "Place an order" }).click();
		await expect
			.poll(() => receiver.requests.some(({ path, rawBody }) => path === "/right" && rawBody.includes("order_1")))
			.toBe(true);
		await portal.getByRole("main").getByRole("link", { name: "Deliveries" }).click();
		const delivery = portal.getByRole("link", { name: "order.placed" });
		const more = portal.getByRole("button", { name: "New deliveries. Show them" });
		await delivery.or(more).first().waitFor();
		if ((await more.count()) > 0) await more.click();
		await delivery.first().waitFor();
		// The frame is as high as what is in it: the page scrolls, and the frame does not.
		const inner = () => portal.locator("#root").evaluate((root) => Math.ceil(root.getBoundingClientRect().height));
		await expect
			.poll(async () => (await page.locator("fanfare-portal").evaluate((tag) => tag.clientHeight)) - (await inner()))
			.toBe(0);
	});

	it("goes on with another token when the session has expired, and keeps what was typed", async () => {
		await using tab = await signedIn("Ada");
		await tab.portal.getByRole("link", { name: "Add endpoint" }).click();
		await tab.portal.getByLabel("Address").fill("https://example.com/typed");
		const before = (await project.portalSessions.list({ customerId: "acme" })).data.map(({ id }) => id);
		clock.advance(HOUR_MS + 1_000);
		await expect
			.poll(async () => (await project.portalSessions.list({ customerId: "acme" })).data.map(({ id }) => id))
			.toSatisfy((ids: string[]) => ids.length === 1 && !before.includes(ids[0]!));
		await tab.portal.getByText("It is being renewed").waitFor({ state: "detached" });
		await expect.poll(() => tab.portal.getByLabel("Address").inputValue()).toBe("https://example.com/typed");
		await tab.portal.getByRole("button", { name: "Add and test" }).click();
		await tab.portal.getByRole("heading", { name: "example.com is added" }).waitFor();
	});

	it("says that the session has ended when it was revoked, and the person has signed out", async () => {
		await using tab = await signedIn("Grace");
		await tab.portal.getByRole("heading", { name: "No endpoints yet" }).waitFor();
		// In another tab.
		const other = await tab.person.tab(`${foodie}/`);
		await other.getByRole("button", { name: "Sign Grace of Globex Sushi out" }).click();
		await other.getByRole("heading", { name: "Sign in" }).waitFor();
		await project.portalSessions.revokeAll({ customerId: "globex" });
		await tab.portal.getByRole("heading", { name: "Your session has ended" }).waitFor();
		expect(await tab.portal.getByText("No endpoints yet").count()).toBe(0);
		expect((await project.portalSessions.list({ customerId: "globex" })).data).toEqual([]);
	});

	it("is shown by no page of another origin, and speaks with none", async () => {
		const { token } = await project.portalSessions.create({ customerId: "acme" });
		await using person = await browser.person();
		const page = await person.tab(`${foreign}/`);
		const heard = await page.evaluate(
			async ([src, host]) => {
				const heard: unknown[] = [];
				addEventListener("message", ({ data }) => heard.push(data));
				const loaded = ["", `?host=${encodeURIComponent(location.origin)}`, `?host=${encodeURIComponent(host)}`].map(
					(query) => {
						const frame = document.createElement("iframe");
						frame.src = `${src}/portal/${query}`;
						document.body.append(frame);
						return new Promise((resolve) => frame.addEventListener("load", resolve));
					},
				);
				await Promise.all(loaded);
				return heard;
			},
			[fanfare, foodie] as const,
		);
		expect(heard).toEqual([]);
		const frames = page.frames().filter((frame) => frame !== page.mainFrame());
		expect(frames).toHaveLength(3);
		await expect
			.poll(() => frames.map((frame) => frame.url()))
			.toEqual(frames.map(() => "chrome-error://chromewebdata/"));
		await expect.poll(() => person.problems.filter((problem) => problem.includes("frame-ancestors"))).toHaveLength(3);
		// With the tag it is no different: nobody asks it for the token.
		await page.addScriptTag({ url: "/portal.js", type: "module" });
		await page.evaluate(
			([src, token]) => {
				document.body.innerHTML = `<fanfare-portal src="${src}" token="${token}"></fanfare-portal>`;
			},
			[fanfare, token] as const,
		);
		await expect.poll(() => page.frames().map((frame) => frame.url())).toContain("chrome-error://chromewebdata/");
		// A window of its own is cut off from who has opened it.
		const [popup] = await Promise.all([
			person.context.waitForEvent("page"),
			page.evaluate(
				(src) =>
					void Object.assign(window, { popup: open(`${src}/portal/?host=${encodeURIComponent(location.origin)}`) }),
				fanfare,
			),
		]);
		await popup.getByRole("heading", { name: "This page opens from a link" }).waitFor();
		expect(await popup.evaluate(() => window.opener as unknown)).toBeNull();
	});

	it("shows nothing of another customer in its frame, whatever its address says", async () => {
		receiver.script(() => ({}));
		const { id } = await project.batch.webhooks.create({
			name: "Of Globex",
			customerId: "globex",
			spec: { endpoint: `${receiver.url}/globex` },
		});
		const { id: eventId } = await project.events.send({ type: "order.placed", data: {}, customerId: "globex" });
		await expect
			.poll(async () => (await project.deliveries.list({ eventId })).data.map(({ status }) => status))
			.toEqual(["Succeeded"]);
		const [delivery] = (await project.deliveries.list({ eventId })).data;
		await using tab = await signedIn("Ada");
		await tab.portal.getByRole("link", { name: "Add endpoint" }).waitFor();
		for (const path of [`endpoints/${id}`, `endpoints/${id}?view=settings`, `deliveries/${delivery!.id}`]) {
			const query = `${path.includes("?") ? "&" : "?"}host=${encodeURIComponent(foodie)}`;
			await frameOf(tab.page).goto(`${fanfare}/portal/${path}${query}`);
			await tab.portal.getByRole("heading", { name: "This page does not exist" }).waitFor();
			expect(await tab.portal.getByText("Of Globex").count()).toBe(0);
		}
	});

	it("has the look of the product, which can change it, and the reader's language", async () => {
		await using tab = await signedIn("Ada", "de-DE");
		const add = tab.portal.getByRole("link", { name: "Endpunkt hinzufügen" });
		const colour = () => add.evaluate((link) => getComputedStyle(link).backgroundColor);
		const page = () => tab.portal.locator("html").evaluate((html) => getComputedStyle(html).backgroundColor);
		await expect.poll(colour).toBe("rgb(180, 67, 15)");
		await expect.poll(page).toBe("rgb(255, 250, 245)");
		await tab.page.locator("fanfare-portal").evaluate((tag) => {
			tag.setAttribute("accent", "#0b5fa5");
			tag.setAttribute("background", "#101418");
		});
		await expect.poll(colour).toBe("rgb(11, 95, 165)");
		await expect.poll(page).toBe("rgb(16, 20, 24)");
		await tab.page.locator("fanfare-portal").evaluate((tag) => tag.setAttribute("locale", "en"));
		await tab.portal.getByRole("link", { name: "Add endpoint" }).waitFor();
		expect(tab.person.problems.filter((problem) => !problem.startsWith("request to another host"))).toEqual([]);
	});
}
