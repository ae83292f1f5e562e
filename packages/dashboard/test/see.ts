// Whether a tab is seen.
import type { Page } from "playwright-core";

/** Has the tab believe that it is hidden behind another one, or that it is not. */
export async function see(page: Page, state: "hidden" | "visible"): Promise<void> {
	await page.evaluate((state) => {
		Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
		document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
	}, state);
}
