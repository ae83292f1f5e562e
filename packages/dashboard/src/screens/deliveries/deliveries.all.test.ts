// The deliveries of a project, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { fakeLog, rowId } from "../../../test/fake-log.ts";
import { deliverTo } from "../../../test/sent-deliveries.ts";
import { focusOn, pageSuite, show } from "../../../test/suite.ts";
import { duration } from "../../parts/text/format.ts";

pageSuite("deliveries", (world) => {
	it("open beside the list on a wide screen, and in a tab of their own by middle click", async () => {
		const failed = await deliverTo(world, 500, "triage.two");
		const { page, person } = await world.open("deliveries?type=triage.two", { size: { width: 1_400, height: 900 } });
		await page.getByRole("link", { name: "triage.two" }).click();
		await page.getByRole("complementary", { name: "The delivery" }).getByText("The receiver failed").waitFor();
		await expect.poll(() => page.url()).toContain(`open=${failed.delivery.id}`);
		const opened = person.context.waitForEvent("page");
		await page.getByRole("link", { name: "triage.two" }).click({ button: "middle" });
		const other = await opened;
		await other.getByText("The receiver failed").waitFor();
		expect(new URL(other.url()).pathname).toBe(`/ui/${world.server.projectId}/deliveries/${failed.delivery.id}`);
		await page.bringToFront();
		// The first one is for the dialog.
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByRole("dialog").waitFor();
		await page.keyboard.press("Escape");
		await page.getByRole("dialog").waitFor({ state: "detached" });
		expect(new URL(page.url()).searchParams.get("open")).toBe(failed.delivery.id);
		// Another one is for the menu, once that has the focus.
		await page.getByRole("button", { name: /^Project: / }).click();
		await expect
			.poll(() => page.getByRole("menu").evaluate((menu) => menu.contains(document.activeElement)))
			.toBe(true);
		await page.keyboard.press("Escape");
		await page.getByRole("menu").waitFor({ state: "detached" });
		expect(new URL(page.url()).searchParams.get("open")).toBe(failed.delivery.id);
		await page.getByRole("button", { name: "Copy for support" }).focus();
		await page.keyboard.press("Escape");
		await expect.poll(() => new URL(page.url()).searchParams.has("open")).toBe(false);
		const row = page.locator(`[data-row="${failed.delivery.id}"]`);
		await focusOn(row);
		await expect.poll(() => page.getByRole("complementary", { name: "The delivery" }).count()).toBe(0);
	});

	it("are found by every filter of the address, with the count, and narrowed by hand", async () => {
		const failed = await deliverTo(world, 502, "filters.one", { tags: ["order:4711"] });
		const other = await deliverTo(world, 404, "filters.two");
		const sent = await deliverTo(world, 200, "filters.three");
		const made = failed.delivery.createDate;
		const { page } = await world.open("deliveries?type=filters.*");
		const links = page.getByRole("link", { name: /^filters\./ });
		const found: readonly (readonly [search: string, count: number])[] = [
			["type=filters.*", 3],
			["type=filters.one,filters.two", 2],
			["type=filters.*&status=Failed,Succeeded", 3],
			["type=filters.*&code=5xx,200", 2],
			["type=filters.*&code=404", 1],
			["type=filters.*&cause=status_404", 1],
			["type=filters.*&cause=status_5xx,status_404", 2],
			["type=filters.*&error=refused", 0],
			["tag=order:4711", 1],
			["tag=order:4711&code=404", 0],
			["type=filters.*&changed=1h", 3],
			["type=filters.*&range=1h&status=Failed", 2],
			[`type=filters.*&before=${made}`, 0],
			[`type=filters.*&after=${new Date(made).toISOString()}`, 3],
			[`webhook=${failed.webhook.id}&event=${failed.delivery.eventId}`, 1],
			// What nobody can read is dropped, and the rest counts.
			["type=filters.*&code=6xx&cause=none&status=Lost&changed=1y", 3],
		];
		for (const [search, count] of found) {
			await page.goto(world.url(`deliveries?${search}`));
			const words = ["none matches", "1 matches"][count] ?? `${count} match`;
			await page.getByText(words, { exact: true }).waitFor();
			// The list is another call than the count.
			await expect.poll(() => links.count(), { message: search }).toBe(count);
		}
		await page.goto(world.url("deliveries?type=filters.*"));
		await page.getByRole("button", { name: "Failed", exact: true }).click();
		await page.getByText("2 match", { exact: true }).waitFor();
		await page.getByRole("button", { name: "Succeeded", exact: true }).click();
		await page.getByText("3 match", { exact: true }).waitFor();
		await page.getByRole("combobox", { name: "Cause" }).click();
		await page.getByRole("option", { name: "5xx server error" }).click();
		await page.getByText("1 matches", { exact: true }).waitFor();
		await expect.poll(() => new URL(page.url()).searchParams.get("cause")).toBe("status_5xx");
		await expect.poll(() => links.count()).toBe(1);
		const tag = page.getByLabel("Tag", { exact: true });
		await tag.fill("order:1");
		await tag.press("Enter");
		await page.getByText("none matches", { exact: true }).waitFor();
		expect([other.delivery.status, sent.delivery.status]).toEqual(["Failed", "Succeeded"]);
	});

	it("have a time of another day in one line, and all their filters in one row, in a window of 1,280 px", async () => {
		const failed = await deliverTo(world, 404, "lines.one");
		const { page } = await world.open("deliveries?type=lines.*", { size: { width: 1_280, height: 900 } });
		await page.clock.setFixedTime(failed.delivery.createDate + 2 * 86_400_000);
		await page.reload();
		const time = page.getByRole("row", { name: /lines\.one/ }).getByText(/^\d+ \w+, [\d:]+$/);
		expect((await time.boundingBox())!.height).toBeLessThan(30);
		const filters = await page.locator(".filter").all();
		const tops = await Promise.all(filters.map(async (filter) => Math.round((await filter.boundingBox())!.y)));
		expect(tops).toEqual(Array.from({ length: 6 }, () => tops[0]));
	});

	it("are counted anew if they have changed while they were counted for the first time", async () => {
		await deliverTo(world, 404, "counting.one");
		const { page, person } = await world.open("keys");
		const counting = Promise.withResolvers<void>();
		const held = Promise.withResolvers<void>();
		let counts = 0;
		await page.route(/deliveries:count\?/, async (route) => {
			if (++counts > 1) return route.fallback();
			const response = await route.fetch();
			counting.resolve();
			await held.promise;
			return route.fulfill({ response });
		});
		await page.goto(world.url("deliveries?status=Failed&type=counting.*"));
		await counting.promise;
		await page.getByRole("link", { name: "counting.one" }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		// Hears the same, and counts.
		const beside = await person.tab(page.url());
		await beside.getByText("1 matches", { exact: true }).waitFor();
		await deliverTo(world, 404, "counting.two");
		await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		await beside.getByText("2 match", { exact: true }).waitFor();
		// What is under way is not broken off.
		expect(counts).toBe(1);
		held.resolve();
		await page.getByText("2 match", { exact: true }).waitFor();
	});

	it("are counted anew while they change, but not while nobody sees the list, or it is paused", async () => {
		await deliverTo(world, 404, "unseen.one");
		const { page, person } = await world.open("deliveries?status=Failed&type=unseen.*");
		let counts = 0;
		page.on("request", (request) => void (request.url().includes("deliveries:count?") && counts++));
		const shows = (tab: typeof page, words: string) => tab.getByText(words, { exact: true }).waitFor();
		await shows(page, "1 matches");
		await page.getByText("Live", { exact: true }).waitFor();
		// Hears the same, and counts.
		const beside = await person.tab(page.url());
		await shows(beside, "1 matches");
		const before = counts;
		await page.keyboard.press(".");
		await page.getByRole("button", { name: "Paused: go on" }).waitFor();
		await deliverTo(world, 404, "unseen.two");
		await shows(beside, "2 match");
		expect(counts).toBe(before);
		await page.keyboard.press(".");
		await shows(page, "2 match");

		const unseen = counts;
		await show(page, false);
		const third = await deliverTo(world, 404, "unseen.three");
		await shows(beside, "3 match");
		expect(counts).toBe(unseen);
		await show(page, true);
		await shows(page, "3 match");
		third.mend();
		await world.server.project.deliveries.retry(third.delivery.id);
		await shows(page, "2 match");
	});

	it("are found by two times between which they were made", async () => {
		const sent = await deliverTo(world, 200, "between.one");
		const { createDate } = sent.delivery;
		const { page } = await world.open("deliveries?type=between.one&range=24h");
		await page.getByText("1 matches", { exact: true }).waitFor();
		await page.getByRole("combobox", { name: "Time" }).click();
		await page.getByRole("option", { name: "Created between two times…" }).click();
		// As somebody types them: in the reader's own zone.
		const textOf = (at: number) =>
			page.evaluate((at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16), at);
		await page.getByLabel("From").fill(await textOf(createDate));
		await page.getByLabel("Before").fill(await textOf(createDate - 60_000));
		await page.getByText("It must begin before it ends.").waitFor();
		await page.getByLabel("Before").fill(await textOf(createDate + 120_000));
		expect(await axeFindings(page)).toEqual([]);
		await page.getByLabel("Before").press("Enter");
		await page.getByRole("button", { name: /^Created since .*: remove the filter$/ }).waitFor();
		await page.getByText("1 matches", { exact: true }).waitFor();
		const { searchParams } = new URL(page.url());
		expect(Date.parse(searchParams.get("after") ?? "")).toBe(Math.floor(createDate / 60_000) * 60_000);
		expect(searchParams.get("range")).toBe(null);
		await page.getByRole("button", { name: /^Created before .*: remove the filter$/ }).click();
		await page.getByRole("button", { name: /^Created since .*: remove the filter$/ }).click();
		await expect.poll(() => new URL(page.url()).search).toBe("?type=between.one");
		// The last hour ends now, whatever was set before.
		const ends = "after=2020-01-01T00:00:00.000Z&before=2020-01-02T00:00:00.000Z";
		await page.goto(world.url(`deliveries?type=between.one&${ends}`));
		await page.getByText("none matches", { exact: true }).waitFor();
		await page.getByRole("combobox", { name: "Time" }).click();
		await page.getByRole("option", { name: "Created in the last hour" }).click();
		await page.getByText("1 matches", { exact: true }).waitFor();
		await expect.poll(() => new URL(page.url()).search).toBe("?type=between.one&range=1h");
	});

	it("keep the names of the columns in view, and no row with the focus is under them", async () => {
		const sent = await deliverTo(world, 200, "head.one");
		const { page, person } = await world.open("settings");
		await fakeLog(person, sent.delivery);
		await page.goto(world.url("deliveries?type=head.one"));
		await page.locator(`[data-row="${rowId(40)}"]`).focus();
		const covered = `(() => {
			const { left, top } = document.activeElement.closest("[role=row]").getBoundingClientRect();
			return document.elementFromPoint(left + 200, top + 4).closest("[aria-rowindex]").ariaRowIndex;
		})()`;
		for (let index = 40; index > 10; index--) {
			await page.keyboard.press("k");
			await expect.poll(() => page.evaluate(covered)).toBe(String(index + 1));
		}
		expect(await page.evaluate("scrollY")).toBeGreaterThan(200);
		const head = await page.getByRole("columnheader", { name: "Event type" }).boundingBox();
		expect(head?.y).toBeGreaterThan(0);
		expect(head?.y).toBeLessThan(100);
	});

	it("are offered all together to somebody who selects those that are shown", async () => {
		const sent = await deliverTo(world, 500, "offer.one");
		const { page, person } = await world.open("settings");
		await fakeLog(person, sent.delivery);
		await page.goto(world.url("deliveries?type=offer.one&status=Failed"));
		await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
		await page.getByRole("button", { name: "Retry 100 selected…" }).waitFor();
		const all = page.getByRole("button", { name: "Retry all 1 Failed that match…" });
		await all.waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await all.click();
		const retry = page.getByRole("dialog").getByRole("button", { name: "Retry 1 delivery" });
		await retry.waitFor();
		await page.keyboard.press("Escape");
		await focusOn(all);
		await all.click();
		await retry.click();
		await page.getByText("1 delivery is tried again").waitFor();
		// What was selected was meant, too.
		await expect.poll(() => page.getByRole("button", { name: /selected/ }).count()).toBe(0);
		await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("content");
	});

	it("that are rare are searched on, which says how far it has come, and is stopped and taken up again; far down, by themselves", async () => {
		const sent = await deliverTo(world, 200, "rare.one");
		const { page, person } = await world.open("events");
		// The pages of a log so large that the server looks at a part of it at a time.
		const made = sent.delivery.createDate;
		const none = (step: number) => ({
			data: [],
			nextPage: `step-${step + 1}`,
			scannedTo: made - (step + 1) * 3_600_000,
		});
		const end = { data: [sent.delivery], nextPage: null, scannedTo: null };
		let pages: readonly object[] = [none(0), none(1), none(2), end];
		const held = Promise.withResolvers<void>();
		const asked: number[] = [];
		await person.context.route(/\/projects\/[^/]+\/deliveries\?/, async (route) => {
			const step = Number(new URL(route.request().url()).searchParams.get("page")?.slice("step-".length) ?? 0);
			asked.push(step);
			if (step === 2) await held.promise;
			return route.fulfill({ json: { prevPage: null, ...pages[step] } });
		});
		await page.goto(world.url("deliveries?type=rare.one"));
		// It goes on by itself, until it is stopped while the third page is on its way.
		await expect.poll(() => asked).toEqual([0, 1, 2]);
		expect(await page.getByText("Looked back to").textContent()).toMatch(/: 0 found so far\.$/);
		await page.getByRole("button", { name: "Stop" }).click();
		held.resolve();
		await page.getByRole("button", { name: "Search on" }).click();
		await page.getByRole("link", { name: "rare.one" }).waitFor();
		await page.getByText("That is the only one.").waitFor();
		// A full page, then some without a row, and then the last one.
		const full = Array.from({ length: 100 }, (_, index) => ({ ...sent.delivery, id: rowId(index) }));
		pages = [{ data: full, nextPage: "step-1", scannedTo: null }, none(1), none(2), end];
		await page.reload();
		await page.locator(`[data-row="${rowId(0)}"]`).waitFor();
		await expect
			.poll(async () => {
				await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
				return page.locator(`[data-row="${sent.delivery.id}"]`).isVisible();
			})
			.toBe(true);
		await page.getByText("All 101 are shown.").waitFor();
	});

	it("that no filter leaves are explained by the filter that leaves out the most, and offer no change, also if counting took too long", async () => {
		await deliverTo(world, 404, ["none.one", "none.two"]);
		const { page } = await world.open("deliveries?type=none.*&cause=refused&status=Failed");
		await page.getByText("Cause connection refused leaves out the most: 2 would match without it.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("button", { name: "Without Cause connection refused: 2" }).click();
		await page.getByText("2 match", { exact: true }).waitFor();
		await expect.poll(() => page.getByRole("link", { name: /^none\./ }).count()).toBe(2);
		await page.goto(world.url("deliveries?type=none.*&cause=refused&tag=lost"));
		await page.getByText("no single one of them is the reason").waitFor();
		const unknown = { object: "deliveryCount", count: 0, complete: false, scannedTo: null };
		await page.route(/deliveries:count\?/, (route) => route.fulfill({ json: unknown }));
		await page.goto(world.url("deliveries?type=never.sent&status=Failed"));
		await page.getByText("No delivery matches").waitFor();
		await page.getByText("none matches", { exact: true }).waitFor();
		await expect.poll(() => page.getByRole("button", { name: /that match…$/ }).count()).toBe(0);
	});

	it("that a replay makes are announced, and do not move the list", async () => {
		const failed = await deliverTo(world, 500, "replayed.one");
		const { page } = await world.open("deliveries?type=replayed.one");
		const links = page.getByRole("link", { name: "replayed.one" });
		await links.waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		failed.receiver.script(() => ({ status: 204 }));
		const { webhooks } = world.server.project.batch;
		await webhooks.replay(failed.webhook.id, { since: 0, until: Date.now() + 1_000, status: ["Failed"] });
		await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		expect(await links.count()).toBe(1);
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => links.count()).toBe(2);
		await page.getByRole("button", { name: /newer/ }).waitFor({ state: "detached" });
	});

	it("that came while a list with a filter was not shown are announced when it is shown again", async () => {
		const failed = await deliverTo(world, 500, "return.one");
		const { page } = await world.open("deliveries?type=return.one&status=Failed");
		const links = page.getByRole("link", { name: "return.one" });
		await links.waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		await page.getByRole("button", { name: "All", exact: true }).click();
		await page.getByRole("button", { name: "All", exact: true, pressed: true }).waitFor();
		// The list is there: a delivery that comes before it is in it, and is not announced.
		await links.waitFor();
		const { id } = await world.server.project.events.send({ type: "return.one", data: 2 });
		await world.server.waitForDelivery(id, ({ status }) => status === "Failed");
		await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		await page.goBack();
		await page.getByRole("button", { name: "Failed", exact: true, pressed: true }).waitFor();
		const show = page.getByRole("button", { name: "1 newer delivery · show" });
		await show.waitFor();
		await page.getByText("1 is shown, and none is older.").waitFor();
		await show.press("Enter");
		await expect.poll(() => links.count()).toBe(2);
		// What had the focus is gone.
		const title = page.getByRole("heading", { name: "Deliveries", level: 1 });
		await focusOn(title);
		await failed.receiver.waitFor(2);
	});

	it("that come are announced only in the lists that show them", async () => {
		const { webhook, receiver } = await deliverTo(world, 500, "narrow.one");
		const { page } = await world.open(`deliveries?webhook=${webhook.id}&status=Failed`);
		await page.getByRole("link", { name: "narrow.one" }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		receiver.script(({ rawBody }) => ({ status: rawBody.toString().includes("bad") ? 500 : 204 }));
		const { events } = world.server.project;
		for (const word of ["good", "good", "bad", "good"]) await events.send({ type: "narrow.one", data: word });
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => page.getByRole("link", { name: "narrow.one" }).count()).toBe(2);
	});

	it("that are changed by hand do not bring those into the list that are announced", async () => {
		const failed = await deliverTo(world, 500, "still.one");
		const { page } = await world.open("deliveries?type=still.one", { size: { width: 1_400, height: 900 } });
		const link = page.getByRole("link", { name: "still.one" });
		await link.waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		failed.receiver.script(() => ({ status: 204 }));
		await world.server.project.events.send({ type: "still.one", data: 2 });
		const newer = page.getByRole("button", { name: "1 newer delivery · show" });
		await newer.waitFor();
		await link.click();
		await page.getByRole("complementary", { name: "The delivery" }).getByText("The receiver failed").waitFor();
		const asked = page.waitForResponse(/\/deliveries\?/);
		await page.keyboard.press("r");
		await asked;
		await page.getByRole("table", { name: "Deliveries" }).getByText("Succeeded").waitFor();
		expect(await link.count()).toBe(1);
		await newer.click();
		await expect.poll(() => link.count()).toBe(2);
	});

	it("show how long the last answer took, also of an attempt that ends while they are shown", async () => {
		const failed = await deliverTo(world, 500, "took.one");
		const { page } = await world.open("deliveries?type=took.one", { size: { width: 1_600, height: 900 } });
		const table = page.getByRole("table", { name: "Deliveries" });
		await table.getByRole("columnheader", { name: "Duration" }).waitFor();
		const index = (await table.getByRole("columnheader").allTextContents()).indexOf("Duration");
		const took = () => table.getByRole("row").nth(1).getByRole("cell").nth(index).textContent();
		await page.getByText("Live", { exact: true }).waitFor();
		await expect.poll(took).toBe(duration(failed.delivery.lastAttempt!.durationMs));
		const { deliveries } = world.server.project;
		let finish = () => {};
		failed.receiver.script(() => new Promise((resolve) => (finish = () => resolve({ status: 204 }))));
		await deliveries.retry(failed.delivery.id);
		await failed.receiver.waitFor(2);
		await table.getByText("Pending").waitFor();
		finish();
		await table.getByText("Succeeded").waitFor();
		// The page is told of the end of an attempt before that is committed.
		const { lastAttempt } = await world.server.waitForDelivery(
			failed.delivery.eventId,
			({ status }) => status === "Succeeded",
		);
		await expect.poll(took).toBe(duration(lastAttempt!.durationMs));
	});
});
