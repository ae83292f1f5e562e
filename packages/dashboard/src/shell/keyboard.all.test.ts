// The keys that lead everywhere, and the reader's locale and time zone, in a real browser.
import { utils } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { pageSuite } from "../../test/suite.ts";

pageSuite("the keyboard", (world) => {
	it("leads to each screen by g and a letter, which the list of shortcuts names", async () => {
		const { page } = await world.open("deliveries");
		// What opens the feed listens for keys, too.
		await page.getByText("Live", { exact: true }).waitFor();
		await page.keyboard.press("?");
		const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
		// They come later than the dialog.
		await help.locator(".keys-row").first().waitFor();
		const rows = await help
			.locator(".keys-row")
			.evaluateAll((all) =>
				all.map((row) => [
					[...row.querySelectorAll("kbd")].map((key) => key.textContent).join(" "),
					row.querySelector("dd")?.textContent ?? "",
				]),
			);
		await page.keyboard.press("Escape");
		await help.waitFor({ state: "detached" });
		const screens = rows.filter(([keys = ""]) => /^g [a-z]$/.test(keys));
		expect(screens).toHaveLength(12);
		for (const [keys = "", title = ""] of screens) {
			// The second key does not wait until the page has handled the first: a pair counts only if it comes within about a second.
			await Promise.all(keys.split(" ").map((key) => page.keyboard.press(key)));
			await page.getByRole("heading", { name: title, level: 1, exact: true }).waitFor();
		}
	});

	it("opens anything by its id, a webhook by its name, and the filter of a list", async () => {
		const receiver = await world.receiver();
		const webhook = await world.server.createWebhook(receiver.url, { eventTypes: ["open.one"] });
		const { project } = world.server;
		const { id: eventId } = await project.events.send({ type: "open.one", data: 1 });
		const delivery = await world.server.waitForDelivery(eventId, ({ status }) => status === "Succeeded");
		const replay = await project.batch.webhooks.replay(webhook.id, { since: Date.now() - 60_000 });
		const customer = await project.customers.update("open.customer", { name: "Opened GmbH" });
		const secret = utils.generateWebhookSecret();
		const relay = await project.relays.put({ device: "palette", name: "Opened relay", secret });
		const key = await world.server.client.keys.create({ name: "Opened key", scope: "read" });
		const { page } = await world.open("deliveries?type=open.one");
		const row = page.getByRole("link", { name: "open.one" }).first();
		await row.waitFor();
		for (const [text, path] of [
			[eventId, `events/${eventId}`],
			[delivery.id, `deliveries/${delivery.id}`],
			[replay.id, `replays/${replay.id}`],
			[webhook.id, `webhooks/${webhook.id}`],
			[relay.id, `webhooks/${relay.webhookId}`],
			[key.id, "keys"],
			["audit", "audit"],
			["deliveries", "deliveries"],
		] as const) {
			await page.keyboard.press("Control+k");
			await page.getByRole("combobox", { name: /paste an id/ }).fill(text);
			// A relay is asked for.
			if (text === relay.id) await page.getByRole("option", { name: "Opened relay" }).waitFor();
			else await page.getByRole("option").first().waitFor();
			await page.keyboard.press("Enter");
			await expect.poll(() => new URL(page.url()).pathname).toBe(`/ui/${project.id}/${path}`);
			await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		}
		for (const text of [customer.id, "Opened GmbH"]) {
			await page.keyboard.press("Control+k");
			await page.getByRole("combobox", { name: /paste an id/ }).fill(text);
			await page.getByRole("option", { name: "Opened GmbH customer" }).waitFor();
			await page.keyboard.press("Enter");
			await page.getByRole("heading", { name: "Opened GmbH", level: 1 }).waitFor();
			await page.goto(`${world.server.url}/ui/${project.id}/deliveries?type=open.one`);
			await row.waitFor();
		}
		await page.keyboard.press("/");
		await expect.poll(() => page.evaluate("document.activeElement.ariaLabel")).toBe("Event type");
	});

	it("opens what the arrows have chosen, also if something else is found before it meanwhile", async () => {
		const { client, project } = world.server;
		const { id } = await client.projects.create({ name: "Twin" });
		await project.customers.update("twin.customer", { name: "Twin" });
		const { page } = await world.open("settings");
		const found = Promise.withResolvers<void>();
		await page.route(/\/customers\?/, async (route) => {
			await found.promise;
			return route.continue();
		});
		await page.keyboard.press("Control+k");
		await page.getByRole("combobox", { name: /paste an id/ }).fill("twin");
		await page.getByRole("option", { name: "Twin project" }).waitFor();
		await page.keyboard.press("ArrowDown");
		found.resolve();
		await page.getByRole("option", { name: "Twin customer" }).waitFor();
		await page.keyboard.press("Enter");
		await expect.poll(() => new URL(page.url()).pathname).toBe(`/ui/${id}`);
	});

	it("switches all times between the reader's zone and UTC, in the reader's locale", async () => {
		const receiver = await world.receiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["zone.one"] });
		const { id } = await world.server.project.events.send({ type: "zone.one", data: 1 });
		const { id: deliveryId, createDate } = await world.server.waitForDelivery(
			id,
			({ status }) => status === "Succeeded",
		);
		const { page } = await world.open(`deliveries/${deliveryId}`, { locale: "de-DE", timezone: "Asia/Tokyo" });
		const made = page.getByRole("region", { name: "Delivery", exact: true }).locator("time");
		const expected = (timeZone: string) =>
			new Intl.DateTimeFormat("de-DE", { dateStyle: "medium", timeStyle: "long", timeZone }).format(createDate);
		await expect.poll(() => made.textContent()).toBe(expected("Asia/Tokyo"));
		await page.keyboard.press("u");
		await expect.poll(() => made.textContent()).toBe(expected("UTC"));
		await page.getByRole("button", { name: /UTC/ }).waitFor();
		// The choice is of the browser, and stays.
		await page.reload();
		await expect.poll(() => made.textContent()).toBe(expected("UTC"));
		await page.keyboard.press("u");
		await expect.poll(() => made.textContent()).toBe(expected("Asia/Tokyo"));
	});
});
