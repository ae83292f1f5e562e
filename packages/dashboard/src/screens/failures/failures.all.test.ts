// Addresses that lead nowhere, and screens that do not come, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { findingsInColours, pageSuite, signIn } from "../../../test/suite.ts";

pageSuite("an address", (world) => {
	it("that leads nowhere keeps the navigation in a project, and leads on", async () => {
		const { page } = await world.open("nowhere", { scheme: "dark" });
		await page.getByRole("heading", { name: "There is no such page", level: 1 }).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("link", { name: "Go to the overview" }).click();
		await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
		await page.goto(world.url("none/of/these"));
		await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Webhooks" }).click();
		await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
	});

	it("that leads nowhere outside of a project leads to the start", async () => {
		const { page } = await world.open();
		await page.goto(`${world.server.url}/ui/sign-in/none/of/these`);
		await page.getByRole("heading", { name: "There is no such page", level: 1 }).waitFor();
		expect(await findingsInColours(page)).toEqual([]);
		await page.getByRole("button", { name: "Go to the start" }).click();
		await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
	});

	it("of the sign-in, whose code does not come, says so", async () => {
		await using person = await world.browser.person();
		const page = await person.tab(`${world.server.url}/ui/`);
		await page.getByLabel("API key").waitFor();
		await page.route(/\/sign-in-[^/]*\.js$/, (route) => route.abort());
		await page.goto(`${world.server.url}/ui/sign-in`);
		await page.getByRole("heading", { name: "This could not be shown", level: 1 }).waitFor();
		expect(await findingsInColours(page)).toEqual([]);
	});

	it("whose code does not come says so, and is there after a reload", async () => {
		await using person = await world.browser.person();
		const page = await person.tab(world.url("settings"));
		await signIn(page, world.server.key);
		let isAway = true;
		await page.route(/\/system-[^/]*\.js$/, (route) => (isAway ? route.abort() : route.fallback()));
		await page.goto(world.url("system"));
		await page.getByRole("heading", { name: "This could not be shown", level: 1 }).waitFor();
		expect(await findingsInColours(page)).toEqual([]);
		isAway = false;
		await page.getByRole("button", { name: "Reload the page" }).click();
		await page.getByRole("heading", { name: "System", level: 1 }).waitFor();
	});
});
