// What is there with the first screen, in a real browser whose later requests for code are not answered.
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, signIn } from "../../test/suite.ts";

pageSuite("with the first screen", (world) => {
	it.each([360, 1_280])(
		"there is the navigation, the search and the form for signing in again, %i pixels wide",
		async (width) => {
			const { page } = await world.open("settings", { size: { width, height: 800 } });
			await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
			const held: Route[] = [];
			await page.route(/\.js$/, (route) => void held.push(route));
			if (width === 360) {
				await page.getByRole("button", { name: "Open the navigation" }).click();
				const navigation = page.getByRole("dialog", { name: "Fanfare" });
				await navigation.getByRole("link", { name: "Webhooks" }).waitFor();
				await page.keyboard.press("Escape");
				await navigation.waitFor({ state: "hidden" });
			}
			// The search takes each key.
			await page.keyboard.press("Control+k");
			await expect.poll(() => page.evaluate("document.activeElement.role")).toBe("combobox");
			await page.keyboard.type("settings");
			await page.getByRole("option", { name: "Settings" }).waitFor();
			await page.keyboard.press("Enter");
			await expect.poll(() => page.getByRole("dialog", { name: "Search" }).count()).toBe(0);
			// On a phone, it is not seen.
			await page.locator("[data-mode=live]").waitFor({ state: "attached" });
			await world.server.client.sessions.signOut({ everywhere: true });
			const dialog = page.getByRole("dialog", { name: "Sign in again" });
			await dialog.getByLabel("API key").waitFor();
			await signIn(page, world.server.key);
			await expect.poll(() => dialog.count()).toBe(0);
		},
	);
});
