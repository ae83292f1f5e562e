// Leaving what is shown only once, in a real browser: by Back, by a link, and by closing the tab.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";

import { hold } from "../../../test/held-call.ts";
import { pageSuite } from "../../../test/suite.ts";

pageSuite("what is shown only once", (world) => {
	/** The form of a key with a name. */
	async function named(name: string) {
		const { page } = await world.open("keys");
		await page.getByRole("button", { name: "Create a key" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Create a key" });
		await drawer.getByLabel("Name").fill(name);
		return { page, drawer };
	}
	/** Has the key of the form created, which goes on until the test says so. */
	async function creating(page: Page, drawer: Locator) {
		const call = await hold(page, "POST", /\/workspace\/keys$/);
		await drawer.getByRole("button", { name: "Create the key" }).click();
		await call.made;
		await working(drawer).waitFor();
		return call;
	}

	it("is not lost by Back while it is made, nor when it is shown, unless somebody says so", async () => {
		const { page } = await world.open("webhooks");
		await page.getByRole("button", { name: "Add webhook" }).first().click();
		const drawer = page.getByRole("dialog", { name: "Add a webhook" });
		await drawer.getByLabel("Endpoint URL").fill("https://example.com/once");
		const call = await hold(page, "POST", /\/batch\/webhooks$/);
		await drawer.getByRole("button", { name: "Add webhook" }).click();
		await call.made;
		await working(drawer).waitFor();
		await page.goBack();
		const question = page.getByRole("dialog", { name: "Leave without the secret?" });
		await question.getByText("The secret is being made.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await question.getByRole("button", { name: "Stay" }).click();
		await expect.poll(() => question.count()).toBe(0);
		call.release();
		const secret = await drawer.getByRole("region", { name: "Secret" }).locator("code").innerText();
		await page.goBack();
		await question.getByText("The secret is shown this once.").waitFor();
		// As everywhere, Escape takes back the question, and nothing else.
		await page.keyboard.press("Escape");
		await expect.poll(() => question.count()).toBe(0);
		expect(await drawer.getByRole("region", { name: "Secret" }).locator("code").innerText()).toBe(secret);
		await page.goBack();
		await question.getByRole("button", { name: "Leave" }).click();
		await expect.poll(() => drawer.count()).toBe(0);
		expect(await page.getByRole("heading", { name: "Webhooks", level: 1 }).count()).toBe(1);
	});

	it("is not lost by closing the tab", async () => {
		const { page, drawer } = await named("of a tab");
		expect(await isAskedOnClose(page)).toBe(false);
		await drawer.getByRole("button", { name: "Create the key" }).click();
		await drawer.getByRole("region", { name: "The key" }).waitFor();
		expect(await isAskedOnClose(page)).toBe(true);
		await drawer.getByRole("button", { name: "I have stored it" }).click();
		await expect.poll(() => drawer.count()).toBe(0);
		expect(await isAskedOnClose(page)).toBe(false);
	});

	it("says what is left behind if somebody leaves while it is made", async () => {
		const { page, drawer } = await named("left behind");
		const call = await creating(page, drawer);
		await page.goBack();
		await page.getByRole("dialog", { name: "Leave without the key?" }).getByRole("button", { name: "Leave" }).click();
		await expect.poll(() => drawer.count()).toBe(0);
		call.release();
		const notice = page.getByRole("region", { name: "What you have missed" });
		await notice.getByText("Nobody has seen the key left behind").waitFor();
		expect(await notice.getByRole("button", { name: "Try again" }).count()).toBe(0);
		expect(await axeFindings(page)).toEqual([]);
		// Until somebody has read it, wherever they are.
		await page.getByRole("link", { name: "Settings" }).click();
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		await notice.getByText("revoke it, or roll it").waitFor();
		await notice.getByRole("button", { name: "Dismiss" }).click();
		await expect.poll(() => notice.count()).toBe(0);
	});

	it("leaves the question to whoever is asked when the answer comes meanwhile", async () => {
		const { page, drawer } = await named("answered meanwhile");
		const call = await creating(page, drawer);
		await page.goBack();
		const question = page.getByRole("dialog", { name: "Leave without the key?" });
		await question.getByText("The key is being made.").waitFor();
		call.release();
		await question.getByText("The key is shown this once.").waitFor();
		await question.getByRole("button", { name: "Stay" }).click();
		await expect.poll(() => question.count()).toBe(0);
		await drawer.getByRole("region", { name: "The key" }).waitFor();
		await page.goBack();
		await question.getByRole("button", { name: "Leave" }).click();
		await expect.poll(() => drawer.count()).toBe(0);
	});

	it("is not lost by Forward, which takes Back and its question back", async () => {
		const { page, drawer } = await named("forward");
		await drawer.getByRole("button", { name: "Create the key" }).click();
		const key = await drawer.getByRole("region", { name: "The key" }).locator("code").innerText();
		const address = page.url();
		await page.goBack();
		const question = page.getByRole("dialog", { name: "Leave without the key?" });
		await question.waitFor();
		await page.goForward();
		await expect.poll(() => question.count()).toBe(0);
		expect(await drawer.getByRole("region", { name: "The key" }).locator("code").innerText()).toBe(key);
		expect(page.url()).toBe(address);
		// Back is asked about as before.
		await page.goBack();
		await question.getByRole("button", { name: "Stay" }).click();
		await expect.poll(() => question.count()).toBe(0);
		await expect.poll(() => page.url()).toBe(address);
		expect(await drawer.getByRole("region", { name: "The key" }).locator("code").innerText()).toBe(key);
	});

	it("asks no more when the call has failed, so that the failure is read", async () => {
		const { id } = await world.server.createWebhook("https://example.com/rotated");
		const { page } = await world.open("webhooks");
		await page.getByRole("row").getByRole("link", { name: "test" }).click();
		await page.getByRole("tab", { name: "Secret" }).click();
		await page.getByRole("button", { name: "Replace the secret…" }).click();
		const dialog = page.getByRole("dialog", { name: "Replace the secret" });
		const call = await hold(page, "PUT", /\/secret/);
		await dialog.getByRole("button", { name: "Replace the secret" }).click();
		await call.made;
		await working(dialog).waitFor();
		await page.goBack();
		const question = page.getByRole("dialog", { name: "Leave without the secret?" });
		await question.waitFor();
		call.refuse();
		await expect.poll(() => question.count()).toBe(0);
		await dialog.getByText("The secret was not replaced").waitFor();
		expect(page.url()).toContain(id);
	});

	it("asks for the key that was rolled, and for a portal link", async () => {
		await world.server.client.keys.create({ name: "rolled", scope: "read" });
		await world.server.project.customers.update("linked", { name: "Linked" });
		const { page } = await world.open("keys");
		await page.getByRole("button", { name: "Actions for rolled" }).click();
		await page.getByRole("menuitem", { name: "Roll…" }).click();
		await page.getByRole("button", { name: "Roll the key" }).click();
		await page.getByRole("region", { name: "The key" }).waitFor();
		expect(await isAskedOnClose(page)).toBe(true);
		await page.getByRole("button", { name: "I have stored it" }).click();
		await page.goto(world.url("customers/linked"));
		await page.getByRole("button", { name: "Make a portal link…" }).click();
		await page.getByRole("button", { name: "Make the link" }).click();
		await page.getByRole("dialog", { name: "The portal link" }).waitFor();
		expect(await isAskedOnClose(page)).toBe(true);
	});
});

/** The button that shows that its call is under way: from then on, somebody who leaves is asked. */
function working(form: Locator): Locator {
	return form.locator("button[data-loading=true]");
}

/** Whether the browser would ask before it closes the tab. It is asked as the browser asks. */
function isAskedOnClose(page: Page): Promise<boolean> {
	return page.evaluate(
		"(() => { const event = new Event('beforeunload', { cancelable: true }); dispatchEvent(event); return event.defaultPrevented; })()",
	);
}
