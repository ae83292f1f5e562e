// The audit log, in a real browser.

import { Client } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("the audit log", (world) => {
	it("says of each webhook that a change of many has reached it, and leads to no customer who is deleted", async () => {
		const { client, project, projectId } = world.server;
		const spec = { endpoint: "https://example.com/many" };
		await project.batch.webhooks.create({ name: "Of initech", customerId: "initech", spec });
		await project.customers.pause("initech");
		await project.customers.update("globex", { name: "Globex" });
		await project.customers.delete("globex");
		const ended = async () => (await client.audit.list({ projectId, action: "customer.deleted" })).data.length;
		await expect.poll(ended).toBe(1);
		const { page } = await world.open("audit");
		await page.getByRole("row", { name: /paused, with all of its customer, Of initech/ }).waitFor();
		const row = page.getByRole("row", { name: /has deleted the customer globex/ });
		await row.waitFor();
		await expect.poll(() => row.getByRole("link").count()).toBe(0);
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
		const tab = await world.open("", { key: own.secretKey });
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
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByRole("button", { name: "Export all that match" }).click();
		await page.getByText(/^1 audit entry is in the file/).waitFor();
		await page.goto(`${world.server.url}/ui/${projectId}/webhooks/${id}?tab=history`);
		await page.getByRole("row", { name: /of the project changed the webhook Renamed name/ }).waitFor();
		expect(refused).toEqual([]);
	});

	it("names a webhook that is deleted and a key that is revoked, and is filtered, also of the whole workspace", async () => {
		const { client, project, projectId, url } = world.server;
		const { id: keyId, secretKey } = await client.keys.create({ name: "Ada's <i>key", scope: "write", projectId });
		const { webhooks } = new Client(secretKey, { endpoint: url }).project(projectId).batch;
		const { id } = await webhooks.create({ name: "Gone for good", spec: { endpoint: "http://127.0.0.1:9/gone" } });
		await project.batch.webhooks.delete(id);
		await client.keys.delete(keyId);
		const { page } = await world.open("audit");
		await page.getByRole("row", { name: /deleted the webhook Gone for good/ }).waitFor();
		await page.getByRole("row", { name: /Ada's <i>key added the webhook Gone for good/ }).waitFor();
		await page.getByRole("row", { name: /revoked the key Ada's <i>key/ }).waitFor();
		// What concerns no project is in the log of the workspace.
		await client.keys.create({ name: "Of all", scope: "read" });
		const ofAll = page.getByRole("row", { name: /created the key Of all/ });
		expect(await ofAll.count()).toBe(0);
		await page.getByRole("button", { name: "Whole workspace" }).click();
		await ofAll.waitFor();
		await page.getByRole("combobox", { name: "Action" }).click();
		await page.getByRole("option", { name: "webhook.delete", exact: true }).click();
		await expect.poll(() => ofAll.count()).toBe(0);
		await expect.poll(() => new URL(page.url()).searchParams.get("action")).toBe("webhook.delete");
		await page.getByRole("row", { name: /deleted the webhook Gone for good/ }).waitFor();
	});

	it("leads to the event type or the customer that is called like a webhook, and to no webhook", async () => {
		const { project, projectId } = world.server;
		const name = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		await project.eventTypes.create({ name });
		await project.customers.update(name, { name: "Initech" });
		const { page } = await world.open("audit");
		const links = page.getByRole("table", { name: "Audit log" }).getByRole("link", { name });
		await expect.poll(() => links.count()).toBe(2);
		const paths = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
		expect(paths.map((path) => path.slice(path.indexOf(projectId) + projectId.length)).toSorted()).toEqual([
			`/customers/${name}`,
			`/event-types/${name}`,
		]);
		await project.eventTypes.delete(name);
		await page.reload();
		const row = page.getByRole("row", { name: new RegExp(`deleted the event type ${name}`) });
		await row.waitFor();
		expect(await row.getByRole("link").count()).toBe(0);
	});
});
