// The processes that share a server's database, in a real browser. The server of these tests is alone, so its response is changed on its way.
import type { StatusMember } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { member, showStatus } from "../../../test/shown-status.ts";
import { pageSuite } from "../../../test/suite.ts";

/** From now on, the status has these members. */
const show = (page: Page, members: () => readonly StatusMember[] | null) =>
	showStatus(page, () => ({ members: members() }));

const LOST = { state: "lost", seenAgoMs: 240_000, shards: 0, inFlightAttempts: 0 } as const;

pageSuite("the processes of a server", (world) => {
	it("are not shown where there is only one, and cannot be", async () => {
		await using tab = await world.open("system");
		await tab.page.getByRole("region", { name: "Limits" }).waitFor();
		await expect.poll(() => tab.page.getByRole("region", { name: "Processes" }).count()).toBe(0);
	});

	it("are listed with what each does, and which one answers; one that was lost is shown, and goes by itself", async () => {
		await using tab = await world.open("system");
		const { page } = tab;
		let members = [member(0, 128), member(1, 128, { role: "worker", lagMs: 42_000 })];
		await page.clock.install();
		await show(page, () => members);
		const rows = page.getByRole("table", { name: "Processes" }).getByRole("row");
		await page
			.getByRole("row", {
				name: /^fanfare-0 10\.1\.4\.0:8787 live answers you all 0\.2\.0 2 h 128 3 none retention, stats$/,
			})
			.waitFor();
		await page
			.getByRole("row", { name: /^fanfare-1 10\.1\.4\.1:8787 live worker 0\.2\.0 2 h 128 3 42 s none$/ })
			.waitFor();
		members = [member(0, 256), member(1, 0, LOST)];
		await page.clock.runFor(10_000);
		await page.getByRole("row", { name: /^fanfare-1 .*lost seen 4 min ago/ }).waitFor();
		await page.getByText("1 process lost: others do the work.").waitFor();
		members = [member(0, 256)];
		await page.clock.runFor(10_000);
		await expect.poll(() => rows.count()).toBe(2);
	});

	it("are said to be unknown while they can't be read", async () => {
		await using tab = await world.open("system");
		await show(tab.page, () => null);
		await tab.page.getByText("The processes of the server can't be read at the moment.").waitFor();
	});

	it.each([
		["light", 1_280],
		["dark", 1_280],
		["light", 390],
		["dark", 390],
	] as const)(
		"are accessible in %s colours at a width of %i, and nothing hangs over the edge",
		async (scheme, width) => {
			await using tab = await world.open("system", { scheme, size: { width, height: 900 } });
			const { page } = tab;
			await show(page, () => [
				member(0, 128),
				member(1, 128, { state: "leaving", name: "fanfare-7c9d8b6f5c-x2x9k.long.name.of.a.machine.example" }),
				member(2, 0, LOST),
			]);
			await page.getByRole("table", { name: "Processes" }).waitFor();
			expect(await axeFindings(page)).toEqual([]);
			expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
		},
	);
});
