// The files that lists are exported to, in a real browser.
import { readFileSync } from "node:fs";

import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo, tellOfGap } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";

/** Exports all that match by the button that says so, and returns the name and the lines of the file. */
async function exported(page: Page, button: string, message: RegExp) {
	const saved = page.waitForEvent("download");
	await page.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();
	// First the message, which goes away after some seconds.
	await page.getByText(message).last().waitFor();
	const download = await saved;
	const lines = readFileSync(await download.path(), "utf8").trimEnd();
	return { name: download.suggestedFilename(), lines: lines.split(/\r?\n/) };
}

async function ask(page: Page): Promise<void> {
	await page.getByRole("button", { name: "Export…" }).click();
	await page.getByRole("dialog").waitFor();
}

/** Somebody may export what they may only read. */
async function readerOf(world: Parameters<Parameters<typeof pageSuite>[1]>[0]): Promise<{ readonly key: string }> {
	return { key: (await world.server.client.keys.create({ name: "reader", scope: "read" })).secretKey };
}

pageSuite(
	"an export",
	(world) => {
		it("of deliveries has all that match, as a table or as lines of JSON, which spreadsheets and programs read", async () => {
			const failed = await deliverTo(world, 500, "export.one");
			const other = await deliverTo(world, 200, "export.two");
			const { page } = await world.open("deliveries?type=export.*");
			await ask(page);
			const table = await exported(page, "Export 2 deliveries", /2 deliveries are in the file/);
			expect(table.name).toMatch(/^deliveries-.*\.csv$/);
			expect(table.lines).toEqual([
				expect.stringMatching(/^\uFEFFid,createDate,updateDate,status,reason,eventId,eventType,/),
				expect.stringContaining(other.delivery.id),
				expect.stringContaining(failed.delivery.id),
			]);
			await ask(page);
			await page.getByText("JSON lines", { exact: true }).click();
			const json = await exported(page, "Export 2 deliveries", /2 deliveries are in the file/);
			expect(json.name).toMatch(/^deliveries-.*\.jsonl$/);
			expect(json.lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
				{ id: other.delivery.id, status: "Succeeded" },
				{ id: failed.delivery.id, status: "Failed" },
			]);
		});

		it("of deliveries comes to its end also if the last of them leaves the list meanwhile", async () => {
			const failed = await deliverTo(world, 500, "export.last");
			const { page } = await world.open("deliveries?type=export.last&status=Failed");
			const answered = Promise.withResolvers<void>();
			const held = Promise.withResolvers<void>();
			await page.route(/deliveries:export/, async (route) => {
				const response = await route.fetch();
				answered.resolve();
				await held.promise;
				return route.fulfill({ response });
			});
			await ask(page);
			const file = exported(page, "Export 1 delivery", /1 delivery is in the file/);
			// That the page has asked is not enough: the server must have read the log before the delivery leaves the list.
			await answered.promise;
			failed.mend();
			await world.server.project.deliveries.retry(failed.delivery.id);
			await world.server.waitForDelivery(failed.delivery.eventId, ({ status }) => status === "Succeeded");
			await tellOfGap(page, world.server.projectId);
			await page.getByText("No delivery matches").waitFor();
			held.resolve();
			expect((await file).lines[1]).toContain(failed.delivery.id);
			await expect.poll(() => page.getByRole("button", { name: "Export…" }).count()).toBe(0);
		});

		it("of events has those that match the filter, with a key that may only read too", async () => {
			const { events } = world.server.project;
			const { id } = await events.send({ type: "saved.one", data: 1, tags: ["saved:1"] });
			await events.send({ type: "saved.two", data: 2 });
			const { page } = await world.open("events?type=saved.*&tag=saved:1&range=1h", await readerOf(world));
			await ask(page);
			const { name, lines } = await exported(page, "Export all that match", /1 event is in the file/);
			expect(name).toMatch(/^events-.*\.csv$/);
			expect(lines).toEqual([expect.stringMatching(/^\uFEFFid,createDate,/), expect.stringContaining(`${id},`)]);
			await page.getByRole("button", { name: "Remove all filters" }).click();
			await ask(page);
			const all = page.getByRole("dialog", { name: "Export all events?" });
			await all.getByRole("button", { name: "Export all events", exact: true }).waitFor();
		});

		it("of customers has them by id, all or those that a search finds, and names in it stay text", async () => {
			const { customers, batch } = world.server.project;
			await customers.update("save:b", { name: '=HYPERLINK("http://evil")' });
			await batch.webhooks.create({ name: "a", customerId: "save:a", spec: { endpoint: "http://127.0.0.1:9/" } });
			const { page } = await world.open("customers?q=save:", await readerOf(world));
			await ask(page);
			const dialog = page.getByRole("dialog", { name: "Export all that match?" });
			await dialog.getByText("of each customer, by id").waitFor();
			const { name, lines } = await exported(page, "Export all that match", /2 customers are in the file/);
			expect(name).toMatch(/^customers-.*\.csv$/);
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

		it("of webhooks has those of a state, and is not made while a text is searched that the server understands otherwise", async () => {
			const { webhooks } = world.server.project.batch;
			const { id } = await webhooks.create({ name: "Saved", spec: { endpoint: "http://127.0.0.1:9/saved" } });
			await webhooks.pause(id);
			const { page } = await world.open("webhooks?state=paused");
			const paused = (await webhooks.list({ status: "Paused" })).data;
			await ask(page);
			await page.getByText("JSON lines", { exact: true }).click();
			const { name, lines } = await exported(page, "Export all that match", /is in the file/);
			expect(name).toMatch(/^webhooks-.*\.jsonl$/);
			expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(paused);
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
			const all = page.getByRole("dialog", { name: "Export all webhooks?" });
			await all.getByRole("button", { name: "Export all webhooks", exact: true }).waitFor();
		});

		it("of the audit log has its filter, or is of the whole workspace, and names in it stay text", async () => {
			const { client, project, projectId } = world.server;
			const actor = "=audit.formula";
			await client.keys.create({ name: "of the workspace", scope: "read" });
			await project.customers.update("-1", { name: "<b>Minus" }, { actor });
			const { page } = await world.open("audit?action=customer.update&object=-1&range=1h");
			await ask(page);
			const table = await exported(page, "Export all that match", /^1 audit entry is in the file/);
			expect(table.name).toMatch(/^audit-entries-.*\.csv$/);
			expect(table.lines).toEqual([
				expect.stringMatching(/^\uFEFFid,createDate,action,objectId,/),
				expect.stringContaining(`,customer.update,'-1,name,'${actor},key_`),
			]);
			await page.goto(world.url("audit?of=workspace"));
			await page.getByText("created the key").first().waitFor();
			await ask(page);
			await page.getByText("JSON lines").click();
			const json = await exported(page, "Export all audit entries", /^\d+ audit entries are in the file/);
			expect(json.name).toMatch(/^audit-entries-.*\.jsonl$/);
			const entries = json.lines.map((line) => JSON.parse(line) as { readonly projectId: string | null });
			expect(new Set(entries.map((entry) => entry.projectId))).toEqual(new Set([projectId, null]));
			expect(entries).toContainEqual(expect.objectContaining({ action: "key.create", projectId: null }));
		});
	},
	{ env: { FANFARE_ALLOW_FOR_CUSTOMERS: "true" } },
);
