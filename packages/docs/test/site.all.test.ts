// The site in a real browser, served by a real server: it is found, read and searched, with a mouse, with keys and on a phone.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startBrowser, type Person, type TabOptions, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ensureDocs } from "../../../scripts/built/docs-build.ts";

const canRun = findChromium() !== null;
if (!canRun) process.stderr.write(`skipped: ${HOW_TO_GET_CHROMIUM}\n`);

const PHONE = { width: 360, height: 740 };

describe.skipIf(!canRun && process.env["CI"] !== "true")("the site", () => {
	const opened = new AsyncDisposableStack();
	let server: ServerProcess;
	let browser: TestBrowser;
	beforeAll(async () => {
		await ensureDocs();
		server = opened.use(await startServerProcess());
		browser = opened.use(await startBrowser());
	});
	afterAll(() => opened.disposeAsync());

	/** Does something on a page, and checks that nothing was done that a page must never do. */
	async function on(
		path: string,
		options: TabOptions,
		act: (page: Page, person: Person) => Promise<void>,
	): Promise<void> {
		await using person = await browser.person(options);
		const page = await person.tab(`${server.url}/docs/${path}`);
		await act(page, person);
		expect(person.problems).toEqual([]);
	}

	const isNoWiderThanTheScreen = (page: Page) =>
		expect
			.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth))
			.toBeLessThanOrEqual(0);

	it.each(["", "concepts", "limits"])("has nothing that axe objects to, and fits a phone: /docs/%s", async (path) => {
		for (const options of [{ scheme: "light", size: PHONE }, { scheme: "dark" }] as const) {
			await on(path, options, async (page) => {
				expect(await axeFindings(page)).toEqual([]);
				await isNoWiderThanTheScreen(page);
			});
		}
	});

	it("finds a section or a call of the API from any page, marks the words, and leads there with keys alone", async () => {
		await on("concepts", {}, async (page) => {
			await page.keyboard.press("/");
			await page.keyboard.type("disabled 410");
			const found = page.locator(".found");
			await found.getByRole("link").first().waitFor();
			expect(await found.getByRole("status").textContent()).toMatch(/^\d+ found$/);
			expect(await found.locator("mark").count()).toBeGreaterThan(0);
			expect(await axeFindings(page)).toEqual([]);
			await page.keyboard.press("Escape");
			await expect.poll(() => found.isVisible()).toBe(false);
			const field = page.getByLabel("Search the documents");
			await field.fill("xyzzyxyzzy");
			await expect.poll(() => found.getByRole("status").textContent()).toBe("Nothing found.");
			await field.fill("roll a key");
			await found.getByRole("link", { name: /^API › Roll a key/ }).waitFor();

			await field.fill("erasing a payload");
			const first = found.getByRole("link").first();
			await expect.poll(() => first.textContent()).toContain("Operating › Erasing a payload");
			await page.keyboard.press("ArrowDown");
			await expect.poll(() => first.evaluate((link) => link === document.activeElement)).toBe(true);
			await page.keyboard.press("Enter");
			await page.waitForURL("**/docs/operating#erasing-a-payload");
		});
		const response = await fetch(`${server.url}/docs`);
		expect(response.url).toBe(`${server.url}/docs/`);
		expect(await response.text()).toContain("<title>Fanfare: documents</title>");
	});

	it("has a menu on a phone that opens, leads on, and closes with Escape", async () => {
		await on("start", { size: PHONE }, async (page) => {
			const pages = page.getByRole("navigation", { name: "Documents" });
			const menu = page.getByRole("button", { name: "Menu" });
			await expect.poll(() => pages.isVisible()).toBe(false);
			await menu.click();
			expect(await menu.getAttribute("aria-expanded")).toBe("true");
			expect(await axeFindings(page)).toEqual([]);
			await isNoWiderThanTheScreen(page);
			await page.keyboard.press("Escape");
			await expect.poll(() => pages.isVisible()).toBe(false);
			expect(await menu.evaluate((button) => button === document.activeElement)).toBe(true);
			await menu.click();
			await pages.getByRole("link", { name: "Concepts" }).click();
			await page.getByRole("heading", { level: 1, name: "Concepts" }).waitFor();
		});
	});

	it("copies code, leads to the next page, and finds again as soon as its index can be loaded", async () => {
		await on("start", {}, async (page, { context }) => {
			await context.grantPermissions(["clipboard-read", "clipboard-write"]);
			const code = page.locator(".code").filter({ hasText: "npx fanfare dev" }).first();
			await code.hover();
			await code.getByRole("button", { name: "Copy" }).click();
			await code.getByRole("button", { name: "Copied" }).waitFor();
			expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("npx fanfare dev\n");
			await page.keyboard.press("Control+Home");
			await page.getByRole("link", { name: "Next The page" }).click();
			await page.getByRole("heading", { level: 1, name: "The page" }).waitFor();
			await page.route("**/search-*.json", (route) => route.abort());
			const field = page.getByLabel("Search the documents");
			await field.fill("replay");
			const status = page.locator(".found").getByRole("status");
			await expect.poll(() => status.textContent()).toContain("cannot be loaded");
			await page.unroute("**/search-*.json");
			await field.fill("replays");
			await expect.poll(() => status.textContent()).toMatch(/^\d+ found$/);
		});
	});

	it("has the page of the API in its frame, with its own search and both languages, also on a phone", async () => {
		await on("api", { size: PHONE }, async (page) => {
			await isNoWiderThanTheScreen(page);
			await page.getByRole("heading", { level: 1, name: /^Fanfare API/ }).waitFor();
			expect(await page.locator("main .examples pre:visible").first().textContent()).toContain(`curl "${server.url}/`);
			await page.locator("label[for^=typescript-]").first().click();
			expect(await page.locator("main .examples pre:visible").first().textContent()).toContain("@fanfare/sdk");
			await page.keyboard.press("/");
			await page.keyboard.type("roll");
			const shown = () => page.locator("article:not([hidden]) h3").allTextContents();
			await expect.poll(shown).not.toContain("Create a project");
			expect(await shown()).toContain("Roll a key");
			// Only what is shown now: the whole page has more than a hundred calls, of which axe looks at each element.
			await page.evaluate(() => document.querySelectorAll("[hidden]").forEach((element) => element.remove()));
			expect(await axeFindings(page)).toEqual([]);
			await page.locator("header .links").getByRole("link", { name: "Documents" }).click();
			await page.getByRole("heading", { level: 1, name: "Fanfare" }).waitFor();
		});
	});
});
