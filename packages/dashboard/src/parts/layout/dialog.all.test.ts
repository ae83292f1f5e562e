// Dialogs and drawers, in a real browser: what closes them, where the focus is, and that the page beneath stays where it is.
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { focusOn, pageSuite } from "../../../test/suite.ts";

const SIZE = { width: 1_000, height: 500 };

pageSuite("a dialog", (world) => {
	const isInside = (page: Page) => page.evaluate("document.activeElement.closest('[role=dialog]') !== null");
	/** The place of the page after somebody has turned the wheel beside the dialog. */
	const scrolled = async (page: Page) => {
		await page.mouse.move(20, 480);
		await page.mouse.wheel(0, 120);
		// The browser scrolls before it paints for the second time.
		await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
		return page.evaluate<number>("scrollY");
	};

	it("is closed by Escape, by its button and by a click beside it, and gives the focus back", async () => {
		const { page } = await world.open("keys", { size: SIZE });
		const opener = page.getByRole("button", { name: "Create a key" });
		const dialog = page.getByRole("dialog", { name: "Create a key" });
		for (const close of [
			() => page.keyboard.press("Escape"),
			() => dialog.getByRole("button", { name: "Close" }).click(),
			() => page.mouse.click(5, 5),
		]) {
			await opener.click();
			await focusOn(dialog.getByLabel("Name"));
			await close();
			await dialog.waitFor({ state: "detached" });
			await focusOn(opener);
		}
	});

	it("keeps the focus inside, forwards and backwards", async () => {
		const { page } = await world.open("keys", { size: SIZE });
		await page.getByRole("button", { name: "Create a key" }).click();
		const dialog = page.getByRole("dialog", { name: "Create a key" });
		await focusOn(dialog.getByLabel("Name"));
		for (const key of ["Tab", "Shift+Tab"]) {
			for (let presses = 0; presses < 12; presses++) {
				await page.keyboard.press(key);
				expect(await isInside(page)).toBe(true);
			}
		}
	});

	it("keeps the page beneath where it is until it is closed", async () => {
		const { page } = await world.open("settings", { size: SIZE });
		await page.getByRole("button", { name: /^Delete / }).waitFor();
		await page.evaluate("scrollTo(0, 100)");
		await page.keyboard.press("?");
		const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
		await dialog.getByText("Go to the filter").waitFor();
		expect(await scrolled(page)).toBe(100);
		await page.keyboard.press("Escape");
		await dialog.waitFor({ state: "detached" });
		await expect.poll(() => scrolled(page)).toBeGreaterThan(100);
	});

	it("is closed by Escape alone, and not the form beneath it", async () => {
		const { page } = await world.open("webhooks?form=new", { size: SIZE });
		const [form, search] = ["Add a webhook", "Search"].map((name) => page.getByRole("dialog", { name }));
		const first = form!.getByLabel(/^Endpoint URL/);
		await focusOn(first);
		const field = form!.getByLabel("Name");
		await field.fill("typed");
		await page.keyboard.press("Control+k");
		await search!.getByRole("combobox").fill("x");
		await page.keyboard.press("Escape");
		await search!.waitFor({ state: "detached" });
		expect(await field.inputValue()).toBe("typed");
		await focusOn(field);
		await page.keyboard.press("Escape");
		await form!.waitFor({ state: "detached" });
	});

	it("leaves Escape to what is open inside", async () => {
		const { page } = await world.open("keys", { size: SIZE });
		await page.getByRole("button", { name: "Create a key" }).click();
		const dialog = page.getByRole("dialog", { name: "Create a key" });
		const field = dialog.getByRole("combobox").first();
		await field.click();
		await page.getByRole("option").first().waitFor();
		await page.keyboard.press("Escape");
		await page.getByRole("option").first().waitFor({ state: "detached" });
		expect(await dialog.isVisible()).toBe(true);
		await page.keyboard.press("Escape");
		await dialog.waitFor({ state: "detached" });
	});
});
