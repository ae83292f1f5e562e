// What is there with the first screen, in a real browser whose later requests for code are not answered.
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, signIn, type Tab, type World } from "../../test/suite.ts";

/** Somebody on the settings, for whom no more code comes. */
async function openWithoutMore(world: World, width: number): Promise<Tab> {
	const tab = await world.open("settings", { size: { width, height: 800 } });
	await tab.page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
	const held: Route[] = [];
	await tab.page.route(/\.js$/, (route) => void held.push(route));
	return tab;
}

pageSuite("with the first screen", (world) => {
	it("there is the search, which takes each key", async () => {
		await using tab = await openWithoutMore(world, 1_280);
		const { page } = tab;
		await page.keyboard.press("Control+k");
		await expect.poll(() => page.evaluate("document.activeElement.role")).toBe("combobox");
		await page.keyboard.type("settings");
		await page.getByRole("option", { name: "Settings" }).waitFor();
		await page.keyboard.press("Enter");
		await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
	});

	it("there is the navigation of a phone", async () => {
		await using tab = await openWithoutMore(world, 360);
		const { page } = tab;
		await page.getByRole("button", { name: "Open the navigation" }).click();
		await page.getByRole("dialog", { name: "Fanfare" }).getByRole("link", { name: "Webhooks" }).waitFor();
	});

	it("there is the form for signing in again", async () => {
		await using tab = await openWithoutMore(world, 1_280);
		const { page } = tab;
		await page.getByText("Live", { exact: true }).waitFor();
		await world.server.client.sessions.signOut({ everywhere: true });
		const dialog = page.getByRole("dialog", { name: "Sign in again" });
		await dialog.getByLabel("API key").waitFor();
		await signIn(page, world.server.key);
		await expect.poll(() => dialog.count()).toBe(0);
	});
});
