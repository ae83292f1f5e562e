// Addresses that lead nowhere, and screens that do not come, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite, signIn } from "../../../test/suite.ts";

pageSuite("an address", (world) => {
	it("that leads nowhere keeps the navigation in a project, and leads on", async () => {
		await using tab = await world.open("nowhere", { scheme: "dark" });
		const { page } = tab;
		await page.getByRole("heading", { name: "There is no such page", level: 1 }).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("link", { name: "Go to the overview" }).click();
		await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/none/of/these`);
		await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Webhooks" }).click();
		await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
	});

	it.each(["light", "dark"] as const)(
		"that leads nowhere outside of a project leads to the start (%s)",
		async (scheme) => {
			await using tab = await world.open("", { scheme });
			const { page } = tab;
			await page.goto(`${world.server.url}/ui/sign-in/none/of/these`);
			await page.getByRole("heading", { name: "There is no such page", level: 1 }).waitFor();
			expect(await axeFindings(page)).toEqual([]);
			await page.getByRole("button", { name: "Go to the start" }).click();
			await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
		},
	);

	it.each(["light", "dark"] as const)("of the sign-in, whose code does not come, says so (%s)", async (scheme) => {
		await using person = await world.browser.person({ scheme });
		const page = await person.tab(`${world.server.url}/ui/`);
		await page.getByLabel("API key").waitFor();
		await page.route(/\/sign-in-[^/]*\.js$/, (route) => route.abort());
		await page.goto(`${world.server.url}/ui/sign-in`);
		await page.getByRole("heading", { name: "This could not be shown", level: 1 }).waitFor();
		expect(await axeFindings(page)).toEqual([]);
	});

	it("whose code does not come says so, and is there after a reload", async () => {
		await using person = await world.browser.person();
		const page = await person.tab(`${world.server.url}/ui/${world.server.projectId}/settings`);
		await signIn(page, world.server.key);
		let isAway = true;
		await page.route(/\/system-[^/]*\.js$/, (route) => (isAway ? route.abort() : route.fallback()));
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/system`);
		await page.getByRole("heading", { name: "This could not be shown", level: 1 }).waitFor();
		for (const colorScheme of ["light", "dark"] as const) {
			await page.emulateMedia({ colorScheme });
			await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
			expect(await axeFindings(page)).toEqual([]);
		}
		isAway = false;
		await page.getByRole("button", { name: "Reload the page" }).click();
		await page.getByRole("heading", { name: "System", level: 1 }).waitFor();
	});
});
