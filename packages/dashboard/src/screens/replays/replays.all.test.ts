// Replays, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";

pageSuite("replays", (world) => {
	/** A webhook whose receiver has failed `count` events, and works now. */
	const mended = async (type: string, count: number) => {
		const sent = await deliverTo(world, 500, type, { count });
		sent.mend();
		return { ...sent, id: sent.webhook.id };
	};

	it("lead on from the empty list, count first, and send what failed again", async () => {
		const webhook = await mended("replay.one", 3);
		const { page } = await world.open(`replays?webhook=${webhook.id}`);
		const asked: Readonly<Record<string, unknown>>[] = [];
		page.on("request", (request) => {
			if (request.url().endsWith(":replay")) asked.push(request.postDataJSON() as Readonly<Record<string, unknown>>);
		});
		await page.getByText("No replay to this webhook").waitFor();
		await page.getByRole("link", { name: "Start a replay" }).first().click();
		const aside = page.getByRole("complementary", { name: "What it sends" });
		await aside.getByRole("img", { name: "3 events over time" }).waitFor();
		await page.getByLabel("Failed").uncheck();
		await aside.getByText("Nothing in this time").waitFor();
		await expect.poll(() => aside.getByRole("button", { name: "Send 0 events again" }).isDisabled()).toBe(true);
		await page.getByLabel("Failed").check();
		// To look at the fields changes nothing.
		for (const label of ["From", "Before (now if empty)"]) await page.getByLabel(label).focus();
		const again = aside.getByRole("button", { name: "Send 3 events again" });
		await again.waitFor();
		// What fails after the count was not counted, so it is not sent.
		webhook.receiver.script(() => ({ status: 500 }));
		const { id: later } = await world.server.project.events.send({ type: "replay.one", data: "later" });
		await world.server.waitForDelivery(later, ({ status }) => status === "Failed");
		webhook.receiver.script(() => ({ status: 204 }));
		await again.click();
		await page.getByText("Every event that matches has a new delivery").waitFor();
		// The server says when now is: the clock of the browser may be behind.
		const [lastCount, started] = asked.slice(-2);
		expect([lastCount?.["dryRun"], started?.["dryRun"]]).toEqual([true, undefined]);
		expect(lastCount).not.toHaveProperty("until");
		expect(started?.["until"]).toBeGreaterThan(Number(started?.["since"]));
		expect(started?.["since"]).toBe(asked[0]?.["since"]);
		await webhook.receiver.waitFor(7);
		const { data } = await world.server.project.replays.list({ webhookId: webhook.id });
		expect(data).toMatchObject([{ deliveryCount: 3, outcomes: ["Failed", "Cancelled", "Missed"] }]);
		await page.getByRole("link", { name: "‹ Replays" }).click();
		await page.getByRole("cell", { name: "Finished" }).first().waitFor();
	});

	it("are not started while a time is typed in half, which is not taken for none", async () => {
		const webhook = await mended("replay.half", 2);
		const { page } = await world.open(`replays/new?webhook=${webhook.id}`);
		const aside = page.getByRole("complementary", { name: "What it sends" });
		await aside.getByRole("button", { name: "Send 2 events again" }).waitFor();
		const before = page.getByLabel("Before (now if empty)");
		await before.focus();
		await page.keyboard.type("11");
		await before.blur();
		await page.getByText("Choose a date and a time.").waitFor();
		expect(await aside.getByRole("button", { name: "Start the replay" }).isDisabled()).toBe(true);
		expect(await axeFindings(page)).toEqual([]);
		// A range shows its own times.
		await page.getByRole("button", { name: "24 hours" }).click();
		expect(await page.getByText("Choose a date and a time.").count()).toBe(0);
		await aside.getByRole("button", { name: "Send 2 events again" }).waitFor();
		// The beginning can't be left out.
		const from = page.getByLabel("From");
		await from.fill("");
		await from.blur();
		await page.getByText("Choose a date and a time.").waitFor();
		expect(await aside.getByRole("button", { name: "Start the replay" }).isDisabled()).toBe(true);
		await from.fill("2020-01-01T00:00");
		await from.blur();
		await aside.getByRole("button", { name: "Send 2 events again" }).click();
		await page.getByText("Every event that matches has a new delivery").waitFor();
	});

	it("that wait for a paused webhook say so, and are stopped after a question", async () => {
		const webhook = await mended("replay.two", 1);
		await world.server.project.batch.webhooks.pause(webhook.id);
		const { page } = await world.open(`replays/new?webhook=${webhook.id}`);
		await page.getByText("the replay waits until it is resumed").waitFor();
		await page.getByRole("button", { name: "Send 1 event again" }).click();
		await page.getByText("the replay goes on when it is resumed").waitFor();
		await page.getByRole("button", { name: "Stop…" }).click();
		await page.getByRole("button", { name: "Stop the replay" }).click();
		await page.getByText("It was stopped").waitFor();
		const { data } = await world.server.project.replays.list({ webhookId: webhook.id });
		expect(data).toMatchObject([{ status: "Cancelled" }]);
	});

	it("that wait for the quota of stored bytes say so, and go on when there is room", async () => {
		const webhook = await mended("replay.full", 1);
		const { client, projectId, project } = world.server;
		await client.projects.update(projectId, { maxStoredBytes: 1 });
		try {
			const { id } = await project.batch.webhooks.replay(webhook.id, { since: 0 });
			const { page } = await world.open(`replays/${id}`);
			await page.getByText("used up its quota of stored bytes").waitFor();
			// It is one of all events until now, whose beginning nobody needs to read.
			await page.getByText(/^until \d/).waitFor();
			expect(await page.getByText("1970").count()).toBe(0);
			expect(await axeFindings(page)).toEqual([]);
			await page.getByText("Live", { exact: true }).waitFor();
			await client.projects.update(projectId, { maxStoredBytes: null });
			await page.getByText("Every event that matches has a new delivery").waitFor();
			expect(await page.getByText("used up its quota of stored bytes").count()).toBe(0);
		} finally {
			await client.projects.update(projectId, { maxStoredBytes: null });
		}
	});

	it("say how far they are by the live stream, and are asked for only while it is down", async () => {
		const webhook = await mended("replay.live", 40);
		webhook.receiver.script(() => new Promise(() => {}));
		await world.server.project.batch.webhooks.pause(webhook.id);
		const { id } = await world.server.project.batch.webhooks.replay(webhook.id, { since: 0 });
		const { page } = await world.open("settings");
		let asked = 0;
		page.on("request", (request) => {
			if (request.resourceType() === "fetch" && request.url().endsWith(`/replays/${id}`)) asked += 1;
		});
		await page.clock.install();
		await page.goto(world.url(`replays/${id}`));
		const made = page.locator("dl.numbers > div", { hasText: "Deliveries created" }).locator(".number");
		await expect.poll(() => made.textContent()).toBe("0");
		await page.getByText("Live", { exact: true }).waitFor();
		expect(asked).toBe(1);
		await page.clock.fastForward(11_000);
		await world.server.project.batch.webhooks.resume(webhook.id);
		await expect.poll(() => made.textContent()).not.toBe("0");
		expect(asked).toBe(1);
		await page.route(/\/stream/, (route) => route.abort());
		await page.reload();
		await expect.poll(() => asked).toBeGreaterThan(1);
		await page.getByText("Not live", { exact: true }).waitFor();
		const before = asked;
		await page.clock.fastForward(11_000);
		await expect.poll(() => asked).toBeGreaterThan(before);
	});
});
