// The settings of a project, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { hold } from "../../../test/held-call.ts";
import { pageSuite } from "../../../test/suite.ts";

pageSuite("settings", (world) => {
	it("are changed, with objections at their fields and nothing lost", async () => {
		const { page } = await world.open("settings");
		await page.getByLabel("Name").fill("Shop <production>");
		await page.getByLabel("Events", { exact: true }).fill("30");
		await page.getByLabel("Payloads").fill("soon");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("Write a whole number").waitFor();
		await page.getByLabel("Payloads").fill("99999999");
		await page.getByRole("button", { name: "Save" }).click();
		await expect.poll(() => page.getByLabel("Payloads").getAttribute("aria-invalid")).toBe("true");
		await expect.poll(() => page.getByLabel("Name").inputValue()).toBe("Shop <production>");
		await page.getByLabel("Payloads").fill("");
		await page.getByText("Only its event types").click();
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("Saved", { exact: true }).waitFor();
		await page.getByRole("button", { name: "Project: Shop <production>" }).waitFor();
		expect(await world.server.client.getProject(world.server.projectId)).toMatchObject({
			name: "Shop <production>",
			eventTypePolicy: "catalogued",
			retentionDays: 30,
		});
		// Spaces around a value are not saved, so there is nothing to save.
		const save = page.getByRole("button", { name: "Save" });
		await page.getByLabel("Name").fill("Shop <production>s");
		await expect.poll(() => save.isEnabled()).toBe(true);
		await page.getByLabel("Name").fill(" Shop <production> ");
		await expect.poll(() => save.isEnabled()).toBe(false);
	});

	it("are saved if the first answer was lost, and nobody else is said to have changed them", async () => {
		const { client } = world.server;
		const { id } = await client.projects.create({ name: "Lost answers" });
		const { page } = await world.open();
		await page.goto(`${world.server.url}/ui/${id}/settings`);
		await page.getByText("Only its event types").click();
		await page.getByLabel("Payloads").fill("2");
		const call = await hold(page, "PATCH", /\/projects\/[^/]+$/);
		await page.getByRole("button", { name: "Save" }).click();
		await call.made;
		await call.lose();
		await page.getByText("Saved", { exact: true }).waitFor();
		expect(await page.getByText("changed elsewhere").count()).toBe(0);
		expect(await client.getProject(id)).toMatchObject({ eventTypePolicy: "catalogued", payloadRetentionDays: 2 });
	});

	it("show the server's values where the project has set none", async () => {
		const { client } = world.server;
		const { id } = await client.projects.create({ name: "As the server says" });
		await client.projects.update(id, { maxReplaysPerCustomer: 7 });
		const { page } = await world.open();
		await page.goto(`${world.server.url}/ui/${id}/settings`);
		const shown = (label: string) => page.getByLabel(label, { exact: true }).getAttribute("placeholder");
		await expect.poll(() => shown("Events")).toBe("30 days (the server's setting)");
		expect(await shown("Payloads")).toBe("With the event (the server's setting)");
		expect(await shown("Stored bytes")).toBe("No quota (the server's setting)");
		expect(await shown("Webhooks")).toBe("50 (the server's setting)");
		// What is seen when the project's own value is deleted.
		expect(await shown("Replays at once")).toBe("2 (the server's setting)");
		await page.getByLabel("Events", { exact: true }).fill("40");
		await expect.poll(() => page.getByText(/^Events: /).count()).toBe(0);
		await page.getByLabel("Events", { exact: true }).fill("20");
		await page.getByText("Events: nothing is older").waitFor();
	});

	it("say before they are saved what a shorter retention frees", async () => {
		const { page } = await world.open("settings");
		const events = page.getByLabel("Events", { exact: true });
		await events.fill("7");
		await page.getByText("Events: nothing is older, so saving this frees nothing now.").waitFor();
		// What a project has that is older than this test: a third of 90 deliveries.
		await page.route(/\/deliveries:count\?/, (route) =>
			route.fulfill({ json: { object: "deliveryCount", count: 30, complete: true, scannedTo: null } }),
		);
		const replaced = (url: RegExp, part: object) =>
			page.route(url, async (route) => {
				const response = await route.fetch();
				await route.fulfill({ response, json: { ...(await response.json()), ...part } });
			});
		await replaced(/\/projects\/[^/]+\/stats(\?|$)/, {
			deliveries: { Pending: 0, Held: 0, Failed: 30, Succeeded: 60, Cancelled: 0 },
		});
		await replaced(/\/usage$/, { storedBytes: 1_500_000 });
		await events.fill("3");
		await page.getByText(/^Events: frees about 500 kB, of 30 deliveries older than 3 days\./).waitFor();
		await page.getByLabel("Payloads").fill("2");
		await page.getByText(/^Payloads: frees up to about 500 kB/).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await events.fill("0");
		await expect.poll(() => page.getByText(/^Events: /).count()).toBe(0);
	});

	it("delete a project only after its name was typed, and lead to what is left", async () => {
		const { id } = await world.server.client.projects.create({ name: "Throw away" });
		const { page } = await world.open("settings");
		await page.goto(`${world.server.url}/ui/${id}/settings`);
		await page.getByRole("button", { name: "Delete Throw away…" }).click();
		const dialog = page.getByRole("dialog");
		const button = dialog.getByRole("button", { name: "Delete Throw away" });
		await expect.poll(() => button.isDisabled()).toBe(true);
		await dialog.getByLabel("Type Throw away to confirm").fill("Throw away");
		await button.click();
		await expect.poll(() => page.url()).not.toContain(id);
		expect((await world.server.client.listProjects()).map((project) => project.id)).not.toContain(id);
	});
});
