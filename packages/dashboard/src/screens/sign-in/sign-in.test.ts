// Signing in and out, in a real browser against a real server.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startReceiver } from "@fanfare/testkit/receiver";
import type { Locator } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, signIn } from "../../../test/suite.ts";

const STORED =
	"JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])";

// Not by the mouse: the live stream or another call of the page may have been refused first, and the sign-in dialog lies over everything.
const clickBeneath = (target: Locator) => target.dispatchEvent("click");

pageSuite("the sign-in", (world) => {
	it("leads to where the person wanted to go", async () => {
		await using tab = await world.open("webhooks?state=paused", { byForm: true });
		await expect
			.poll(() => tab.page.url())
			.toBe(`${world.server.url}/ui/${world.server.projectId}/webhooks?state=paused`);
	});

	it("says what is wrong with a key, and keeps what was typed", async () => {
		await using person = await world.browser.person();
		const page = await person.tab(`${world.server.url}/ui/`);
		await page.getByLabel("API key").fill("sk_wrong");
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByText("There is no such key").waitFor();
		await expect.poll(() => page.getByLabel("API key").inputValue()).toBe("sk_wrong");
		await page.getByLabel("API key").fill("x".repeat(300));
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByText(/at most 256 characters/).waitFor();
		await signIn(page, world.server.key);
		expect(person.problems).toEqual([]);
	});

	it("is in the middle of the window, and its field in its frame, on a phone and on a wide screen", async () => {
		for (const width of [360, 1_280]) {
			await using person = await world.browser.person({ size: { width, height: 800 } });
			const page = await person.tab(`${world.server.url}/ui/`);
			const input = (await page.getByLabel("API key").boundingBox())!;
			const frame = (await page.locator(".mantine-PasswordInput-input").boundingBox())!;
			expect(input.y).toBeGreaterThanOrEqual(frame.y);
			expect(input.y + input.height).toBeLessThanOrEqual(frame.y + frame.height);
			expect(input.width).toBeGreaterThan(frame.width * 0.7);
			const card = (await page.locator("main > .card").boundingBox())!;
			expect(Math.abs(card.x + card.width / 2 - width / 2)).toBeLessThanOrEqual(1);
		}
	});

	it("is not asked for in a new tab, nor after a reload", async () => {
		await using tab = await world.open();
		const second = await tab.person.tab(`${world.server.url}/ui/${world.server.projectId}/webhooks`);
		await second.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
		await tab.page.reload();
		await tab.page.getByRole("heading", { name: "Overview" }).waitFor();
	});

	it("keeps neither the key nor the session's token where scripts can read it", async () => {
		await using tab = await world.open("", { byForm: true });
		const [cookie] = await tab.person.context.cookies();
		expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
		const stored = await tab.page.evaluate(STORED);
		expect(stored).not.toContain(world.server.key);
		expect(stored).not.toContain(cookie?.value);
	});

	it("leads back when the key was deleted meanwhile", async () => {
		const { keys } = world.server.client;
		const { id, secretKey } = await keys.create({ name: "short", scope: "read" });
		await using tab = await world.open("", { key: secretKey, byForm: true });
		await tab.page.getByRole("heading", { name: "Overview" }).waitFor();
		await keys.delete(id);
		await clickBeneath(tab.page.getByRole("link", { name: "Deliveries", exact: true }));
		await tab.page.getByRole("dialog", { name: "Sign in again" }).waitFor();
		await signIn(tab.page, world.server.key);
		await tab.page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		await expect.poll(() => tab.page.getByRole("dialog").count()).toBe(0);
	});

	it.each(["light", "dark"] as const)("is accessible in %s colours", async (scheme) => {
		await using person = await world.browser.person({ scheme });
		const page = await person.tab(`${world.server.url}/ui/`);
		await page.getByLabel("API key").waitFor();
		expect(await axeFindings(page)).toEqual([]);
	});

	it.each(["light", "dark"] as const)("is accessible in %s colours over a screen", async (scheme) => {
		const { keys } = world.server.client;
		const { id, secretKey } = await keys.create({ name: "short", scope: "read" });
		await using tab = await world.open("webhooks", { key: secretKey, scheme });
		await keys.delete(id);
		await clickBeneath(tab.page.getByRole("link", { name: "Deliveries", exact: true }));
		await tab.page.getByRole("dialog", { name: "Sign in again" }).getByLabel("API key").waitFor();
		expect(await axeFindings(tab.page)).toEqual([]);
	});
});

pageSuite("a session that ends", (world) => {
	it("asks for signing in over the form that is being filled in, which loses nothing", async () => {
		await using receiver = await startReceiver();
		await using tab = await world.open("webhooks?form=new");
		const { page } = tab;
		await page.getByLabel("Endpoint URL").fill(`${receiver.url}/typed`);
		await page.getByLabel("Name").fill("Typed before");
		await world.server.client.sessions.signOut({ everywhere: true });
		const form = page.getByRole("dialog", { name: "Add a webhook" });
		await clickBeneath(form.getByRole("button", { name: "Add webhook" }));
		const dialog = page.getByRole("dialog", { name: "Sign in again" });
		await dialog.getByLabel("API key").waitFor();
		await page.keyboard.press("Escape");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Escape");
		await signIn(page, world.server.key);
		await expect.poll(() => dialog.count()).toBe(0);
		await expect.poll(() => page.getByLabel("Endpoint URL").inputValue()).toBe(`${receiver.url}/typed`);
		await form.getByRole("button", { name: "Add webhook" }).click();
		await page.getByRole("button", { name: "Copy the secret" }).waitFor();
		const { data } = await world.server.project.batch.webhooks.list();
		expect(data.map(({ name }) => name)).toEqual(["Typed before"]);
	});

	it("goes on in every tab when somebody signs in again in one of them, and live, too", async () => {
		await using receiver = await startReceiver();
		await world.server.createWebhook(receiver.url);
		await using tab = await world.open("deliveries");
		const second = await tab.person.tab(`${world.server.url}/ui/${world.server.projectId}/deliveries`);
		await second.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		await tab.page.getByText("Live", { exact: true }).waitFor();
		await world.server.client.sessions.signOut({ everywhere: true });
		// The stream has ended with the session, which the tab that reads it notices by itself.
		for (const page of [tab.page, second]) await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
		// Both fetch their lists again then. A delivery that comes before that is in the list, and is not announced.
		const lists = [tab.page, second].map((page) => page.waitForResponse(/\/deliveries\?/));
		await signIn(second, world.server.key);
		for (const page of [tab.page, second]) await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
		await Promise.all(lists);
		await tab.page.getByText("Live", { exact: true }).waitFor();
		await world.server.project.events.send({ type: "after.sign-in", data: 1 });
		for (const page of [tab.page, second])
			await page.getByRole("button", { name: /newer deliver.* · show$/ }).waitFor();
	});

	it("is ended by signing out, in all tabs, and leaves nothing of the last one to the next person", async () => {
		await using tab = await world.open();
		const second = await tab.person.tab(`${world.server.url}/ui/${world.server.projectId}/webhooks`);
		await second.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
		await tab.page.getByRole("button", { name: "Account" }).click();
		await tab.page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
		await tab.page.getByRole("heading", { name: "Sign in to Fanfare" }).waitFor();
		await expect.poll(() => tab.person.context.cookies()).toEqual([]);
		await second.getByRole("dialog", { name: "Sign in again" }).waitFor();
		await tab.page.goBack();
		await tab.page.getByLabel("API key").waitFor();
	});

	it("is told of its end, and shows short messages, also after somebody has signed out and in again in the tab", async () => {
		await using tab = await world.open();
		const { page } = tab;
		await page.getByRole("button", { name: "Account" }).click();
		await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
		await signIn(page, world.server.key);
		await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
		await page.getByRole("link", { name: "Settings" }).click();
		await page.getByLabel("Name").first().fill("Renamed after it");
		await page.getByRole("button", { name: /^Save/ }).first().click();
		await page.locator(".corner").getByText("Saved").waitFor();
		await world.server.client.sessions.signOut({ everywhere: true });
		await page.getByRole("dialog", { name: "Sign in again" }).waitFor();
	});

	it("can be ended on all devices", async () => {
		await using here = await world.open();
		await using there = await world.open("webhooks");
		await here.page.getByRole("button", { name: "Account" }).click();
		await here.page.getByRole("menuitem", { name: "Sign out everywhere" }).click();
		await here.page.getByRole("button", { name: "End all sessions of this key" }).click();
		await here.page.getByRole("heading", { name: "Sign in to Fanfare" }).waitFor();
		await there.page.getByRole("dialog", { name: "Sign in again" }).waitFor();
	});
});

pageSuite("a sign-in link", (world) => {
	const newLink = async () => (await world.server.client.sessions.createLink()).url;

	it("signs in once, and is taken out of the address", async () => {
		const url = await newLink();
		await using person = await world.browser.person();
		const page = await person.tab(url);
		// First the message, which goes away after some seconds.
		await page.getByText("A link has signed you in").waitFor();
		await page.getByRole("heading", { name: "Overview" }).waitFor();
		expect(await page.evaluate(STORED)).not.toContain("sl_");
		await page.goBack().catch(() => null);
		await expect.poll(() => page.url()).not.toContain("link=");

		await using other = await world.browser.person();
		const late = await other.tab(url);
		await late.getByText("This sign-in link was used already").waitFor();
		await expect.poll(() => late.url()).not.toContain("link=");
		// The key still signs in there.
		await signIn(late, world.server.key);
		expect([...person.problems, ...other.problems]).toEqual([]);
	});

	it("leads to the screen of its address, and may be pasted in place of a key", async () => {
		await using person = await world.browser.person();
		const [, fragment = ""] = (await newLink()).split("#");
		const page = await person.tab(`${world.server.url}/ui/${world.server.projectId}/webhooks#${fragment}`);
		await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();

		await using other = await world.browser.person();
		await signIn(await other.tab(`${world.server.url}/ui/`), await newLink());
	});

	it("that was used leaves somebody who is signed in where they are, and says so", async () => {
		const url = await newLink();
		await using person = await world.browser.person();
		await (await person.tab(url)).getByRole("heading", { name: "Overview" }).waitFor();
		const again = await person.tab(url);
		await again.getByText("This sign-in link was used already").waitFor();
		await again.getByRole("heading", { name: "Overview" }).waitFor();
	});
});

pageSuite("a guesser of keys", (world) => {
	it("is told how long to wait after ten failures", async () => {
		await using person = await world.browser.person();
		const page = await person.tab(`${world.server.url}/ui/`);
		for (let tries = 0; tries < 10; tries++) {
			const answered = page.waitForResponse((response) => response.url().endsWith("/sessions"));
			await page.getByLabel("API key").fill(`sk_wrong${tries}`);
			await page.getByRole("button", { name: "Sign in" }).click();
			expect((await answered).status()).toBe(401);
		}
		await page.getByText("There is no such key").waitFor();
		await page.getByLabel("API key").fill(world.server.key);
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByText("10 attempts to sign in have failed from your address").waitFor();
		await expect.poll(() => page.getByRole("button", { name: /Try again in \d+ s/ }).isDisabled()).toBe(true);
		await expect.poll(() => page.getByLabel("API key").inputValue()).toBe(world.server.key);
	});
});

pageSuite("a key that may only read", (world) => {
	it("is offered nothing that it may not do, and told why", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const webhook = await world.server.createWebhook(receiver.url);
		await world.server.project.events.send({ type: "order.paid", data: 1 });
		await receiver.waitFor(1);
		const [delivery] = (await world.server.project.deliveries.list()).data;
		const { secretKey } = await world.server.client.keys.create({ name: "reader", scope: "read" });
		const paths = [
			"",
			"webhooks",
			`webhooks/${webhook.id}`,
			`webhooks/${webhook.id}?tab=settings`,
			`webhooks/${webhook.id}?tab=secret`,
			"deliveries",
			`deliveries/${delivery?.id}`,
		];
		await using tab = await world.open("", { key: secretKey });
		const { page } = tab;
		const changes = /^(Retry|Cancel|Pause|Resume|Add|Save|Delete|Replace|Rotate|Test|Send)\b/;
		for (const path of paths) {
			await page.goto(`${world.server.url}/ui/${world.server.projectId}/${path}`);
			await page.getByText("Read only", { exact: true }).waitFor();
			await page.locator("h1").waitFor();
			await page.locator(".shimmer").first().waitFor({ state: "detached" });
			const names = await page.locator("#content button:not([disabled]), #content a").allTextContents();
			expect([path, names.filter((name) => changes.test(name.trim()))]).toEqual([path, []]);
		}
	});
});
