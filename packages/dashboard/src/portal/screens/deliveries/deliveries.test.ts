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

	it("asks again only for what is near the window of a long list, and for the rest when that comes near", async () => {
		portal.receiver.script(() => ({ status: 500 }));
		await endpointOf("many", "Shop");
		const real = await sent("many", "Failed");
		await using tab = await open({ customerId: "many" });
		const { page, person } = tab;
		const [pageRows, rows] = [50, 200];
		const log = { asked: [] as number[], eventType: "order.before" };
		const rowId = (index: number) => `dlv_00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
		await person.context.route(/\/projects\/[^/]+\/deliveries\?/, (route) => {
			const start = Number(new URL(route.request().url()).searchParams.get("page") ?? 0);
			log.asked.push(start);
			const { eventType } = log;
			const data = Array.from({ length: pageRows }, (_, at) => ({ ...real, id: rowId(start + at), eventType }));
			const nextPage = start + pageRows === rows ? null : String(start + pageRows);
			return route.fulfill({ json: { data, nextPage, prevPage: null, scannedTo: null } });
		});
		await page.goto(`${world.server.url}/portal/deliveries?show=failed`);
		const row = (index: number) => page.locator(`[data-row="${rowId(index)}"]`);
		for (let shown = pageRows; shown < rows; shown += pageRows) {
			await row(shown - 1).waitFor();
			await page.getByRole("button", { name: "Show more" }).click();
		}
		await row(rows - 1).waitFor();
		expect(log.asked).toEqual([0, 50, 100, 150]);
		await page.evaluate("scrollTo(0, 0)");
		log.eventType = "order.after";
		await page.getByRole("button", { name: "Retry 1 failed" }).click();
		await page.getByRole("group", { name: "Retry 1 failed" }).getByRole("button", { name: "Retry 1 failed" }).click();
		await row(0).getByText("order.after").waitFor();
		expect(log.asked.slice(4)).toEqual([0]);
		await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
		await row(rows - 1)
			.getByText("order.after")
			.waitFor();
		expect(log.asked.slice(4)).not.toContain(50);
	});

	it("says why a delivery failed and what to do, and sends it again, one or all", async () => {
		portal.receiver.script(({ path }) => (path === "/fails" ? { status: 404 } : {}));
		const { id } = await endpointOf("fails", "Shop", "/fails");
		for (let n = 0; n < 3; n++) await sent("fails", "Failed");
		await using tab = await open({ customerId: "fails" }, { path: `endpoints/${id}?show=failed` });
		const { page } = tab;
		await page.getByText("There is nothing at this path.").first().waitFor();
		const place = page.getByRole("link", { name: "Endpoints", exact: true });
		expect(await place.getAttribute("aria-current")).toBe("true");
		await page.getByRole("link", { name: "order.paid" }).first().click();
		await page.getByText("What to do: Correct the path of the address.").waitFor();
		portal.receiver.script(() => ({}));
		await page.getByRole("button", { name: "Send again" }).click();
		await page.getByText("It arrived: your server responded with 200").waitFor();
		await page.getByRole("link", { name: "Back to Shop" }).click();
		await page.getByRole("button", { name: "Retry 2 failed" }).click();
		await page.getByRole("group", { name: "Retry 2 failed" }).getByRole("button", { name: "Retry 2 failed" }).click();
		await page.getByText("2 deliveries are sent again.").waitFor();
		await expect
			.poll(
				async () => (await world.server.project.deliveries.count({ customerId: "fails", status: "Succeeded" })).count,
			)
			.toBe(3);
	});

	it("lists the deliveries to all endpoints, filtered, by keyboard, and leads back to the list as it was", async () => {
		portal.receiver.script(({ path }) => (path === "/list-b" ? { status: 503 } : {}));
		await using tab = await open({ customerId: "list" });
		const { page } = tab;
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
		await using tab = await open({ customerId: "quick" }, { path: "deliveries" });
		const { page } = tab;
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
