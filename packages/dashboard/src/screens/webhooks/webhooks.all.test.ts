// The list of webhooks and its drawer, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page, Route } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { focusOn, ONCE, pageSuite } from "../../../test/suite.ts";

const REFUSED = { status: 409, json: { message: "Not now.", code: "webhook_changed", requestId: "req_1" } };

async function choose(page: Page, webhook: string, item: string): Promise<void> {
	await page.getByRole("button", { name: `Actions for ${webhook}` }).click();
	await page.getByRole("menuitem", { name: item }).click();
}

const pause = (page: Page, webhook: string) => choose(page, webhook, "Pause");

pageSuite("webhooks", (world) => {
	it("say on a phone, where no column has a name, whose they are and that they get all events", async () => {
		const { webhooks } = world.server.project.batch;
		await webhooks.create({ name: "Of hooli", customerId: "hooli", spec: { endpoint: "https://example.com/hooli" } });
		const { page } = await world.open("webhooks", { size: { width: 360, height: 800 } });
		const card = page.getByRole("row").filter({ has: page.getByRole("link", { name: "Of hooli" }) });
		await card.getByText("for hooli").waitFor();
		await card.getByText("All event types").waitFor();
		await page.setViewportSize({ width: 1_280, height: 800 });
		await expect.poll(() => card.innerText()).not.toMatch(/for hooli|All event types/);
	});

	it("can be added and edited after an update of the server, whose files are others", async () => {
		const { webhooks } = world.server.project.batch;
		const { id } = await webhooks.create({ name: "Old page", spec: { endpoint: "http://127.0.0.1:9/old" } });
		const { page } = await world.open("settings");
		const parts = ["drawer-body", "secret-tab", "history-tab", "own-data"];
		const loaded = parts.map((part) => page.waitForResponse((response) => response.url().includes(`/${part}-`)));
		await page.reload();
		await Promise.all(loaded.map(async (response) => (await response).finished()));
		await page.route(/\/assets\//, (route) => route.fulfill({ status: 404 }));
		await page.getByRole("link", { name: "Webhooks", exact: true }).click();
		await page.getByRole("button", { name: "Add webhook" }).first().click();
		await page.getByRole("dialog", { name: "Add a webhook" }).getByLabel("Endpoint URL").fill("http://127.0.0.1:9/new");
		await page.keyboard.press("Escape");
		await page.getByRole("link", { name: "Old page" }).click();
		await page.getByRole("button", { name: "Edit", exact: true }).click();
		await page.getByRole("dialog", { name: "Edit the webhook" }).getByLabel("Endpoint URL").waitFor();
		await webhooks.delete(id);
	});

	it("have a form that shows its shape until its code is there, and then gives the focus to its first field", async () => {
		const { page } = await world.open("settings");
		const held: Route[] = [];
		await page.route(/\/drawer-body-[^/]*\.js$/, (route) => void held.push(route));
		await page.goto(world.url("webhooks"));
		await page.getByRole("button", { name: "Add webhook" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Add a webhook" });
		await drawer.getByRole("status", { name: "Loading the form" }).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		for (const route of held.splice(0)) await route.abort();
		await drawer.getByText("The form could not be loaded").waitFor();
		await drawer.getByRole("button", { name: "Try again" }).click();
		await expect.poll(() => held.length).toBe(1);
		await held[0]!.continue();
		const address = drawer.getByLabel("Endpoint URL");
		await focusOn(address);
	});

	it("show the server's objection at the field, and keep what was typed", async () => {
		const { page } = await world.open("webhooks?form=new");
		const drawer = page.getByRole("dialog", { name: "Add a webhook" });
		await drawer.getByLabel("Endpoint URL").fill("ftp://example.com/hooks");
		await drawer.getByLabel("Name").fill("Kept");
		await drawer.getByText("Retries, limits, headers").click();
		await drawer.getByLabel("Retries").fill("99");
		await drawer.getByRole("button", { name: "Add webhook" }).click();
		// The server checks the form of all fields first, and then what they mean.
		const retries = drawer.getByLabel("Retries");
		await drawer.getByText("must be at most 20").waitFor();
		await expect.poll(() => retries.getAttribute("aria-invalid")).toBe("true");
		await expect.poll(() => retries.evaluate("document.activeElement.value")).toBe("99");
		await retries.fill("5");
		await drawer.getByRole("button", { name: "Add webhook" }).click();
		const endpoint = drawer.getByLabel("Endpoint URL");
		await expect.poll(() => endpoint.getAttribute("aria-invalid")).toBe("true");
		await expect.poll(() => endpoint.inputValue()).toBe("ftp://example.com/hooks");
		await expect.poll(() => drawer.getByLabel("Name").inputValue()).toBe("Kept");
	});

	it("say that a change from the menu of a row has failed, until it is dismissed or tried again", async () => {
		const { webhooks } = world.server.project.batch;
		const { id } = await webhooks.create({ name: "Refusing", spec: { endpoint: "http://127.0.0.1:9/menu" } });
		const { page } = await world.open("webhooks?q=Refusing");
		await page.route(/:pause$/, (route) => route.fulfill(REFUSED));
		const alert = page.getByRole("alert");
		await pause(page, "Refusing");
		await alert.getByText("Not now.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await alert.getByRole("button", { name: "Dismiss" }).click();
		await expect.poll(() => alert.count()).toBe(0);
		await pause(page, "Refusing");
		await alert.getByText("Not now.").waitFor();
		await page.unroute(/:pause$/);
		const held = Promise.withResolvers<void>();
		await page.route(/:pause$/, async (route) => {
			await held.promise;
			return route.continue();
		});
		await pause(page, "Refusing");
		await expect.poll(() => alert.count()).toBe(0);
		held.resolve();
		await page.getByRole("cell", { name: "Paused" }).waitFor();
		expect((await webhooks.get(id)).status).toBe("Paused");
		await choose(page, "Refusing", "Resume");
		await page.getByRole("cell", { name: "Enabled" }).waitFor();
	});

	it("name the webhook of a change that has failed, also if its row or the screen is gone by then", async () => {
		await world.server.project.batch.webhooks.create({
			name: "Leaving",
			spec: { endpoint: "http://127.0.0.1:9/leaving" },
		});
		const { page } = await world.open("webhooks?q=Leaving");
		let held = Promise.withResolvers<void>();
		await page.route(/:pause$/, async (route) => {
			await held.promise;
			return route.fulfill(REFUSED);
		});
		const asked = async () => {
			const request = page.waitForRequest(/:pause$/);
			await pause(page, "Leaving");
			await request;
		};
		await asked();
		await page.getByLabel("Filter webhooks").fill("somebody else");
		await page.getByText("No webhook matches").waitFor();
		held.resolve();
		await page.getByRole("alert").getByText("Leaving was not paused").waitFor();
		held = Promise.withResolvers();
		await page.getByLabel("Filter webhooks").fill("Leaving");
		await asked();
		await page.getByRole("link", { name: "Settings" }).click();
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		held.resolve();
		await page.getByRole("region", { name: "What you have missed" }).getByText("Leaving was not paused").waitFor();
	});

	it("that fail come first, without the sign that all is well, and tell apart what waits and what is held", async () => {
		const { project } = world.server;
		const failed = await deliverTo(world, 500, "order.ly", { name: "Orderly fails" });
		const spec = { endpoint: failed.receiver.url, eventTypes: ["order.ly"], retries: ONCE };
		const paused = await project.batch.webhooks.create({ name: "Orderly rests", spec });
		await project.batch.webhooks.pause(paused.id);
		await project.batch.webhooks.create({ name: "Orderly works", spec });
		await project.events.send({ type: "order.ly", data: 1, webhookIds: [paused.id] });
		const { page } = await world.open("webhooks?q=orderly");
		const states = page.getByRole("table", { name: "Webhooks" }).locator(".state");
		await expect.poll(() => states.allTextContents()).toEqual(["!Enabled", "‖Paused", "✓Enabled"]);
		await page.getByRole("cell", { name: "1 held", exact: true }).waitFor();
	});

	it("that fail steadily have a chip of their own, whose words do not count those that have just begun to fail", async () => {
		const { webhooks } = world.server.project.batch;
		// Counted as failing after half of that time, and not disabled before 10 deliveries are exhausted.
		const steady = await deliverTo(world, 500, "steady.one", { name: "Steady one" });
		await webhooks.update(steady.webhook.id, { spec: { disableAfterMs: 1_000 } });
		const state = async () => (await webhooks.get(steady.webhook.id)).health.state;
		for (let n = 0; n < 4; n++) await world.server.project.events.send({ type: "steady.one", data: n });
		await expect.poll(state).not.toBe("Healthy");
		await deliverTo(world, 500, "steady.two", { name: "Steady two" });
		const { page } = await world.open("webhooks?q=steady");
		const states = page.getByRole("table", { name: "Webhooks" }).locator(".state");
		await expect.poll(() => states.allTextContents()).toEqual(["✗Failing", "!Enabled"]);
		const chip = page.getByRole("button", { name: /^Failing steadily \d+$/ });
		expect(await chip.getAttribute("title")).toContain("none has succeeded for 5 minutes");
		await chip.click();
		await expect.poll(() => states.allTextContents()).toEqual(["✗Failing"]);
	});

	it("have a small chart of the last day's attempts, which says in words what it shows, from one call for all, or a quiet dash", async () => {
		const receiver = await world.receiver();
		receiver.respond([{ status: 200 }, { status: 410 }]);
		const { id } = await world.server.createWebhook(receiver.url, { eventTypes: ["spark.tested"] });
		const { id: idle } = await world.server.createWebhook(`${receiver.url}/idle`, { eventTypes: ["spark.none"] });
		for (let count = 1; count <= 2; count++) {
			await world.server.project.events.send({ type: "spark.tested", data: {} });
			await receiver.waitFor(count);
		}
		const { webhooks } = world.server.project.batch;
		await expect.poll(async () => (await webhooks.get(id)).lastAttempt?.responseCode).toBe(410);
		const { page } = await world.open("settings");
		const calls: string[] = [];
		page.on("request", (request) => {
			if (request.url().includes("webhooks:stats")) calls.push(request.url());
		});
		await page.goto(world.url(`webhooks?q=${new URL(receiver.url).port}`));
		await page.getByRole("img", { name: "1 of 2 attempts succeeded in 24 hours, 1 failed" }).waitFor();
		await page.getByRole("img", { name: "No attempt in 24 hours" }).waitFor();
		expect(calls.length).toBeLessThanOrEqual(2);
		for (const webhookId of [id, idle]) expect(calls[0]).toContain(webhookId);
		await page.route("**/webhooks:stats*", (route) => route.fulfill({ status: 404, json: { message: "gone" } }));
		await page.goto(world.url(`webhooks?q=${id}`));
		const cell = page.locator(".spark-cell");
		await expect.poll(() => cell.innerText()).toBe("–");
		await expect.poll(() => cell.evaluate((element) => element.getBoundingClientRect().height)).toBe(20);
		await expect.poll(() => page.getByRole("alert").count()).toBe(0);
	});

	it("are saved with what was changed alone, so that a schedule of delays stays, which the form does not show", async () => {
		const { webhooks } = world.server.project.batch;
		const retries = { maxRetries: 2, maxRetryDelay: 60_000, scheduleMs: [1_000, 2_000] };
		const spec = { endpoint: "http://127.0.0.1:9/schedule", retries };
		const { id } = await webhooks.create({ name: "Scheduled", spec });
		const { page } = await world.open(`webhooks?form=${id}`);
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		const saveAs = async (field: string, text: string) => {
			await drawer.getByLabel(field).fill(text);
			const sent = page.waitForRequest((request) => request.method() === "PATCH");
			await drawer.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved Renamed").first().waitFor();
			return (await sent).postDataJSON() as object;
		};
		expect(await saveAs("Name", "Renamed")).toEqual({ name: "Renamed", spec: {}, revision: expect.any(Number) });
		await page.goto(world.url(`webhooks?form=${id}`));
		await drawer.getByText("Retries, limits, headers").click();
		await saveAs("Longest wait", "2min");
		expect((await webhooks.get(id)).retries).toEqual({ ...retries, maxRetryDelay: 120_000 });
		await webhooks.delete(id);
	});

	it("are found by what only the server knows to look for, and said not to match only when it has looked", async () => {
		const { webhooks } = world.server.project.batch;
		const spec = { endpoint: "http://127.0.0.1:9/found" };
		await webhooks.create({ name: "Found", key: "crm-4711", spec });
		await webhooks.create({ name: "Not meant", spec });
		const { page } = await world.open("webhooks");
		const asked = Promise.withResolvers<void>();
		const held = Promise.withResolvers<void>();
		await page.route(/\/batch\/webhooks\?.*q=nothing-has-this/, async (route) => {
			asked.resolve();
			await held.promise;
			return route.fallback();
		});
		await page.route(/\/batch\/webhooks\?.*q=refused/, (route) => route.fulfill({ ...REFUSED, status: 400 }));
		const filter = page.getByLabel("Filter webhooks");
		const nothing = page.getByText("No webhook matches");
		await filter.fill("crm-4711");
		await page.getByRole("link", { name: "Found", exact: true }).waitFor();
		await expect.poll(() => page.getByRole("link", { name: "Not meant" }).count()).toBe(0);
		await filter.fill("nothing-has-this");
		await asked.promise;
		await page.getByRole("status", { name: "Loading webhooks that match" }).waitFor();
		expect(await nothing.count()).toBe(0);
		held.resolve();
		await nothing.waitFor();
		await filter.fill("refused");
		await page.getByText("No loaded webhook matches").waitFor();
		expect(await nothing.count()).toBe(0);
	});

	it("with hostile names stay text", async () => {
		const name = `<img src=x onerror="document.title='owned'">\u05d0gnp.exe`;
		await world.server.project.batch.webhooks.create({ name, spec: { endpoint: "http://127.0.0.1:9/<script>" } });
		const { page } = await world.open("webhooks");
		await page.getByRole("link", { name: "<img src=x" }).waitFor();
		await expect.poll(() => page.title()).toBe("Webhooks · Fanfare");
		// What follows the name is not turned by it.
		await page.getByRole("link", { name: "<img src=x" }).click();
		const heading = page.getByRole("heading", { level: 1 });
		await heading.getByText("<img src=x").waitFor();
		expect(await page.evaluate("getComputedStyle(document.querySelector('h1')).unicodeBidi")).toBe("isolate");
	});
});
