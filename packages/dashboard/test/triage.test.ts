// The way from the overview to the mended failure, in a real browser: how many clicks and keys it takes.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite } from "./suite.ts";

/** From the overview over one delivery and its diagnosis to the retry of all. */
const MOST_STEPS = 4;

/** Counts what a person does. */
class Steps {
	readonly #page: Page;
	#count = 0;

	constructor(page: Page) {
		this.#page = page;
	}

	get count(): number {
		return this.#count;
	}

	async click(target: Locator): Promise<void> {
		this.#count++;
		await target.click();
	}

	async press(key: string): Promise<void> {
		this.#count++;
		await this.#page.keyboard.press(key);
	}
}

pageSuite("triage", (world) => {
	/** A webhook whose deliveries have all failed. */
	async function failing(receiver: Receiver, name: string): Promise<string> {
		receiver.script(() => ({ status: 404 }));
		const eventTypes = [`${name}.failed`];
		const webhook = await world.server.createWebhook(receiver.url, { eventTypes, retries: { maxRetries: 0 } });
		await world.server.project.batch.webhooks.update(webhook.id, { name });
		for (let sent = 0; sent < 3; sent++) await world.server.project.events.send({ type: `${name}.failed`, data: sent });
		await expect.poll(() => failedCount(webhook.id)).toBe(3);
		receiver.script(() => ({ status: 204 }));
		return webhook.id;
	}
	const failedCount = async (id: string) => (await world.server.project.batch.webhooks.stats(id)).deliveries.Failed;

	it(`takes ${MOST_STEPS} clicks from the overview to the retry of all, by the diagnosis of one delivery`, async () => {
		await using receiver = await startReceiver();
		const id = await failing(receiver, "clicks");
		await using tab = await world.open("", { size: { width: 1_400, height: 900 } });
		const { page } = tab;
		const steps = new Steps(page);
		const item = page.getByRole("listitem").filter({ hasText: "clicks" });
		await steps.click(item.getByRole("link", { name: "3 failed" }));
		await steps.click(page.getByRole("link", { name: "clicks.failed" }).first());
		const beside = page.getByRole("complementary", { name: "The delivery" });
		await beside.getByText("There is nothing at this path").waitFor();
		await steps.click(page.getByRole("button", { name: /^Retry all/ }));
		const dialog = page.getByRole("dialog");
		// The count comes before anything is done.
		await steps.click(dialog.getByRole("button", { name: "Retry 3 deliveries" }));
		expect(steps.count).toBeLessThanOrEqual(MOST_STEPS);
		await expect.poll(() => failedCount(id)).toBe(0);
		await receiver.waitFor(6);
	});

	it(`takes ${MOST_STEPS} steps to the question how many are retried, with the keyboard in the list`, async () => {
		await using receiver = await startReceiver();
		const id = await failing(receiver, "keys");
		await using tab = await world.open("", { size: { width: 1_400, height: 900 } });
		const { page } = tab;
		const steps = new Steps(page);
		const item = page.getByRole("listitem").filter({ hasText: "keys" });
		await steps.click(item.getByRole("link", { name: "3 failed" }));
		await page.getByRole("link", { name: "keys.failed" }).first().waitFor();
		await steps.press("j");
		await expect.poll(() => page.evaluate("document.activeElement.dataset.row !== undefined")).toBe(true);
		await steps.press("Enter");
		const beside = page.getByRole("complementary", { name: "The delivery" });
		await beside.getByText("There is nothing at this path").waitFor();
		await steps.press("Shift+R");
		const retry = page.getByRole("dialog").getByRole("button", { name: "Retry 3 deliveries" });
		await retry.waitFor();
		expect(steps.count).toBeLessThanOrEqual(MOST_STEPS);
		await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("Retry 3 deliveries");
		await page.keyboard.press("Enter");
		await expect.poll(() => failedCount(id)).toBe(0);
	});
});
