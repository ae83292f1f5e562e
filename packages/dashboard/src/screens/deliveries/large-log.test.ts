// The list of a log that is much larger than what a browser holds, in a real browser with a real server and store.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";

import { writeLog, type LoggedDelivery } from "../../../test/large-log.ts";
import { pageSuite } from "../../../test/suite.ts";

/**
 * Twenty lists of the most rows that a browser holds, and the largest log that is written in about ten seconds. What a list does does not depend
 * on what is before and after it: a log of a million rows would be 200 of them, and only its beginning, middle and end are scrolled here, too.
 */
const ROWS = 100_000;
/** The most that a list shows before it leads to another one. */
const MOST_ROWS = 5_000;
const FAILED_EVERY = 500;
/** Rows are rendered in groups of 50: those in the window, and those that are less than 1,000 pixels from it. */
const MOST_RENDERED = 400;

pageSuite("a log of 100,000 deliveries", (world) => {
	/** Newest first. */
	let log: readonly LoggedDelivery[] = [];

	beforeAll(async () => {
		const { server } = world;
		const { id: webhookId } = await server.createWebhook("http://127.0.0.1:9/log", { eventTypes: ["log.*"] });
		log = await writeLog({ server, webhookId, rows: ROWS, failedEvery: FAILED_EVERY });
	});

	const open = (page: Page, search: string) =>
		page.goto(`${world.server.url}/ui/${world.server.projectId}/deliveries${search}`);
	/** A list that begins with the delivery at this place of the log. */
	const from = (index: number) => `?before=${new Date(log[index]!.createDate + 1).toISOString()}`;

	it("is a list that is loaded as it is scrolled, of which the browser holds a part", async () => {
		await using tab = await world.open("settings");
		const { page } = tab;
		const rows = log.slice(0, MOST_ROWS);
		const list = new List(page, rows);
		await open(page, "");
		await list.row(0).waitFor();
		await list.scrollTo(MOST_ROWS / 2);
		await list.scrollTo(MOST_ROWS - 1);
		await page.getByText("5,000 are shown.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await page.evaluate("scrollTo(0, 0)");
		await list.row(MOST_ROWS - 1).waitFor({ state: "detached" });
		await list.isRight();
		// Not all of them can be selected.
		const all = page.getByRole("checkbox", { name: "Select all that are shown" });
		await all.click();
		await page.getByText("No more than 1,000 deliveries can be selected").waitFor();
		await page.getByRole("button", { name: "Clear the selection: 1,000 selected" }).waitFor();
		expect(await all.isChecked()).toBe(false);
		await all.click();
		await page.getByRole("button", { name: "Clear the selection: 1,000 selected" }).waitFor({ state: "detached" });
		// By keyboard over the edge of what is rendered together.
		const focused = () => page.evaluate("document.activeElement.dataset.row");
		await list.row(48).focus();
		await list.row(51).waitFor();
		for (const next of [49, 50, 51]) {
			await page.keyboard.press("j");
			await expect.poll(focused).toBe(rows[next]!.id);
		}
		await list.scrollTo(MOST_ROWS - 1);
		// What has the focus is still there: k goes on from it.
		await page.keyboard.press("k");
		await expect.poll(focused).toBe(rows[50]!.id);
		await list.scrollTo(MOST_ROWS - 1);
		await page.getByRole("link", { name: "Show those before ›" }).click();
		await page.getByRole("button", { name: /^Created before .*: remove the filter$/ }).waitFor();
		await list.row(0).waitFor({ state: "detached" });
		// The next list begins with the row with which this one has ended.
		const next = new List(page, log.slice(MOST_ROWS - 1));
		await next.row(0).waitFor();
		await next.scrollTo(500);
	});

	it("is shown in its middle and to its end", async () => {
		await using tab = await world.open("settings");
		const { page } = tab;
		await open(page, from(ROWS / 2));
		const middle = new List(page, log.slice(ROWS / 2));
		await middle.row(0).waitFor();
		await middle.scrollTo(500);
		const rest = 1_000;
		await open(page, from(ROWS - rest));
		const end = new List(page, log.slice(ROWS - rest));
		await end.row(0).waitFor();
		await end.scrollTo(rest / 2);
		await end.scrollTo(rest - 1);
		await page.getByText("All 1,000 are shown.").waitFor();
	});

	it("is searched for the few that have failed, and all of them are found, counted and shown", async () => {
		await using tab = await world.open("settings");
		const { page } = tab;
		const failed = log.filter(({ status }) => status === "Failed");
		await open(page, "?status=Failed");
		await page.getByText("200 match", { exact: true }).waitFor();
		const list = new List(page, failed);
		await list.row(0).waitFor();
		await list.scrollTo(failed.length - 1);
		await page.getByText("All 200 are shown.").waitFor();
	});
});

/** The list of deliveries on a page, and what it has to show. */
class List {
	readonly #page: Page;
	readonly #expected: readonly LoggedDelivery[];

	constructor(page: Page, expected: readonly LoggedDelivery[]) {
		this.#page = page;
		this.#expected = expected;
	}

	row(index: number) {
		return this.#page.locator(`[data-row="${this.#expected[index]!.id}"]`);
	}

	/** Goes to the end of what is loaded until the row has been loaded, and to the row. What is rendered then is right. */
	async scrollTo(index: number): Promise<void> {
		const table = this.#page.getByRole("table", { name: "Deliveries" });
		await expect
			.poll(async () => {
				await this.#page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
				return Number((await table.getAttribute("aria-rowcount")) ?? 0);
			})
			.toBeGreaterThanOrEqual(index + 2);
		const isInView = () =>
			this.#page.evaluate((index) => {
				const table = document.querySelector("[role=table]");
				if (table === null) return false;
				const row = table.querySelector(`[aria-rowindex="${index + 2}"]`);
				if (row !== null) {
					row.scrollIntoView({ block: "center" });
					return true;
				}
				const { top, height } = table.getBoundingClientRect();
				const share = index / Number(table.ariaRowCount);
				scrollTo(0, scrollY + top + height * share - innerHeight / 2);
				return false;
			}, index);
		await expect.poll(isInView).toBe(true);
		await this.isRight();
		expect(await this.row(index).isVisible()).toBe(true);
	}

	/** Each row that is rendered is the one of its place in the log, and few are rendered, whatever was shown before. */
	async isRight(): Promise<void> {
		const rendered = () =>
			this.#page.evaluate(() =>
				[...document.querySelectorAll("[role=table] [role=rowgroup] [role=row]")].map((row) => {
					const link = row.querySelector<HTMLElement>("[data-row]");
					return [Number(row.ariaRowIndex) - 2, link?.dataset["row"], link?.textContent] as const;
				}),
			);
		let rows = await rendered();
		// What is rendered follows what is in sight.
		await expect.poll(async () => (rows = await rendered()).length > 10 && rows.length < MOST_RENDERED).toBe(true);
		expect(rows).toEqual(
			rows.map(([index]) => [index, this.#expected[index]?.id, this.#expected[index]?.type] as const),
		);
	}
}
