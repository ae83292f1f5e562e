// An endpoint in the portal: its state and its settings.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { hold } from "../../../../test/held-call.ts";
import { portalSuite } from "../../../../test/portal-suite.ts";

portalSuite("an endpoint in the portal", (portal) => {
	const { world, open, endpointOf, sent } = portal;

	it("leads from an endpoint that was switched off to its resumption, and sends what was missed", async () => {
		portal.receiver.script(({ path }) => (path === "/gone" ? { status: 410 } : {}));
		await endpointOf("gone", "Shop", "/gone");
		await sent("gone", "Failed");
		await using tab = await open({ customerId: "gone" });
		const { page } = tab;
		await page.getByText(/^Nothing has arrived since /).waitFor();
		await page.getByRole("link", { name: "Fix and resume" }).click();
		await page
			.getByText("It was switched off automatically, because your server responded that it wants no more")
			.waitFor();
		await page.getByText(/^Nothing has arrived since /).waitFor();
		await page.getByText("Fix your server, send a test, and resume.").waitFor();
		await using reading = await open({ customerId: "gone", capabilities: [] });
		await reading.page.getByRole("link", { name: "See what to do" }).click();
		await reading.page.getByText("Then somebody who may change endpoints must resume it.").waitFor();
		await page.locator("[data-row]").waitFor();
		portal.receiver.script(() => ({}));
		await page.getByRole("button", { name: "Resume" }).click();
		await page.getByRole("button", { name: "Pause" }).waitFor();
		await page.getByRole("button", { name: "Send again what was missed" }).click();
		const started = page.waitForRequest(
			(call) => call.url().endsWith(":replay") && !(call.postData() ?? "").includes("dryRun"),
		);
		await page.getByRole("button", { name: "Send 1 again" }).click();
		await page.getByText("1 event was sent again.").waitFor();
		// Nothing that has come since the count.
		const { since, until } = (await started).postDataJSON() as Readonly<Record<string, number>>;
		expect(until).toBeGreaterThan(since!);
		// The list does not move by itself.
		expect(await page.locator("[data-row]").count()).toBe(1);
		await page.getByRole("button", { name: "New deliveries. Show them" }).click();
		await expect.poll(() => page.locator("[data-row]").count()).toBe(2);
		await expect
			.poll(
				async () => (await world.server.project.deliveries.count({ customerId: "gone", status: "Succeeded" })).count,
			)
			.toBe(1);
	});

	it("says of a retry that there is no room for it, and of a replay that it waits for room and goes on by itself", async () => {
		portal.receiver.script(() => ({ status: 500 }));
		const { id } = await endpointOf("full", "Full", "/full");
		await sent("full", "Failed");
		const { client, projectId } = world.server;
		portal.receiver.script(() => ({}));
		await using tab = await open({ customerId: "full" }, { path: `endpoints/${id}` });
		const { page } = tab;
		await client.projects.update(projectId, { maxStoredBytes: 1 });
		try {
			await page.getByRole("button", { name: "Retry 1 failed" }).click();
			const ask = page.getByRole("group", { name: "Retry 1 failed" });
			await ask.getByRole("button", { name: "Retry 1 failed" }).click();
			await page.getByText("We have no room for more attempts right now.").waitFor();
			await page.getByRole("button", { name: "Send again what was missed" }).click();
			await page.getByRole("button", { name: "Send 1 again" }).click();
			await page.getByText("We have no room for more deliveries right now. It goes on by itself.").waitFor();
			await client.projects.update(projectId, { maxStoredBytes: null });
			await page.getByText("1 event was sent again.").waitFor();
		} finally {
			await client.projects.update(projectId, { maxStoredBytes: null });
		}
	});

	it("changes the settings, replaces the secret and deletes the endpoint", async () => {
		portal.receiver.script(() => ({}));
		const { id, secretHint } = await endpointOf("edit", "Old name");
		await using tab = await open({ customerId: "edit" }, { path: `endpoints/${id}?view=settings` });
		const { page } = tab;
		await page.getByRole("textbox", { name: "Name" }).fill("New name");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("heading", { name: "New name" }).waitFor();
		await page.getByRole("button", { name: "Replace the secret" }).click();
		await page.getByRole("button", { name: "Make a new secret" }).click();
		const shown = await page.getByRole("region", { name: "Signing secret" }).locator("code").first().textContent();
		const { batch } = world.server.project;
		await expect.poll(async () => (await batch.webhooks.get(id)).secretHint).toBe(shown?.slice(-4));
		expect(shown?.slice(-4)).not.toBe(secretHint);
		// Nobody leaves it unasked.
		await page.getByRole("link", { name: "Events", exact: true }).click();
		const question = page.getByRole("group", { name: "Leave" });
		await question.getByText("Leave without the secret?").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await question.getByRole("button", { name: "Stay" }).click();
		await expect.poll(() => question.count()).toBe(0);
		expect(await page.getByRole("region", { name: "Signing secret" }).locator("code").first().textContent()).toBe(
			shown,
		);
		await page.getByRole("button", { name: "Done" }).click();
		await page.getByText(`The secret ends with ${shown?.slice(-4)}.`).waitFor();
		await page.getByRole("button", { name: "Delete this endpoint" }).click();
		await page.getByRole("button", { name: "Delete", exact: true }).click();
		await page.getByRole("heading", { name: "No endpoints yet" }).waitFor();
	});

	it("merges settings that somebody else has changed meanwhile field by field, and loses nothing that was typed", async () => {
		portal.receiver.script(() => ({}));
		const { id } = await endpointOf("merge", "Before");
		await using tab = await open({ customerId: "merge" }, { path: `endpoints/${id}?view=settings` });
		const { page } = tab;
		await page.getByLabel("Name").fill("Mine");
		const { webhooks } = world.server.project.batch;
		const theirs = { name: "Theirs", spec: { endpoint: `${portal.receiver.url}/theirs` } };
		// It comes while the portal is saving: only the refusal tells the portal of it.
		let isFirst = true;
		await page.route(/\/batch\/webhooks\/[^/]+$/, async (route) => {
			if (route.request().method() !== "PATCH" || !isFirst) return route.fallback();
			isFirst = false;
			await webhooks.update(id, theirs);
			return route.continue();
		});
		await page.getByRole("button", { name: "Save" }).click();
		const group = page.getByRole("group", { name: "Name" });
		await group.getByText("Theirs", { exact: true }).waitFor();
		expect(await page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Mine");
		expect(await page.getByRole("textbox", { name: "Address" }).inputValue()).toBe(`${portal.receiver.url}/theirs`);
		expect(await axeFindings(page)).toEqual([]);
		await group.getByRole("button", { name: "Keep mine" }).click();
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("✓ Saved").waitFor();
		expect(await webhooks.get(id)).toMatchObject({ name: "Mine", endpoint: `${portal.receiver.url}/theirs` });
	});

	it("says of a refused save that it is to be made again, if somebody else has changed nothing that is shown", async () => {
		const { id } = await endpointOf("overtaken", "Before");
		await using tab = await open({ customerId: "overtaken" }, { path: `endpoints/${id}?view=settings` });
		const { page } = tab;
		await page.getByLabel("Name").fill("Mine");
		const { webhooks } = world.server.project.batch;
		let isFirst = true;
		await page.route(/\/batch\/webhooks\/[^/]+$/, async (route) => {
			if (route.request().method() !== "PATCH" || !isFirst) return route.fallback();
			isFirst = false;
			await webhooks.update(id, { spec: { description: "Of somebody else" } });
			return route.continue();
		});
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("alert").getByText("Save again.").waitFor();
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("✓ Saved").waitFor();
		expect(await webhooks.get(id)).toMatchObject({ name: "Mine", description: "Of somebody else" });
	});

	it("takes a save for made whose answer was lost, and that is refused when it is made again", async () => {
		const { id } = await endpointOf("lost-save", "Before");
		await using tab = await open({ customerId: "lost-save" }, { path: `endpoints/${id}?view=settings` });
		const { page } = tab;
		await page.getByLabel("Name").fill("Mine");
		const call = await hold(page, "PATCH", /\/batch\/webhooks\//);
		await page.getByRole("button", { name: "Save" }).click();
		await call.made;
		await call.lose();
		await page.getByText("✓ Saved").waitFor();
		expect(await page.getByRole("alert").count()).toBe(0);
		expect(await world.server.project.batch.webhooks.get(id)).toMatchObject({ name: "Mine" });
	});
});
