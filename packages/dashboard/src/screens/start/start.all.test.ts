// The start, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("the start", (world) => {
	it("of a workspace without a project makes the first one, or says to whoever may not how it is made", async () => {
		const { client, projectId, url } = world.server;
		const writer = await client.keys.create({ name: "writer", scope: "write" });
		const { page } = await world.open();
		const other = await world.open("", { key: writer.secretKey });
		await client.projects.delete(projectId);
		await other.page.goto(`${url}/ui/`);
		await other.page.getByRole("region", { name: "The command" }).getByText("fanfare projects create").waitFor();
		expect(await other.page.getByRole("button", { name: "Create the project" }).count()).toBe(0);
		expect(await axeFindings(other.page)).toEqual([]);
		await page.goto(`${url}/ui/`);
		await page.getByLabel("Name of the project").fill("Shop <b>production");
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("button", { name: "Create the project" }).click();
		await page.getByText("Three steps to the first delivery").waitFor();
		const [made] = await client.listProjects();
		expect([made?.name, new URL(page.url()).pathname]).toEqual(["Shop <b>production", `/ui/${made?.id}`]);
	});
});
