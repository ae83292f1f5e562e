// The audit log, in a real browser.
import { readFileSync } from "node:fs";

import { Client } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("the audit log", (world) => {
	it("names who changed what, with links, and is filtered in the address", async () => {
		const { client, project } = world.server;
		const { secretKey } = await client.keys.create({ name: "Ada's laptop", scope: "write" });
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/a");
		await fetch(`${world.server.url}/projects/${world.server.projectId}/batch/webhooks/${id}`, {
			method: "PATCH",
			headers: { "secret-key": secretKey, "content-type": "application/json" },
			body: JSON.stringify({ name: "Ware <i>house" }),
		});
		await project.eventTypes.create({ name: "order.paid" });
		await using tab = await world.open("audit");
		const { page } = tab;
		await page.getByRole("row", { name: /Ada's laptop changed the webhook Ware <i>house name/ }).waitFor();
		await page.getByRole("row", { name: /added the event type order.paid/ }).waitFor();
		// What concerns no project is in the log of the workspace.
		await expect.poll(() => page.getByText("created the key").count()).toBe(0);
		await page.getByRole("button", { name: "Whole workspace" }).click();
		await page.getByText("created the key").first().waitFor();
		await page.getByRole("combobox", { name: "Action" }).click();
		await page.getByRole("option", { name: "webhook.update", exact: true }).click();
		await expect.poll(() => page.getByText("created the key").count()).toBe(0);
		await expect.poll(() => new URL(page.url()).searchParams.get("action")).toBe("webhook.update");
		await page.getByRole("link", { name: "Ware <i>house" }).click();
		await page.getByRole("heading", { name: "Ware <i>house" }).waitFor();
	});

	it("says of each webhook that a change of many has reached it, and leads to no customer who is deleted", async () => {
		const { client, project, projectId } = world.server;
		const spec = { endpoint: "https://example.com/many" };
		await project.batch.webhooks.create({ name: "Of initech", customerId: "initech", spec });
		await project.customers.pause("initech");
		await project.customers.update("globex", { name: "Globex" });
		await project.customers.delete("globex");
		const ended = async () => (await client.audit.list({ projectId, action: "customer.deleted" })).data.length;
		await expect.poll(ended).toBe(1);
		await using tab = await world.open("audit");
		const { page } = tab;
		await page.getByRole("row", { name: /paused, with all of its customer, Of initech/ }).waitFor();
		const row = page.getByRole("row", { name: /has deleted the customer globex/ });
		await row.waitFor();
		await expect.poll(() => row.getByRole("link").count()).toBe(0);
	});

	it("is exported with its filter as a table, or of the whole workspace as lines of JSON, and names in it stay text", async () => {
		const { client, project, projectId } = world.server;
		const name = "=audit.formula";
		await client.keys.create({ name: "of the workspace", scope: "read" });
		await project.customers.update("-1", { name: "<b>Minus" }, { actor: name });
		await using tab = await world.open("audit?action=customer.update&object=-1&range=1h");
		const { page } = tab;
		/** Waits for the message first, which goes away after some seconds. */
		const save = async (verb: string, message: RegExp) => {
			const saved = page.waitForEvent("download");
			await page.getByRole("dialog").getByRole("button", { name: verb, exact: true }).click();
			await page.getByText(message).waitFor();
			const download = await saved;
			return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
		};
		await page.getByRole("button", { name: "Export…" }).click();
		expect(await axeFindings(page)).toEqual([]);
		const table = await save("Export all that match", /^1 audit entry is in the file/);
		expect(table.name).toMatch(/^audit-entries-.*\.csv$/);
		expect(table.text.trimEnd().split("\r\n")).toEqual([
			expect.stringMatching(/^\uFEFFid,createDate,action,objectId,/),
			expect.stringContaining(`,customer.update,'-1,name,'${name},key_`),
		]);
		await page.goto(page.url().replace(/\?.*$/, "?of=workspace"));
		await page.getByText("created the key").first().waitFor();
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByText("JSON lines").click();
		const lines = await save("Export all audit entries", /^\d+ audit entries are in the file/);
		expect(lines.name).toMatch(/^audit-entries-.*\.jsonl$/);
		const exported = lines.text
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line) as { readonly projectId: string | null; readonly action: string });
		expect(new Set(exported.map((entry) => entry.projectId))).toEqual(new Set([projectId, null]));
		expect(exported).toContainEqual(expect.objectContaining({ action: "key.create", projectId: null }));
	});

	it("of a project is shown to, filtered and exported by an admin key of the project, which may not list keys", async () => {
		const { client, project, projectId } = world.server;
		const own = await client.keys.create({ name: "of the project", scope: "admin", projectId });
		const other = await client.keys.create({ name: "of somebody else", scope: "write", projectId });
		const { id } = await world.server.createWebhook("http://127.0.0.1:9/project-audit");
		const rename = (secretKey: string, name: string) =>
			new Client(secretKey, { endpoint: world.server.url }).project(projectId).batch.webhooks.update(id, { name });
		await rename(other.secretKey, "Renamed by another");
		await rename(own.secretKey, "Renamed");
		await project.eventTypes.create({ name: "project.audit" });
		await using tab = await world.open("", { key: own.secretKey });
		const { page } = tab;
		const refused: string[] = [];
		page.on("response", (response) => {
			if (response.status() === 403) refused.push(response.url());
		});
		await page.getByRole("link", { name: "Audit log" }).click();
		await page.getByRole("row", { name: /of the project changed the webhook Renamed name/ }).waitFor();
		const { name: admin } = await client.getCaller();
		await page
			.getByRole("row", { name: new RegExp(`${admin} added the event type project.audit`) })
			.first()
			.waitFor();
		await page.getByRole("row", { name: /of somebody else changed the webhook Renamed name/ }).waitFor();
		expect(await page.getByRole("button", { name: "Whole workspace" }).count()).toBe(0);
		await page.getByLabel("Id of a key").fill(other.id);
		await page.getByLabel("Id of a key").press("Enter");
		const rows = page.getByRole("table", { name: "Audit log" }).getByRole("row");
		await expect.poll(() => rows.count()).toBe(2);
		expect(await axeFindings(page)).toEqual([]);
		const saved = page.waitForEvent("download");
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByRole("button", { name: "Export all that match" }).click();
		const lines = readFileSync(await (await saved).path(), "utf8")
			.trimEnd()
			.split("\r\n");
		expect(lines).toHaveLength(2);
		await page.goto(`${world.server.url}/ui/${projectId}/webhooks/${id}?tab=history`);
		await page.getByRole("row", { name: /of the project changed the webhook Renamed name/ }).waitFor();
		expect(refused).toEqual([]);
	});

	it("names a webhook that is deleted, and a key that is revoked", async () => {
		const { client, project, projectId, url } = world.server;
		const { id: keyId, secretKey } = await client.keys.create({ name: "for a day", scope: "write", projectId });
		const { webhooks } = new Client(secretKey, { endpoint: url }).project(projectId).batch;
		const { id } = await webhooks.create({ name: "Gone for good", spec: { endpoint: "http://127.0.0.1:9/gone" } });
		await project.batch.webhooks.delete(id);
		await client.keys.delete(keyId);
		await using tab = await world.open("audit");
		const { page } = tab;
		await page.getByRole("row", { name: /deleted the webhook Gone for good/ }).waitFor();
		await page.getByRole("row", { name: /for a day added the webhook Gone for good/ }).waitFor();
		await page.getByRole("row", { name: /revoked the key for a day/ }).waitFor();
	});

	it("leads to the event type or the customer that is called like a webhook, and to no webhook", async () => {
		const { project, projectId } = world.server;
		const name = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		await project.eventTypes.create({ name });
		await project.customers.update(name, { name: "Initech" });
		await using tab = await world.open("audit");
		const links = tab.page.getByRole("table", { name: "Audit log" }).getByRole("link", { name });
		await expect.poll(() => links.count()).toBe(2);
		const paths = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
		expect(paths.map((path) => path.slice(path.indexOf(projectId) + projectId.length)).toSorted()).toEqual([
			`/customers/${name}`,
			`/event-types/${name}`,
		]);
		await project.eventTypes.delete(name);
		await tab.page.reload();
		const row = tab.page.getByRole("row", { name: new RegExp(`deleted the event type ${name}`) });
		await row.waitFor();
		expect(await row.getByRole("link").count()).toBe(0);
	});

	it("is not shown to a key that may not read it", async () => {
		const { secretKey } = await world.server.client.keys.create({ name: "writer", scope: "write" });
		await using tab = await world.open("audit", { key: secretKey });
		await tab.page.getByText("Yours is not one").waitFor();
		await expect.poll(() => tab.page.getByRole("link", { name: "Audit log" }).count()).toBe(0);
	});

	it.each(["light", "dark"] as const)("is accessible in %s colours", async (scheme) => {
		for (const [path, ready] of [
			["audit?of=workspace", "created the key"],
			["audit?object=none", "No entry matches"],
		] as const) {
			await using tab = await world.open(path, { scheme });
			await tab.page.getByText(ready).first().waitFor();
			expect([path, await axeFindings(tab.page)]).toEqual([path, []]);
		}
	});
});
