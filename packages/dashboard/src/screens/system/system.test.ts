// The system's screen, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("the system", (world) => {
	it("says what projects use of what they may, and leads to their settings", async () => {
		const { id } = await world.server.client.projects.create({ name: "Bounded" });
		await world.server.client.projects.update(id, { maxStoredBytes: 5_000_000, maxEventsPerSecond: 50 });
		await using tab = await world.open("system");
		const { page } = tab;
		await page.getByText("answers", { exact: true }).waitFor();
		await page.getByRole("row", { name: /Bounded 0 byte.*0% of 5 MB at most 50/ }).waitFor();
		await page.getByRole("link", { name: "Bounded" }).click();
		await page.getByRole("heading", { name: "Settings" }).waitFor();
		await expect.poll(() => page.getByLabel("Events a second").inputValue()).toBe("50");
	});

	it("shows the backlog, the room on the disk and the limits of the server, and what its operator should know", async () => {
		await using tab = await world.open("system");
		const { page } = tab;
		const status = page.getByRole("region", { name: "Status" });
		for (const name of ["Pending", "Held", "Oldest due", "Commits", "Free on the disk"]) {
			await status.getByText(name, { exact: true }).waitFor();
		}
		await page.getByRole("row", { name: /maxProjects \d+ / }).waitFor();
		await page.getByRole("row", { name: /maxBodyBytesInHand .* MB$/ }).waitFor();
		// The server of the tests allows http.
		const { warnings, version } = await world.server.client.getStatus();
		expect(warnings.map(({ code }) => code)).toContain("http_allowed");
		for (const { message } of warnings) await page.getByText(message).waitFor();
		await page.getByRole("region", { name: "Installation" }).getByText(version, { exact: true }).waitFor();
	});

	it("shows no status to a key of one project", async () => {
		const { client, projectId } = world.server;
		const { secretKey } = await client.keys.create({ name: "of one", scope: "read", projectId });
		await using tab = await world.open("system", { key: secretKey });
		await tab.page.getByText("Yours is of one project").waitFor();
		await expect.poll(() => tab.page.getByRole("region", { name: "Status" }).count()).toBe(0);
	});

	it("says that the server is away, and then that it is back", async () => {
		await using tab = await world.open("system");
		const { page } = tab;
		await page.getByText("answers", { exact: true }).waitFor();
		await page.route(/\/workspace(\/status)?$/, (route) => route.abort());
		await page.getByText("is away", { exact: true }).waitFor();
		await page.unroute(/\/workspace(\/status)?$/);
		await page.getByText("answers", { exact: true }).waitFor();
	});

	it.each(["light", "dark"] as const)("is accessible in %s colours", async (scheme) => {
		await using tab = await world.open("system", { scheme });
		await tab.page.getByRole("table", { name: "Usage of projects" }).waitFor();
		await tab.page.getByRole("table", { name: "Limits of the server" }).waitFor();
		expect(await axeFindings(tab.page)).toEqual([]);
	});
});
