// The list of webhooks and its drawer, in a real browser.
import { readFileSync } from "node:fs";

import { verify } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startReceiver } from "@fanfare/testkit/receiver";
import type { APIResponse, Route } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("webhooks", (world) => {
	it("are added with a secret that the browser makes, shows once, and that verifies what the receiver gets", async () => {
		await using receiver = await startReceiver();
		await using tab = await world.open("webhooks");
		const { page } = tab;
		await page.getByRole("button", { name: "Add webhook" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Add a webhook" });
		await drawer.getByLabel("Endpoint URL").fill(`${receiver.url}/hooks`);
		await drawer.getByLabel("Name").fill("Warehouse");
		await drawer.getByRole("button", { name: "Add webhook" }).click();
		const secret = await drawer.getByRole("region", { name: "Secret" }).locator("code").innerText();
		await drawer.getByText("It responded with 200").waitFor();
		const [request] = await receiver.waitFor(1);
		const headers = request!.headers as Record<string, string>;
		expect(await verify(request!.rawBody, headers, secret)).toMatchObject({ type: expect.any(String) });
		await drawer.getByRole("button", { name: "Done" }).click();
		await page.getByRole("link", { name: "Warehouse" }).waitFor();
		// Nothing of it is left in the page.
		await expect.poll(() => page.content()).not.toContain(secret);
	});

	it("say on a phone, where no column has a name, whose they are and that they get all events", async () => {
		const { webhooks } = world.server.project.batch;
		await webhooks.create({ name: "Of hooli", customerId: "hooli", spec: { endpoint: "https://example.com/hooli" } });
		await using tab = await world.open("webhooks", { size: { width: 360, height: 800 } });
		const { page } = tab;
		const card = page.getByRole("row").filter({ has: page.getByRole("link", { name: "Of hooli" }) });
		await card.getByText("for hooli").waitFor();
		await card.getByText("All event types").waitFor();
		await page.setViewportSize({ width: 1_280, height: 800 });
		await expect.poll(() => card.innerText()).not.toMatch(/for hooli|All event types/);
	});

	it("are exported as a file, of a state too, and not while a text is searched that the server understands otherwise", async () => {
		const { webhooks } = world.server.project.batch;
		const { id } = await webhooks.create({ name: "Saved", spec: { endpoint: "http://127.0.0.1:9/saved" } });
		await webhooks.pause(id);
		await using tab = await world.open("webhooks?state=paused");
		const { page } = tab;
		const all = (await webhooks.list({ status: "Paused" })).data;
		await page.getByRole("button", { name: "Export…" }).click();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByText("JSON lines", { exact: true }).click();
		const saved = page.waitForEvent("download");
		await page.getByRole("button", { name: "Export all that match" }).click();
		const download = await saved;
		expect(download.suggestedFilename()).toMatch(/^webhooks-.*\.jsonl$/);
		const lines = readFileSync(await download.path(), "utf8")
			.trimEnd()
			.split("\n");
		expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(all);
		const offer = page.getByRole("button", { name: "Export…" });
		for (const text of ["Saved", "matches nothing"]) {
			await page.getByLabel("Filter webhooks").fill(text);
			await page.getByTitle("Clear the search to export").and(offer).waitFor();
			expect(await offer.isDisabled()).toBe(true);
		}
		await page.getByLabel("Filter webhooks").fill("");
		await page.getByRole("button", { name: /^Paused/ }).click();
		await page.getByRole("button", { name: /^Paused/, pressed: false }).waitFor();
		await offer.click();
		const dialog = page.getByRole("dialog", { name: "Export all webhooks?" });
		await dialog.getByRole("button", { name: "Export all webhooks", exact: true }).waitFor();
		await webhooks.delete(id);
	});

	it("can be added and edited after an update of the server, whose files are others", async () => {
		const { webhooks } = world.server.project.batch;
		const { id } = await webhooks.create({ name: "Old page", spec: { endpoint: "http://127.0.0.1:9/old" } });
		await using tab = await world.open("settings");
		const { page } = tab;
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
		await using tab = await world.open("settings");
		const { page } = tab;
		const held: Route[] = [];
		await page.route(/\/drawer-body-[^/]*\.js$/, (route) => void held.push(route));
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/webhooks`);
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
		await expect.poll(() => address.evaluate((field) => field === document.activeElement)).toBe(true);
	});

	it("show the server's objection at the field, and keep what was typed", async () => {
		await using tab = await world.open("webhooks?form=new");
		const drawer = tab.page.getByRole("dialog", { name: "Add a webhook" });
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
		await using tab = await world.open("webhooks?q=Refusing");
		const { page } = tab;
		const refused = { status: 409, json: { message: "Not now.", code: "webhook_changed", requestId: "req_1" } };
		await page.route(/:pause$/, (route) => route.fulfill(refused));
		const pause = async () => {
			await page.getByRole("button", { name: "Actions for Refusing" }).click();
			await page.getByRole("menuitem", { name: "Pause" }).click();
		};
		const alert = page.getByRole("alert");
		await pause();
		await alert.getByText("Not now.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await alert.getByRole("button", { name: "Dismiss" }).click();
		await expect.poll(() => alert.count()).toBe(0);
		await pause();
		await alert.getByText("Not now.").waitFor();
		await page.unroute(/:pause$/);
		const held = Promise.withResolvers<void>();
		await page.route(/:pause$/, async (route) => {
			await held.promise;
			return route.continue();
		});
		await pause();
		await expect.poll(() => alert.count()).toBe(0);
		held.resolve();
		await expect.poll(async () => (await webhooks.get(id)).status).toBe("Paused");
	});

	it("name the webhook of a change that has failed, also if its row or the screen is gone by then", async () => {
		const { webhooks } = world.server.project.batch;
		await webhooks.create({ name: "Leaving", spec: { endpoint: "http://127.0.0.1:9/leaving" } });
		await using tab = await world.open("webhooks?q=Leaving");
		const { page } = tab;
		let held = Promise.withResolvers<void>();
		await page.route(/:pause$/, async (route) => {
			await held.promise;
			const json = { message: "Not now.", code: "webhook_changed", requestId: "req_1" };
			return route.fulfill({ status: 409, json });
		});
		const pause = async () => {
			const asked = page.waitForRequest(/:pause$/);
			await page.getByRole("button", { name: "Actions for Leaving" }).click();
			await page.getByRole("menuitem", { name: "Pause" }).click();
			await asked;
		};
		await pause();
		await page.getByLabel("Filter webhooks").fill("somebody else");
		await page.getByText("No webhook matches").waitFor();
		held.resolve();
		await page.getByRole("alert").getByText("Leaving was not paused").waitFor();
		held = Promise.withResolvers();
		await page.getByLabel("Filter webhooks").fill("Leaving");
		await pause();
		await page.getByRole("link", { name: "Settings" }).click();
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		held.resolve();
		await page.getByRole("region", { name: "What you have missed" }).getByText("Leaving was not paused").waitFor();
	});

	it("are edited, and a change by somebody else meanwhile is not overwritten", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/a");
		await using tab = await world.open(`webhooks?form=${id}`);
		const drawer = tab.page.getByRole("dialog", { name: "Edit the webhook" });
		const name = drawer.getByRole("textbox", { name: "Name", exact: true });
		const save = drawer.getByRole("button", { name: "Save" });
		await name.fill("Mine");
		const { webhooks } = world.server.project.batch;
		await webhooks.update(id, { name: "Theirs", spec: { eventTypes: ["theirs.*"] } });
		const elsewhere = drawer.getByRole("region", { name: "Changed elsewhere" });
		await elsewhere.getByText("Theirs", { exact: true }).waitFor();
		expect([await name.inputValue(), await save.isDisabled()]).toEqual(["Mine", true]);
		expect(await axeFindings(tab.page)).toEqual([]);
		await elsewhere.getByRole("button", { name: "Keep mine" }).click();
		await drawer.getByText("What you typed is not saved yet").waitFor();
		await save.click();
		await tab.page.getByText("Saved Mine").waitFor();
		expect(await webhooks.get(id)).toMatchObject({ name: "Mine", eventTypes: ["theirs.*"] });
	});

	it("are edited after a change elsewhere that the page has not heard of, once it has", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/unheard");
		await using tab = await world.open("settings");
		const { page } = tab;
		// No stream, and what is fetched is of before, however often.
		let isBefore = true;
		const before = new Map<string, Promise<APIResponse>>();
		await page.route(/\/batch\/webhooks([/?]|$)/, async (route) => {
			const request = route.request();
			if (!isBefore || request.method() !== "GET") return route.continue();
			const response = before.get(request.url()) ?? route.fetch();
			before.set(request.url(), response);
			return route.fulfill({ response: await response });
		});
		await tab.person.context.route(/\/stream\b/, (route) => route.abort());
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/webhooks?form=${id}`);
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		await drawer.getByRole("textbox", { name: "Name", exact: true }).fill("Mine");
		const { webhooks } = world.server.project.batch;
		await webhooks.update(id, { spec: { description: "Theirs" } });
		await drawer.getByRole("button", { name: "Save" }).click();
		await drawer.getByRole("alert").getByText("Nothing that you typed is lost").waitFor();
		isBefore = false;
		// Coming back to the tab has what is older than some seconds fetched again.
		const comeBack = async () => {
			await page.evaluate("dispatchEvent(new Event('visibilitychange'))");
			return drawer.getByText("What you typed is not saved yet").count();
		};
		await expect.poll(comeBack).toBe(1);
		expect(await drawer.getByRole("alert").count()).toBe(0);
		await drawer.getByRole("button", { name: "Save" }).click();
		await page.getByText("Saved Mine").waitFor();
		expect(await webhooks.get(id)).toMatchObject({ name: "Mine", description: "Theirs" });
	});

	it("are paused and resumed from their row", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/b");
		await using tab = await world.open(`webhooks?q=${id}`);
		const { page } = tab;
		const menu = page.getByRole("button", { name: "Actions for test" });
		await menu.click();
		await page.getByRole("menuitem", { name: "Pause" }).click();
		await page.getByRole("cell", { name: "Paused" }).waitFor();
		await expect.poll(async () => (await world.server.project.batch.webhooks.get(id)).status).toBe("Paused");
		await menu.click();
		await page.getByRole("menuitem", { name: "Resume" }).click();
		await page.getByRole("cell", { name: "Enabled" }).waitFor();
	});

	it("that fail come first, without the sign that all is well, and tell apart what waits and what is held", async () => {
		const { project } = world.server;
		const make = (name: string, endpoint: string) =>
			project.batch.webhooks.create({
				name,
				spec: { endpoint, eventTypes: ["order.ly"], retries: { maxRetries: 0, maxRetryDelay: 0 } },
			});
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const failing = await make("Orderly fails", receiver.url);
		const paused = await make("Orderly rests", receiver.url);
		await project.batch.webhooks.pause(paused.id);
		await make("Orderly works", receiver.url);
		await project.events.send({ type: "order.ly", data: 1, webhookIds: [failing.id, paused.id] });
		await expect.poll(async () => (await project.batch.webhooks.get(failing.id)).health.exhaustedCount).toBe(1);
		await using tab = await world.open("webhooks?q=orderly");
		const states = tab.page.getByRole("table", { name: "Webhooks" }).locator(".state");
		await expect.poll(() => states.allTextContents()).toEqual(["!Enabled", "‖Paused", "✓Enabled"]);
		await tab.page.getByRole("cell", { name: "1 held", exact: true }).waitFor();
	});

	it("that fail steadily have a chip of their own, whose words do not count those that have just begun to fail", async () => {
		const { project } = world.server;
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const make = (name: string, eventType: string, disableAfterMs: number) =>
			project.batch.webhooks.create({
				name,
				spec: {
					endpoint: receiver.url,
					eventTypes: [eventType],
					retries: { maxRetries: 0, maxRetryDelay: 0 },
					disableAfterMs,
				},
			});
		// Counted as failing after half of that time, and not disabled before 10 deliveries are exhausted.
		const steady = await make("Steady one", "steady.one", 1_000);
		const fresh = await make("Steady two", "steady.two", 0);
		for (let n = 0; n < 5; n++) await project.events.send({ type: "steady.one", data: n });
		await project.events.send({ type: "steady.two", data: 1 });
		const healthOf = async ({ id }: { id: string }) => (await project.batch.webhooks.get(id)).health;
		await expect.poll(async () => (await healthOf(steady)).state).not.toBe("Healthy");
		await expect.poll(async () => (await healthOf(fresh)).exhaustedCount).toBe(1);
		await using tab = await world.open("webhooks?q=steady");
		const { page } = tab;
		const states = page.getByRole("table", { name: "Webhooks" }).locator(".state");
		await expect.poll(() => states.allTextContents()).toEqual(["✗Failing", "!Enabled"]);
		const chip = page.getByRole("button", { name: /^Failing steadily \d+$/ });
		expect(await chip.getAttribute("title")).toContain("none has succeeded for 5 minutes");
		await chip.click();
		await expect.poll(() => states.allTextContents()).toEqual(["✗Failing"]);
	});

	it("are found by what only the server knows to look for, such as a key of the product's own", async () => {
		const { batch } = world.server.project;
		const spec = { endpoint: "http://127.0.0.1:9/found" };
		await batch.webhooks.create({ name: "Found", key: "crm-4711", spec });
		await batch.webhooks.create({ name: "Not meant", spec });
		await using tab = await world.open("webhooks");
		const { page } = tab;
		await page.getByLabel("Filter webhooks").fill("crm-4711");
		await page.getByRole("link", { name: "Found", exact: true }).waitFor();
		await expect.poll(() => page.getByRole("link", { name: "Not meant" }).count()).toBe(0);
		await page.getByLabel("Filter webhooks").fill("crm-4712");
		await page.getByText("No webhook matches").waitFor();
	});

	it("have a small chart of the last day's attempts, which says in words what it shows, from one call for all", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 200 }, { status: 410 }]);
		const { id } = await world.server.createWebhook(receiver.url, { eventTypes: ["spark.tested"] });
		const { id: idle } = await world.server.createWebhook(`${receiver.url}/idle`, { eventTypes: ["spark.none"] });
		for (let count = 1; count <= 2; count++) {
			await world.server.project.events.send({ type: "spark.tested", data: {} });
			await receiver.waitFor(count);
		}
		await expect
			.poll(async () => (await world.server.project.batch.webhooks.get(id)).lastAttempt?.responseCode)
			.toBe(410);
		await using tab = await world.open("settings");
		const { page } = tab;
		const calls: string[] = [];
		page.on("request", (request) => {
			if (request.url().includes("webhooks:stats")) calls.push(request.url());
		});
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/webhooks?q=${new URL(receiver.url).port}`);
		await page.getByRole("img", { name: "1 of 2 attempts succeeded in 24 hours, 1 failed" }).waitFor();
		await page.getByRole("img", { name: "No attempt in 24 hours" }).waitFor();
		expect(calls.length).toBeLessThanOrEqual(2);
		for (const webhookId of [id, idle]) expect(calls[0]).toContain(webhookId);
	});

	it("are saved with what was changed alone, so that a schedule of delays stays, which the form does not show", async () => {
		const { webhooks } = world.server.project.batch;
		const retries = { maxRetries: 2, maxRetryDelay: 60_000, scheduleMs: [1_000, 2_000] };
		const spec = { endpoint: "http://127.0.0.1:9/schedule", retries };
		const { id } = await webhooks.create({ name: "Scheduled", spec });
		await using tab = await world.open(`webhooks?form=${id}`);
		const { page } = tab;
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		const saveAs = async (field: string, text: string) => {
			await drawer.getByLabel(field).fill(text);
			const sent = page.waitForRequest((request) => request.method() === "PATCH");
			await drawer.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved Renamed").first().waitFor();
			return (await sent).postDataJSON() as object;
		};
		expect(await saveAs("Name", "Renamed")).toEqual({ name: "Renamed", spec: {}, revision: expect.any(Number) });
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/webhooks?form=${id}`);
		await drawer.getByText("Retries, limits, headers").click();
		await saveAs("Longest wait", "2min");
		expect((await webhooks.get(id)).retries).toEqual({ ...retries, maxRetryDelay: 120_000 });
		await webhooks.delete(id);
	});

	it("are said not to match only when the server has looked, and not if it could not", async () => {
		await world.server.createWebhook("http://127.0.0.1:9/matching");
		await using tab = await world.open("webhooks");
		const { page } = tab;
		const asked = Promise.withResolvers<void>();
		const held = Promise.withResolvers<void>();
		await page.route(/\/batch\/webhooks\?.*q=nothing-has-this/, async (route) => {
			asked.resolve();
			await held.promise;
			return route.fallback();
		});
		await page.route(/\/batch\/webhooks\?.*q=refused/, (route) =>
			route.fulfill({ status: 400, json: { message: "No.", code: "invalid", requestId: "req_1" } }),
		);
		const filter = page.getByLabel("Filter webhooks");
		const nothing = page.getByText("No webhook matches");
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

	it("show a quiet dash instead of the chart if it can't be had", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/quiet");
		await using tab = await world.open("settings");
		await tab.page.route("**/webhooks:stats*", (route) => route.fulfill({ status: 404, json: { message: "gone" } }));
		await tab.page.goto(`${world.server.url}/ui/${world.server.projectId}/webhooks?q=${id}`);
		const cell = tab.page.locator(".spark-cell");
		await expect.poll(() => cell.innerText()).toBe("–");
		const height = () => cell.evaluate((element) => element.getBoundingClientRect().height);
		await expect.poll(height).toBe(20);
		await expect.poll(() => tab.page.getByRole("alert").count()).toBe(0);
	});

	it("are only shown to a key that may only read, which is said", async () => {
		const { secretKey } = await world.server.client.keys.create({ name: "reader", scope: "read" });
		await using tab = await world.open("webhooks?form=new", { key: secretKey });
		await tab.page.getByText("Your key may only read").waitFor();
		await expect.poll(() => tab.page.getByRole("button", { name: "Add webhook" }).count()).toBe(0);
		await expect.poll(() => tab.page.getByRole("dialog").count()).toBe(0);
	});

	it("with hostile names stay text", async () => {
		const name = `<img src=x onerror="document.title='owned'">\u05d0gnp.exe`;
		await world.server.project.batch.webhooks.create({ name, spec: { endpoint: "http://127.0.0.1:9/<script>" } });
		await using tab = await world.open("webhooks");
		await tab.page.getByRole("link", { name: "<img src=x" }).waitFor();
		await expect.poll(() => tab.page.title()).toBe("Webhooks · Fanfare");
		// What follows the name is not turned by it.
		await tab.page.getByRole("link", { name: "<img src=x" }).click();
		const heading = tab.page.getByRole("heading", { level: 1 });
		await heading.getByText("<img src=x").waitFor();
		expect(await tab.page.evaluate("getComputedStyle(document.querySelector('h1')).unicodeBidi")).toBe("isolate");
	});

	it.each([
		["light", "webhooks"],
		["dark", "webhooks"],
		["light", "webhooks?form=new"],
		["dark", "webhooks?form=new"],
	] as const)("are accessible in %s colours: %s", async (scheme, path) => {
		await world.server.createWebhook("http://127.0.0.1:9/c", { eventTypes: ["order.*"] });
		await using tab = await world.open(path, { scheme });
		await tab.page.getByText("127.0.0.1:9/c").first().waitFor();
		if (path.includes("form")) {
			await tab.page.getByText("Retries, limits, headers").click();
			await tab.page.getByRole("combobox", { name: "Event types" }).fill("order.*,user.created,");
		}
		expect(await axeFindings(tab.page)).toEqual([]);
	});
});
