// Where the focus is after a dialog, and on another screen, in a real browser.
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { ONCE, pageSuite } from "../../../test/suite.ts";

pageSuite("the focus", (world) => {
	/** Opens a dialog by keyboard and closes it by Escape. */
	async function openAndClose(page: Page, open: () => Promise<void>): Promise<void> {
		await open();
		const dialog = page.getByRole("dialog");
		await dialog.waitFor();
		await expect.poll(() => dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
		await page.keyboard.press("Escape");
		await expect.poll(() => dialog.count()).toBe(0);
	}

	it("is on what opened a dialog when that is closed", async () => {
		const { batch, events } = world.server.project;
		const receiver = await world.receiver(500);
		const { id } = await batch.webhooks.create({
			name: "Shop",
			spec: { endpoint: receiver.url, eventTypes: ["focus.*"], retries: ONCE },
		});
		await events.send({ type: "focus.one", data: 1 });
		await expect.poll(async () => (await batch.webhooks.get(id)).deliveries.Failed).toBe(1);
		const { page } = await world.open("deliveries?status=Failed&type=focus.*");
		for (const name of ["Retry all Failed that match…", "Export…"]) {
			const button = page.getByRole("button", { name });
			await openAndClose(page, () => button.press("Enter"));
			await expect.poll(() => isFocused(button)).toBe(true);
		}
		const row = page.getByRole("link", { name: "focus.one" });
		await row.focus();
		await openAndClose(page, () => page.keyboard.press("Shift+R"));
		await expect.poll(() => isFocused(row)).toBe(true);
		// The item of a menu is gone by then, so its button has the focus.
		await page.goto(world.url("webhooks"));
		const menu = page.getByRole("button", { name: "Actions for Shop" });
		await openAndClose(page, () => chooseByKeys(page, menu, "Edit…"));
		await expect.poll(() => isFocused(menu)).toBe(true);
		await page.goto(world.url());
		const aside = page.getByRole("button", { name: "Set aside Shop" });
		await openAndClose(page, () => aside.press("Enter"));
		await expect.poll(() => isFocused(aside)).toBe(true);
	});

	it("is on the menu of a key after its dialogs, and on the title when the key is gone", async () => {
		await world.server.client.keys.create({ name: "Till", scope: "read" });
		const { page } = await world.open("keys");
		const menu = page.getByRole("button", { name: "Actions for Till" });
		for (const name of ["Rename…", "Roll…", "Revoke…"]) {
			await openAndClose(page, () => chooseByKeys(page, menu, name));
			await expect.poll(() => isFocused(menu)).toBe(true);
		}
		await chooseByKeys(page, menu, "Revoke…");
		await page
			.getByRole("dialog")
			.getByRole("button", { name: /^Revoke/ })
			.press("Enter");
		await menu.waitFor({ state: "detached" });
		await expect.poll(() => isFocused(page.getByRole("heading", { name: "Keys", level: 1 }))).toBe(true);
	});

	it("is on the title of a screen that came in place of what had it", async () => {
		await world.server.project.events.send({ type: "focus.two", data: 1 });
		const { page } = await world.open("events?type=focus.two");
		await page.getByRole("link", { name: "focus.two" }).press("Enter");
		await expect.poll(() => isFocused(page.getByRole("heading", { name: "focus.two", level: 1 }))).toBe(true);
		// What is still there keeps it.
		const link = page.getByRole("link", { name: "Settings" });
		await link.press("Enter");
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		expect(await isFocused(link)).toBe(true);
	});
});

/** Opens the menu, and chooses the item as Enter does, but in one step: a menu may take the focus once more after it has opened. */
async function chooseByKeys(page: Page, menu: ReturnType<Page["locator"]>, name: string): Promise<void> {
	await menu.press("Enter");
	const items = page.getByRole("menu");
	await expect.poll(() => items.evaluate((element) => element.contains(document.activeElement))).toBe(true);
	await items.getByRole("menuitem", { name }).evaluate((item: HTMLElement) => {
		item.focus();
		item.click();
	});
}

function isFocused(locator: ReturnType<Page["locator"]>): Promise<boolean> {
	return locator.evaluate((element) => element === document.activeElement);
}
