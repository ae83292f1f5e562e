// Lists of many pages: which of them are asked for again, in a real browser.
import type { Delivery, StreamItem } from "@fanfare/sdk";
import type { Person } from "@fanfare/testkit/browser/browser";
import { startReceiver } from "@fanfare/testkit/receiver";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";

const PAGE_ROWS = 100;
const ROWS = 450;

pageSuite("a list of many pages", (world) => {
	/** A delivery that has failed, and whose receiver works now. */
	async function mendedDelivery(type: string) {
		const receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await world.server.createWebhook(receiver.url, {
			eventTypes: [type],
			retries: { maxRetries: 0, maxRetryDelay: 0 },
		});
		const { id } = await world.server.project.events.send({ type, data: 1 });
		const delivery = await world.server.waitForDelivery(id, ({ status }) => status === "Failed");
		receiver.script(() => ({ status: 204 }));
		return { delivery, [Symbol.asyncDispose]: () => receiver.close() };
	}

	it("is not asked for again when a row changes while more is on its way", async () => {
		await using sent = await mendedDelivery("long.live");
		await using tab = await world.open("settings");
		const { page } = tab;
		const log = await fakeLog(tab.person, sent.delivery, 0);
		const held = Promise.withResolvers<void>();
		log.held = { start: 300, until: held.promise };
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=long.live`);
		await page.getByText("Live", { exact: true }).waitFor();
		await loadTo(page, 299);
		await expect.poll(() => log.asked).toEqual([0, 100, 200, 300]);
		const heard = page.evaluate(hear, [world.server.projectId, sent.delivery.id] as const);
		// The listener is there when a later call into the page is answered.
		await page.evaluate(() => true);
		await world.server.project.deliveries.retry(sent.delivery.id);
		await heard;
		held.resolve();
		await loadTo(page, 399);
		// However much was loaded at the end.
		await loadTo(page, ROWS - 1);
		await loadTo(page, 399);
		await page.evaluate("scrollTo(0, 0)");
		await rowOf(page, sent.delivery.id).getByText("Succeeded").waitFor();
		expect(new Set(log.asked).size).toBe(log.asked.length);
	});

	it("is asked for what is near the window after a change, and for the rest when that comes near", async () => {
		await using sent = await mendedDelivery("long.change");
		await using tab = await world.open("settings");
		const { page } = tab;
		const log = await fakeLog(tab.person, sent.delivery, 250);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=long.change`);
		await loadTo(page, ROWS - 1);
		const link = page.locator(`[data-row="${sent.delivery.id}"]`);
		await scrollTo(page, 250);
		await link.click();
		await page.getByRole("complementary", { name: "The delivery" }).getByText("The receiver failed").waitFor();
		await link.scrollIntoViewIfNeeded();
		log.asked.length = 0;
		log.version = 2;
		await page.keyboard.press("r");
		await rowOf(page, rowId(251)).getByTitle("version 2").waitFor();
		expect(log.asked).toEqual([0, 200]);
		await scrollTo(page, 150);
		await rowOf(page, rowId(150)).getByTitle("version 2").waitFor();
		expect(log.asked).toEqual([0, 200, 100]);
		await scrollTo(page, 251);
		await scrollTo(page, 350);
		await rowOf(page, rowId(350)).getByTitle("version 2").waitFor();
		expect(log.asked).toEqual([0, 200, 100, 300]);
	});

	it("is asked for its beginning and what is near the window when the window gets the focus", async () => {
		await using sent = await mendedDelivery("long.focus");
		await using tab = await world.open("settings");
		const { page } = tab;
		const log = await fakeLog(tab.person, sent.delivery, 0);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/events/${sent.delivery.eventId}`);
		await loadTo(page, ROWS - 1);
		// When the last rows came, the window was where the list ended without them.
		await scrollToEnd(page);
		await expect.poll(() => rowOf(page, rowId(PAGE_ROWS * 4 - 1)).count()).toBe(0);
		log.asked.length = 0;
		log.version = 2;
		await page.evaluate(`dispatchEvent(new Event("visibilitychange"))`);
		await rowOf(page, rowId(ROWS - 1))
			.getByText("version 2")
			.waitFor();
		expect(log.asked).toEqual([0, 400]);
	});

	it("is searched on, also if answers come before the page has rendered that it has asked", async () => {
		await using tab = await world.open("settings");
		const { page } = tab;
		// The steps of a search of which each answer is there at once. Nothing is found until the last one.
		await page.addInitScript(`{
			const ask = fetch;
			const made = Date.now();
			const headers = { get: () => null };
			fetch = (url, init) => {
				if (!/[/]deliveries[?]/.test(url)) return ask(url, init);
				const step = Number(new URL(url).searchParams.get("page") ?? 0);
				window.steps = step;
				const isLast = step === 9;
				const json = { data: [], nextPage: isLast ? null : String(step + 1), prevPage: null };
				const text = JSON.stringify({ ...json, scannedTo: isLast ? null : made - (step + 1) * 3_600_000 });
				return Promise.resolve({ status: 200, headers, text: () => Promise.resolve(text) });
			};
		}`);
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries?type=long.search`);
		await expect.poll(() => page.evaluate("steps")).toBe(9);
	});

	it("says only at its end that more could not be loaded, also while it is asked for again", async () => {
		await using sent = await mendedDelivery("long.broken");
		await using tab = await world.open("settings");
		const { page } = tab;
		const log = await fakeLog(tab.person, sent.delivery, 0);
		log.isBrokenFrom = PAGE_ROWS;
		await page.goto(`${world.server.url}/ui/${world.server.projectId}/events/${sent.delivery.eventId}`);
		const alert = page.getByRole("alert");
		await expect
			.poll(async () => {
				await scrollToEnd(page);
				return alert.allTextContents();
			})
			.toEqual([expect.stringMatching(/^More could not be loaded/)]);
		const held = Promise.withResolvers<void>();
		log.held = { start: 0, until: held.promise };
		const asked = log.asked.length;
		await page.evaluate(`dispatchEvent(new Event("visibilitychange"))`);
		await expect.poll(() => log.asked.length).toBe(asked + 1);
		expect(await alert.allTextContents()).toEqual([expect.stringMatching(/^More could not be loaded/)]);
		held.resolve();
		log.isBrokenFrom = ROWS;
		await expect.poll(() => alert.count()).toBe(0);
	});
});

/** A log that is too large to make here: rows of which one is `real`, and the others say which version of them the server has. */
async function fakeLog({ context }: Person, real: Delivery, place: number) {
	const log = {
		/** Where each page begins. */
		asked: [] as number[],
		version: 1,
		isBrokenFrom: ROWS,
		/** A page whose answer comes later. */
		held: { start: -1, until: Promise.resolve() },
	};
	await context.route(/\/projects\/[^/]+\/deliveries\?/, async (route) => {
		const start = Number(new URL(route.request().url()).searchParams.get("page") ?? 0);
		log.asked.push(start);
		if (start === log.held.start) await log.held.until;
		if (start >= log.isBrokenFrom) {
			return route.fulfill({ status: 500, json: { message: "It broke.", code: "internal", requestId: "req_1" } });
		}
		const end = Math.min(ROWS, start + PAGE_ROWS);
		const data = Array.from({ length: end - start }, (_, at) => {
			const index = start + at;
			const createDate = real.createDate - index * 1_000;
			const reason = `version ${log.version}`;
			return index === place ? { ...real, createDate } : { ...real, id: rowId(index), createDate, reason };
		});
		const nextPage = end === ROWS ? null : String(end);
		return route.fulfill({ json: { data, nextPage, prevPage: null, scannedTo: null } });
	});
	return log;
}

function rowId(index: number): string {
	return `dlv_00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
}

function rowOf(page: Page, id: string) {
	return page.getByRole("row").filter({ has: page.locator(`[data-row="${id}"]`) });
}

async function scrollToEnd(page: Page): Promise<void> {
	await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
}

/** Goes to the end until the row has been loaded, and then to the row: at the end, so many may have been loaded since that it is not rendered. */
async function loadTo(page: Page, index: number): Promise<void> {
	const table = page.getByRole("table");
	await expect
		.poll(async () => {
			await scrollToEnd(page);
			return Number((await table.getAttribute("aria-rowcount")) ?? 0);
		})
		.toBeGreaterThanOrEqual(index + 2);
	await scrollTo(page, index);
	await rowOf(page, rowId(index)).waitFor();
}

/** Goes to a row, which may be far from what is rendered. */
async function scrollTo(page: Page, index: number): Promise<void> {
	await page.evaluate(`{
		const table = document.querySelector("[role=table]");
		const { top, height } = table.getBoundingClientRect();
		const share = ${index} / (table.getAttribute("aria-rowcount") - 1);
		scrollTo(0, scrollY + top + height * share - innerHeight / 2);
	}`);
	await expect.poll(() => page.locator(`[aria-rowindex="${index + 2}"]`).isVisible()).toBe(true);
}

/** Resolves when the feed has handed the success of the delivery to this tab. */
function hear([projectId, deliveryId]: readonly [string, string]): Promise<void> {
	const channel = new BroadcastChannel(`fanfare.live.${projectId}`);
	return new Promise((resolve) => {
		channel.addEventListener("message", ({ data: { items = [] } }) => {
			const isIt = (item: StreamItem) => item.kind === "attempt.finished" && item.deliveryId === deliveryId;
			if (!items.some(isIt)) return;
			channel.close();
			resolve();
		});
	});
}
