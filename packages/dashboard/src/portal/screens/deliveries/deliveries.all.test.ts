// The deliveries of a customer in the portal.
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { ALL, portalSuite } from "../../../../test/portal-suite.ts";

portalSuite("the deliveries in the portal", (portal) => {
	const { world, portalSessions, open, endpointOf, sent } = portal;

	it("shows what came after a screen was loaded, and before it first asked for changes", async () => {
		portal.receiver.script(() => ({}));
		const { id } = await endpointOf("between", "Shop");
		const { url } = await portalSessions().create({ capabilities: ALL, customerId: "between" });
		await using person = await world.browser.person();
		// However long the position of the stream takes, which the portal does not wait for on a slow machine.
		await person.context.addInitScript("AbortSignal.timeout = () => new AbortController().signal");
		const held: Route[] = [];
		let isLoading = false;
		person.context.on("request", (request) => (isLoading ||= request.url().endsWith(`/webhooks/${id}`)));
		await person.context.route(/\/stream\/items/, (route) => (isLoading ? void held.push(route) : route.fallback()));
		const page = await person.tab(url.replace("/portal/", `/portal/endpoints/${id}`));
		await page.getByText("No deliveries yet.").waitFor();
		await expect.poll(() => held.length).toBe(1);
		await sent("between", "Succeeded");
		await held[0]!.continue();
		await page.getByRole("button", { name: "New deliveries. Show them" }).waitFor();
		expect(person.problems).toEqual([]);
	});

	it("lists the deliveries to all endpoints, filtered, by keyboard, and leads back to the list as it was", async () => {
		portal.receiver.script(({ path }) => (path === "/list-b" ? { status: 503 } : {}));
		const { page } = await open({ customerId: "list" });
		await page.getByRole("link", { name: "Deliveries" }).click();
		await page.getByRole("heading", { name: "No deliveries yet." }).waitFor();
		await page.getByRole("link", { name: "Add endpoint" }).waitFor();
		await endpointOf("list", "Shop A", "/list-a");
		const { id } = await endpointOf("list", "Shop B", "/list-b");
		for (const type of ["order.paid", "order.refunded"]) {
			const event = await world.server.project.events.send({ type, data: {}, customerId: "list" });
			const done = async () =>
				(await world.server.project.deliveries.list({ eventId: event.id })).data.map(({ status }) => status).toSorted();
			await expect.poll(done).toEqual(["Failed", "Succeeded"]);
		}
		await page.reload();
		const rows = page.getByRole("region", { name: "Deliveries" }).getByRole("listitem");
		await expect.poll(() => rows.count()).toBe(4);
		await page.getByLabel("Event").selectOption("order.refunded");
		await expect.poll(() => rows.count()).toBe(2);
		await page.getByLabel("Endpoint").selectOption("Shop B");
		await page.getByRole("button", { name: "Failed" }).click();
		await page.getByLabel("Time").selectOption("Last hour");
		await expect.poll(() => rows.count()).toBe(1);
		// The number of rows is the same before the last of them.
		await expect
			.poll(() => Object.fromEntries(new URL(page.url()).searchParams))
			.toEqual({ type: "order.refunded", endpoint: id, show: "failed", since: "hour" });
		await page.reload();
		await page.getByRole("button", { name: "Retry 1 failed" }).waitFor();
		await page.getByRole("button", { name: "Delivered" }).click();
		await page.getByText("No deliveries match.").waitFor();
		await page.getByRole("button", { name: "Show all" }).click();
		await expect.poll(() => rows.count()).toBe(4);
		await page.getByRole("button", { name: "Failed" }).click();
		await expect.poll(() => rows.count()).toBe(2);
		// From the first row by the arrows to the second, and into it.
		const links = rows.getByRole("link");
		await links.first().focus();
		await page.keyboard.press("ArrowDown");
		expect(await links.nth(1).evaluate((link) => link === document.activeElement)).toBe(true);
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "order.paid" }).waitFor();
		await page.getByRole("link", { name: "Shop B" }).waitFor();
		await page.getByRole("link", { name: "Back to Deliveries" }).click();
		portal.receiver.script(() => ({}));
		await page.getByRole("button", { name: "Retry 2 failed" }).click();
		await page.getByText("Send 2 failed deliveries again?").waitFor();
		await page.getByRole("group", { name: "Retry 2 failed" }).getByRole("button", { name: "Retry 2 failed" }).click();
		await page.getByText("2 deliveries are sent again.").waitFor();
		const arrived = { customerId: "list", status: "Succeeded" } as const;
		await expect.poll(async () => (await world.server.project.deliveries.count(arrived)).count).toBe(4);
	});

	it("keeps a filter that was chosen just before another one, and is not shown yet", async () => {
		await endpointOf("quick", "Shop");
		const { page } = await open({ customerId: "quick" }, { path: "deliveries" });
		await page.getByText("No deliveries yet.").waitFor();
		// In one step, so that nothing is rendered between them.
		await page.getByLabel("Time").evaluate((time: HTMLSelectElement) => {
			time.value = "hour";
			time.dispatchEvent(new Event("change", { bubbles: true }));
			const buttons = [...document.querySelectorAll("button")];
			buttons.find(({ textContent }) => textContent === "Failed")?.click();
		});
		await page.getByText("No deliveries match.").waitFor();
		await expect
			.poll(() => Object.fromEntries(new URL(page.url()).searchParams))
			.toEqual({ since: "hour", show: "failed" });
	});
});
