// Retries and cancellations of many deliveries: of those that are selected, and of all that match. In a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo, tellOfGap } from "../../../../test/sent-deliveries.ts";
import { follow, pageSuite, show } from "../../../../test/suite.ts";

type Sent = Awaited<ReturnType<typeof deliverTo>>;

pageSuite("deliveries", (world) => {
	it("are all retried by filter, with the count first, also if counting took so long that none was found yet", async () => {
		const failed = await deliverTo(world, 500, "bulk.one", { count: 5 });
		const { page } = await world.open(`deliveries?status=Failed&webhook=${failed.webhook.id}`);
		failed.mend();
		await page.getByRole("button", { name: "Retry all Failed that match…" }).click();
		await page.getByRole("button", { name: "Retry 5 deliveries" }).click();
		await page.getByText("5 deliveries are tried again").waitFor();
		await page.getByText("No delivery matches").waitFor();
		await page.getByText("none matches", { exact: true }).waitFor();
		// No shortcut works under a dialog, also while it goes away.
		await isClosed(page);
		// What would change nothing is not offered, by keyboard neither.
		await expect.poll(() => page.getByRole("button", { name: "Retry all Failed that match…" }).count()).toBe(0);
		await page.keyboard.press("Shift+R");
		expect(await axeFindings(page)).toEqual([]);
		expect(await page.getByRole("dialog").count()).toBe(0);

		const slow = await deliverTo(world, 500, "slow.count");
		slow.mend();
		const unknown = { object: "deliveryCount", count: 0, complete: false, scannedTo: null };
		await page.route(/deliveries:count\?/, (route) => route.fulfill({ json: unknown }));
		await page.goto(world.url("deliveries?type=slow.count&status=Failed"));
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByRole("button", { name: "Export all that match" }).waitFor();
		await page.keyboard.press("Escape");
		await isClosed(page);
		await page.getByRole("button", { name: "Retry all Failed that match…" }).click();
		const dialog = page.getByRole("dialog", { name: "Retry all Failed that match?" });
		await dialog.getByText("Each of them is attempted again now.").waitFor();
		await dialog.getByRole("button", { name: "Retry all Failed that match" }).click();
		await page.getByText("1 delivery is tried again").waitFor();
	});

	/** Deliveries of the types that begin with `prefix`: one that has failed, two that have succeeded, and one that is held. */
	async function mixed(prefix: string) {
		const { project } = world.server;
		const failed = await deliverTo(world, 500, `${prefix}.failed`);
		const done = await deliverTo(world, 200, `${prefix}.done`);
		const held = await deliverTo(world, 200, `${prefix}.held`);
		await project.batch.webhooks.pause(held.webhook.id);
		const { id } = await project.events.send({ type: `${prefix}.held`, data: { total: 2 } });
		return { failed, done, held, waiting: await world.server.waitForDelivery(id, ({ status }) => status === "Held") };
	}
	const boxOf = (page: Page, one: { readonly id: string }) => page.getByRole("checkbox", { name: new RegExp(one.id) });

	it("that are selected are retried or cancelled as far as they can be, and said to be counted so", async () => {
		const { failed, done, held, waiting } = await mixed("mixed");
		const { page } = await world.open("deliveries?type=mixed.*");
		const offered = () => page.getByRole("button", { name: /^(Retry|Cancel) / }).allTextContents();
		await boxOf(page, done.delivery).check();
		await page.getByText("It can't be retried or cancelled").waitFor();
		expect(await offered()).toEqual([]);
		await boxOf(page, failed.delivery).check();
		await expect.poll(offered).toEqual(["Retry 1 selected…"]);
		await boxOf(page, waiting).check();
		await expect.poll(offered).toEqual(["Retry 1 selected…", "Cancel 1 selected…"]);
		// All that are shown, of a list that is loaded to its end.
		await boxOf(page, held.delivery).check();
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
		const { failed } = await mixed("part");
		const { page } = await world.open("settings");
		// There seem to be more, which are on their way.
		const rest = Promise.withResolvers<void>();
		await page.route(/\/projects\/[^/]+\/deliveries\?/, async (route) => {
			if (route.request().url().includes("page=")) {
				await rest.promise;
				return route.abort();
			}
			const response = await route.fetch();
			return route.fulfill({ json: { ...((await response.json()) as object), nextPage: "more" } });
		});
		const offered = () => page.getByRole("button", { name: /^(Retry|Cancel) .*…$/ }).allTextContents();
		await page.goto(world.url("deliveries?type=part.*&status=Failed,Succeeded"));
		await expect.poll(offered).toEqual(["Retry all Failed that match…"]);
		await page.goto(world.url("deliveries?type=part.*"));
		await expect.poll(offered).toEqual(["Retry all Failed that match…", "Cancel all Pending and Held that match…"]);
		await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
		const retryAll = "Retry all 1 Failed that match…";
		const cancelAll = "Cancel all 1 Pending and Held that match…";
		await expect.poll(offered).toEqual(["Retry 1 selected…", "Cancel 1 selected…", retryAll, cancelAll]);
		await page.getByRole("button", { name: retryAll }).click();
		const dialog = page.getByRole("dialog", { name: "Retry all Failed that match?" });
		await dialog.getByRole("button", { name: "Retry 1 delivery" }).click();
		await page.getByText("1 delivery is tried again").waitFor();
		await page.getByRole("button", { name: "Clear the selection: 3 selected" }).waitFor();
		expect(await boxOf(page, failed.delivery).isChecked()).toBe(false);
		rest.resolve();
	});

	it("are selected no longer when somebody clears the selection, and the keyboard goes on where another begins", async () => {
		const failed = await deliverTo(world, 500, "clear.one");
		const { page } = await world.open("deliveries?type=clear.one");
		await boxOf(page, failed.delivery).check();
		await page.getByRole("button", { name: "Clear the selection" }).focus();
		await page.keyboard.press("Enter");
		await expect.poll(() => page.getByRole("button", { name: /selected/ }).count()).toBe(0);
		expect(await page.evaluate("document.activeElement.ariaLabel")).toBe("Select all that are shown");
	});

	/** Somebody else retries it, and it leaves the list of those that have failed when that is fetched again. */
	async function leaves(page: Page, { mend, delivery }: Sent): Promise<void> {
		mend();
		await world.server.project.deliveries.retry(delivery.id);
		await world.server.waitForDelivery(delivery.eventId, ({ status }) => status === "Succeeded");
		await tellOfGap(page, world.server.projectId);
	}

	it("that are selected are those that are shown: not of another filter, nor what has left the list", async () => {
		const one = await deliverTo(world, 500, "select.one");
		const two = await deliverTo(world, 500, "select.two");
		const { page } = await world.open("deliveries?type=select.*&status=Failed");
		for (const { delivery } of [one, two]) await boxOf(page, delivery).check();
		await page.getByRole("button", { name: "Retry 2 selected…" }).click();
		const dialog = page.getByRole("dialog", { name: "Retry deliveries?" });
		await dialog.getByRole("button", { name: "Retry 2 deliveries" }).waitFor();
		await leaves(page, one);
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
		const one = await deliverTo(world, 500, "gone.one");
		const two = await deliverTo(world, 500, "gone.two");
		const { page } = await world.open("deliveries?type=gone.*&status=Failed");
		await boxOf(page, one.delivery).check();
		await page.getByRole("button", { name: "Retry 1 selected…" }).waitFor();
		await leaves(page, one);
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
		const failed = await deliverTo(world, 500, "back.one");
		const { page } = await world.open("deliveries?type=back.one");
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

	it("go on while another screen is shown, are not started twice for a list, and say everywhere what was not done", async () => {
		const failed = await deliverTo(world, 500, "away.one", { count: 12 });
		failed.mend();
		const { projects } = world.server.client;
		const other = await projects.create({ name: "Second" });
		const { page } = await world.open("deliveries?type=away.one&status=Failed");
		const all = page.getByRole("checkbox", { name: "Select all that are shown" });
		await all.check();
		await boxOf(page, failed.delivery).uncheck();
		await page.getByRole("button", { name: "Retry 11 selected…" }).waitFor();
		expect(await all.evaluate((box) => (box as HTMLInputElement).indeterminate)).toBe(true);
		const network = await retrySelected(page, 12);
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("8 of 12 so far").waitFor();
		await notice.getByText("Event type away.one", { exact: true }).waitFor();
		await isClosed(page);
		expect(await axeFindings(page)).toEqual([]);
		const more = page.getByRole("button", { name: "Retry 4 selected…" });
		await expect.poll(() => more.getAttribute("aria-disabled")).toBe("true");
		await page.keyboard.press("Shift+R");
		await page.getByText("Retrying 12 selected deliveries is still under way").waitFor();
		expect(await page.getByRole("dialog").count()).toBe(0);
		await page.getByRole("button", { name: "Account" }).click();
		await page.getByRole("menuitem", { name: "Sign out…", exact: true }).click();
		const question = page.getByRole("dialog", { name: "Sign out?" });
		await question.getByText("A change of deliveries is still under way").waitFor();
		await page.keyboard.press("Escape");
		await isClosed(page);
		// In a low window, the notice is within it, and scrolls.
		const size = page.viewportSize()!;
		await page.setViewportSize({ ...size, height: 90 });
		await expect.poll(() => page.locator(".corner").boundingBox()).toMatchObject({ y: 0, height: 90 });
		await notice.getByRole("button", { name: "Stop" }).click({ trial: true });
		await notice.getByText("8 of 12 so far").click({ trial: true });
		await page.setViewportSize(size);
		await page.getByRole("link", { name: "Event types" }).click();
		await page.getByRole("heading", { name: "Event types", level: 1 }).waitFor();
		await notice.getByText("8 of 12 so far").waitFor();
		// Where no project is shown, it names its own.
		await follow(page, "/ui/");
		await page.getByRole("heading", { name: "Projects" }).waitFor();
		await notice.getByText("Project My project; Event type away.one").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		network.fail();
		await notice.getByText("Retrying 12 selected deliveries has failed").waitFor();
		await notice.getByText("8 deliveries are tried again, 4 are not.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.unrouteAll();
		await notice.getByRole("button", { name: "Go on" }).click();
		await page.getByText("12 deliveries are tried again").waitFor();
		await expect.poll(() => notice.count()).toBe(0);
		await expect.poll(failed.failedCount).toBe(0);
		// Each had its first attempt and one more.
		expect(await failed.receiver.waitFor(24)).toHaveLength(24);
		await projects.delete(other.id);
	});

	it("are stopped, and a message of their end is still shown when somebody comes back to the tab", async () => {
		const failed = await deliverTo(world, 500, "stop.one", { count: 20 });
		failed.mend();
		const { page } = await world.open("settings");
		await page.clock.install();
		await page.goto(world.url("deliveries?type=stop.one&status=Failed"));
		const network = await retrySelected(page, 20);
		const notice = page.getByRole("region", { name: "Changes of deliveries" });
		await notice.getByText("8 of 20 so far").waitFor();
		await notice.getByRole("button", { name: "Stop" }).click();
		network.release();
		await notice.getByText("Retrying 20 selected deliveries was stopped").waitFor();
		await notice.getByText("16 deliveries are tried again, 4 are not.").waitFor();
		await show(page, false);
		await notice.getByRole("button", { name: "Go on" }).click();
		const message = page.getByText("20 deliveries are tried again");
		await message.waitFor();
		await page.clock.fastForward(60_000);
		expect(await message.count()).toBe(1);
		await show(page, true);
		await page.clock.fastForward(60_000);
		await expect.poll(() => message.count()).toBe(0);
	});
});

async function isClosed(page: Page): Promise<void> {
	await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
}

/** Selects all that are shown and retries them. All calls but the first eight are held until they are released or fail. */
async function retrySelected(page: Page, count: number) {
	await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
	await page.getByRole("button", { name: `Retry ${count} selected…` }).click();
	const retry = page.getByRole("dialog").getByRole("button", { name: `Retry ${count} deliveries` });
	await retry.waitFor();
	const held = Promise.withResolvers<boolean>();
	let calls = 0;
	await page.route(/:retry$/, async (route) => {
		if (++calls > 8 && !(await held.promise)) return route.abort();
		return route.continue();
	});
	await retry.click();
	return { release: () => held.resolve(true), fail: () => held.resolve(false) };
}
