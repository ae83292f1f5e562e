// Lists of many pages, in a real browser: which of them are asked for again, and what is rendered of them.
import type { StreamItem } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { fakeLog, rowId, rowOf } from "../../../test/fake-log.ts";
import { deliverTo } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";

const PAGE_ROWS = 100;
const ROWS = 450;
/** The most that a list shows before it leads to another one. */
const MOST_ROWS = 5_000;
/** Rows are rendered in groups of 50: those in the window, and those that are less than 1,000 pixels from it. */
const MOST_RENDERED = 400;

pageSuite("a list of many pages", (world) => {
	/** A delivery that has failed and whose receiver works now, and a tab where nothing is listed yet. */
	async function open(type: string) {
		const sent = await deliverTo(world, 500, type);
		sent.mend();
		return { ...(await world.open("settings")), delivery: sent.delivery, list: `deliveries?type=${type}` };
	}

	it("is not asked for again when a row changes while more is on its way", async () => {
		const { page, person, delivery, list } = await open("long.live");
		const log = await fakeLog(person, delivery, { place: 0 });
		const held = Promise.withResolvers<void>();
		log.held = { start: 300, until: held.promise };
		await page.goto(world.url(list));
		await page.getByText("Live", { exact: true }).waitFor();
		await loadTo(page, 299);
		await expect.poll(() => log.asked).toEqual([0, 100, 200, 300]);
		const heard = page.evaluate(hear, [world.server.projectId, delivery.id] as const);
		// The listener is there when a later call into the page is answered.
		await page.evaluate(() => true);
		await world.server.project.deliveries.retry(delivery.id);
		await heard;
		held.resolve();
		// However much was loaded at the end.
		for (const index of [399, ROWS - 1, 399]) await loadTo(page, index);
		await page.evaluate("scrollTo(0, 0)");
		await rowOf(page, delivery.id).getByText("Succeeded").waitFor();
		expect(new Set(log.asked).size).toBe(log.asked.length);
	});

	it("is asked for what is near the window after a change, and for the rest when that comes near", async () => {
		const { page, person, delivery, list } = await open("long.change");
		const log = await fakeLog(person, delivery, { place: 250 });
		await page.goto(world.url(list));
		await loadTo(page, ROWS - 1);
		const link = page.locator(`[data-row="${delivery.id}"]`);
		await scrollTo(page, 250);
		await link.click();
		await page.getByRole("complementary", { name: "The delivery" }).getByText("The receiver failed").waitFor();
		await link.scrollIntoViewIfNeeded();
		log.asked.length = 0;
		log.version = 2;
		await page.keyboard.press("r");
		const isNew = (index: number) => rowOf(page, rowId(index)).getByTitle("version 2").waitFor();
		await isNew(251);
		expect(log.asked).toEqual([0, 200]);
		await scrollTo(page, 150);
		await isNew(150);
		expect(log.asked).toEqual([0, 200, 100]);
		await scrollTo(page, 251);
		await scrollTo(page, 350);
		await isNew(350);
		expect(log.asked).toEqual([0, 200, 100, 300]);
	});

	it("is asked for its beginning and what is near the window when the window gets the focus", async () => {
		const { page, person, delivery } = await open("long.focus");
		const log = await fakeLog(person, delivery, { place: 0 });
		await page.goto(world.url(`events/${delivery.eventId}`));
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
		const { page } = await world.open("settings");
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
		await page.goto(world.url("deliveries?type=long.search"));
		await expect.poll(() => page.evaluate("steps")).toBe(9);
	});

	it("says only at its end that more could not be loaded, keeps what is there, and tries again by itself or when asked to", async () => {
		const { page, person, delivery, list } = await open("long.broken");
		const log = await fakeLog(person, delivery);
		log.brokenFrom = PAGE_ROWS;
		const problem = [expect.stringMatching(/^More could not be loaded.*It broke\..*req_1/)];
		const alert = page.getByRole("alert");
		const isSaid = async () => {
			await scrollToEnd(page);
			return alert.allTextContents();
		};
		await page.goto(world.url(list));
		await page.locator(`[data-row="${rowId(0)}"]`).waitFor();
		await expect.poll(isSaid).toEqual(problem);
		expect(await axeFindings(page)).toEqual([]);
		log.brokenFrom = ROWS;
		await alert.getByRole("button", { name: "Try again" }).click();
		await page.locator(`[data-row="${rowId(PAGE_ROWS)}"]`).waitFor();
		await expect.poll(() => alert.count()).toBe(0);

		log.brokenFrom = PAGE_ROWS;
		await page.goto(world.url(`events/${delivery.eventId}`));
		await expect.poll(isSaid).toEqual(problem);
		const held = Promise.withResolvers<void>();
		log.held = { start: 0, until: held.promise };
		const asked = log.asked.length;
		await page.evaluate(`dispatchEvent(new Event("visibilitychange"))`);
		await expect.poll(() => log.asked.length).toBe(asked + 1);
		expect(await alert.allTextContents()).toEqual(problem);
		held.resolve();
		log.brokenFrom = ROWS;
		await expect.poll(() => alert.count()).toBe(0);
	});

	it("is rendered in part, with each row in its place, is shown up to 5,000 rows, and leads on from there", async () => {
		const { page, person, delivery, list } = await open("long.most");
		await fakeLog(person, delivery, { rows: 2 * MOST_ROWS, pageRows: 500 });
		await page.goto(world.url(list));
		await loadTo(page, MOST_ROWS - 1);
		await isRight(page);
		await page.getByText("5,000 are shown.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await scrollTo(page, MOST_ROWS / 2);
		await isRight(page);
		await page.evaluate("scrollTo(0, 0)");
		await rowOf(page, rowId(MOST_ROWS - 1)).waitFor({ state: "detached" });
		await isRight(page);
		// Not all of them can be selected.
		const all = page.getByRole("checkbox", { name: "Select all that are shown" });
		const clear = page.getByRole("button", { name: "Clear the selection: 1,000 selected" });
		await all.click();
		await page.getByText("No more than 1,000 deliveries can be selected").waitFor();
		await clear.waitFor();
		expect(await all.isChecked()).toBe(false);
		await all.click();
		await clear.waitFor({ state: "detached" });
		// By keyboard over the edge of what is rendered together.
		const focused = () => page.evaluate("document.activeElement.dataset.row");
		await page.locator(`[data-row="${rowId(48)}"]`).focus();
		await rowOf(page, rowId(51)).waitFor();
		for (const next of [49, 50, 51]) {
			await page.keyboard.press("j");
			await expect.poll(focused).toBe(rowId(next));
		}
		await scrollTo(page, MOST_ROWS - 1);
		// What has the focus is still there: k goes on from it.
		await page.keyboard.press("k");
		await expect.poll(focused).toBe(rowId(50));
		await scrollTo(page, MOST_ROWS - 1);
		await page.getByRole("link", { name: "Show those before ›" }).click();
		await page.getByRole("button", { name: /^Created before .*: remove the filter$/ }).waitFor();
		// The next list begins with the row with which this one has ended.
		const before = Date.parse(new URL(page.url()).searchParams.get("before") ?? "");
		expect(before).toBe(delivery.createDate - (MOST_ROWS - 1) * 1_000 + 1);
	});
});

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

/** Each row that is rendered is the one of its place in the log, and few are rendered, whatever was shown before. */
async function isRight(page: Page): Promise<void> {
	const rendered = () =>
		page.evaluate(() =>
			[...document.querySelectorAll("[role=table] [role=rowgroup] [role=row]")].map((row) => {
				const link = row.querySelector<HTMLElement>("[data-row]");
				return [Number(row.ariaRowIndex) - 2, link?.dataset["row"]] as const;
			}),
		);
	let rows = await rendered();
	// What is rendered follows what is in sight.
	await expect.poll(async () => (rows = await rendered()).length > 10 && rows.length < MOST_RENDERED).toBe(true);
	expect(rows).toEqual(rows.map(([index]) => [index, rowId(index)]));
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
