// A list of webhooks that takes long to fetch, in a real browser: how it is kept as it is now.
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

pageSuite("a list of webhooks that takes long to fetch", (world) => {
	it("is fetched again after a pause that grows with that, and shows at once what becomes of single webhooks", async () => {
		const { project, projectId, url } = world.server;
		const { webhooks } = project.batch;
		const receiver = await world.receiver(500);
		const make = (name: string, type: string) =>
			webhooks.create({ name, spec: { endpoint: receiver.url, eventTypes: [type], retries: { maxRetries: 0 } } });
		const { id } = await make("Paused", "fresh.paused");
		await make("Fails", "fresh.fails");
		const goes = await make("Goes", "fresh.goes");
		const { page } = await world.open("settings");
		await page.clock.install();
		const isAnswered = Promise.withResolvers<void>();
		let lists = 0;
		await page.route(/\/batch\/webhooks\?(?!.*status)/, async (route) => {
			// Only the first one is answered: what is shown later comes from nothing else.
			if (++lists > 1) return;
			await isAnswered.promise;
			return route.fallback();
		});
		await page.goto(`${url}/ui/${projectId}/webhooks`);
		await expect.poll(() => lists).toBe(1);
		await page.clock.runFor(10_000);
		isAnswered.resolve();
		const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
		await row("Paused").getByText("Enabled").waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		// Far enough ahead for the time that this takes.
		await page.clock.pauseAt((await page.evaluate<number>("Date.now()")) + 10_000);
		await webhooks.pause(id);
		// Items are gathered for a moment.
		await expect
			.poll(async () => {
				await page.clock.runFor(10);
				return row("Paused").locator(".state").innerText();
			})
			.toContain("Paused");
		await page.clock.runFor(10_000);
		// What the page has asked for until then comes before this.
		await page.evaluate("fetch('').then(() => 0)");
		expect(lists).toBe(1);
		await page.clock.resume();
		await project.events.send({ type: "fresh.fails", data: 1 });
		await row("Fails").getByText("500").waitFor();
		await make("Comes", "fresh.comes");
		await row("Comes").getByText("Enabled").waitFor();
		await webhooks.delete(goes.id);
		await row("Goes").waitFor({ state: "detached" });
		await page.unrouteAll({ behavior: "ignoreErrors" });
	});
});
