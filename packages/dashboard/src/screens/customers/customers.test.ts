// Customers, in a real browser.
import { readFileSync } from "node:fs";

import { Client } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

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
			await using tab = await world.open("customers");
			const { page } = tab;
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
			await using receiver = await startReceiver();
			receiver.script(() => ({ status: 500 }));
			const { batch, events } = world.server.project;
			const { id } = await batch.webhooks.create({
				name: "of umbrella",
				customerId: "umbrella",
				spec: { endpoint: receiver.url, retries: { maxRetries: 0, maxRetryDelay: 0 } },
			});
			await events.send({ type: "umbrella.one", data: 1, customerId: "umbrella" });
			await expect.poll(async () => (await batch.webhooks.get(id)).health.exhaustedCount).toBe(1);
			await using tab = await world.open("customers");
			const row = tab.page.getByRole("row").filter({ hasText: "umbrella" });
			await row.getByText("✗ 1 with failures").waitFor();
			expect(await tab.page.getByText(/failing/i).count()).toBe(0);
		});

		it("have all their webhooks paused and resumed", async () => {
			const ids = [await webhookOf("globex"), await webhookOf("globex")];
			const statuses = async () =>
				Promise.all(ids.map(async (id) => (await world.server.project.batch.webhooks.get(id)).status));
			await using tab = await world.open("customers/globex");
			const { page } = tab;
			await page.getByRole("button", { name: "Pause 2 webhooks…" }).click();
			await page.getByRole("dialog").getByRole("button", { name: "Pause 2 webhooks" }).click();
			await page.getByText("Paused 2 webhooks").waitFor();
			expect(await statuses()).toEqual(["Paused", "Paused"]);
			await page.getByRole("button", { name: "Resume 2 webhooks" }).click();
			await page.getByText("Resumed 2 webhooks").waitFor();
			expect(await statuses()).toEqual(["Enabled", "Enabled"]);
		});

		it("are exported by id as a table, all or those that a search finds, also by a key that may only read", async () => {
			await world.server.project.customers.update("save:b", { name: '=HYPERLINK("http://evil")' });
			await webhookOf("save:a");
			const { secretKey } = await world.server.client.keys.create({ name: "exporter", scope: "read" });
			await using tab = await world.open("customers?q=save:", { key: secretKey });
			const { page } = tab;
			await page.getByRole("button", { name: "Export…" }).click();
			expect(await axeFindings(page)).toEqual([]);
			const dialog = page.getByRole("dialog", { name: "Export all that match?" });
			await dialog.getByText("of each customer, by id").waitFor();
			const saved = page.waitForEvent("download");
			await dialog.getByRole("button", { name: "Export all that match" }).click();
			// First the message, which goes away after some seconds.
			await page.getByText("2 customers are in the file").waitFor();
			const download = await saved;
			expect(download.suggestedFilename()).toMatch(/^customers-.*\.csv$/);
			const lines = readFileSync(await download.path(), "utf8")
				.trimEnd()
				.split("\r\n");
			expect(lines).toEqual([
				expect.stringMatching(/^\uFEFFid,name,webhooksTotal,/),
				expect.stringMatching(/^save:a,,1,/),
				expect.stringContaining(`save:b,"'=HYPERLINK(""http://evil"")",0,`),
			]);
			await page.getByLabel("Search customers").fill("nobody at all");
			await page.getByLabel("Search customers").press("Enter");
			await page.getByText("No customer matches").waitFor();
			await expect.poll(() => page.getByRole("button", { name: "Export…" }).count()).toBe(0);
		});

		it("keep what somebody types about them when they are changed elsewhere", async () => {
			const { customers } = world.server.project;
			await customers.update("vandelay", { name: "Vandelay" });
			await using tab = await world.open("customers/vandelay");
			const { page } = tab;
			await page.getByLabel("Metadata").fill("plan: mine");
			await page.getByRole("textbox", { name: "Name" }).fill("Mine");
			await customers.update("vandelay", { name: "Theirs" });
			const elsewhere = page.getByRole("region", { name: "Changed elsewhere" });
			// Coming back to the tab has what is older than some seconds fetched again.
			const comeBack = async () => {
				await page.evaluate("dispatchEvent(new Event('visibilitychange'))");
				return elsewhere.count();
			};
			await expect.poll(comeBack).toBe(1);
			await elsewhere.getByText("Theirs", { exact: true }).waitFor();
			expect(await page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Mine");
			expect(await axeFindings(page)).toEqual([]);
			await elsewhere.getByRole("button", { name: "Take theirs" }).click();
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved", { exact: true }).waitFor();
			expect(await customers.get("vandelay")).toMatchObject({ name: "Theirs", metadata: { plan: "mine" } });
		});

		it("keep a name that others give them while only their metadata is saved", async () => {
			const { customers } = world.server.project;
			await customers.update("pendant", { name: "Pendant" });
			await using tab = await world.open("customers/pendant");
			const { page } = tab;
			await page.getByLabel("Metadata").fill("plan: mine");
			// The page has not heard of it yet.
			await customers.update("pendant", { name: "Theirs" });
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved", { exact: true }).waitFor();
			expect(await customers.get("pendant")).toMatchObject({ name: "Theirs", metadata: { plan: "mine" } });
		});

		it("get a portal link with what it may do, which is shown once and revoked", async () => {
			await webhookOf("hooli");
			await using tab = await world.open("customers/hooli");
			const { page } = tab;
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

		it("are only shown to a key that may only read", async () => {
			await webhookOf("reader-customer");
			const { secretKey } = await world.server.client.keys.create({ name: "reader", scope: "read" });
			await using tab = await world.open("customers/reader-customer", { key: secretKey });
			await tab.page.getByRole("region", { name: "About" }).waitFor();
			for (const name of ["Save", "Pause 1 webhook…", "Make a portal link…"]) {
				expect([name, await tab.page.getByRole("button", { name }).count()]).toEqual([name, 0]);
			}
		});

		it.each(["light", "dark"] as const)("are accessible in %s colours", async (scheme) => {
			await webhookOf("axe");
			await world.server.project.events.send({ type: "axe.one", data: 1, customerId: "axe" });
			for (const [path, ready] of [
				["customers", "1 webhook"],
				["customers?form=new", "Your own id of the customer"],
				["customers/axe", "Their latest deliveries"],
			] as const) {
				await using tab = await world.open(path, { scheme });
				if (path === "customers/axe") await tab.page.getByRole("table", { name: ready }).waitFor();
				else await tab.page.getByText(ready).first().waitFor();
				expect([path, await axeFindings(tab.page)]).toEqual([path, []]);
			}
		});
	},
	{ env: { FANFARE_ALLOW_FOR_CUSTOMERS: "true" } },
);
