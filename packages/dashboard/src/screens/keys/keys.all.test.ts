// The API keys of the workspace, in a real browser.
import { Client } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("keys", (world) => {
	const may = async (secretKey: string) => {
		try {
			return (await new Client(secretKey, { endpoint: world.server.url, maxRetries: 0 }).getCaller()).scope;
		} catch (error) {
			return (error as { status?: number }).status;
		}
	};

	it("are created with a scope, a project and an end, and shown once", async () => {
		const { page } = await world.open("keys");
		await page.getByRole("button", { name: "Create a key" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Create a key" });
		await drawer.getByRole("button", { name: "Create the key" }).click();
		await drawer.getByText("Who will use it?").waitFor();
		await drawer.getByLabel("Name").fill("Checkout <b>");
		await drawer.getByText("Read", { exact: true }).click();
		await drawer.getByRole("combobox", { name: "Expires" }).click();
		await page.getByRole("option", { name: "In 30 days" }).click();
		await drawer.getByRole("button", { name: "Create the key" }).click();
		const secretKey = await drawer.getByRole("region", { name: "The key" }).locator("code").innerText();
		expect(await may(secretKey)).toBe("read");
		// A key that was not stored yet is not lost by a key press.
		await page.keyboard.press("Escape");
		await drawer.getByRole("button", { name: "I have stored it" }).click();
		await page.getByRole("row", { name: /Checkout <b>.*read.*My project/ }).waitFor();
		await expect.poll(() => page.content()).not.toContain(secretKey);
		const [key] = (await world.server.client.keys.list()).data;
		expect(key).toMatchObject({ name: "Checkout <b>", projectId: world.server.projectId });
		expect(Math.round((key!.expireDate! - Date.now()) / 86_400_000)).toBe(30);
	});

	it("are renamed, rolled and revoked", async () => {
		const { secretKey } = await world.server.client.keys.create({ name: "old name", scope: "write" });
		const { page } = await world.open("keys");
		const choose = async (name: string, item: string) => {
			await page.getByRole("button", { name: `Actions for ${name}` }).click();
			await page.getByRole("menuitem", { name: item }).click();
		};
		await choose("old name", "Rename…");
		await page.getByRole("dialog").getByLabel("Name").fill("new name");
		await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
		await page.getByText("Renamed to new name").waitFor();
		await choose("new name", "Roll…");
		await page.getByRole("button", { name: "Roll the key" }).click();
		const rolled = await page.getByRole("region", { name: "The key" }).locator("code").innerText();
		await page.getByRole("button", { name: "I have stored it" }).click();
		expect([await may(secretKey), await may(rolled)]).toEqual(["write", "write"]);
		await page.getByText("and an earlier one until").waitFor();
		await choose("new name", "Revoke…");
		await page.getByRole("button", { name: "Revoke new name" }).click();
		await page.getByText("Revoked new name").waitFor();
		expect([await may(secretKey), await may(rolled)]).toEqual([401, 401]);
	});
});
