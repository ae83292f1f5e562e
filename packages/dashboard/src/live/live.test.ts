// The live feed over several tabs of one browser.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { pageSuite, signIn } from "../../test/suite.ts";

/** More than the six connections that a browser opens to a server over HTTP/1.1. */
const TABS = 7;

pageSuite("the live feed", (world) => {
	it("is one stream for seven tabs, which all work, and goes on when the tab that reads it is closed", async () => {
		await using receiver = await startReceiver();
		await world.server.createWebhook(receiver.url);
		await using person = await world.browser.person();
		const streams: string[] = [];
		person.context.on("request", (request) => {
			if (new URL(request.url()).pathname.endsWith("/stream")) streams.push(request.url());
		});
		const tabs = [];
		for (let opened = 0; opened < TABS; opened++) {
			const page = await person.tab(`${world.server.url}/ui/${world.server.projectId}/deliveries`);
			// All tabs of a browser share the session.
			if (opened === 0) await signIn(page, world.server.key);
			await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
			tabs.push(page);
		}
		await tabs[0]!.getByText("Live", { exact: true }).waitFor();
		expect(streams.length).toBe(1);
		await world.server.project.events.send({ type: "tabs.one", data: 1 });
		for (const page of tabs) await page.getByRole("button", { name: "1 new event · show" }).waitFor();

		await tabs[0]!.close();
		await expect.poll(() => streams.length).toBe(2);
		const rest = tabs.slice(1);
		await world.server.project.events.send({ type: "tabs.two", data: 2 });
		for (const page of rest) await page.getByRole("button", { name: "2 new events · show" }).waitFor();
		expect(streams.length).toBe(2);
		expect(person.problems).toEqual([]);
	});
});
