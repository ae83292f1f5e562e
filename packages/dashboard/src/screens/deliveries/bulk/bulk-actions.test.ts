// Retries and cancellations of many deliveries: of those that are selected, and of all that match. In a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { see } from "../../../../test/see.ts";
import { deliverTo, tellOfGap } from "../../../../test/sent-deliveries.ts";
import { pageSuite, type Tab, type World } from "../../../../test/suite.ts";

pageSuite("deliveries", (world) => {
	it("are all retried by filter, with the count first", async () => {
		await using failed = await deliverTo(world, 500, "triage.bulk");
		const { id } = failed.webhook;
		for (let sent = 0; sent < 4; sent++) await world.server.project.events.send({ type: "triage.bulk", data: sent });
		await expect.poll(async () => (await world.server.project.batch.webhooks.stats(id)).deliveries.Failed).toBe(5);
		await using tab = await world.open(`deliveries?status=Failed&webhook=${id}`);
		failed.receiver.script(() => ({ status: 200 }));
		await tab.page.getByRole("button", { name: "Retry all Failed that match…" }).click();
		await tab.page.getByRole("button", { name: "Retry 5 deliveries" }).click();
		await tab.page.getByText("5 deliveries are tried again").waitFor();
		await tab.page.getByText("No delivery matches").waitFor();
		await tab.page.getByText("none matches", { exact: true }).waitFor();
		// No shortcut works under a dialog, also while it goes away.
		await expect.poll(() => tab.page.getByRole("dialog").count()).toBe(0);
		// What would change nothing is not offered, by keyboard neither.
		await expect.poll(() => tab.page.getByRole("button", { name: "Retry all Failed that match…" }).count()).toBe(0);
		await tab.page.keyboard.press("Shift+R");
		expect(await axeFindings(tab.page)).toEqual([]);
		expect(await tab.page.getByRole("dialog").count()).toBe(0);
	});

	it("that are selected are retried or cancelled as far as they can be, and said to be counted so", async () => {
		await using failed = await deliverTo(world, 500, "mixed.failed");
		await using done = await deliverTo(world, 200, "mixed.done");
		await using held = await deliverTo(world, 200, "mixed.held");
		await world.server.project.batch.webhooks.pause(held.webhook.id);
		const { id } = await world.server.project.events.send({ type: "mixed.held", data: { total: 2 } });
		const waiting = await world.server.waitForDelivery(id, ({ status }) => status === "Held");
		await using tab = await world.open("deliveries?type=mixed.*");
		const { page } = tab;
		const choose = (one: { readonly id: string }) => page.getByRole("checkbox", { name: new RegExp(one.id) }).check();
		const offered = () => page.getByRole("button", { name: /^(Retry|Cancel) / }).allTextContents();
		await choose(done.delivery);
		await page.getByText("It can't be retried or cancelled").waitFor();
		expect(await offered()).toEqual([]);
		await choose(failed.delivery);
		await expect.poll(offered).toEqual(["Retry 1 selected…"]);
		await choose(waiting);
		await expect.poll(offered).toEqual(["Retry 1 selected…", "Cancel 1 selected…"]);
		// All that are shown, of a list that is loaded to its end.
		await choose(held.delivery);
		await expect.poll(offered).toEqual(["Retry 1 selected…", "Cancel 1 selected…"]);
		await page.getByRole("button", { name: "Cancel 1 selected…" }).click();
		const dialog = page.getByRole("dialog", { name: "Cancel deliveries?" });
		await dialog.getByText("3 others of the selection stay as they are: only what is Pending or Held").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await dialog.getByRole("button", { name: "Cancel 1 delivery" }).click();
		await page.getByText("1 delivery is cancelled").waitFor();
		expect((await world.server.project.deliveries.get(waiting.id)).status).toBe("Cancelled");
		expect((await world.server.project.deliveries.get(failed.delivery.id)).attempts).toHaveLength(1);
	});

	it("are offered all together with the statuses that are changed, and those of other statuses stay selected", async () => {
		await using failed = await deliverTo(world, 500, "part.failed");
		await using done = await deliverTo(world, 200, "part.done");
		await using held = await deliverTo(world, 200, "part.held");
		const { project } = world.server;
		await project.batch.webhooks.pause(held.webhook.id);
		for (const isCancelled of [true, false]) {
			const { id } = await project.events.send({ type: "part.held", data: 1 });
			const waiting = await world.server.waitForDelivery(id, ({ status }) => status === "Held");
			if (isCancelled) await project.deliveries.cancel(waiting.id);
		}
		await using tab = await world.open("settings");
		const { page } = tab;
		// There seem to be more, which are on their way.
		const rest = Promise.withResolvers<void>();
		await tab.person.context.route(/\/projects\/[^/]+\/deliveries\?/, async (route) => {
			if (route.request().url().includes("page=")) {
				await rest.promise;
				return route.abort();
			}
			const response = await route.fetch();
			return route.fulfill({ json: { ...((await response.json()) as object), nextPage: "more" } });
		});
		const offered = () => page.getByRole("button", { name: /^(Retry|Cancel) .*…$/ }).allTextContents();
		const list = `${world.server.url}/ui/${world.server.projectId}/deliveries?type=part.*`;
		await page.goto(`${list}&status=Failed,Succeeded`);
		await expect.poll(offered).toEqual(["Retry all Failed that match…"]);
		await page.goto(list);
		await expect.poll(offered).toEqual(["Retry all Failed that match…", "Cancel all Pending and Held that match…"]);
		await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
		await expect
			.poll(offered)
			.toEqual([
				"Retry 2 selected…",
				"Cancel 1 selected…",
				"Retry all 1 Failed that match…",
				"Cancel all 1 Pending and Held that match…",
			]);
		await page.getByRole("button", { name: "Retry all 1 Failed that match…" }).click();
		const dialog = page.getByRole("dialog", { name: "Retry all Failed that match?" });
		await dialog.getByRole("button", { name: "Retry 1 delivery" }).click();
		await page.getByText("1 delivery is tried again").waitFor();
		await page.getByRole("button", { name: "Clear the selection: 4 selected" }).waitFor();
		const row = page.getByRole("checkbox", { name: new RegExp(failed.delivery.id) });
		expect([await row.isChecked(), done.delivery.status]).toEqual([false, "Succeeded"]);
		rest.resolve();
	});

	it("are changed also if counting them took so long that none was found yet", async () => {
		await using failed = await deliverTo(world, 500, "slow.count");
		failed.receiver.script(() => ({ status: 204 }));
		await using tab = await world.open("settings");
		const { page } = tab;
		await tab.person.context.route(/deliveries:count\?/, (route) =>
			route.fulfill({ json: { object: "deliveryCount", count: 0, complete: false, scannedTo: null } }),
		);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=slow.count&status=Failed`);
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByRole("button", { name: "Export all that match" }).waitFor();
		await page.keyboard.press("Escape");
		await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		await page.getByRole("button", { name: "Retry all Failed that match…" }).click();
		const dialog = page.getByRole("dialog", { name: "Retry all Failed that match?" });
		await dialog.getByText("Each of them is attempted again now.").waitFor();
		await dialog.getByRole("button", { name: "Retry all Failed that match" }).click();
		await page.getByText("1 delivery is tried again").waitFor();
	});

	it("are selected no longer when somebody clears the selection, and the keyboard goes on where another begins", async () => {
		await using failed = await deliverTo(world, 500, "clear.one");
		await using tab = await world.open("deliveries?type=clear.one");
		const { page } = tab;
		await page.getByRole("checkbox", { name: new RegExp(failed.delivery.id) }).check();
		await page.getByRole("button", { name: "Clear the selection" }).focus();
		await page.keyboard.press("Enter");
		await expect.poll(() => page.getByRole("button", { name: /selected/ }).count()).toBe(0);
		expect(await page.evaluate("document.activeElement.ariaLabel")).toBe("Select all that are shown");
	});

	it("that are selected are those that are shown: not of another filter, nor what has left the list", async () => {
		await using one = await deliverTo(world, 500, "select.one");
		await using two = await deliverTo(world, 500, "select.two");
		await using tab = await world.open("deliveries?type=select.*&status=Failed");
		const { page } = tab;
		for (const { delivery } of [one, two]) {
			await page.getByRole("checkbox", { name: new RegExp(delivery.id) }).check();
		}
		await page.getByRole("button", { name: "Retry 2 selected…" }).waitFor();
		await page.getByRole("button", { name: "Retry 2 selected…" }).click();
		const dialog = page.getByRole("dialog", { name: "Retry deliveries?" });
		await dialog.getByRole("button", { name: "Retry 2 deliveries" }).waitFor();
		// One of them is retried by somebody else, and leaves the list when that is fetched again.
		one.receiver.script(() => ({ status: 204 }));
		await world.server.project.deliveries.retry(one.delivery.id);
		await world.server.waitForDelivery(one.delivery.eventId, ({ status }) => status === "Succeeded");
		await tellOfGap(page, world.server.projectId);
		await page.getByText("1 selected, 1 more not shown").waitFor();
		// The question stays the one that was asked.
		expect(await dialog.getByRole("button", { name: "Retry 2 deliveries" }).count()).toBe(1);
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "Retry 1 selected…" }).waitFor();
		await page.getByRole("button", { name: "Succeeded", exact: true }).click();
		await page.getByText("2 deliveries are no longer selected: the list is another one").waitFor();
		await page.getByRole("link", { name: "select.one" }).waitFor();
		await page.getByRole("button", { name: "Retry all Failed that match…" }).waitFor();
		await page.goBack();
		await page.getByRole("link", { name: "select.two" }).waitFor();
		await page.getByRole("button", { name: "Retry all Failed that match…" }).waitFor();
		expect(await page.getByRole("button", { name: /selected/ }).count()).toBe(0);
	});

	it("that are selected and have all left the list are not replaced by all that match", async () => {
		await using one = await deliverTo(world, 500, "gone.one");
		await using two = await deliverTo(world, 500, "gone.two");
		await using tab = await world.open("deliveries?type=gone.*&status=Failed");
		const { page } = tab;
		await page.getByRole("checkbox", { name: new RegExp(one.delivery.id) }).check();
		await page.getByRole("button", { name: "Retry 1 selected…" }).waitFor();
		one.receiver.script(() => ({ status: 204 }));
		await world.server.project.deliveries.retry(one.delivery.id);
		await world.server.waitForDelivery(one.delivery.eventId, ({ status }) => status === "Succeeded");
		await tellOfGap(page, world.server.projectId);
		await page.getByText("0 selected, 1 more not shown").waitFor();
		expect(await page.getByRole("button", { name: /^Retry/ }).allTextContents()).toEqual(["Retry 0 selected…"]);
		expect(await page.getByRole("button", { name: "Retry 0 selected…" }).isDisabled()).toBe(true);
		await page.keyboard.press("Shift+R");
		// A later key has been handled: so has that one.
		await page.keyboard.press("?");
		await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
		expect(await page.getByRole("dialog").count()).toBe(1);
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "Clear the selection" }).click();
		await page.getByRole("button", { name: "Retry all Failed that match…" }).waitFor();
		expect((await world.server.project.deliveries.get(two.delivery.id)).attempts).toHaveLength(1);
	});

	it("are not asked about any more when another list is shown", async () => {
		await using failed = await deliverTo(world, 500, "back.one");
		await using tab = await world.open("deliveries?type=back.one");
		const { page } = tab;
		const calls: string[] = [];
		page.on("request", (request) => {
			if (request.method() === "POST" && request.url().includes("etry")) calls.push(request.url());
		});
		for (const isOfSelected of [true, false]) {
			await page.getByRole("button", { name: "Failed", exact: true }).click();
			await page.getByRole("button", { name: "Failed", exact: true, pressed: true }).waitFor();
			if (isOfSelected) await page.getByRole("checkbox", { name: new RegExp(failed.delivery.id) }).check();
			await page
				.getByRole("button", { name: isOfSelected ? "Retry 1 selected…" : "Retry all Failed that match…" })
				.click();
			await page.getByRole("dialog").getByRole("button", { name: "Retry 1 delivery" }).waitFor();
			await page.goBack();
			if (isOfSelected) {
				await page.getByText("1 delivery is no longer selected: the list is another one").waitFor();
			}
			await expect.poll(() => new URL(page.url()).searchParams.has("status")).toBe(false);
			await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		}
		await page.getByRole("button", { name: "Retry all Failed that match…" }).waitFor();
		expect(calls).toEqual([]);
	});

	it("are all selected by one check box, and changed with how far it has come", async () => {
		await using failed = await deliverTo(world, 500, "all.one");
		const { receiver, webhook } = failed;
		const { events } = world.server.project;
		await events.sendBatch(Array.from({ length: 11 }, (_, data) => ({ type: "all.one", data })));
		const failedCount = async () => (await world.server.project.batch.webhooks.get(webhook.id)).deliveries.Failed;
		await expect.poll(failedCount).toBe(12);
		receiver.script(() => ({ status: 204 }));
		await using tab = await world.open("deliveries?type=all.one&status=Failed");
		const { page } = tab;
		const all = page.getByRole("checkbox", { name: "Select all that are shown" });
		await all.check();
		await page.getByRole("checkbox", { name: new RegExp(failed.delivery.id) }).uncheck();
		await page.getByRole("button", { name: "Retry 11 selected…" }).waitFor();
		expect(await all.evaluate((box) => (box as HTMLInputElement).indeterminate)).toBe(true);
		await all.check();
		await page.getByRole("button", { name: "Retry 12 selected…" }).click();
		// The last calls are held, so that somebody can read what has been done.
		const held = Promise.withResolvers<void>();
		let calls = 0;
		await page.route(/:retry$/, async (route) => {
			if (++calls > 8) await held.promise;
			return route.continue();
		});
		await page.getByRole("button", { name: "Retry 12 deliveries" }).click();
		await page.getByText("8 of 12 so far").waitFor();
		held.resolve();
		await page.getByText("12 deliveries are tried again").waitFor();
		await expect.poll(failedCount).toBe(0);
	});

	it("that are selected stay so if they could not be changed, which is said, and the others are not changed twice", async () => {
		await using failed = await deliverTo(world, 500, "cut.one");
		const { receiver, webhook } = failed;
		const { deliveries, batch, events } = world.server.project;
		await events.sendBatch(Array.from({ length: 11 }, (_, data) => ({ type: "cut.one", data })));
		const failedCount = async () => (await batch.webhooks.get(webhook.id)).deliveries.Failed;
		await expect.poll(failedCount).toBe(12);
		receiver.script(() => ({ status: 204 }));
		await using tab = await world.open("deliveries?type=cut.one&status=Failed");
		const { page } = tab;
		await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
		await page.getByRole("button", { name: "Retry 12 selected…" }).click();
		// One of them has succeeded before the question is answered, which stops nothing. Then the network is gone.
		const [newest, second] = (await deliveries.list({ eventType: "cut.one" })).data;
		await deliveries.retry(newest!.id);
		await world.server.waitForDelivery(newest!.eventId, ({ status }) => status === "Succeeded");
		let calls = 0;
		await page.route(/:retry$/, (route) => (++calls > 8 ? route.abort() : route.continue()));
		await page.getByRole("dialog").getByRole("button", { name: "Retry 12 deliveries" }).click();
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("7 deliveries are tried again, 4 are not, 1 could not be.").waitFor();
		await notice.getByRole("alert").waitFor();
		expect(await page.getByRole("dialog").count()).toBe(0);
		expect(await axeFindings(page)).toEqual([]);
		await expect.poll(failedCount).toBe(4);
		await page.getByText("4 selected, 1 more not shown").waitFor();
		await page.unroute(/:retry$/);
		await notice.getByRole("button", { name: "Go on" }).click();
		await page.getByText("11 deliveries are tried again, 1 other could not be").waitFor();
		await expect.poll(() => notice.count()).toBe(0);
		await expect.poll(failedCount).toBe(0);
		await expect.poll(() => page.getByRole("button", { name: /selected/ }).count()).toBe(0);
		// That it is no longer Failed is not enough: its attempt may still be under way.
		const { attempts } = await world.server.waitForDelivery(second!.eventId, ({ status }) => status === "Succeeded");
		expect(attempts).toHaveLength(2);
	});

	it("go on while another screen is shown, are not started twice for a list, and say everywhere what was not done", async () => {
		await using failed = await failedOf(
			world,
			Array.from({ length: 12 }, () => "away.one"),
		);
		await using tab = await world.open("deliveries?type=away.one&status=Failed");
		const { page } = tab;
		await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
		await page.getByRole("button", { name: "Retry 12 selected…" }).click();
		const network = await holdAfter(page, 8);
		await page.getByRole("dialog").getByRole("button", { name: "Retry 12 deliveries" }).click();
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("8 of 12 so far").waitFor();
		await notice.getByText("Event type away.one", { exact: true }).waitFor();
		await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		expect(await axeFindings(page)).toEqual([]);
		const more = page.getByRole("button", { name: "Retry 4 selected…" });
		await expect.poll(() => more.getAttribute("aria-disabled")).toBe("true");
		await page.keyboard.press("Shift+R");
		await page.getByText("Retrying 12 selected deliveries is still under way").waitFor();
		expect(await page.getByRole("dialog").count()).toBe(0);
		await page.getByRole("button", { name: "Account" }).click();
		await page.getByRole("menuitem", { name: "Sign out…", exact: true }).click();
		await page
			.getByRole("dialog", { name: "Sign out?" })
			.getByText("A change of deliveries is still under way")
			.waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.keyboard.press("Escape");
		await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		// In a low window, the notice is within it, and scrolls.
		const size = page.viewportSize()!;
		await page.setViewportSize({ ...size, height: 90 });
		const corner = page.locator(".corner");
		await expect.poll(() => corner.boundingBox()).toMatchObject({ y: 0, height: 90 });
		await notice.getByRole("button", { name: "Stop" }).click({ trial: true });
		await notice.getByText("8 of 12 so far").click({ trial: true });
		await page.setViewportSize(size);
		await page.getByRole("link", { name: "Event types" }).click();
		await page.getByRole("heading", { name: "Event types", level: 1 }).waitFor();
		await notice.getByText("8 of 12 so far").waitFor();
		network.fail();
		await notice.getByText("Retrying 12 selected deliveries has failed").waitFor();
		await notice.getByText("8 deliveries are tried again, 4 are not.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.unrouteAll();
		await notice.getByRole("button", { name: "Go on" }).click();
		await page.getByText("12 deliveries are tried again").waitFor();
		await expect.poll(() => notice.count()).toBe(0);
		await expect.poll(failed.count).toBe(0);
		// Each had its first attempt and one more.
		expect(await failed.receiver.waitFor(24)).toHaveLength(24);
	});

	it("are told of on the list of projects, too, with the project that they are of", async () => {
		await using failed = await failedOf(
			world,
			Array.from({ length: 9 }, () => "start.one"),
		);
		const { projects } = world.server.client;
		const second = await projects.create({ name: "Second" });
		await using tab = await world.open("deliveries?type=start.one&status=Failed");
		const { page } = tab;
		const network = await holdAfter(page, 8);
		await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
		await page.getByRole("button", { name: "Retry 9 selected…" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Retry 9 deliveries" }).click();
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("8 of 9 so far").waitFor();
		await page.evaluate("history.pushState({}, '', '/ui/'); dispatchEvent(new PopStateEvent('popstate'))");
		await page.getByRole("heading", { name: "Projects" }).waitFor();
		await notice.getByText("Project My project; Event type start.one").waitFor();
		await notice.getByText("8 of 9 so far").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		network.release();
		await page.getByText("9 deliveries are tried again").waitFor();
		await expect.poll(failed.count).toBe(0);
		await projects.delete(second.id);
	});

	it("that all match say how many were changed before a failure, and go on from there", async () => {
		const types = Array.from({ length: 12 }, (_, index) => (index < 9 ? "midway.one" : "midway.two"));
		await using failed = await failedOf(world, types);
		await using tab = await world.open("deliveries?type=midway.*&status=Failed");
		const { page } = tab;
		// The server seems to do it in two steps.
		const pages = new Set<unknown>();
		let isAway = true;
		await page.route(/\/deliveries:retry$/, async (route) => {
			const { page: asked, ...filter } = route.request().postDataJSON() as Record<string, unknown>;
			pages.add(asked);
			if (asked !== undefined) return isAway ? route.abort() : route.continue({ postData: JSON.stringify(filter) });
			const response = await route.fetch({ postData: JSON.stringify({ ...filter, eventType: ["midway.one"] }) });
			return route.fulfill({ json: { ...((await response.json()) as object), complete: false, nextPage: "second" } });
		});
		await page.getByRole("button", { name: "Retry all Failed that match…" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Retry 12 deliveries" }).click();
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("Retrying all Failed that match has failed").waitFor();
		await notice.getByText("Event type midway.*", { exact: true }).waitFor();
		await notice.getByText("9 deliveries are tried again, 3 are not.").waitFor();
		await expect.poll(failed.count).toBe(3);
		isAway = false;
		await notice.getByRole("button", { name: "Go on" }).click();
		await page.getByText("12 deliveries are tried again").waitFor();
		await expect.poll(failed.count).toBe(0);
		expect([...pages]).toEqual([undefined, "second"]);
		expect(await failed.receiver.waitFor(24)).toHaveLength(24);
	});

	it("are stopped and dismissed, and their end is still shown when somebody comes back to the tab", async () => {
		await using failed = await failedOf(
			world,
			Array.from({ length: 20 }, () => "stop.one"),
		);
		await using tab = await world.open("settings");
		const { page } = tab;
		await page.clock.install();
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=stop.one&status=Failed`);
		await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
		await page.getByRole("button", { name: "Retry 20 selected…" }).click();
		const network = await holdAfter(page, 8);
		await page.getByRole("dialog").getByRole("button", { name: "Retry 20 deliveries" }).click();
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("8 of 20 so far").waitFor();
		await notice.getByRole("button", { name: "Stop" }).click();
		network.release();
		await notice.getByText("Retrying 20 selected deliveries was stopped").waitFor();
		await notice.getByText("16 deliveries are tried again, 4 are not.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await notice.getByRole("button", { name: "Dismiss" }).click();
		await expect.poll(() => notice.count()).toBe(0);
		await expect.poll(failed.count).toBe(4);
		await see(page, "hidden");
		await page.getByRole("button", { name: "Retry 4 selected…" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Retry 4 deliveries" }).click();
		const message = page.getByText("4 deliveries are tried again");
		await message.waitFor();
		await page.clock.fastForward(60_000);
		expect(await message.count()).toBe(1);
		await see(page, "visible");
		await page.clock.fastForward(60_000);
		await expect.poll(() => message.count()).toBe(0);
	});
});

/** A webhook to which one event of each type has failed, and whose receiver works from now on. */
async function failedOf(world: World, types: readonly string[]) {
	const { batch, events } = world.server.project;
	const receiver = await startReceiver();
	receiver.script(() => ({ status: 500 }));
	const { id } = await world.server.createWebhook(receiver.url, {
		eventTypes: [...new Set(types)],
		retries: { maxRetries: 0, maxRetryDelay: 0 },
	});
	await events.sendBatch(types.map((type, data) => ({ type, data })));
	const count = async () => (await batch.webhooks.get(id)).deliveries.Failed;
	await expect.poll(count).toBe(types.length);
	receiver.script(() => ({ status: 204 }));
	return { receiver, count, [Symbol.asyncDispose]: () => receiver.close() };
}

/** Holds the calls for single deliveries after the first ones, until they are released or fail. */
async function holdAfter(page: Tab["page"], first: number) {
	const held = Promise.withResolvers<boolean>();
	let calls = 0;
	await page.route(/:retry$/, async (route) => {
		if (++calls > first && !(await held.promise)) return route.abort();
		return route.continue();
	});
	return { release: () => held.resolve(true), fail: () => held.resolve(false) };
}
