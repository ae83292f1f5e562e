// The live feed over several tabs of one browser.
import type { StreamItem } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo, tellOfGap } from "../../test/sent-deliveries.ts";
import { pageSuite, signIn } from "../../test/suite.ts";

/** More than the six connections that a browser opens to a server over HTTP/1.1. */
const TABS = 7;
/** The most that a webhook may have: an attempt must not time out before its test lets it finish. */
const LONGEST_ATTEMPT_MS = 30_000;

pageSuite("the live feed", (world) => {
	it("is one stream for seven tabs, which all work, and goes on when the tab that reads it is closed", async () => {
		const receiver = await world.receiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["tabs.*"] });
		await using person = await world.browser.person();
		const streams: string[] = [];
		person.context.on("request", (request) => {
			if (new URL(request.url()).pathname.endsWith("/stream")) streams.push(request.url());
		});
		const tabs = [];
		for (let opened = 0; opened < TABS; opened++) {
			const page = await person.tab(world.url("deliveries"));
			// All tabs of a browser share the session.
			if (opened === 0) await signIn(page, world.server.key);
			await page.getByRole("heading", { name: "Deliveries", level: 1 }).waitFor();
			tabs.push(page);
		}
		for (const page of tabs) await page.getByText("No delivery yet").waitFor();
		await tabs[0]!.getByText("Live", { exact: true }).waitFor();
		expect(streams.length).toBe(1);
		await world.server.project.events.send({ type: "tabs.one", data: 1 });
		for (const page of tabs) await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();

		// What comes after the end of one stream and before the beginning of the next one is not missed.
		const held: Route[] = [];
		await person.context.route(/\/stream$/, (route) => void held.push(route));
		await tabs[0]!.close();
		await expect.poll(() => held.length).toBe(1);
		const rest = tabs.slice(1);
		await world.server.project.events.send({ type: "tabs.two", data: 2 });
		await held[0]!.continue();
		for (const page of rest) await page.getByRole("button", { name: "2 newer deliveries · show" }).waitFor();
		expect(streams.length).toBe(2);
		expect(person.problems).toEqual([]);
	});

	it.each([true, false])(
		"shows what happened after the screen was loaded, and before the stream began (from a position: %s)",
		async (hasPosition) => {
			const type = `before.stream-${hasPosition}`;
			const receiver = await world.receiver();
			await world.server.createWebhook(receiver.url, { eventTypes: [type] });
			const { page } = await world.open("settings");
			// So that the stream of this screen is not the one that is held.
			await page.getByText("Live", { exact: true }).waitFor();
			if (!hasPosition) await page.route(/\/stream\/items/, () => {});
			const held: Route[] = [];
			await page.route(/\/stream$/, (route) => void held.push(route));
			await page.goto(world.url(`deliveries?type=${type}`));
			await page.getByText("No delivery matches").waitFor();
			await expect.poll(() => held.length).toBe(1);
			const { id } = await world.server.project.events.send({ type, data: 1 });
			await world.server.waitForDelivery(id, ({ status }) => status === "Succeeded");
			await held[0]!.continue();
			// Without a position, everything is fetched again.
			if (hasPosition) await page.getByRole("button", { name: "1 newer delivery · show" }).click();
			await page.getByRole("link", { name: type }).waitFor();
		},
	);

	it("is newer than a list that was on its way when an item came", async () => {
		const receiver = await world.receiver();
		let finish = () => {};
		receiver.script(() => new Promise((resolve) => (finish = () => resolve({ status: 204 }))));
		await world.server.createWebhook(receiver.url, { eventTypes: ["late.list"], timeoutMs: LONGEST_ATTEMPT_MS });
		const { id: eventId } = await world.server.project.events.send({ type: "late.list", data: 1 });
		await receiver.waitFor(1);
		const { id } = (await world.server.project.deliveries.list({ eventId })).data[0]!;
		const { page } = await world.open("settings");
		// The first answer is of the time when the attempt was under way, and comes after the item that says how it has ended.
		const late: (() => Promise<void>)[] = [];
		let isTaken = false;
		await page.route(/\/deliveries\?/, async (route, request) => {
			if (request.resourceType() !== "fetch" || isTaken) return route.fallback();
			isTaken = true;
			const response = await route.fetch();
			late.push(() => route.fulfill({ response }));
		});
		await page.goto(world.url("deliveries?type=late.list"));
		await page.getByText("Live", { exact: true }).waitFor();
		const heard = page.evaluate(hear, [world.server.projectId, id] as const);
		// The listener is there when a later call into the page is answered.
		await page.evaluate(() => true);
		await expect.poll(() => late.length).toBe(1);
		finish();
		await heard;
		await late[0]!();
		await page.getByRole("table", { name: "Deliveries" }).getByText("Succeeded").waitFor();
	});

	it("shows what has changed for all deliveries that wait for a webhook", async () => {
		const receiver = await world.receiver();
		receiver.script(() => ({ status: 503, headers: { "retry-after": "3600" } }));
		const { id: webhookId } = await world.server.createWebhook(receiver.url, { eventTypes: ["waits.one"] });
		await world.server.project.events.send({ type: "waits.one", data: 1 });
		await receiver.waitFor(1);
		const { page } = await world.open("deliveries?type=waits.one");
		const table = page.getByRole("table", { name: "Deliveries" });
		await table.getByText("Pending").waitFor();
		await page.getByRole("button", { name: "Live: pause" }).waitFor();
		const { webhooks } = world.server.project.batch;
		await webhooks.pause(webhookId);
		await table.getByText("Held").waitFor();
		await webhooks.resume(webhookId);
		await table.getByText("Pending").waitFor();
	});

	it("announces what came in a gap of the stream, and moves nothing", async () => {
		await deliverTo(world, 204, "gap.one");
		const { page } = await world.open("settings");
		await page.getByText("Live", { exact: true }).waitFor();
		// This screen has no stream, so it misses what happens.
		await page.route(/\/stream$/, () => {});
		await page.goto(world.url("deliveries?type=gap.one"));
		const links = page.getByRole("link", { name: "gap.one" });
		await links.waitFor();
		const { id: missed } = await world.server.project.events.send({ type: "gap.one", data: 2 });
		await world.server.waitForDelivery(missed, ({ status }) => status === "Succeeded");
		await tellOfGap(page, world.server.projectId);
		await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		expect(await page.getByRole("status").allTextContents()).toContain("There are newer deliveries.");
		expect(await links.count()).toBe(1);
		await page.getByRole("button", { name: "1 newer delivery · show" }).click();
		await expect.poll(() => links.count()).toBe(2);
	});

	it("is paused by a key only where it says so: rows stay as they are, and show what has happened meanwhile when it goes on", async () => {
		const receiver = await world.receiver();
		let finish = () => {};
		receiver.script(() => new Promise((resolve) => (finish = () => resolve({ status: 204 }))));
		await world.server.createWebhook(receiver.url, { eventTypes: ["pause.one"], timeoutMs: LONGEST_ATTEMPT_MS });
		const { id } = await world.server.project.events.send({ type: "pause.one", data: 1 });
		await receiver.waitFor(1);
		const { page } = await world.open("deliveries?type=pause.one");
		const table = page.getByRole("table", { name: "Deliveries" });
		const live = page.getByRole("button", { name: "Live: pause", exact: true });
		const paused = page.getByRole("button", { name: "Paused: go on", exact: true });
		await table.getByText("Pending").waitFor();
		await live.waitFor();
		await page.keyboard.press(".");
		await paused.waitFor();
		expect(await paused.getAttribute("aria-pressed")).toBe(null);
		expect(await axeFindings(page)).toEqual([]);
		finish();
		await world.server.waitForDelivery(id, ({ status }) => status === "Succeeded");
		// What comes is still announced, after what has happened before it.
		await world.server.project.events.send({ type: "pause.one", data: 2 });
		await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
		expect(await table.getByText("Pending").count()).toBe(1);
		await page.keyboard.press(".");
		await table.getByText("Succeeded").waitFor();
		await live.waitFor();
		finish();
		const held: Route[] = [];
		await page.route(/\/stream$/, (route) => void held.push(route));
		await page.goto(world.url("settings"));
		await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
		// The frame of the screen asks for the stream when it has begun to listen to keys.
		await expect.poll(() => held.length).toBe(1);
		await page.keyboard.press(".");
		// A later key has been handled: so has that one.
		await page.keyboard.press("?");
		await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
		await page.keyboard.press("Escape");
		await held[0]!.continue();
		await live.waitFor();
	});

	it("is read by the tab that is visible in a browser without locks, and without what the oldest ones lack", async () => {
		const { page } = await world.open("events?type=old.one");
		await page.addInitScript(() => {
			Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
			// Firefox has it from 124 on.
			Reflect.deleteProperty(AbortSignal, "any");
		});
		await page.reload();
		await page.getByRole("button", { name: "Live: pause" }).waitFor();
		// The list is there: an event that comes before it is in it.
		await page.getByText("No event matches").waitFor();
		await world.server.project.events.send({ type: "old.one", data: 1 });
		await page.getByRole("button", { name: "1 newer event · show" }).waitFor();
	});
});

pageSuite(
	"the live feed without a free stream",
	(world) => {
		it("says that it polls, and shows what happens within seconds", async () => {
			const receiver = await world.receiver();
			await world.server.createWebhook(receiver.url, { eventTypes: ["polled.one"] });
			// The page has one stream, a fifth of two, and another person's browser has that.
			const first = await world.open("deliveries?type=polled.one");
			await first.page.getByRole("button", { name: "Live: pause" }).waitFor();
			const { page } = await world.open("deliveries?type=polled.one");
			await page.getByRole("button", { name: "Every 5 s: pause", exact: true }).waitFor();
			await page.getByText("No delivery matches").waitFor();
			await world.server.project.events.send({ type: "polled.one", data: 1 });
			await page.getByRole("button", { name: "1 newer delivery · show" }).waitFor();
			expect(await axeFindings(page)).toEqual([]);
		});
	},
	{ env: { FANFARE_MAX_STREAMS: "2" } },
);

/** Resolves when the feed has handed the outcome of the delivery to this tab. */
function hear([projectId, deliveryId]: readonly [string, string]): Promise<void> {
	const channel = new BroadcastChannel(`fanfare.live.${projectId}`);
	return new Promise((resolve) => {
		channel.addEventListener("message", ({ data: { items = [] } }) => {
			if (!items.some((item: StreamItem) => item.kind === "attempt.finished" && item.deliveryId === deliveryId)) return;
			channel.close();
			resolve();
		});
	});
}
