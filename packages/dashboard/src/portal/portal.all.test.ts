// The portal as a whole, in a real browser: what its customers may see and do, in their languages, colours and widths.
import { readFileSync } from "node:fs";

import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { portalSuite } from "../../test/portal-suite.ts";
import { overflowOf } from "../../test/suite.ts";

portalSuite("the portal", (portal) => {
	const { world, open, endpointOf, sent } = portal;

	it("shows everything and changes nothing with a session that only reads", async () => {
		portal.receiver.script(({ path }) => (path === "/reader" ? { status: 503 } : {}));
		const { id } = await endpointOf("reader", "Shop", "/reader");
		await sent("reader", "Failed");
		const { page } = await open({ customerId: "reader", capabilities: [] }, { path: `endpoints/${id}` });
		await page.getByText("You can look at everything here, but change nothing.").waitFor();
		await page.getByRole("link", { name: "order.paid" }).click();
		await page.getByText("What to do: Look into its log at this time.").waitFor();
		expect(await page.getByRole("button").allTextContents()).toEqual([]);
		expect(await page.getByText("12345678901").count()).toBe(0);
	});

	it("shows the examples of event types with all digits of their numbers", async () => {
		const shown = '{\n  "orderId": 98765432109876543210,\n  "total": 12.50\n}';
		const { page } = await open({ customerId: "reads-examples" });
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
		const { page } = await open({ customerId: "attacker" });
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

	it("speaks the reader's language, and keeps the one that the address names, with all places side by side on a phone", async () => {
		portal.receiver.script(() => ({}));
		const { id } = await endpointOf("german", "Laden");
		await sent("german", "Succeeded");
		const { page } = await open({ customerId: "german" }, { locale: "de-DE", size: { width: 320, height: 700 } });
		const isOneLine = async () => {
			await page.setViewportSize({ width: 360, height: 700 });
			const tops = await page
				.locator(".places a")
				.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
			expect([tops.length, new Set(tops).size]).toEqual([3, 1]);
			await page.setViewportSize({ width: 320, height: 700 });
		};
		await page.getByRole("heading", { name: "Endpunkte" }).waitFor();
		expect(await page.evaluate(() => document.documentElement.lang)).toBe("de-DE");
		await isOneLine();
		await page.getByRole("link", { name: "Laden" }).click();
		await page.getByText("In Ordnung. Die letzte Zustellung kam an.").waitFor();
		expect(await overflowOf(page)).toBe(0);
		await page.getByRole("link", { name: "Zustellungen" }).first().click();
		await page.getByLabel("Endpunkt").selectOption("Laden");
		await page.getByRole("link", { name: "order.paid" }).waitFor();
		expect(await overflowOf(page)).toBe(0);
		await page.goto(`${world.server.url}/portal/endpoints/${id}?lang=en`);
		await page.getByText("It works. The last delivery arrived.").waitFor();
		await isOneLine();
		await page.getByRole("link", { name: "order.paid" }).click();
		await page.getByText("It arrived").waitFor();
		expect(new URL(page.url()).searchParams.get("lang")).toBe("en");
	});

	/** What there is to see of a customer, by address and what says that it is there. */
	async function screensOf(customerId: string) {
		portal.receiver.script(({ path }) => (path === "/screens" ? { status: 500, body: "broken" } : {}));
		const { id } = await endpointOf(customerId, "Shop", "/screens");
		const delivery = await sent(customerId, "Failed");
		return [
			"",
			"add",
			`endpoints/${id}`,
			`endpoints/${id}?view=settings`,
			`deliveries/${delivery.id}`,
			"deliveries",
			"events",
		];
	}
	const settled = async (page: Page) => {
		await page.locator("h1").waitFor();
		await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
		await expect.poll(() => page.getByText("Connecting…").count()).toBe(0);
	};

	it.each([320, 900])("holds its layout from right to left, in a language made for that (%i pixels)", async (width) => {
		const customerId = `rtl-${width}`;
		const paths = await screensOf(customerId);
		const { page } = await open({ customerId }, { size: { width, height: 800 }, path: "?lang=ar-XB" });
		for (const path of paths) {
			const url = new URL(path, `${world.server.url}/portal/`);
			url.searchParams.set("lang", "ar-XB");
			await page.goto(url.href);
			await settled(page);
			expect(await page.evaluate(() => document.documentElement.dir)).toBe("rtl");
			expect([path, await overflowOf(page), await outside(page), await leftRows(page)]).toEqual([path, 0, [], []]);
			// Lines begin at the right.
			for (const part of ["h1", ".places"]) {
				const box = (await page.locator(part).boundingBox())!;
				expect([path, part, box.x + box.width > width / 2]).toEqual([path, part, true]);
			}
		}
	});

	it.each([
		["light", "#f2c200"],
		["dark", "#0a7d55"],
	] as const)("has nothing that axe objects to, and fits into 320 pixels (%s)", async (scheme, accent) => {
		const customerId = `axe-${scheme}`;
		const paths = await screensOf(customerId);
		const theme = { accent, radius: 20 };
		const { page } = await open({ customerId, theme }, { scheme, size: { width: 320, height: 800 } });
		for (const path of paths) {
			if (path !== "") await page.goto(`${world.server.url}/portal/${path}`);
			await settled(page);
			expect([path, await overflowOf(page), await axeFindings(page)]).toEqual([path, 0, []]);
		}
	});
});

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
