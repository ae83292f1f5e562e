// The Inbox in a real browser: the first signed request with nothing installed, and answers by the switch.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";

import { pageSuite, show, signIn } from "../../../test/suite.ts";
import { INBOX_PLACES } from "../../live/places.ts";

pageSuite("the Inbox", (world) => {
	it("shows the first signed request of a new project, from the overview on, with nothing installed", async () => {
		const { page } = await world.open();
		const beganAt = performance.now();
		await page.getByRole("link", { name: "use the Inbox" }).click();
		await page.getByRole("button", { name: "Open the Inbox" }).click();
		await page.getByRole("button", { name: "Send test.hello" }).click();
		await page.getByText("Signature verified").waitFor();
		process.stdout.write(`first signed request after ${Math.round(performance.now() - beganAt)} ms\n`);
		await page.getByRole("region", { name: "Request body" }).getByText("Hello from Fanfare").waitFor();
		await page.getByRole("link", { name: "Its delivery" }).click();
		await page.getByRole("region", { name: "Delivery", exact: true }).getByText("Succeeded").waitFor();
		// It goes on while other screens are shown, and after a reload.
		await world.server.project.events.send({ type: "while.away", data: 1 });
		await page.getByRole("link", { name: "Inbox", exact: true }).click();
		await page.getByText('"while.away"').waitFor();
		// Each of them is known by its type, and a first attempt says nothing more.
		const rows = page.getByRole("region", { name: "Requests" }).getByRole("listitem");
		expect(await rows.allInnerTexts()).toEqual([
			expect.stringMatching(/^200\s+while\.away\s+[\d:]+$/),
			expect.stringMatching(/^200\s+test\.hello\s+[\d:]+$/),
		]);
		await page.reload();
		await page.getByText("✓ Open").waitFor();
		await world.server.project.events.send({ type: "after.reload", data: 1 });
		await page.getByText('"after.reload"').waitFor();
		expect((await world.server.project.relays.list()).length).toBe(1);
		await closeInbox(page);
		await expect.poll(() => world.server.project.relays.list()).toEqual([]);
	});

	it("answers as the switch says: an error, or nothing", async () => {
		const { page } = await world.open("inbox");
		await page.getByLabel("Event types").fill("switch.*");
		await openInbox(page);
		const lastCode = async (eventId: string) =>
			(await world.server.project.deliveries.list({ eventId })).data[0]?.lastAttempt;
		for (const [mode, expected] of [
			["500", { responseCode: 500 }],
			["Nothing", { responseCode: 0, error: "timeout" }],
		] as const) {
			await page.getByRole("region", { name: "Response" }).getByText(mode, { exact: true }).click();
			const { id } = await world.server.project.events.send({ type: "switch.one", data: mode });
			await expect.poll(() => lastCode(id)).toMatchObject(expected);
		}
		await world.server.project.events.send({ type: "other.type", data: 1 });
		await expect.poll(() => page.getByText("other.type").count()).toBe(0);
		await closeInbox(page);
	});

	it("keeps its event types when it was opened elsewhere and is opened here again", async () => {
		const tab = await world.open("inbox");
		const { page } = tab;
		await page.getByLabel("Event types").fill("only.*");
		await openInbox(page);
		// Such as a copy of the tab, which has the same name and secret.
		const stored = await page.evaluate(`sessionStorage.getItem("fanfare.inbox.${world.server.projectId}")`);
		const { device, secret } = JSON.parse(String(stored)) as { device: string; secret: string };
		const ending = new AbortController();
		const put = { device, name: "Inbox", secret, eventTypes: ["only.*"], timeoutMs: 5_000 };
		const other = (async () => {
			for await (const request of world.server.project.relays.connect(put, { signal: ending.signal })) void request;
		})().catch(() => {});
		await page.getByRole("button", { name: "Open it here" }).click();
		await page.getByText("✓ Open").waitFor();
		expect((await world.server.project.relays.list())[0]?.eventTypes).toEqual(["only.*"]);
		ending.abort();
		await other;
		await closeInbox(page);
	});

	it("leaves no relay when it is closed before the server has answered that there is one, and can be opened again meanwhile", async () => {
		const { page } = await world.open("inbox");
		const { relays } = world.server.project;
		const ids = async () => (await relays.list()).map(({ id }) => id);
		const isAnswered = Promise.withResolvers<void>();
		const made = Promise.withResolvers<void>();
		let device: string | undefined;
		await page.route(/\/relays$/, async (route) => {
			if (route.request().method() !== "POST") return route.fallback();
			const asked = (route.request().postDataJSON() as { readonly device: string }).device;
			if (asked !== (device ??= asked)) return route.fallback();
			const response = await route.fetch();
			made.resolve();
			await isAnswered.promise;
			return route.fulfill({ response });
		});
		await page.getByRole("button", { name: "Open the Inbox" }).click();
		await made.promise;
		const [closed] = await ids();
		await page.getByRole("button", { name: "Close the Inbox" }).click();
		await openInbox(page);
		isAnswered.resolve();
		await expect.poll(ids).not.toContain(closed);
		expect(await ids()).toHaveLength(1);
		await page.getByText("✓ Open").waitFor();
		await closeInbox(page);
		expect(await ids()).toEqual([]);
	});

	it("keeps no place and no relay when it is closed while the server does not answer, or can't serve its relay", async () => {
		const { page } = await world.open("inbox");
		const { relays } = world.server.project;
		const isAnswered = Promise.withResolvers<void>();
		let held = 0;
		await page.route(/\/relays$/, async (route) => {
			if (route.request().method() === "POST" && held < INBOX_PLACES.length) {
				held++;
				await isAnswered.promise;
			}
			return route.fallback();
		});
		for (let opened = 1; opened <= INBOX_PLACES.length; opened++) {
			await page.getByRole("button", { name: "Open the Inbox" }).click();
			await expect.poll(() => held).toBe(opened);
			await page.getByRole("button", { name: "Close the Inbox" }).click();
		}
		await openInbox(page);
		await page.getByRole("button", { name: "Close the Inbox" }).click();
		isAnswered.resolve();
		await expect.poll(async () => (await relays.list()).length, { timeout: DEADLINE_MS }).toBe(0);
		// Its relay is made, and its requests can't be asked for.
		const answer = { message: "No stream is free.", code: "validation_failed", requestId: "req_1" };
		await page.route(/\/relays\/[^/]+\/requests$/, (route) => route.fulfill({ status: 400, json: answer }));
		const made = page.waitForResponse((response) => response.request().method() === "POST" && response.ok());
		await page.getByRole("button", { name: "Open the Inbox" }).click();
		await made;
		await page.getByText("No stream is free.").waitFor();
		await expect.poll(async () => (await relays.list()).length).toBe(0);
	});

	it("keeps the event types that were typed when the server refuses them, with the reason at their field", async () => {
		const { page } = await world.open("inbox");
		const types = page.getByLabel("Event types");
		await types.fill("order.*, no such type");
		await page.getByRole("button", { name: "Open the Inbox" }).click();
		await expect.poll(() => types.getAttribute("aria-invalid")).toBe("true");
		expect(await types.inputValue()).toBe("order.*, no such type");
		expect(await axeFindings(page)).toEqual([]);
		await types.fill("order.*");
		await openInbox(page);
		expect((await world.server.project.relays.list())[0]?.eventTypes).toEqual(["order.*"]);
		await closeInbox(page);
		expect(await types.inputValue()).toBe("");
	});

	it("leaves connections to the other tabs: one too many waits until another is closed", async () => {
		const tab = await world.open("inbox");
		const tabs = [tab.page];
		for (let opened = 0; opened < INBOX_PLACES.length; opened++) tabs.push(await tab.person.tab(tab.page.url()));
		const last = tabs.pop()!;
		for (const page of tabs) {
			await openInbox(page);
		}
		await queueInbox(last);
		// Closed while it waits, it leaves nothing behind.
		await last.getByRole("button", { name: "Close the Inbox" }).click();
		await queueInbox(last);
		await tabs[0]!.close();
		await last.getByText("✓ Open").waitFor();
		for (const page of [...tabs.slice(1), last]) {
			await closeInbox(page);
		}
		// That of the tab that was closed stays for an hour.
		for (const { id } of await world.server.project.relays.list()) await world.server.project.relays.delete(id);
	});

	it("takes its relay with it when it is closed while it waits for its place after a reload", async () => {
		const tab = await world.open("inbox");
		const { page, person } = tab;
		await openInbox(page);
		await takePlaces(await person.tab(world.url("settings")));
		await page.reload();
		await page.getByText("This one opens when you close one of them.").waitFor();
		await page.getByText("Nothing arrives here yet.").waitFor();
		expect((await world.server.project.relays.list()).length).toBe(1);
		await closeInbox(page);
		expect(await world.server.project.relays.list()).toEqual([]);
	});

	it("is not open any more, also if it still waited for a place, when somebody has signed out and in again", async () => {
		const tab = await world.open("settings");
		const { page, person } = tab;
		const taken = await takePlaces(await person.tab(`${world.server.url}/ui/sign-in`));
		await page.getByRole("link", { name: "Inbox", exact: true }).click();
		await queueInbox(page);
		await page.getByRole("button", { name: "Account" }).click();
		await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
		await signIn(page, world.server.key);
		await page.getByRole("link", { name: "Inbox", exact: true }).click();
		await queueInbox(page);
		await taken.close();
		await page.getByText("✓ Open").waitFor();
		await closeInbox(page);
	});

	it("leaves connections to the other tabs also in a browser without locks: one that is hidden waits", async () => {
		const { page, person } = await world.open("settings");
		await person.context.addInitScript(() => {
			Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
		});
		await page.goto(world.url("inbox"));
		await openInbox(page);
		const ended = page.waitForEvent("requestfailed", (request) => request.url().includes("/relays"));
		await show(page, false);
		await ended;
		await page.getByText("It goes on when you look at this tab.").waitFor();
		await world.server.project.events.send({ type: "while.hidden", data: 1 });
		await show(page, true);
		await page.getByText('"while.hidden"').waitFor();
		await page.getByText("✓ Open").waitFor();
		await closeInbox(page);
		expect(await world.server.project.relays.list()).toEqual([]);
	});
});

async function openInbox(page: Page): Promise<void> {
	await page.getByRole("button", { name: "Open the Inbox" }).click();
	await page.getByText("✓ Open").waitFor();
}

/** Opens an Inbox that has to wait for a place. */
async function queueInbox(page: Page): Promise<void> {
	await page.getByRole("button", { name: "Open the Inbox" }).click();
	await page.getByText("This one opens when you close one of them.").waitFor();
}

async function closeInbox(page: Page): Promise<void> {
	await page.getByRole("button", { name: "Close the Inbox" }).click();
	await page.getByRole("button", { name: "Open the Inbox" }).waitFor();
}

/** Has a tab take all places of Inboxes until it is closed. */
async function takePlaces(page: Page): Promise<Page> {
	await page.evaluate((names) => {
		const ask = (name: string) => navigator.locks.request(name, () => new Promise(() => {}));
		for (const name of names) void ask(name);
	}, INBOX_PLACES);
	return page;
}
