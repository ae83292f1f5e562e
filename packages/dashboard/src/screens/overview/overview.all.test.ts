// The overview and the shell around every screen, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { ONCE, pageSuite } from "../../../test/suite.ts";

pageSuite("the overview", (world) => {
	it("leads a new project through three steps, which tick themselves off", async () => {
		const receiver = await world.receiver();
		const { page } = await world.open();
		const title = page.getByText("Three steps to the first delivery");
		await title.waitFor();
		const ticks = () => page.locator(".step-mark .unseen").allInnerTexts();
		expect(await ticks()).toEqual(["to do", "to do", "to do"]);
		await page.getByText("TypeScript", { exact: true }).first().click();
		await page
			.getByRole("region", { name: "An event by the SDK" })
			.getByText(`client.project("${world.server.projectId}")`)
			.waitFor();
		await page.getByText("Verify it in your receiver").click();
		await page.getByRole("region", { name: "Verification in TypeScript" }).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		const { promise: isAnswered, resolve: answer } = Promise.withResolvers<void>();
		receiver.script(async () => {
			await isAnswered;
			return { status: 204 };
		});
		await world.server.createWebhook(receiver.url);
		await expect.poll(ticks).toEqual(["done", "to do", "to do"]);
		await page.getByRole("button", { name: "Send test.hello" }).click();
		const [request] = await receiver.waitFor(1);
		await expect.poll(ticks).toEqual(["done", "done", "to do"]);
		answer();
		await expect.poll(ticks).toEqual(["done", "done", "done"]);
		const arrived = page.getByRole("region", { name: "The signed request" });
		await arrived.getByText(`webhook-signature: ${String(request!.headers["webhook-signature"])}`).waitFor();
		expect((await arrived.innerText()).split("\n").at(-1)).toBe(request!.rawBody.toString());
		await page.getByText("Nothing needs you").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		// They stay until somebody has seen them.
		await page.reload();
		await page.getByRole("button", { name: "Close the steps" }).click();
		await expect.poll(() => title.count()).toBe(0);
		await page.reload();
		await page.getByText("Nothing needs you").waitFor();
		expect(await title.count()).toBe(0);
	});

	it("leads no project through the steps that has had a success, whichever project was shown before, and nobody who has closed them", async () => {
		const receiver = await world.receiver();
		const { client, url } = world.server;
		const fresh = await client.projects.create({ name: "Fresh" });
		const { id: oldId } = await client.projects.create({ name: "Established" });
		const old = client.project(oldId);
		await old.batch.webhooks.create({ name: "Works", spec: { endpoint: receiver.url } });
		await old.events.send({ type: "works", data: 1 });
		await expect.poll(async () => (await old.stats({})).deliveries.Succeeded).toBe(1);
		const { page } = await world.open();
		await page.goto(`${url}/ui/${fresh.id}/`);
		const steps = page.getByRole("heading", { name: "Three steps to the first delivery" });
		await steps.waitFor();
		const held = Promise.withResolvers<void>();
		await page.route(new RegExp(`/projects/${oldId}/stats`), async (route) => {
			await held.promise;
			return route.fallback();
		});
		await page.getByRole("button", { name: "Project: Fresh" }).click();
		await page.getByRole("menuitem", { name: "Established" }).click();
		// Its webhooks have come, and its numbers have not.
		await page.getByText("Nothing needs you").waitFor();
		held.resolve();
		await page.getByRole("region", { name: "Deliveries" }).waitFor();
		expect(await steps.count()).toBe(0);
		await page.getByRole("button", { name: "Project: Established" }).click();
		await page.getByRole("menuitem", { name: "Fresh" }).click();
		await page.getByRole("button", { name: "Close the steps" }).click();
		await steps.waitFor({ state: "detached" });
		await page.reload();
		await page.getByRole("region", { name: "Deliveries" }).waitFor();
		expect(await steps.count()).toBe(0);
	});

	it("begins with what needs somebody also if nothing has ever arrived, and says nothing of a webhook that waits for its first event", async () => {
		const { client, url } = world.server;
		const project = client.project((await client.projects.create({ name: "Nothing arrives" })).id);
		const spec = { endpoint: "http://127.0.0.1:9/none", retries: ONCE };
		const { id } = await project.batch.webhooks.create({ name: "Never", spec });
		const { page } = await world.open();
		await page.goto(`${url}/ui/${project.id}/`);
		await page.getByRole("heading", { name: "Three steps to the first delivery" }).waitFor();
		await expect.poll(() => page.locator(".step-mark .unseen").allInnerTexts()).toEqual(["done", "to do", "to do"]);
		expect(await page.getByText("Nothing needs you").count()).toBe(0);
		await project.events.send({ type: "never.arrives", data: 1 });
		await expect.poll(async () => (await project.batch.webhooks.stats(id)).deliveries.Failed).toBe(1);
		await page.getByRole("region", { name: "Needs attention" }).getByRole("link", { name: "Never" }).waitFor();
		const order = await page.locator("#attention, #first-steps").evaluateAll((all) => all.map((one) => one.id));
		expect(order).toEqual(["attention", "first-steps"]);
	});

	it("leads from what fails to a retry of all of it in two keys, with the count first", async () => {
		const failed = await deliverTo(world, 404, "four.keys", { count: 3, name: "Four keys" });
		const { page } = await world.open();
		const item = page.getByRole("listitem").filter({ hasText: "Four keys" });
		await item.getByText("There is nothing at this path").waitFor();
		// Before the page knows that something has failed, the key does nothing.
		await item.getByRole("link", { name: "3 failed" }).waitFor();
		failed.mend();
		const focused = () => page.evaluate("document.activeElement.textContent");
		for (let pressed = 0; pressed < 8 && (await focused()) !== "Four keys"; pressed++) await page.keyboard.press("j");
		expect(await focused()).toBe("Four keys");
		const held: Route[] = [];
		await page.route(/\/deliveries:count/, (route) => (held.length === 0 ? void held.push(route) : route.fallback()));
		await page.keyboard.press("r");
		await expect.poll(() => held.length).toBe(1);
		// Too early: nothing is counted yet. It must not follow the link beneath the dialog.
		await page.keyboard.press("Enter");
		await held[0]!.continue();
		await expect.poll(focused).toBe("Retry 3 deliveries");
		await page.keyboard.press("Enter");
		await page.getByText("3 deliveries are tried again").waitFor();
		await expect.poll(failed.failedCount).toBe(0);
	});

	it("says why attempts fail and since when deliveries wait, and leads to them, as the webhook's own screen does", async () => {
		const failed = await deliverTo(world, 503, "causes", { name: "Why" });
		const paused = await world.server.createWebhook(failed.receiver.url, { eventTypes: ["causes"] });
		await world.server.project.batch.webhooks.pause(paused.id);
		await world.server.project.events.send({ type: "causes", data: 1 });
		const { page } = await world.open();
		const causes = page.getByRole("region", { name: /Why attempts fail/ });
		await causes.getByRole("link", { name: "5xx server error" }).waitFor();
		const oldest = page.getByText(/^oldest/);
		await oldest.first().waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("link", { name: "Webhooks" }).first().click();
		await page.getByRole("link", { name: "Why", exact: true }).click();
		const item = causes.getByRole("listitem").filter({ hasText: "5xx server error" });
		await item.getByText("100%").or(item.getByText("100 %")).waitFor();
		await item.getByRole("link").click();
		await page.getByRole("table", { name: "Deliveries" }).getByRole("link", { name: "causes" }).first().waitFor();
		const { searchParams } = new URL(page.url());
		expect([searchParams.get("cause"), searchParams.get("webhook")]).toEqual(["status_5xx", failed.webhook.id]);
		expect(await axeFindings(page)).toEqual([]);
	});

	it("sets an item aside with a note until it changes, in all tabs and after a reload", async () => {
		const { webhooks } = world.server.project.batch;
		const { id } = await webhooks.create({ name: "Deputy", spec: { endpoint: "http://127.0.0.1:9/aside" } });
		await webhooks.pause(id);
		const tab = await world.open();
		const { page } = tab;
		const attention = page.getByRole("region", { name: /Needs attention/ });
		await attention.getByRole("button", { name: "Set aside Deputy" }).click();
		const dialog = page.getByRole("dialog", { name: "Set aside Deputy until" });
		await dialog.getByLabel("Note").fill("the team knows");
		expect(await axeFindings(page)).toEqual([]);
		await dialog.getByRole("button", { name: "Set aside", exact: true }).click();
		await expect.poll(() => attention.getByText("Deputy", { exact: true }).count()).toBe(0);
		await page.reload();
		await page.getByText("Set aside 1").click();
		await page.getByText("Until it changes: the team knows").waitFor();
		expect(await axeFindings(page)).toEqual([]);

		const second = await tab.person.tab(page.url());
		await second.getByText("Set aside 1").waitFor();
		await webhooks.resume(id);
		await webhooks.pause(id);
		// Paused again is the same trouble. Another one is not.
		await second.getByText("Set aside 1").waitFor();
		await page.getByRole("button", { name: "Bring back Deputy" }).click();
		for (const shown of [page, second])
			await shown
				.getByRole("region", { name: /Needs attention/ })
				.getByRole("link", { name: "Deputy", exact: true })
				.waitFor();
	});

	it("brings an item back when its time has come, and when it changes before", async () => {
		const { webhooks } = world.server.project.batch;
		const spec = { endpoint: "http://127.0.0.1:9/x", retries: ONCE };
		const [later, changing] = [
			await webhooks.create({ name: "Later", spec }),
			await webhooks.create({ name: "Changing", spec }),
		];
		for (const { id } of [later, changing]) await webhooks.pause(id);
		const { page } = await world.open();
		await page.clock.install();
		await page.reload();
		const attention = page.getByRole("region", { name: /Needs attention/ });
		const item = ({ name }: { readonly name: string }) => attention.getByRole("link", { name, exact: true });
		for (const one of [later, changing]) {
			await attention.getByRole("button", { name: `Set aside ${one.name}` }).click();
			await page.getByRole("dialog").getByText("In an hour", { exact: true }).click();
			await page.getByRole("dialog").getByRole("button", { name: "Set aside", exact: true }).click();
			await expect.poll(() => item(one).count()).toBe(0);
		}
		await webhooks.resume(changing.id);
		await world.server.project.events.send({ type: "changing.now", data: 1, webhookIds: [changing.id] });
		await item(changing).waitFor();
		await expect.poll(() => item(later).count()).toBe(0);
		await page.clock.fastForward("01:01:00");
		await item(later).waitFor();
	});

	it("says that the server is away, and goes on by itself when it is back", async () => {
		await deliverTo(world, 204, "before.away");
		const { page } = await world.open();
		await page.getByRole("heading", { name: "Overview" }).waitFor();
		// The screen is loaded before, as it is in the background for whoever has the page open for some seconds.
		await page.getByRole("link", { name: "Deliveries", exact: true }).click();
		await page.getByRole("link", { name: "before.away" }).first().waitFor();
		await page.getByRole("link", { name: "Overview", exact: true }).click();
		await page.getByRole("heading", { name: "Overview" }).waitFor();
		world.server.kill("SIGKILL");
		await page.getByRole("link", { name: "Deliveries", exact: true }).click();
		await page.getByText("The server has not answered since").waitFor();
		await world.server.restart();
		await expect.poll(() => page.getByText("The server has not answered since").count()).toBe(0);
		await page.getByRole("link", { name: "before.away" }).first().waitFor();
	});
});
