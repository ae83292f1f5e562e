// Signing in and out, in a real browser against a real server.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, signIn } from "../../../test/suite.ts";

const STORED =
	"JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])";

// Not by the mouse: the live stream or another call of the page may have been refused first, and the sign-in dialog lies over everything.
const clickBeneath = (target: Locator) => target.dispatchEvent("click");
const againOn = (page: Page) => page.getByRole("dialog", { name: "Sign in again" });
const isOver = (page: Page) => expect.poll(() => page.getByRole("dialog").count()).toBe(0);

pageSuite("a session", (world) => {
	const start = () => `${world.server.url}/ui/`;
	const stranger = async (...options: Parameters<typeof world.browser.person>) =>
		world.watch(await world.browser.person(...options));
	const newLink = async () => (await world.server.client.sessions.createLink()).url;
	const overview = (page: Page) => page.getByRole("heading", { name: "Overview" }).waitFor();
	const webhooks = (page: Page) => page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
	const signOut = async (page: Page) => {
		await page.getByRole("button", { name: "Account" }).click();
		await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
	};

	it("does not begin with a wrong key, which is kept to be corrected, and leaves nothing of a right one to scripts", async () => {
		const person = await stranger();
		const page = await person.tab(start());
		const field = page.getByLabel("API key");
		for (const [key, problem] of [
			["sk_wrong", "There is no such key"],
			["x".repeat(300), /at most 256 characters/],
		] as const) {
			await field.fill(key);
			await page.getByRole("button", { name: "Sign in" }).click();
			await page.getByText(problem).waitFor();
			await expect.poll(() => field.inputValue()).toBe(key);
		}
		await signIn(page, world.server.key);
		const [cookie] = await person.context.cookies();
		const stored = await page.evaluate(STORED);
		expect(stored).not.toContain(world.server.key);
		expect(stored).not.toContain(cookie?.value);
		// It is of the browser: of a new tab, and after a reload.
		await webhooks(await person.tab(world.url("webhooks")));
		await page.reload();
		await overview(page);
	});

	it("begins in the middle of the window, with the field in its frame, on a phone and on a wide screen", async () => {
		for (const [scheme, width] of [
			["light", 360],
			["dark", 1_280],
		] as const) {
			const page = await (await stranger({ scheme, size: { width, height: 800 } })).tab(start());
			const input = (await page.getByLabel("API key").boundingBox())!;
			const frame = (await page.locator(".mantine-PasswordInput-input").boundingBox())!;
			expect(input.y).toBeGreaterThanOrEqual(frame.y);
			expect(input.y + input.height).toBeLessThanOrEqual(frame.y + frame.height);
			expect(input.width).toBeGreaterThan(frame.width * 0.7);
			const card = (await page.locator("main > .card").boundingBox())!;
			expect(Math.abs(card.x + card.width / 2 - width / 2)).toBeLessThanOrEqual(1);
			expect(await axeFindings(page)).toEqual([]);
		}
	});

	it.each(["light", "dark"] as const)("ends with its key, and goes on with another one (%s)", async (scheme) => {
		const { keys } = world.server.client;
		const { id, secretKey } = await keys.create({ name: "short", scope: "read" });
		const { page } = await world.open("", { key: secretKey, byForm: true, scheme });
		await overview(page);
		await keys.delete(id);
		await clickBeneath(page.getByRole("link", { name: "Deliveries", exact: true }));
		await againOn(page).getByLabel("API key").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await signIn(page, world.server.key);
		await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		await isOver(page);
	});

	it("that ends is asked for over the form that is being filled in, which loses nothing", async () => {
		const receiver = await world.receiver();
		const { page } = await world.open("webhooks?form=new");
		await page.getByLabel("Endpoint URL").fill(`${receiver.url}/typed`);
		await page.getByLabel("Name").fill("Typed before");
		await world.server.client.sessions.signOut({ everywhere: true });
		const form = page.getByRole("dialog", { name: "Add a webhook" });
		await clickBeneath(form.getByRole("button", { name: "Add webhook" }));
		await againOn(page).getByLabel("API key").waitFor();
		for (const key of ["Escape", "Tab", "Escape"]) await page.keyboard.press(key);
		await signIn(page, world.server.key);
		await expect.poll(() => againOn(page).count()).toBe(0);
		await expect.poll(() => page.getByLabel("Endpoint URL").inputValue()).toBe(`${receiver.url}/typed`);
		await form.getByRole("button", { name: "Add webhook" }).click();
		await page.getByRole("button", { name: "Copy the secret" }).waitFor();
		const { data } = await world.server.project.batch.webhooks.list();
		expect(data.filter(({ name }) => name === "Typed before")).toHaveLength(1);
	});

	it("goes on in every tab when somebody signs in again in one of them, and live, too", async () => {
		const receiver = await world.receiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["after.sign-in"] });
		const { page, person } = await world.open("deliveries?type=after.sign-in");
		const second = await person.tab(page.url());
		await second.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
		await page.getByText("Live", { exact: true }).waitFor();
		await world.server.client.sessions.signOut({ everywhere: true });
		// The stream has ended with the session, which the tab that reads it notices by itself.
		for (const tab of [page, second]) await againOn(tab).waitFor();
		// Both fetch their lists again then. A delivery that comes before that is in the list, and is not announced.
		const lists = [page, second].map((tab) => tab.waitForResponse(/\/deliveries\?/));
		await signIn(second, world.server.key);
		for (const tab of [page, second]) await isOver(tab);
		await Promise.all(lists);
		await page.getByText("Live", { exact: true }).waitFor();
		await world.server.project.events.send({ type: "after.sign-in", data: 1 });
		for (const tab of [page, second]) await tab.getByRole("button", { name: /newer deliver.* · show$/ }).waitFor();
	});

	it("is ended by signing out, in all tabs, and leaves nothing of the last one to the next person", async () => {
		const { page, person } = await world.open();
		const second = await person.tab(world.url("webhooks"));
		await webhooks(second);
		await signOut(page);
		await page.getByRole("heading", { name: "Sign in to Fanfare" }).waitFor();
		await expect.poll(() => person.context.cookies()).toEqual([]);
		await againOn(second).waitFor();
		await page.goBack();
		await page.getByLabel("API key").waitFor();
	});

	it("is told of its end, and shows short messages, also after somebody has signed out and in again in the tab", async () => {
		const { page } = await world.open();
		await signOut(page);
		await signIn(page, world.server.key);
		await overview(page);
		await page.getByRole("link", { name: "Settings" }).click();
		await page.getByLabel("Name").first().fill("Renamed after it");
		await page.getByRole("button", { name: /^Save/ }).first().click();
		await page.locator(".corner").getByText("Saved").waitFor();
		await world.server.client.sessions.signOut({ everywhere: true });
		await againOn(page).waitFor();
	});

	it("can be ended on all devices", async () => {
		const here = await world.open();
		const there = await world.open("webhooks");
		await here.page.getByRole("button", { name: "Account" }).click();
		await here.page.getByRole("menuitem", { name: "Sign out everywhere" }).click();
		await here.page.getByRole("button", { name: "End all sessions of this key" }).click();
		await here.page.getByRole("heading", { name: "Sign in to Fanfare" }).waitFor();
		await againOn(there.page).waitFor();
	});

	it("begins once by a link, which is taken out of the address, and leaves whoever is signed in where they are", async () => {
		const url = await newLink();
		const person = await stranger();
		const page = await person.tab(url);
		// First the message, which goes away after some seconds.
		await page.getByText("A link has signed you in").waitFor();
		await overview(page);
		expect(await page.evaluate(STORED)).not.toContain("sl_");
		await page.goBack().catch(() => null);
		await expect.poll(() => page.url()).not.toContain("link=");
		const again = await person.tab(url);
		await again.getByText("This sign-in link was used already").waitFor();
		await overview(again);

		const late = await (await stranger()).tab(url);
		await late.getByText("This sign-in link was used already").waitFor();
		await expect.poll(() => late.url()).not.toContain("link=");
		// The key still signs in there.
		await signIn(late, world.server.key);
	});

	it("begins by a link on the screen of its address, or by a link that is pasted in place of a key", async () => {
		const [, fragment = ""] = (await newLink()).split("#");
		await webhooks(await (await stranger()).tab(world.url(`webhooks#${fragment}`)));
		await signIn(await (await stranger()).tab(start()), await newLink());
	});
});

pageSuite("a guesser of keys", (world) => {
	it("is told how long to wait after ten failures", async () => {
		await using person = await world.browser.person();
		const page = await person.tab(world.url());
		const field = page.getByLabel("API key");
		for (let tries = 0; tries < 10; tries++) {
			const answered = page.waitForResponse((response) => response.url().endsWith("/sessions"));
			await field.fill(`sk_wrong${tries}`);
			await page.getByRole("button", { name: "Sign in" }).click();
			expect((await answered).status()).toBe(401);
		}
		await page.getByText("There is no such key").waitFor();
		await field.fill(world.server.key);
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByText("10 attempts to sign in have failed from your address").waitFor();
		await expect.poll(() => page.getByRole("button", { name: /Try again in \d+ s/ }).isDisabled()).toBe(true);
		await expect.poll(() => field.inputValue()).toBe(world.server.key);
	});
});
