// Customers, in a real browser.

import { Client } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { ONCE, pageSuite } from "../../../test/suite.ts";

pageSuite(
	"customers",
	(world) => {
		const webhookOf = async (customerId: string) =>
			(
				await world.server.project.batch.webhooks.create({
					name: `of ${customerId}`,
					customerId,
					spec: { endpoint: "http://127.0.0.1:9/hooks" },
				})
			).id;

		it("are added, named and found", async () => {
			const { page } = await world.open("customers");
			await page.getByText("No customer yet").waitFor();
			await page.getByRole("button", { name: "Add a customer" }).first().click();
			const dialog = page.getByRole("dialog", { name: "Add a customer" });
			await dialog.getByLabel("Id").fill("no spaces");
			await dialog.getByText("Use letters, digits and . _ : - only.").waitFor();
			await dialog.getByLabel("Id").fill("initech");
			await dialog.getByLabel("Name").fill("Initech <script>");
			await dialog.getByRole("button", { name: "Add the customer" }).click();
			await page.getByRole("heading", { name: "Initech <script>", level: 1 }).waitFor();
			await page.getByLabel("Metadata").fill("plan: team\nurl: https://example.com");
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved", { exact: true }).waitFor();
			expect((await world.server.project.customers.get("initech")).metadata).toEqual({
				plan: "team",
				url: "https://example.com",
			});
			await webhookOf("acme");
			await page.getByRole("link", { name: "‹ Customers" }).click();
			await page.getByRole("link", { name: "acme" }).waitFor();
			await page.getByLabel("Search customers").fill("INITE");
			await page.getByLabel("Search customers").press("Enter");
			await expect.poll(() => page.getByRole("link", { name: "acme" }).count()).toBe(0);
			await page.getByRole("link", { name: "Initech <script>" }).waitFor();
		});

		it("have the number of their webhooks with failures, also of those that do not fail steadily yet", async () => {
			const receiver = await world.receiver(500);
			const { batch, events } = world.server.project;
			const spec = { endpoint: receiver.url, retries: ONCE };
			const { id } = await batch.webhooks.create({ name: "of umbrella", customerId: "umbrella", spec });
			await events.send({ type: "umbrella.one", data: 1, customerId: "umbrella" });
			await expect.poll(async () => (await batch.webhooks.get(id)).health.exhaustedCount).toBe(1);
			const { page } = await world.open("customers");
			await page.getByRole("row").filter({ hasText: "umbrella" }).getByText("✗ 1 with failures").waitFor();
			expect(await page.getByText(/failing/i).count()).toBe(0);
		});

		it("have all their webhooks paused and resumed", async () => {
			const ids = [await webhookOf("globex"), await webhookOf("globex")];
			const statuses = async () =>
				Promise.all(ids.map(async (id) => (await world.server.project.batch.webhooks.get(id)).status));
			const { page } = await world.open("customers/globex");
			await page.getByRole("button", { name: "Pause 2 webhooks…" }).click();
			await page.getByRole("dialog").getByRole("button", { name: "Pause 2 webhooks" }).click();
			await page.getByText("Paused 2 webhooks").waitFor();
			expect(await statuses()).toEqual(["Paused", "Paused"]);
			await page.getByRole("button", { name: "Resume 2 webhooks" }).click();
			await page.getByText("Resumed 2 webhooks").waitFor();
			expect(await statuses()).toEqual(["Enabled", "Enabled"]);
		});

		it("keep a name that others give them while only their metadata is saved", async () => {
			const { customers } = world.server.project;
			await customers.update("pendant", { name: "Pendant" });
			const { page } = await world.open("customers/pendant");
			await page.getByLabel("Metadata").fill("plan: mine");
			// The page has not heard of it yet.
			await customers.update("pendant", { name: "Theirs" });
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved", { exact: true }).waitFor();
			expect(await customers.get("pendant")).toMatchObject({ name: "Theirs", metadata: { plan: "mine" } });
		});

		it("get a portal link with what it may do, which is shown once and revoked", async () => {
			await webhookOf("hooli");
			const { page } = await world.open("customers/hooli");
			await page.getByRole("button", { name: "Make a portal link…" }).click();
			const dialog = page.getByRole("dialog", { name: "Make a portal link" });
			await dialog.getByLabel("Start replays").uncheck();
			await dialog.getByRole("button", { name: "Make the link" }).click();
			const url = await page.getByRole("dialog").locator("code").innerText();
			const client = new Client(url.split("#t=")[1] ?? "", { endpoint: world.server.url, maxRetries: 0 });
			const caller = await client.getCaller();
			expect([caller.customerId, caller.capabilities?.includes("replay")]).toEqual(["hooli", false]);
			await page.getByRole("button", { name: "Done" }).click();
			await expect.poll(() => page.content()).not.toContain(url);
			await page.getByRole("button", { name: "End 1 session" }).click();
			await page.getByText("Ended 1 session").waitFor();
			await expect(client.getCaller()).rejects.toMatchObject({ status: 401 });
		});
	},
	{ env: { FANFARE_ALLOW_FOR_CUSTOMERS: "true" } },
);
