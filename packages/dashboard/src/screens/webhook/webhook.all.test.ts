// One webhook, in a real browser.
import { utils, verify } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { focusOn, overflowOf, pageSuite } from "../../../test/suite.ts";

pageSuite("a webhook", (world) => {
	it("that is disabled says by whom, why, since when nothing has succeeded, and what to do", async () => {
		const receiver = await world.receiver(410);
		const { id } = await world.server.createWebhook(receiver.url, { eventTypes: ["gone.*"] });
		await world.server.project.events.send({ type: "gone.one", data: 1 });
		const { webhooks } = world.server.project.batch;
		await expect.poll(async () => (await webhooks.get(id)).status).toBe("Disabled");
		const { page } = await world.open(`webhooks/${id}`);
		const condition = page.getByRole("region", { name: "Condition" });
		const sentence =
			/^Disabled by Fanfare: the receiver responded with 410 Gone\. No attempt has succeeded for .+\. Fix the receiver, test it, and resume\./;
		await condition.getByText(sentence).waitFor();
		// The list has the code beside it.
		await page.getByRole("link", { name: "‹ Webhooks" }).click();
		await page.getByTitle("the receiver responded with 410 Gone").getByText("Gone", { exact: true }).waitFor();
	});

	it("that fails for long says when it is disabled, and no longer after a success", async () => {
		const { webhooks } = world.server.project.batch;
		// Warned after half of it. It is not disabled before 10 deliveries are exhausted.
		const disableAfterMs = 1_000;
		const failed = await deliverTo(world, 500, "dies.one");
		await webhooks.update(failed.webhook.id, { spec: { disableAfterMs } });
		for (let n = 0; n < 4; n++) await world.server.project.events.send({ type: "dies.one", data: n });
		const health = async () => (await webhooks.get(failed.webhook.id)).health;
		await expect.poll(async () => (await health()).state).toBe("Disabling");
		const { page } = await world.open(`webhooks/${failed.webhook.id}`);
		const condition = page.getByRole("region", { name: "Condition" });
		await condition.getByText("5 deliveries have used up their retries since then.").waitFor();
		await condition.getByText(/It is disabled on .+ unless one succeeds\./).waitFor();
		const shown = Date.parse((await condition.locator("time").getAttribute("datetime")) ?? "");
		expect(shown).toBeGreaterThanOrEqual((await health()).failingSince! + disableAfterMs);
		failed.mend();
		await condition.getByRole("button", { name: "Retry 5 failed" }).click();
		await condition.getByText("Working.").waitFor();
		expect(await condition.getByText("It is disabled on").count()).toBe(0);
	});

	it("gets a new secret, which is shown once, while the former one signs too", async () => {
		const receiver = await world.receiver();
		const former = utils.generateWebhookSecret();
		const { id } = await world.server.createWebhook(receiver.url, { eventTypes: ["rotate"], secret: former });
		const { page } = await world.open(`webhooks/${id}?tab=secret`);
		await page.getByText(`The secret ends in ${former.slice(-4)}`).waitFor();
		await page.getByRole("button", { name: "Replace the secret…" }).click();
		const dialog = page.getByRole("dialog", { name: "Replace the secret" });
		await dialog.getByText("1 hour").click();
		await dialog.getByRole("button", { name: "Replace the secret" }).click();
		const secret = await dialog.locator("code").innerText();
		await dialog.getByRole("button", { name: "Done" }).click();
		// It fades away.
		await dialog.waitFor({ state: "detached" });
		await page.getByText("The former secret signs too").waitFor();
		await world.server.project.events.send({ type: "rotate", data: 1 });
		const [request] = await receiver.waitFor(1);
		const headers = request!.headers as Record<string, string>;
		for (const one of [secret, former])
			expect(await verify(request!.rawBody, headers, one)).toMatchObject({ type: "rotate" });
		await expect.poll(() => page.content()).not.toContain(secret);
	});

	it("shows a new secret even if somebody wanted to close the dialog while it was stored", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/rotate-slowly");
		const { page, person } = await world.open(`webhooks/${id}?tab=secret`);
		const call = Promise.withResolvers<void>();
		await person.context.route("**/secret", async (route) => {
			await call.promise;
			await route.continue();
		});
		await page.getByRole("button", { name: "Replace the secret…" }).click();
		const dialog = page.getByRole("dialog", { name: "Replace the secret" });
		await dialog.getByRole("button", { name: "Replace the secret" }).click();
		await expect.poll(() => dialog.getByRole("button", { name: "Close" }).isDisabled()).toBe(true);
		await page.keyboard.press("Escape");
		await page.mouse.click(5, 5);
		call.resolve();
		const secret = await dialog.locator("code").innerText();
		await page.keyboard.press("Escape");
		expect((await world.server.project.batch.webhooks.get(id)).secretHint).toBe(secret.slice(-4));
		await dialog.getByRole("button", { name: "Done" }).click();
		await dialog.waitFor({ state: "detached" });
	});

	it("is edited in a drawer that the address has, which Back and Escape close", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/edited");
		const tab = await world.open(`webhooks/${id}?tab=settings`);
		const { page } = tab;
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		const edit = page.getByRole("button", { name: "Edit", exact: true });
		await edit.click();
		await drawer.getByLabel("Endpoint URL").waitFor();
		expect(new URL(page.url()).search).toBe("?tab=settings&form=edit");
		// A link to it, or a reload, shows the same.
		await page.reload();
		await drawer.getByLabel("Endpoint URL").waitFor();
		await page.goBack();
		await drawer.waitFor({ state: "detached" });
		expect(new URL(page.url()).search).toBe("?tab=settings");
		await edit.click();
		await drawer.getByLabel("Endpoint URL").waitFor();
		await page.keyboard.press("Escape");
		await drawer.waitFor({ state: "detached" });
		await expect.poll(() => new URL(page.url()).search).toBe("?tab=settings");
		await focusOn(edit);
		// It does not come back, and a form that an address has opened leaves the focus to the title.
		await page.goBack();
		await page.waitForURL(/\?tab=settings$/);
		expect(await drawer.count()).toBe(0);
		await page.goto(`${page.url()}&form=edit`);
		await drawer.getByLabel("Endpoint URL").waitFor();
		await page.keyboard.press("Escape");
		await drawer.waitFor({ state: "detached" });
		const title = page.getByRole("heading", { level: 1 });
		await focusOn(title);
	});

	it("is deleted only after its name was typed", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/delete");
		const { page } = await world.open(`webhooks/${id}`);
		await page.getByRole("button", { name: "More actions" }).click();
		await page.getByRole("menuitem", { name: "Delete…" }).click();
		const dialog = page.getByRole("dialog", { name: "Delete the webhook?" });
		const button = dialog.getByRole("button", { name: "Delete test" });
		await expect.poll(() => button.isDisabled()).toBe(true);
		await dialog.getByLabel("Type test to confirm").fill("test");
		await button.click();
		await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
		await expect(world.server.project.batch.webhooks.get(id)).rejects.toMatchObject({ status: 404 });
	});

	it("has a history of who changed what, for keys that may read it", async () => {
		const { client, project } = world.server;
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/history");
		await project.batch.webhooks.update(id, { name: "Remembered" });
		await project.batch.webhooks.pause(id);
		const tab = await world.open(`webhooks/${id}`);
		await tab.page.getByRole("tab", { name: "History" }).click();
		const history = tab.page.getByRole("table", { name: "History of the webhook" });
		await history.getByRole("row", { name: /paused Remembered/ }).waitFor();
		await history.getByRole("row", { name: /changed the webhook Remembered name/ }).waitFor();
		await expect.poll(() => new URL(tab.page.url()).searchParams.get("tab")).toBe("history");
		expect(await axeFindings(tab.page)).toEqual([]);

		const { secretKey } = await client.keys.create({ name: "writer", scope: "write" });
		const other = await world.open(`webhooks/${id}?tab=history`, { key: secretKey });
		await other.page.getByRole("tabpanel", { name: "Activity" }).waitFor();
		await expect.poll(() => other.page.getByRole("tab", { name: "History" }).count()).toBe(0);
	});

	it("says so when it could not be paused", async () => {
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/not-paused");
		const { page } = await world.open(`webhooks/${id}`);
		const json = { message: "It broke.", code: "internal", requestId: "req_2" };
		await page.route(/:pause$/, (route) => route.fulfill({ status: 500, json }));
		await page.getByRole("button", { name: "Pause", exact: true }).click();
		await page.getByRole("alert").getByText("Not paused").waitFor();
		await page.getByRole("alert").getByText("req_2").waitFor();
		expect(await axeFindings(page)).toEqual([]);
	});

	it.each([360, 1_280])("has room for what is as long as it may be, %i pixels wide", async (width) => {
		const endpoint = `https://example.com/${"p".repeat(1_900)}`;
		const metadata = { ["k".repeat(40)]: "v".repeat(400) };
		const { webhooks } = world.server.project.batch;
		const { id } = await webhooks.create({ name: "W".repeat(128), spec: { endpoint, metadata } });
		const { id: projectId } = await world.server.client.projects.create({ name: "W".repeat(128) });
		const { page } = await world.open(`webhooks/${id}?tab=settings`, { size: { width, height: 780 } });
		const settings = page.getByRole("region", { name: "Settings", exact: true });
		// All of it, where the head has only its beginning.
		await settings.getByText(endpoint).waitFor();
		const condition = await page.getByRole("region", { name: "Condition" }).boundingBox();
		expect(condition?.y).toBeLessThan(400);
		expect(await overflowOf(page)).toBe(0);
		// What is short is beside its name and not in a strip.
		expect((await settings.getByText("15 s an attempt").boundingBox())?.height).toBeLessThan(30);
		await page.goto(`${world.server.url}/ui/${projectId}`);
		const search = await page.getByRole("button", { name: "Search" }).boundingBox();
		expect(search?.width).toBeGreaterThanOrEqual(24);
	});
});
