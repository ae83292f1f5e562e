// Triage by keyboard while the list changes, in a real browser.
import type { Replay } from "@fanfare/sdk";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";

/** How many rows of a list are loaded at once. */
const PAGE_ROWS = 100;

pageSuite("triage by keyboard", (world) => {
	/** Deliveries that have failed, newest first, to a receiver that works now. */
	async function failedDeliveries(type: string, count: number) {
		const sent = await deliverTo(world, 500, type, { count });
		sent.mend();
		return { ids: sent.deliveries.map(({ id }) => id), webhookId: sent.webhook.id };
	}

	it("goes on after a delivery that was retried and has left the list", async () => {
		const failed = await failedDeliveries("triage.gone", 3);
		const [first, second, third] = failed.ids;
		const { page } = await world.open("deliveries?type=triage.gone&status=Failed", {
			size: { width: 1_400, height: 900 },
		});
		await page.locator(`[data-row="${second}"]`).click();
		await page.getByRole("complementary", { name: "The delivery" }).getByText("The receiver failed").waitFor();
		await page.keyboard.press("r");
		await page.locator(`[data-row="${second}"]`).waitFor({ state: "detached" });
		await page.keyboard.press("j");
		await expect.poll(() => focusedRow(page)).toBe(third);
		await expect.poll(() => new URL(page.url()).searchParams.get("open")).toBe(third);
		await page.keyboard.press("k");
		await expect.poll(() => focusedRow(page)).toBe(first);
	});

	it("goes on from the delivery beside the list when the focus is elsewhere", async () => {
		const failed = await failedDeliveries("triage.beside", 3);
		const [, second, third] = failed.ids;
		const { page } = await world.open(`deliveries?type=triage.beside&open=${second}`, {
			size: { width: 1_400, height: 900 },
		});
		await page.getByText("The receiver failed").waitFor();
		// The list, which comes by a call of its own, may come after what is beside it.
		await page.locator(`[data-row="${second}"]`).waitFor();
		await page.keyboard.press("x");
		await page
			.getByRole("checkbox", { name: `Select triage.beside ${second}` })
			.and(page.locator(":checked"))
			.waitFor();
		// After a click on a check box, too: nothing is written into that.
		await page.getByRole("checkbox", { name: `Select triage.beside ${second}` }).click();
		await page.keyboard.press("j");
		await expect.poll(() => focusedRow(page)).toBe(third);
	});

	it("leads on a screen of its own to the next delivery of the list, also after one has left it, and back with the filter", async () => {
		const failed = await failedDeliveries("triage.alone", 3);
		const [first, second, third] = failed.ids;
		const filter = "status=Failed&type=triage.alone";
		// Too narrow for a delivery beside the list.
		const { page } = await world.open(`deliveries?${filter}`, { size: { width: 1_000, height: 900 } });
		await page.locator(`[data-row="${first}"]`).click();
		const shown = (id: string | undefined) =>
			expect.poll(() => new URL(page.url()).pathname).toMatch(RegExp(`/${id}$`));
		await shown(first);
		const others = page.getByRole("navigation", { name: "Other deliveries of the list" });
		await others.getByRole("link", { name: "Next" }).waitFor();
		expect(await others.getByRole("link", { name: "Previous" }).count()).toBe(0);
		await page.keyboard.press("j");
		await shown(second);
		// The first one has none before it: this is the second one's.
		await others.getByRole("link", { name: "Previous" }).waitFor();
		await page.getByText("The receiver failed").waitFor();
		// The retried one leaves the list: what came after it is the next one still.
		await page.keyboard.press("r");
		await page.getByRole("region", { name: "Delivery", exact: true }).getByText("Succeeded").waitFor();
		await page.keyboard.press("j");
		await shown(third);
		// The second one has left the list when that was fetched again.
		await expect.poll(() => others.getByRole("link", { name: "Previous" }).getAttribute("href")).toContain(first);
		await page.keyboard.press("k");
		await shown(first);
		await page.getByRole("link", { name: "‹ Deliveries" }).click();
		await page.locator(`[data-row="${third}"]`).waitFor();
		expect(new URL(page.url()).search).toBe(`?${filter}`);
	});

	it("leads on a screen of its own past the rows that are loaded, and by one step back to the list", async () => {
		const receiver = await world.receiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["triage.far"] });
		// More than a page of the list.
		const count = PAGE_ROWS + 2;
		const { events, deliveries } = world.server.project;
		for (let sent = 0; sent < count; sent++) await events.send({ type: "triage.far", data: sent });
		await receiver.waitFor(count);
		const { data: rows } = await deliveries.list({ eventType: "triage.far", limit: count });
		const { page } = await world.open("deliveries?type=triage.far", { size: { width: 1_000, height: 900 } });
		const shown = (at: number) => expect.poll(() => new URL(page.url()).pathname).toMatch(RegExp(`/${rows[at]!.id}$`));
		const others = page.getByRole("navigation", { name: "Other deliveries of the list" });
		await page.locator(`[data-row="${rows[0]!.id}"]`).click();
		for (const at of [1, 2]) {
			await others.getByRole("link", { name: "Next" }).waitFor();
			await page.keyboard.press("j");
			await shown(at);
		}
		await page.goBack();
		await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		const last = rows[PAGE_ROWS - 1]!.id;
		await page.goto(world.url(`deliveries/${last}?type=triage.far`));
		await others.getByRole("link", { name: "Next" }).waitFor();
		await page.keyboard.press("j");
		await shown(PAGE_ROWS);
	});

	it("goes through webhooks, those in trouble first, and through keys, whose menus it opens", async () => {
		const failed = await failedDeliveries("triage.hooks", 5);
		const { webhookId } = failed;
		await world.server.project.batch.webhooks.update(webhookId, { name: "In trouble" });
		const { id: working } = await world.server.createWebhook("http://127.0.0.1:9/fine", { eventTypes: ["none.such"] });
		await world.server.project.batch.webhooks.update(working, { name: "Fine" });
		const { page } = await world.open("webhooks");
		await page.getByRole("link", { name: "Fine" }).waitFor();
		const rows = await page
			.locator("[data-row]")
			.evaluateAll((links) => links.map((link) => link.getAttribute("data-row")));
		expect(rows.indexOf(webhookId)).toBeLessThan(rows.indexOf(working));
		// The list sorts itself while it is shown, so each row is reached, in whatever order.
		const reached = new Set<string | undefined>();
		for (let pressed = 0; pressed < rows.length; pressed++) {
			const before = await focusedRow(page);
			await page.keyboard.press("j");
			if (pressed < rows.length - 1) await expect.poll(() => focusedRow(page)).not.toBe(before);
			reached.add(await focusedRow(page));
		}
		expect(reached.size).toBeGreaterThan(1);
		await page.locator(`[data-row="${webhookId}"]`).focus();
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "In trouble", level: 1 }).waitFor();

		const { id: keyId } = await world.server.client.keys.create({ name: "Cash desk", scope: "read" });
		await Promise.all([page.keyboard.press("g"), page.keyboard.press("k")]);
		await page.getByText("Cash desk").waitFor();
		await page.keyboard.press("j");
		for (let pressed = 0; pressed < 8 && (await focusedRow(page)) !== keyId; pressed++) await page.keyboard.press("j");
		expect(await focusedRow(page)).toBe(keyId);
		await page.keyboard.press("Enter");
		await page.getByRole("menuitem", { name: "Revoke…" }).waitFor();
	});

	it("begins at the first row of another list", async () => {
		const { events } = world.server.project;
		const unwanted: string[] = [];
		for (let sent = 0; sent < 3; sent++) {
			unwanted.unshift((await events.send({ type: "triage.list", data: sent })).id);
		}
		const wanted = await failedDeliveries("triage.list", 2);
		expect(wanted.ids).toHaveLength(2);
		const { page } = await world.open("events?type=triage.list");
		await expect.poll(() => page.locator("[data-row]").count()).toBe(5);
		await page.keyboard.press("j");
		await page.keyboard.press("j");
		await page.getByRole("button", { name: "Wanted by no webhook" }).click();
		await expect.poll(() => page.locator("[data-row]").count()).toBe(3);
		await page.keyboard.press("j");
		await expect.poll(() => focusedRow(page)).toBe(unwanted[0]);
	});

	it("goes on from the same delivery when newer ones are shown above it", async () => {
		const failed = await failedDeliveries("triage.above", 3);
		const [, second, third] = failed.ids;
		const { page } = await world.open("deliveries?type=triage.above");
		await page.locator(`[data-row="${second}"]`).focus();
		await page.getByText("Live", { exact: true }).waitFor();
		await world.server.project.events.send({ type: "triage.above", data: 4 });
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => page.locator("[data-row]").count()).toBe(4);
		await page.keyboard.press("j");
		await expect.poll(() => focusedRow(page)).toBe(third);
	});

	const ROWS = 120;
	/** More replays than are made here: a list whose newest row may come while it is shown. */
	async function fakeReplays(page: Page, real: Replay) {
		const list = { newest: 1 };
		await page.route(/\/projects\/[^/]+\/replays\?/, (route) => {
			const data = Array.from({ length: ROWS }, (_, at) => ({ ...real, id: replayId(ROWS + list.newest - at) }));
			return route.fulfill({ json: { data, nextPage: null, prevPage: null, scannedTo: null } });
		});
		return list;
	}
	const replayId = (number: number) => `rpl_00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

	it("keeps the focus when a row is put above that moves it to another part of the list", async () => {
		const failed = await failedDeliveries("triage.part", 1);
		const { webhookId } = failed;
		const replay = () =>
			world.server.project.batch.webhooks.replay(webhookId, { since: 0, until: Date.now(), status: ["Failed"] });
		const real = await world.server.project.replays.get((await replay()).id);
		const { page } = await world.open("settings");
		const list = await fakeReplays(page, real);
		await page.goto(world.url("replays"));
		// The last row of those that are rendered together.
		const id = replayId(ROWS + 1 - 49);
		await page.locator(`[data-row="${id}"]`).focus();
		await page.getByText("Live", { exact: true }).waitFor();
		list.newest = 2;
		await replay();
		await page.locator(`[data-row="${replayId(ROWS + 2)}"]`).waitFor();
		expect(await focusedRow(page)).toBe(id);
		await page.keyboard.press("j");
		await expect.poll(() => focusedRow(page)).toBe(replayId(ROWS + 1 - 50));
		// The next part of the list is not rendered while the window is elsewhere.
		await page.locator(`[data-row="${replayId(ROWS + 2 - 99)}"]`).focus();
		await page.evaluate("scrollTo(0, 0)");
		await page.locator(`[data-row="${replayId(ROWS + 2 - 100)}"]`).waitFor({ state: "detached" });
		await page.keyboard.press("j");
		await expect.poll(() => focusedRow(page)).toBe(replayId(ROWS + 2 - 100));
	});
});

/** The id of the row whose link has the focus. */
async function focusedRow(page: Page): Promise<string | undefined> {
	return page.evaluate("document.activeElement.dataset.row");
}
