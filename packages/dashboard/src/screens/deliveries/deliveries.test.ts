// The deliveries of a project, in a real browser.
import { readFileSync } from "node:fs";

import type { Delivery } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Person } from "@fanfare/testkit/browser/browser";
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { see } from "../../../test/see.ts";
import { deliverTo, tellOfGap } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";
import { duration } from "../../parts/text/format.ts";

pageSuite("deliveries", (world) => {
	it("that failed are found, explained, and retried after the receiver was mended", async () => {
		await using failed = await deliverTo(world, 404, "triage.one");
		await using tab = await world.open("deliveries?status=Failed&type=triage.one", {
			size: { width: 1_000, height: 800 },
		});
		const { page } = tab;
		await page.getByRole("link", { name: "triage.one" }).click();
		await page.getByText("There is nothing at this path").waitFor();
		await page.getByRole("region", { name: "Response body" }).getByText("the answer").waitFor();
		failed.receiver.script(() => ({ status: 204 }));
		await page.keyboard.press("r");
		await page.getByRole("region", { name: "Delivery", exact: true }).getByText("Succeeded").waitFor();
		await page.getByText("by hand").waitFor();
	});

	it("open beside the list on a wide screen, and in a tab of their own by middle click", async () => {
		await using failed = await deliverTo(world, 500, "triage.two");
		await using tab = await world.open("deliveries?type=triage.two", { size: { width: 1_400, height: 900 } });
		const { page } = tab;
		await page.getByRole("link", { name: "triage.two" }).click();
		await page.getByRole("complementary", { name: "The delivery" }).getByText("The receiver failed").waitFor();
		await expect.poll(() => page.url()).toContain(`open=${failed.delivery.id}`);
		const opened = tab.person.context.waitForEvent("page");
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
		await expect.poll(() => row.evaluate((link) => link === document.activeElement)).toBe(true);
		await expect.poll(() => page.getByRole("complementary", { name: "The delivery" }).count()).toBe(0);
	});

	it("are gone through by keyboard", async () => {
		const receiver = await startReceiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["keys.*"] });
		for (const type of ["keys.a", "keys.b", "keys.c"]) await world.server.project.events.send({ type, data: 1 });
		await receiver.waitFor(3);
		await using tab = await world.open(`deliveries?type=keys.b`, { size: { width: 1_000, height: 800 } });
		const { page } = tab;
		await page.getByRole("link", { name: "keys.b" }).waitFor();
		await page.keyboard.press("j");
		await page.keyboard.press("x");
		await page.getByRole("button", { name: "Clear the selection: 1 selected" }).waitFor();
		await page.keyboard.press("Enter");
		await page.getByRole("region", { name: "Response" }).waitFor();
		// Without waiting in between: a pair counts only if its second key comes within a second.
		await Promise.all([page.keyboard.press("g"), page.keyboard.press("w")]);
		await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
		await receiver.close();
	});

	it("are found by every filter of the address, with the count, and narrowed by hand", async () => {
		await using failed = await deliverTo(world, 502, "filters.one", ["order:4711"]);
		await using other = await deliverTo(world, 404, "filters.two");
		await using sent = await deliverTo(world, 200, "filters.three");
		const made = failed.delivery.createDate;
		await using tab = await world.open("deliveries?type=filters.*");
		const { page } = tab;
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
			await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?${search}`);
			const words = ["none matches", "1 matches"][count] ?? `${count} match`;
			await page.getByText(words, { exact: true }).waitFor();
			// The list is another call than the count.
			await expect.poll(() => links.count(), { message: search }).toBe(count);
		}
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=filters.*`);
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
		await using failed = await deliverTo(world, 404, "lines.one");
		await using tab = await world.open("deliveries?type=lines.*", { size: { width: 1_280, height: 900 } });
		const { page } = tab;
		await page.clock.setFixedTime(failed.delivery.createDate + 2 * 86_400_000);
		await page.reload();
		const time = page.getByRole("row", { name: /lines\.one/ }).getByText(/^\d+ \w+, [\d:]+$/);
		expect((await time.boundingBox())!.height).toBeLessThan(30);
		const filters = await page.locator(".filter").all();
		const tops = await Promise.all(filters.map(async (filter) => Math.round((await filter.boundingBox())!.y)));
		expect(tops).toEqual(Array.from({ length: 6 }, () => tops[0]));
	});

	it("are counted anew while they change", async () => {
		await using failed = await deliverTo(world, 404, "counted.one");
		await using tab = await world.open("deliveries?status=Failed&type=counted.*");
		const { page } = tab;
		await page.getByText("1 matches", { exact: true }).waitFor();
		await using other = await deliverTo(world, 404, "counted.two");
		await page.getByText("2 match", { exact: true }).waitFor();
		for (const { receiver, delivery } of [failed, other]) {
			receiver.script(() => ({}));
			await world.server.project.deliveries.retry(delivery.id);
		}
		await page.getByText("none matches", { exact: true }).waitFor();
	});

	it("are counted anew if they have changed while they were counted for the first time", async () => {
		await using failed = await deliverTo(world, 404, "counting.one");
		const path = "deliveries?status=Failed&type=counting.*";
		await using tab = await world.open("keys");
		const { page } = tab;
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
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/${path}`);
		await counting.promise;
		await page.getByRole("link", { name: "counting.one" }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		// Hears the same, and counts.
		const beside = await tab.person.context.newPage();
		await beside.goto(page.url());
		await beside.getByText("1 matches", { exact: true }).waitFor();
		await using other = await deliverTo(world, 404, "counting.two");
		await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		await beside.getByText("2 match", { exact: true }).waitFor();
		// What is under way is not broken off.
		expect(counts).toBe(1);
		held.resolve();
		await page.getByText("2 match", { exact: true }).waitFor();
		expect([failed.delivery.status, other.delivery.status]).toEqual(["Failed", "Failed"]);
	});

	it("are not counted anew while nobody sees the list, or it is paused", async () => {
		const path = "deliveries?status=Failed&type=unseen.*";
		await using first = await deliverTo(world, 404, "unseen.one");
		await using tab = await world.open(path);
		const { page } = tab;
		let counts = 0;
		page.on("request", (request) => void (request.url().includes("deliveries:count?") && counts++));
		await page.getByText("1 matches", { exact: true }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		// Hears the same, and counts.
		const beside = await tab.person.context.newPage();
		await beside.goto(`${world.server.url}/ui/${world.server.projectId}/${path}`);
		await beside.getByText("1 matches", { exact: true }).waitFor();
		const before = counts;
		await page.keyboard.press(".");
		await page.getByRole("button", { name: "Paused: go on" }).waitFor();
		await using second = await deliverTo(world, 404, "unseen.two");
		await beside.getByText("2 match", { exact: true }).waitFor();
		expect(counts).toBe(before);
		await page.keyboard.press(".");
		await page.getByText("2 match", { exact: true }).waitFor();

		const unseen = counts;
		await see(page, "hidden");
		await using third = await deliverTo(world, 404, "unseen.three");
		await beside.getByText("3 match", { exact: true }).waitFor();
		expect(counts).toBe(unseen);
		await see(page, "visible");
		await page.getByText("3 match", { exact: true }).waitFor();
		const { status } = first.delivery;
		expect([status, second.delivery.status, third.delivery.status]).toEqual(["Failed", "Failed", "Failed"]);
	});

	it("are found by two times between which they were made", async () => {
		await using sent = await deliverTo(world, 200, "between.one");
		const { createDate } = sent.delivery;
		await using tab = await world.open("deliveries?type=between.one&range=24h");
		const { page } = tab;
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
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=between.one&${ends}`);
		await page.getByText("none matches", { exact: true }).waitFor();
		await page.getByRole("combobox", { name: "Time" }).click();
		await page.getByRole("option", { name: "Created in the last hour" }).click();
		await page.getByText("1 matches", { exact: true }).waitFor();
		await expect.poll(() => new URL(page.url()).search).toBe("?type=between.one&range=1h");
	});

	it("are exported as a file of all that match, which spreadsheets and programs read", async () => {
		await using failed = await deliverTo(world, 500, "export.one");
		await using other = await deliverTo(world, 200, "export.two");
		await using tab = await world.open("deliveries?type=export.*");
		const { page } = tab;
		for (const [form, ending] of [
			["CSV", "csv"],
			["JSON lines", "jsonl"],
		] as const) {
			await page.getByRole("button", { name: "Export…" }).click();
			await page.getByText(form, { exact: true }).click();
			expect(await axeFindings(page)).toEqual([]);
			const saved = page.waitForEvent("download");
			await page.getByRole("button", { name: "Export 2 deliveries" }).click();
			const download = await saved;
			expect(download.suggestedFilename()).toMatch(new RegExp(`^deliveries-.*\\.${ending}$`));
			const text = readFileSync(await download.path(), "utf8");
			const lines = text.trimEnd().split(/\r?\n/);
			if (ending === "csv")
				expect(lines.shift()).toMatch(/^\uFEFFid,createDate,updateDate,status,reason,eventId,eventType,/);
			expect(lines).toHaveLength(2);
			for (const { delivery } of [failed, other]) expect(text).toContain(delivery.id);
			if (ending === "jsonl") expect(JSON.parse(lines[1]!)).toMatchObject({ id: failed.delivery.id, status: "Failed" });
		}
	});

	it("are exported to the end also if the last of them leaves the list meanwhile", async () => {
		await using failed = await deliverTo(world, 500, "export.last");
		await using tab = await world.open("deliveries?type=export.last&status=Failed");
		const { page } = tab;
		const answered = Promise.withResolvers<void>();
		const held = Promise.withResolvers<void>();
		await page.route(/deliveries:export/, async (route) => {
			const response = await route.fetch();
			answered.resolve();
			await held.promise;
			return route.fulfill({ response });
		});
		await page.getByRole("button", { name: "Export…" }).click();
		await page.getByRole("button", { name: "Export 1 delivery" }).click();
		// That the page has asked is not enough: the server must have read the log before the delivery leaves the list.
		await answered.promise;
		failed.receiver.script(() => ({ status: 204 }));
		await world.server.project.deliveries.retry(failed.delivery.id);
		await world.server.waitForDelivery(failed.delivery.eventId, ({ status }) => status === "Succeeded");
		await tellOfGap(page, world.server.projectId);
		await page.getByText("No delivery matches").waitFor();
		const saved = page.waitForEvent("download");
		held.resolve();
		// First the message, which goes away after some seconds.
		await page.getByText("1 delivery is in the file").waitFor();
		expect(readFileSync(await (await saved).path(), "utf8")).toContain(failed.delivery.id);
		await expect.poll(() => page.getByRole("button", { name: "Export…" }).count()).toBe(0);
	});

	it("that are rare are searched on, which says how far it has come, and is stopped and taken up again", async () => {
		await using sent = await deliverTo(world, 200, "rare.one");
		await using tab = await world.open("events");
		const { page } = tab;
		// The pages of a log so large that the server looks at a part of it at a time: nothing is found in the first three.
		const looked = Date.now() - 86_400_000;
		const held = Promise.withResolvers<void>();
		const asked: number[] = [];
		await tab.person.context.route(/\/projects\/[^/]+\/deliveries\?/, async (route) => {
			const url = new URL(route.request().url());
			const step = Number(/^step-(\d+)$/.exec(url.searchParams.get("page") ?? "")?.[1] ?? 0);
			asked.push(step);
			if (step === 2) await held.promise;
			if (step < 3) {
				const json = { nextPage: `step-${step + 1}`, prevPage: null, data: [], scannedTo: looked - step * 3_600_000 };
				return route.fulfill({ json });
			}
			url.searchParams.delete("page");
			return route.continue({ url: url.href });
		});
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=rare.one`);
		// It goes on by itself, until it is stopped while the third page is on its way.
		await expect.poll(() => asked).toEqual([0, 1, 2]);
		expect(await page.getByText("Looked back to").textContent()).toMatch(/: 0 found so far\.$/);
		await page.getByRole("button", { name: "Stop" }).click();
		held.resolve();
		await page.getByRole("button", { name: "Search on" }).click();
		await page.getByRole("link", { name: "rare.one" }).waitFor();
		await page.getByText("That is the only one.").waitFor();
		expect(sent.delivery.status).toBe("Succeeded");
	});

	const PAGE_ROWS = 500;
	/** A list that is longer than is worth sending here: a row for each second before `delivery`, without an end. */
	async function fakeLog({ context }: Person, delivery: Delivery) {
		const log = { isFailing: false };
		const { createDate: made } = delivery;
		await context.route(/\/projects\/[^/]+\/deliveries\?/, (route) => {
			const { searchParams } = new URL(route.request().url());
			const before = Number(searchParams.get("before") ?? made + 1);
			const start = Number(searchParams.get("page")?.slice("at-".length) ?? Math.ceil((made + 1 - before) / 1_000));
			const isMore = searchParams.has("page");
			if (log.isFailing && isMore) {
				return route.fulfill({ status: 500, json: { message: "It broke.", code: "internal", requestId: "req_1" } });
			}
			const data = Array.from({ length: PAGE_ROWS }, (_, index) => {
				return { ...delivery, id: rowId(start + index), createDate: made - (start + index) * 1_000 };
			});
			return route.fulfill({ json: { data, nextPage: `at-${start + PAGE_ROWS}`, prevPage: null, scannedTo: null } });
		});
		return log;
	}
	const rowId = (index: number) => `dlv_00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
	const toEnd = "scrollTo(0, document.documentElement.scrollHeight)";

	it("keep the names of the columns in view, and no row with the focus is under them", async () => {
		await using sent = await deliverTo(world, 200, "head.one");
		await using tab = await world.open("settings");
		const { page } = tab;
		await fakeLog(tab.person, sent.delivery);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=head.one`);
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
		await using sent = await deliverTo(world, 500, "offer.one");
		await using tab = await world.open("settings");
		const { page } = tab;
		await fakeLog(tab.person, sent.delivery);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=offer.one&status=Failed`);
		await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
		await page.getByRole("button", { name: "Retry 500 selected…" }).waitFor();
		const all = page.getByRole("button", { name: "Retry all 1 Failed that match…" });
		await all.waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await all.click();
		await page.getByRole("dialog").getByRole("button", { name: "Retry 1 delivery" }).waitFor();
		await page.keyboard.press("Escape");
		await expect.poll(() => all.evaluate((button) => button === document.activeElement)).toBe(true);
		await all.click();
		await page.getByRole("dialog").getByRole("button", { name: "Retry 1 delivery" }).click();
		await page.getByText("1 delivery is tried again").waitFor();
		// What was selected was meant, too.
		await expect.poll(() => page.getByRole("button", { name: /selected/ }).count()).toBe(0);
		await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("content");
	});

	it("that become rare far down are searched on by themselves when somebody comes there", async () => {
		await using sent = await deliverTo(world, 200, "thin.one");
		await using tab = await world.open("settings");
		const { page } = tab;
		const { createDate: made } = sent.delivery;
		const looked = (step: number) => ({ nextPage: `step-${step}`, prevPage: null, scannedTo: made - step * 3_600_000 });
		// A full page, then three without a row, and then the last one.
		const full = Array.from({ length: 100 }, (_, index) => ({ ...sent.delivery, id: rowId(index) }));
		const pages = [
			{ data: full, nextPage: "step-1", prevPage: null, scannedTo: null },
			...[2, 3, 4].map((step) => ({ data: [], ...looked(step) })),
			{ data: [sent.delivery], nextPage: null, prevPage: null, scannedTo: null },
		];
		await tab.person.context.route(/\/projects\/[^/]+\/deliveries\?/, (route) => {
			const step = Number(new URL(route.request().url()).searchParams.get("page")?.slice("step-".length) ?? 0);
			return route.fulfill({ json: pages[step] });
		});
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=thin.one`);
		await page.locator(`[data-row="${rowId(0)}"]`).waitFor();
		await expect
			.poll(async () => {
				await page.evaluate(toEnd);
				return page.locator(`[data-row="${sent.delivery.id}"]`).isVisible();
			})
			.toBe(true);
		await page.getByText("All 101 are shown.").waitFor();
	});

	it("say at the end of the list that more could not be loaded, keep what is there, and try again", async () => {
		await using sent = await deliverTo(world, 200, "broken.one");
		await using tab = await world.open("settings");
		const { page } = tab;
		const log = await fakeLog(tab.person, sent.delivery);
		log.isFailing = true;
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=broken.one`);
		await page.locator(`[data-row="${rowId(0)}"]`).waitFor();
		const alert = page.getByRole("alert");
		const scrolled = async () => {
			await page.evaluate(toEnd);
			return alert.allTextContents();
		};
		await expect.poll(scrolled).toEqual([expect.stringMatching(/^More could not be loaded.*It broke\..*req_1/)]);
		expect(await axeFindings(page)).toEqual([]);
		log.isFailing = false;
		await alert.getByRole("button", { name: "Try again" }).click();
		await page.locator(`[data-row="${rowId(PAGE_ROWS)}"]`).waitFor();
		await expect.poll(() => alert.count()).toBe(0);
	});

	it("say that none matches when the list is at its end, also if counting took too long, and offer no change of them", async () => {
		await using tab = await world.open("settings");
		const { page } = tab;
		await tab.person.context.route(/deliveries:count\?/, (route) =>
			route.fulfill({ json: { object: "deliveryCount", count: 0, complete: false, scannedTo: null } }),
		);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=never.sent&status=Failed`);
		await page.getByText("No delivery matches").waitFor();
		await page.getByText("none matches", { exact: true }).waitFor();
		await expect.poll(() => page.getByRole("button", { name: /that match…$/ }).count()).toBe(0);
	});

	it("that no filter leaves are explained by the filter that leaves out the most", async () => {
		await using one = await deliverTo(world, 404, "none.one");
		await using two = await deliverTo(world, 404, "none.two");
		await using tab = await world.open("deliveries?type=none.*&cause=refused&status=Failed");
		const { page } = tab;
		await page.getByText("Cause connection refused leaves out the most: 2 would match without it.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.getByRole("button", { name: "Without Cause connection refused: 2" }).click();
		await page.getByText("2 match", { exact: true }).waitFor();
		await expect.poll(() => page.getByRole("link", { name: /^none\./ }).count()).toBe(2);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=none.*&cause=refused&tag=lost`);
		await page.getByText("no single one of them is the reason").waitFor();
		expect([one.delivery.status, two.delivery.status]).toEqual(["Failed", "Failed"]);
	});

	it("that come while the list is shown are announced, and do not move it", async () => {
		await using sent = await deliverTo(world, 200, "live.one");
		await using tab = await world.open("deliveries?type=live.one");
		const { page } = tab;
		await page.getByRole("link", { name: "live.one" }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		await world.server.project.events.send({ type: "live.one", data: 2 });
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => page.getByRole("link", { name: "live.one" }).count()).toBe(2);
		await sent.receiver.waitFor(2);
	});

	it("that a replay makes are announced, and do not move the list", async () => {
		await using failed = await deliverTo(world, 500, "replayed.one");
		await using tab = await world.open("deliveries?type=replayed.one");
		const { page } = tab;
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
		await using failed = await deliverTo(world, 500, "return.one");
		await using tab = await world.open("deliveries?type=return.one&status=Failed");
		const { page } = tab;
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
		await expect.poll(() => title.evaluate((element) => element === document.activeElement)).toBe(true);
		await failed.receiver.waitFor(2);
	});

	it("that come are announced only in the lists that show them", async () => {
		await using failed = await deliverTo(world, 500, "narrow.one");
		const { webhook, receiver } = failed;
		await using tab = await world.open(`deliveries?webhook=${webhook.id}&status=Failed`);
		const { page } = tab;
		await page.getByRole("link", { name: "narrow.one" }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		receiver.script(({ rawBody }) => ({ status: rawBody.toString().includes("bad") ? 500 : 204 }));
		const { events } = world.server.project;
		for (const word of ["good", "good", "bad", "good"]) await events.send({ type: "narrow.one", data: word });
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => page.getByRole("link", { name: "narrow.one" }).count()).toBe(2);
	});

	it("that are changed by hand do not bring those into the list that are announced", async () => {
		await using failed = await deliverTo(world, 500, "still.one");
		await using tab = await world.open("deliveries?type=still.one", { size: { width: 1_400, height: 900 } });
		const { page } = tab;
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
		await using failed = await deliverTo(world, 500, "took.one");
		await using tab = await world.open("deliveries?type=took.one", { size: { width: 1_600, height: 900 } });
		const { page } = tab;
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

	it("that come while another screen is shown are announced when the list is shown again", async () => {
		await using sent = await deliverTo(world, 200, "away.one");
		await using tab = await world.open("deliveries?type=away.one");
		const { page } = tab;
		await page.getByRole("link", { name: "away.one" }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		await page.getByRole("link", { name: "Events", exact: true }).click();
		await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
		await page.getByRole("link", { name: "away.one" }).first().waitFor();
		await world.server.project.events.send({ type: "away.one", data: 2 });
		await page.getByRole("button", { name: "1 newer event · show" }).waitFor();
		await page.goBack();
		await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => page.getByRole("link", { name: "away.one" }).count()).toBe(2);
		await sent.receiver.waitFor(2);
	});

	it.each(["light", "dark"] as const)("are accessible in %s colours", async (scheme) => {
		await using failed = await deliverTo(world, 503, "axe.one");
		await using tab = await world.open(`deliveries?type=axe.one&open=${failed.delivery.id}`, {
			scheme,
			size: { width: 1_400, height: 1_000 },
		});
		await tab.page.getByText("Headers of the response").waitFor();
		expect(await axeFindings(tab.page)).toEqual([]);
	});
});
