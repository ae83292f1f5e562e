import type { Person } from "@fanfare/testkit/browser/browser";
// The tabs of one browser share its connections, also if each shows another project.
import type { Page, Request, Route } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, show, signIn } from "../../test/suite.ts";
import { INBOX_PLACES, STREAM_PLACES } from "./places.ts";

/** What a browser opens to a server over HTTP/1.1. */
const CONNECTIONS = 6;
const TABS = 7;

pageSuite("the tabs of a browser", (world) => {
	/** A tab for each of so many projects, and what was sent to the last one so far. */
	async function openProjects(person: Person, count: number, isSignedIn = false) {
		const tabs: { readonly page: Page; readonly send: (type: string) => Promise<unknown> }[] = [];
		for (let opened = 0; opened < count; opened++) {
			const { id } = await world.server.client.projects.create({ name: `Project ${opened}` });
			const page = await person.tab(`${world.server.url}/ui/${id}/events`);
			if (opened === 0 && !isSignedIn) await signIn(page, world.server.key);
			await page.getByText("No event yet").waitFor();
			tabs.push({ page, send: (type) => world.server.client.project(id).events.send({ type, data: 1 }) });
		}
		return tabs;
	}

	it("open few streams for seven projects: each tab works, and shows what happens in its project", async () => {
		await using person = await world.browser.person();
		const open = new Set<Request>();
		let most = 0;
		person.context.on("request", (request) => {
			if (new URL(request.url()).pathname.endsWith("/stream")) open.add(request);
			most = Math.max(most, open.size);
		});
		person.context.on("requestfailed", (request) => open.delete(request));
		person.context.on("requestfinished", (request) => open.delete(request));
		const tabs = await openProjects(person, TABS);
		for (const { page, send } of tabs) {
			await page.getByRole("button", { name: /^(Live|Every 5 s): pause$/ }).waitFor();
			await send("seven.tabs");
		}
		for (const { page } of tabs) await page.getByRole("button", { name: "1 newer event · show" }).click();
		for (const { page } of tabs) {
			await page.getByRole("link", { name: "Settings", exact: true }).click();
			await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		}
		expect(most).toBe(STREAM_PLACES.length);
		// Calls find a connection also beside as many Inboxes as there may be.
		expect(STREAM_PLACES.length + INBOX_PLACES.length).toBeLessThan(CONNECTIONS);
		expect(person.problems).toEqual([]);
	});

	it("leave a connection to calls beside as many streams and Inboxes as there may be", async () => {
		await using person = await world.browser.person();
		const [first, ...rest] = await openProjects(person, Math.max(STREAM_PLACES.length, INBOX_PLACES.length));
		const tabs = [first!, ...rest];
		for (const { page } of tabs) {
			await page.getByRole("button", { name: "Live: pause", exact: true }).waitFor();
			await page.getByRole("link", { name: "Inbox", exact: true }).click();
			await page.getByRole("button", { name: "Open the Inbox" }).click();
			await page.getByText("✓ Open").waitFor();
		}
		// One tab more has all that it needs, and so have those that hold the connections.
		const page = await person.tab(first!.page.url().replace(/inbox$/, "settings"));
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		await page.getByRole("link", { name: "Events", exact: true }).click();
		await page.getByText("No event yet").waitFor();
		for (const { page: held, send } of tabs) {
			await send("beside.inboxes");
			await held.getByText('"beside.inboxes"').waitFor();
		}
		await page.getByRole("button", { name: "1 newer event · show" }).click();
		await page.getByRole("link", { name: "beside.inboxes" }).waitFor();
		for (const { page: held } of tabs) {
			await held.getByRole("button", { name: "Close the Inbox" }).click();
			await held.getByRole("button", { name: "Open the Inbox" }).waitFor();
		}
		expect(person.problems).toEqual([]);
	});

	it("leave the streams to those that are visible, and miss nothing in between", async () => {
		await using person = await world.browser.person();
		const tabs = await openProjects(person, STREAM_PLACES.length + 1);
		const sign = (page: Page, word: string) => page.getByRole("button", { name: `${word}: pause`, exact: true });
		const [first, last] = [tabs[0]!, tabs.at(-1)!];
		for (const { page } of tabs.slice(0, -1)) await sign(page, "Live").waitFor();
		await sign(last.page, "Every 5 s").waitFor();
		await show(first.page, false);
		await sign(last.page, "Live").waitFor();
		await first.send("while.hidden");
		await last.send("while.visible");
		await last.page.getByRole("button", { name: "1 newer event · show" }).waitFor();
		await show(first.page, true);
		await sign(first.page, "Every 5 s").waitFor();
		await first.page.getByRole("button", { name: "1 newer event · show" }).waitFor();
		// A place that becomes free goes to a tab that waits for one.
		await last.page.close();
		await sign(first.page, "Live").waitFor();
		await first.send("by.stream");
		await first.page.getByRole("button", { name: "2 newer events · show" }).waitFor();
		expect(person.problems).toEqual([]);
	});

	it("ask themselves where the tab that reads their project was suspended and does not answer", async () => {
		await using person = await world.browser.person();
		const [first] = await openProjects(person, 1);
		const { page, send } = first!;
		await page.getByRole("button", { name: "Live: pause", exact: true }).waitFor();
		const project = new URL(page.url()).pathname.split("/")[2]!;
		await page.goto(`${world.server.url}/ui/sign-in`);
		// It has the lock, and hears nothing.
		const isHeld = page.evaluate((name) => {
			return new Promise<void>((held) => {
				void navigator.locks.request(name, () => new Promise(() => held()));
			});
		}, `fanfare.live.${project}`);
		await isHeld;
		const other = await person.tab(`${world.server.url}/ui/${project}/events`);
		await other.getByText("No event yet").waitFor();
		await send("while.suspended");
		await other.getByRole("button", { name: "1 newer event · show" }).waitFor();
		await other.getByRole("button", { name: "Every 5 s: pause", exact: true }).waitFor();
		// When the lock is free, it has its stream.
		await page.close();
		await other.getByRole("button", { name: "Live: pause", exact: true }).waitFor();
		expect(person.problems).toEqual([]);
	});

	it("keep no place for a project whose stream is refused", async () => {
		await using person = await world.browser.person();
		const { id } = await world.server.client.projects.create({ name: "Refused" });
		for (const { page } of await openProjects(person, 1)) await page.close();
		const gone = await person.context.newPage();
		await gone.route(/\/stream$/, (route) => route.fulfill({ status: 404, json: {} }));
		const answer = gone.waitForResponse((response) => response.url().endsWith("/stream"));
		await gone.goto(`${world.server.url}/ui/${id}/events`);
		await answer;
		// As many as there are places, and it keeps trying beside them.
		for (const { page } of await openProjects(person, STREAM_PLACES.length, true)) {
			await page.getByRole("button", { name: "Live: pause", exact: true }).waitFor();
		}
	});

	it("fetch everything again where nobody read while they were hidden, and another one reads from later on", async () => {
		await using person = await world.browser.person();
		const [first] = await openProjects(person, 1);
		const { page, send } = first!;
		await page.getByRole("button", { name: "Live: pause", exact: true }).waitFor();
		const held: Route[] = [];
		// Its stream ends, and it asks for no other while it is hidden.
		await show(page, false);
		await person.context.route(/\/stream$/, (route) => void held.push(route));
		const asks = await person.context.newPage();
		await asks.goto(`${world.server.url}/ui/sign-in`);
		const lock = `fanfare.live.${new URL(page.url()).pathname.split("/")[2]}`;
		await asks.evaluate((wants) => new BroadcastChannel("fanfare.turns").postMessage({ wants }), lock);
		await asks.evaluate((name) => navigator.locks.request(name, () => {}), lock);
		await send("read.by.nobody");
		const other = await person.tab(page.url());
		await other.getByRole("link", { name: "read.by.nobody" }).waitFor();
		await page.getByRole("link", { name: "read.by.nobody" }).waitFor();
	});

	it("go on after a gap, and not where they were before it, also when another tab takes over", async () => {
		const tab = await world.open("settings");
		const { page, person } = tab;
		await page.getByRole("button", { name: "Live: pause", exact: true }).waitFor();
		const held: Route[] = [];
		await person.context.route(/\/stream$/, (route) => void held.push(route));
		await page.goto(world.url("events?type=before.gap"));
		await expect.poll(() => held.length).toBe(1);
		const other = await person.tab(page.url());
		for (const one of [page, other]) await one.getByText("No event matches").waitFor();
		await world.server.project.events.send({ type: "before.gap", data: 1 });
		const gap = { object: "streamItem", kind: "gap", reason: "A test." };
		const body = `event: gap\ndata: ${JSON.stringify(gap)}\n\n`;
		await held[0]!.fulfill({ headers: { "content-type": "text/event-stream" }, body });
		for (const one of [page, other]) await one.getByRole("link", { name: "before.gap" }).waitFor();
		// The first one asks again meanwhile.
		const begun = other.waitForRequest((request) => request.url().endsWith("/stream"));
		await show(page, false);
		const beginsAfter = (await begun).headers()["last-event-id"];
		expect(beginsAfter).toBeTruthy();
		expect(beginsAfter).not.toBe(held[0]!.request().headers()["last-event-id"]);
	});

	it("without a stream and without a position fetch everything again, so that nothing is missed", async () => {
		await using person = await world.browser.person();
		await openProjects(person, STREAM_PLACES.length);
		const { id } = await world.server.client.projects.create({ name: "No position" });
		const page = await person.context.newPage();
		// The first call, for the position, is never answered; the second one is the first look.
		const held: Route[] = [];
		await page.route(/\/stream\/items/, (route) => (held.length < 2 ? void held.push(route) : route.fallback()));
		await page.goto(`${world.server.url}/ui/${id}/events`);
		await page.getByText("No event yet").waitFor();
		await expect.poll(() => held.length).toBe(2);
		await world.server.client.project(id).events.send({ type: "before.position", data: 1 });
		await held[1]!.continue();
		await page.getByRole("link", { name: "before.position" }).waitFor();
	});

	it("let one that is visible read the project that a hidden one reads", async () => {
		const receiver = await world.receiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["hidden.reader"] });
		const tab = await world.open("deliveries?type=hidden.reader");
		const live = (page: Page) => page.getByRole("button", { name: "Live: pause", exact: true });
		await live(tab.page).waitFor();
		const other = await tab.person.tab(tab.page.url());
		// What comes while it is being opened may be among what is fetched again.
		const stream = (page: Page) =>
			page.waitForResponse((response) => new URL(response.url()).pathname.endsWith("/stream"));
		// It hears from the tab that reads how that does.
		await live(other).waitFor();
		const taken = stream(other);
		await show(tab.page, false);
		await taken;
		await world.server.project.events.send({ type: "hidden.reader", data: 1 });
		await other.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		// The hidden one is told, too.
		await tab.page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		const takenBack = stream(tab.page);
		await show(tab.page, true);
		await show(other, false);
		await takenBack;
		await world.server.project.events.send({ type: "hidden.reader", data: 2 });
		await tab.page.getByRole("button", { name: "2 newer deliveries · show" }).waitFor();
	});
});
