// What a reader chooses for themselves, in a real browser.
import { expect, it } from "vitest";

import { pageSuite } from "../../test/suite.ts";

pageSuite("the choices of a reader", (world) => {
	it("changes the colours by a button in the bar, in both directions, for all tabs and after a reload", async () => {
		const tab = await world.open("", { scheme: "light" });
		const { page, person } = tab;
		const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
		const second = await person.tab(page.url());
		const light = await background();
		await page.getByRole("button", { name: "Use dark colours" }).click();
		await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
		await expect.poll(background).not.toBe(light);
		await second.locator("html[data-mantine-color-scheme=dark]").waitFor();
		await page.reload();
		await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
		await page.getByRole("button", { name: "Use light colours" }).click();
		await page.locator("html[data-mantine-color-scheme=light]").waitFor();
		await expect.poll(background).toBe(light);
	});
});
