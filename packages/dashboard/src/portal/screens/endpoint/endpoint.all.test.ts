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
		const { page } = await open({ customerId: "gone" });
		await page.getByText(/^Nothing has arrived since /).waitFor();
		await page.getByRole("link", { name: "Fix and resume" }).click();
		await page
			.getByText("It was switched off automatically, because your server responded that it wants no more")
			.waitFor();
		await page.getByText(/^Nothing has arrived since /).waitFor();
		await page.getByText("Fix your server, send a test, and resume.").waitFor();
		const reading = await open({ customerId: "gone", capabilities: [] });
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
		const { page } = await open({ customerId: "full" }, { path: `endpoints/${id}` });
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
		const { page } = await open({ customerId: "edit" }, { path: `endpoints/${id}?view=settings` });
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

	it("merges settings that somebody else has changed meanwhile, says of a refusal to save again, and takes a save whose answer was lost for made", async () => {
		portal.receiver.script(() => ({}));
		const { id } = await endpointOf("merge", "Before");
		const { page } = await open({ customerId: "merge" }, { path: `endpoints/${id}?view=settings` });
		const { webhooks } = world.server.project.batch;
		const name = page.getByRole("textbox", { name: "Name" });
		const save = page.getByRole("button", { name: "Save" });
		/** Changes it while the portal is saving: only the refusal tells the portal of it. */
		const overtake = async (changes: Parameters<typeof webhooks.update>[1]) => {
			const call = await hold(page, "PATCH", /\/batch\/webhooks\//);
			await save.click();
			await call.made;
			await webhooks.update(id, changes);
			call.release();
		};
		const endpoint = `${portal.receiver.url}/theirs`;
		await name.fill("Mine");
		await overtake({ name: "Theirs", spec: { endpoint } });
		const group = page.getByRole("group", { name: "Name" });
		await group.getByText("Theirs", { exact: true }).waitFor();
		expect(await name.inputValue()).toBe("Mine");
		expect(await page.getByRole("textbox", { name: "Address" }).inputValue()).toBe(endpoint);
		expect(await axeFindings(page)).toEqual([]);
		await group.getByRole("button", { name: "Keep mine" }).click();
		await save.click();
		await page.getByText("✓ Saved").waitFor();
		expect(await webhooks.get(id)).toMatchObject({ name: "Mine", endpoint });

		await name.fill("Mine again");
		await overtake({ spec: { description: "Of somebody else" } });
		await page.getByRole("alert").getByText("Save again.").waitFor();
		await save.click();
		await page.getByText("✓ Saved").waitFor();
		expect(await webhooks.get(id)).toMatchObject({ name: "Mine again", description: "Of somebody else" });

		await name.fill("Made once");
		const call = await hold(page, "PATCH", /\/batch\/webhooks\//);
		await save.click();
		await call.made;
		await call.lose();
		await page.getByText("✓ Saved").waitFor();
		expect(await page.getByRole("alert").count()).toBe(0);
		expect(await webhooks.get(id)).toMatchObject({ name: "Made once" });
	});
});
