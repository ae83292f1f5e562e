// The portal as a whole, in a real browser: what its customers may see and do, in their languages, colours and widths.
import { readFileSync } from "node:fs";

import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { portalSuite } from "../../test/portal-suite.ts";

portalSuite("the portal", (portal) => {
	const { world, open, endpointOf, sent } = portal;

	it("shows everything and changes nothing with a session that only reads", async () => {
		portal.receiver.script(({ path }) => (path === "/reader" ? { status: 503 } : {}));
		const { id } = await endpointOf("reader", "Shop", "/reader");
		await sent("reader", "Failed");
		await using tab = await open({ customerId: "reader", capabilities: [] }, { path: `endpoints/${id}` });
		const { page } = tab;
		await page.getByText("You can look at everything here, but change nothing.").waitFor();
		await page.getByRole("link", { name: "order.paid" }).click();
		await page.getByText("What to do: Look into its log at this time.").waitFor();
		expect(await page.getByRole("button").allTextContents()).toEqual([]);
		expect(await page.getByText("12345678901").count()).toBe(0);
		await page.getByRole("link", { name: "Events" }).click();
		await page.getByText("Somebody has paid an order.").waitFor();
	});

	it("shows the examples of event types with all digits of their numbers", async () => {
		const shown = '{\n  "orderId": 98765432109876543210,\n  "total": 12.50\n}';
		await using tab = await open({ customerId: "reads-examples" });
		const { page } = tab;
		const example = page.getByRole("region", { name: "Example: order.paid" });
		await page.getByRole("link", { name: "Events" }).click();
		await page.getByText("Example", { exact: true }).click();
		expect(await example.innerText()).toBe(shown);
		await page.getByRole("link", { name: "Endpoints" }).first().click();
		await page.getByRole("link", { name: "Add endpoint" }).click();
		await page.getByLabel("Only these").check();
		await page.getByText("Example", { exact: true }).click();
		expect(await example.innerText()).toBe(shown);
	});

	it("shows nothing of another customer at any address, whatever ids it has", async () => {
		portal.receiver.script(({ path }) => (path === "/victim" ? { status: 500, body: "Secret answer" } : {}));
		const { id: webhookId } = await endpointOf("victim", "Secret name", "/victim");
		const { id: deliveryId, eventId } = await sent("victim", "Failed");
		await endpointOf("attacker", "Own name");
		await sent("attacker", "Succeeded");
		await using tab = await open({ customerId: "attacker" });
		const { page } = tab;
		await page.getByRole("link", { name: "Own name" }).waitFor();
		const answers: string[] = [];
		page.on(
			"response",
			(response) =>
				void response.text().then(
					(text) => answers.push(text),
					() => {},
				),
		);
		const tried = [
			[
				"/endpoints/$webhookId",
				[webhookId, `${webhookId}?view=settings`, `${webhookId}?show=failed`, deliveryId, eventId],
			],
			["/deliveries/$deliveryId", [deliveryId, `${deliveryId}?from=all`, webhookId, eventId, "x"]],
			["/deliveries", [`?endpoint=${webhookId}`, `?endpoint=${deliveryId}&show=failed`, "?endpoint=x"]],
		] as const;
		for (const [route, ids] of tried) {
			for (const id of ids) {
				const path = route.includes("$") ? route.replace(/\$\w+/, id) : `${route}${id}`;
				await page.goto(`${world.server.url}/portal${path}`);
				await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
				const shown = await page.locator("body").innerText();
				for (const secret of ["Secret", "order.paid", "500"]) expect([path, shown]).not.toContain(secret);
			}
		}
		// No call was answered with anything of theirs either.
		for (const text of answers)
			for (const one of ["Secret name", "Secret answer", "12345678901"]) expect(text).not.toContain(one);
		// A route that is added must be tried here.
		const router = readFileSync(new URL("router.tsx", import.meta.url), "utf8");
		const routes = [...router.matchAll(/(?:path: |route\()"([^"]+)"/g)].map(([, path]) => path);
		const without = ["/", "/add", "/events", "/none"];
		expect(new Set([...tried.map(([route]) => route), ...without])).toEqual(new Set([...routes, "/none"]));
		await page.goto(`${world.server.url}/portal/none`);
		await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
	});

	it("speaks the reader's language, and keeps the one that the address names", async () => {
		portal.receiver.script(() => ({}));
		const { id } = await endpointOf("german", "Laden");
		await sent("german", "Succeeded");
		await using tab = await open({ customerId: "german" }, { locale: "de-DE", size: { width: 320, height: 700 } });
		const { page } = tab;
		await page.getByRole("heading", { name: "Endpunkte" }).waitFor();
		expect(await page.evaluate(() => document.documentElement.lang)).toBe("de-DE");
		await page.getByRole("link", { name: "Laden" }).click();
		await page.getByText("In Ordnung. Die letzte Zustellung kam an.").waitFor();
		expect(await overflow(page)).toBe(0);
		await page.getByRole("link", { name: "Zustellungen" }).first().click();
		await page.getByLabel("Endpunkt").selectOption("Laden");
		await page.getByRole("link", { name: "order.paid" }).waitFor();
		expect(await overflow(page)).toBe(0);
		await page.goto(`${world.server.url}/portal/endpoints/${id}?lang=en`);
		await page.getByText("It works. The last delivery arrived.").waitFor();
		await page.getByRole("link", { name: "order.paid" }).click();
		await page.getByText("It arrived").waitFor();
		expect(new URL(page.url()).searchParams.get("lang")).toBe("en");
	});

	it.each([
		["light", 320],
		["dark", 900],
	] as const)(
		"holds its layout from right to left, in a language made for that (%s, %i pixels)",
		async (scheme, width) => {
			portal.receiver.script(({ path }) => (path === "/rtl" ? { status: 500, body: "broken" } : {}));
			const customerId = `rtl-${width}`;
			const { id } = await endpointOf(customerId, "Shop", "/rtl");
			const delivery = await sent(customerId, "Failed");
			await using tab = await open({ customerId }, { scheme, size: { width, height: 800 }, path: "?lang=ar-XB" });
			const { page } = tab;
			for (const path of [
				"",
				"add",
				`endpoints/${id}`,
				`endpoints/${id}?view=settings`,
				"deliveries",
				`deliveries/${delivery.id}`,
				"events",
			]) {
				const url = new URL(path, `${world.server.url}/portal/`);
				url.searchParams.set("lang", "ar-XB");
				await page.goto(url.href);
				await page.locator("h1").waitFor();
				await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
				expect(await page.evaluate(() => document.documentElement.dir)).toBe("rtl");
				expect([path, await overflow(page)]).toEqual([path, 0]);
				expect([path, await outside(page)]).toEqual([path, []]);
				expect([path, await axeFindings(page)]).toEqual([path, []]);
				const [title, nav] = [await page.locator("h1").boundingBox(), await page.locator(".places").boundingBox()];
				expect([path, await leftRows(page)]).toEqual([path, []]);
				// Lines begin at the right.
				expect([path, (nav?.x ?? 0) + (nav?.width ?? 0) > width / 2]).toEqual([path, true]);
				expect([path, (title?.x ?? 0) + (title?.width ?? 0) > width / 2]).toEqual([path, true]);
			}
		},
	);

	it.each(["en", "de"])("has all places side by side on a phone (%s)", async (lang) => {
		await using tab = await open({ customerId: "phone" }, { size: { width: 360, height: 760 }, path: `?lang=${lang}` });
		const places = tab.page.locator(".places a");
		await places.first().waitFor();
		const tops = await places.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
		expect([tops.length, new Set(tops).size]).toEqual([3, 1]);
	});

	it.each(["light", "dark"] as const)(
		"has nothing that axe objects to, and fits into 320 pixels (%s)",
		async (scheme) => {
			portal.receiver.script(({ path }) => (path === "/axe" ? { status: 500, body: "broken" } : {}));
			const customerId = `axe-${scheme}`;
			const { id } = await endpointOf(customerId, "Shop", "/axe");
			const delivery = await sent(customerId, "Failed");
			const theme = { accent: scheme === "light" ? "#f2c200" : "#0a7d55", radius: 20 };
			await using tab = await open({ customerId, theme }, { scheme, size: { width: 320, height: 800 } });
			for (const [path, ready] of [
				["", "Shop is failing."],
				["add", "Add and test"],
				[`endpoints/${id}`, "There was"],
				[`endpoints/${id}?view=settings`, "Delete this endpoint"],
				[`deliveries/${delivery.id}`, "What was sent"],
				["deliveries", "Your server had an error."],
				["events", "Somebody has paid an order."],
			] as const) {
				if (path !== "") await tab.page.goto(`${world.server.url}/portal/${path}`);
				if (ready !== "There was") await tab.page.getByText(ready).first().waitFor();
				else await tab.page.getByRole("link", { name: "order.paid" }).waitFor();
				expect([path, await overflow(tab.page)]).toEqual([path, 0]);
				expect([path, await axeFindings(tab.page)]).toEqual([path, []]);
			}
		},
	);
});

/** By how many pixels the page is wider than its window. */
function overflow(page: Page): Promise<number> {
	return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** What is cut off at a side of the window, or of the part that it is in. */
function outside(page: Page): Promise<string[]> {
	return page.evaluate(() => {
		const texts = [
			...document.querySelectorAll<HTMLElement>("h1, h2, p, a, button, select, input, label, .badge, time"),
		];
		return texts
			.filter((element) => !element.matches(".skip, .cut, [hidden]") && element.checkVisibility())
			.filter((element) => {
				const { left, right } = element.getBoundingClientRect();
				return left < -0.5 || right > document.documentElement.clientWidth + 0.5;
			})
			.map((element) => `${element.tagName} ${element.className} ${element.textContent}`);
	});
}

/** The texts of rows that do not begin at the right. */
function leftRows(page: Page): Promise<string[]> {
	return page.evaluate(() =>
		[...document.querySelectorAll<HTMLElement>(".row-main > *")]
			.filter((part) => {
				const range = document.createRange();
				range.selectNodeContents(part);
				const side = part.parentElement?.getBoundingClientRect().right ?? 0;
				return Math.abs(side - range.getBoundingClientRect().right) > 2;
			})
			.map((part) => part.textContent ?? ""),
	);
}
