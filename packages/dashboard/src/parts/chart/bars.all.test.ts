// Choosing a part of a chart over time, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("a chart over time", (world) => {
	it("is narrowed by dragging and by the arrow keys, and leads to the deliveries of that time", async () => {
		const receiver = await world.receiver();
		const { id } = await world.server.createWebhook(receiver.url);
		const { project } = world.server;
		for (let n = 0; n < 3; n++) await project.events.send({ type: "bars.sent", data: n });
		await expect.poll(async () => (await project.stats()).deliveries.Succeeded).toBe(3);

		const { page } = await world.open();
		const chart = page.getByRole("slider", { name: /^Choose a time: 3 deliveries succeeded/ });
		const { width, height } = (await chart.boundingBox())!;
		const y = height / 2;
		// By places in the chart, which moves while what is above it is loaded.
		await chart.dragTo(chart, { sourcePosition: { x: width / 2, y }, targetPosition: { x: width - 1, y } });
		await page.getByText(/– now: 3 deliveries/).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("button", { name: "Show deliveries made then" }).click();
		await page.getByRole("table").getByText("bars.sent").first().waitFor();
		const dragged = new URL(page.url()).searchParams;
		const since = Date.parse(dragged.get("after") ?? "");
		// The right half of 24 hours, by the hour.
		expect((Date.now() - since) / 3_600_000).toBeGreaterThan(10);
		expect((Date.now() - since) / 3_600_000).toBeLessThan(14);
		expect(dragged.get("before")).toBeNull();
		await page.getByRole("button", { name: /^Created since .*: remove the filter$/ }).waitFor();

		await page.goto(world.url(`webhooks/${id}`));
		await chart.focus();
		await page.keyboard.press("End");
		await page.getByText(/– now: 3 deliveries/).waitFor();
		await page.keyboard.press("ArrowLeft");
		await page.getByText(/: 0 deliveries/).waitFor();
		await page.keyboard.press("Escape");
		await expect.poll(() => page.getByRole("button", { name: "Show deliveries made then" }).count()).toBe(0);
		for (const key of ["End", "ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter"])
			await page.keyboard.press(key);
		// Beside it, a list without rows says which filter leaves out the most.
		await page.getByRole("button", { name: /^Created before .*: remove the filter$/ }).waitFor();
		const typed = new URL(page.url()).searchParams;
		expect(typed.get("webhook")).toBe(id);
		expect(Date.parse(typed.get("before") ?? "") - Date.parse(typed.get("after") ?? "")).toBe(3 * 3_600_000);
	});
});
