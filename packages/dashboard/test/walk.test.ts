// One walk through each screen of the page and of the portal, by links as a person goes, and what people do most. Widths, colours, states and
// what is rare are in the files named *.all.test.ts.
import { readFileSync } from "node:fs";

import { verify } from "@fanfare/sdk";
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";

import { openPortal } from "./portal-suite.ts";
import { ONCE, pageSuite, signIn } from "./suite.ts";

/** From the overview over one delivery and its diagnosis to the retry of all. */
const MOST_CLICKS = 4;

/** The paths of a router's source, as they are written there. */
function pathsIn(router: string, pattern: RegExp): string[] {
	const source = readFileSync(new URL(router, import.meta.url), "utf8");
	return [...source.matchAll(pattern)].map(([, path]) => path!.replace(/^\//, "")).toSorted();
}

/** Notes the screens that somebody comes by, and what is wrong with them. */
class Walk {
	readonly seen = new Set<string>();
	readonly #page: Page;

	constructor(page: Page) {
		this.#page = page;
	}

	/** Waits for a screen with its data, and has axe look at it. `path` is that of the router. */
	async at(path: string, title: string | RegExp, data: Locator): Promise<void> {
		const page = this.#page;
		await page.getByRole("heading", { name: title, level: 1 }).waitFor();
		await data.first().waitFor();
		await expect.poll(() => page.locator(".shimmer").count()).toBe(0);
		const pattern = new RegExp(`^/(?:ui/[^/]+|portal)/?${path.replaceAll(/\$\w+/g, "[^/]+")}$`);
		expect(new URL(page.url()).pathname).toMatch(pattern);
		expect([path, await page.getByRole("alert").allTextContents()]).toEqual([path, []]);
		expect([path, await axeFindings(page)]).toEqual([path, []]);
		this.seen.add(path);
	}
}

pageSuite(
	"a walk",
	(world) => {
		const failedCount = async (id: string) => (await world.server.project.batch.webhooks.stats(id)).deliveries.Failed;

		it("leads by links through each screen of the page, which shows its data, is accessible and reports no problem", async () => {
			const { page } = await world.open("", { byForm: true });
			const walk = new Walk(page);
			const main = page.getByRole("navigation", { name: "Main" });
			const text = (words: string | RegExp) => page.locator("#content").getByText(words);
			const link = (name: string) => page.locator("#content").getByRole("link", { name, exact: true }).first();
			const visit = async (path: string, title: string, data: Locator) => {
				await main.getByRole("link", { name: title, exact: true }).click();
				await walk.at(path, title, data);
			};
			await walk.at("", "Overview", page.getByRole("region", { name: /Needs attention/ }).getByText("Billing"));
			await visit("webhooks", "Webhooks", page.getByRole("row", { name: /Mail sender.*Paused|Paused.*Mail sender/ }));
			await link("Billing").click();
			await walk.at("webhooks/$webhookId", "Billing", text("The receiver is not available"));
			for (const [tab, shown] of [
				["Settings", "Time limit"],
				["Secret", "Replace the secret…"],
				["History", "added the webhook"],
			] as const) {
				await page.getByRole("tab", { name: tab }).click();
				await page.getByRole("tabpanel").getByText(shown).first().waitFor();
			}
			// The newest are those of the replay, which may fill the window.
			await visit("deliveries", "Deliveries", page.getByRole("table").getByText("Succeeded"));
			await link("order.paid").click();
			// The window is so wide that it is shown beside the list.
			await page.getByRole("link", { name: "Open on a page of its own" }).click();
			await walk.at("deliveries/$deliveryId", /^Delivery …/, page.getByRole("region", { name: "Request body" }));
			await page.getByRole("region", { name: "Delivery", exact: true }).getByRole("link", { name: /^evt_/ }).click();
			await walk.at(
				"events/$eventId",
				"order.paid",
				page.getByRole("region", { name: "Payload" }).getByText("Ada Lovelace"),
			);
			await page.getByRole("link", { name: "Send it as a new event" }).click();
			await walk.at(
				"events/send",
				"Send an event",
				page.getByRole("complementary", { name: "Who gets it" }).getByText(/webhooks/),
			);
			await visit("events", "Events", link("user.created"));
			await visit("replays", "Replays", page.getByRole("row", { name: /Warehouse/ }));
			await page
				.getByRole("row", { name: /Warehouse/ })
				.getByRole("link")
				.first()
				.click();
			await walk.at("replays/$replayId", "Replay", text("Every event that matches has a new delivery"));
			await page.getByRole("link", { name: "‹ Replays" }).click();
			await page.getByRole("link", { name: "Start a replay" }).first().click();
			await walk.at("replays/new", "Start a replay", text("Webhook"));
			await visit("event-types", "Event types", text("Somebody has signed up."));
			await link("order.paid").click();
			await walk.at("event-types/$name", "order.paid", page.getByRole("complementary", { name: "Usage" }));
			await visit("customers", "Customers", link("Acme Inc."));
			await link("Acme Inc.").click();
			await walk.at("customers/$customerId", "Acme Inc.", page.getByRole("table", { name: "Their latest deliveries" }));
			await visit("inbox", "Inbox", page.getByRole("button", { name: "Open the Inbox" }));
			await visit("keys", "Keys", page.getByRole("row", { name: /Checkout service/ }));
			await visit("audit", "Audit log", page.getByRole("row", { name: /Warehouse/ }));
			await visit("settings", "Settings", page.getByLabel("Events a second"));
			await visit("system", "System", page.getByRole("table", { name: "Limits of the server" }));
			// A screen that is added must be walked through, too.
			const paths = pathsIn("../src/app/router.tsx", /=> projectRoute,\n\tpath: "([^"]+)"/g);
			expect([...walk.seen].toSorted()).toEqual(paths);
		});

		it("refuses a wrong key, and lets people sign in and out", async () => {
			const person = world.watch(await world.browser.person());
			const page = await person.tab(world.url("webhooks?state=paused"));
			await page.getByLabel("API key").fill("sk_wrong");
			await page.getByRole("button", { name: "Sign in" }).click();
			await page.getByText("There is no such key").waitFor();
			await signIn(page, world.server.key);
			await page.getByRole("link", { name: "Mail sender" }).waitFor();
			expect(page.url()).toBe(world.url("webhooks?state=paused"));
			const [cookie] = await person.context.cookies();
			expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
			await page.getByRole("button", { name: "Account" }).click();
			await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
			await page.getByRole("heading", { name: "Sign in to Fanfare" }).waitFor();
			expect(await person.context.cookies()).toEqual([]);
		});

		it(`adds a webhook with a secret that verifies, and takes ${MOST_CLICKS} clicks from the overview to the retry of its failures`, async () => {
			const receiver = await world.receiver(404);
			const { page } = await world.open("webhooks", { size: { width: 1_400, height: 900 } });
			await page.getByRole("button", { name: "Add webhook" }).first().click();
			const drawer = page.getByRole("dialog", { name: "Add a webhook" });
			await drawer.getByLabel("Endpoint URL").fill(`${receiver.url}/hooks`);
			await drawer.getByLabel("Name").fill("Walked");
			await drawer.getByRole("button", { name: "Add webhook" }).click();
			const secret = await drawer.getByRole("region", { name: "Secret" }).locator("code").innerText();
			const [request] = await receiver.waitFor(1);
			const headers = request!.headers as Record<string, string>;
			expect(await verify(request!.rawBody, headers, secret)).toMatchObject({ type: expect.any(String) });
			await drawer.getByRole("button", { name: "Done" }).click();
			await page.getByRole("link", { name: "Walked" }).waitFor();
			await expect.poll(() => page.content()).not.toContain(secret);

			const { batch, events } = world.server.project;
			const { id } = (await batch.webhooks.list()).data.find(({ name }) => name === "Walked")!;
			const retries = ONCE;
			await batch.webhooks.update(id, { spec: { eventTypes: ["walk.failed"], retries } });
			for (let sent = 0; sent < 3; sent++) await events.send({ type: "walk.failed", data: sent });
			await expect.poll(() => failedCount(id)).toBe(3);
			receiver.script(() => ({ status: 204 }));
			await page.getByRole("link", { name: "Overview", exact: true }).click();
			let clicks = 0;
			const click = async (target: Locator) => {
				clicks += 1;
				await target.click();
			};
			await click(page.getByRole("listitem").filter({ hasText: "Walked" }).getByRole("link", { name: "3 failed" }));
			await click(page.getByRole("link", { name: "walk.failed" }).first());
			const beside = page.getByRole("complementary", { name: "The delivery" });
			await beside.getByText("There is nothing at this path").waitFor();
			await click(page.getByRole("button", { name: /^Retry all/ }));
			// The count comes before anything is done.
			await click(page.getByRole("dialog").getByRole("button", { name: "Retry 3 deliveries" }));
			expect(clicks).toBe(MOST_CLICKS);
			await expect.poll(() => failedCount(id)).toBe(0);
			await receiver.waitFor(7);
		});

		it("finds an event, replays it to a webhook that is paused and resumed, and announces what comes", async () => {
			const receiver = await world.receiver();
			const { batch, events } = world.server.project;
			const { id: eventId } = await events.send({ type: "walk.found", data: { total: 1 } });
			const { id } = await world.server.createWebhook(receiver.url, { eventTypes: ["walk.found"] });
			await batch.webhooks.update(id, { name: "Replayed" });
			const { page } = await world.open("events");
			await page.getByLabel("Event type").fill("walk.found");
			await page.getByLabel("Event type").press("Enter");
			await page.getByRole("link", { name: "walk.found" }).click();
			await page.getByRole("button", { name: "Replay it…" }).click();
			const dialog = page.getByRole("dialog", { name: "Send 1 event again?" });
			await dialog.getByLabel("To these webhooks").click();
			await page.getByRole("option", { name: "Replayed", exact: true }).click();
			await dialog.getByRole("button", { name: "Send 1 delivery" }).click();
			await page.getByRole("heading", { name: "Replay", level: 1 }).waitFor();
			expect((await receiver.waitFor(1))[0]?.headers["webhook-id"]).toBe(eventId);

			await page.getByRole("link", { name: "Replayed", exact: true }).click();
			await page.getByRole("button", { name: "Pause", exact: true }).click();
			await page.getByRole("button", { name: "Resume" }).waitFor();
			await page.getByRole("link", { name: "Deliveries", exact: true }).click();
			// What comes before the list or the stream is in the list, and not announced.
			await page
				.getByRole("row", { name: /walk\.found/ })
				.first()
				.waitFor();
			await page.getByText("Live", { exact: true }).waitFor();
			await events.send({ type: "walk.found", data: 2 });
			await page.getByRole("button", { name: /newer deliver.* · show$/ }).click();
			await page.getByRole("row", { name: /walk\.found.*Held|Held.*walk\.found/ }).waitFor();
			await page.goBack();
			await page.getByRole("button", { name: "Resume" }).click();
			await receiver.waitFor(2);
		});

		it("leads a customer by links through each screen of the portal: a new endpoint, a failure, and its end", async () => {
			const receiver = await world.receiver();
			const { project } = world.server;
			const { page, session } = await openPortal(world, { customerId: "walker" });
			const walk = new Walk(page);
			const places = page.locator(".places");
			await walk.at("", "Endpoints", page.getByText("No endpoints yet"));
			await page.getByRole("link", { name: "Add endpoint" }).click();
			await walk.at("add", /Add/, page.getByLabel("Address"));
			await page.getByLabel("Address").fill(`${receiver.url}/walk`);
			await page.getByRole("button", { name: "Add and test" }).click();
			const shown = await page.getByRole("region", { name: "Signing secret" }).locator("code").textContent();
			await page.getByText("It works: your server responded with 200").waitFor();
			await page.getByRole("link", { name: "Done" }).click();
			await page.getByText("No deliveries yet.").waitFor();
			const [webhook] = (await project.batch.webhooks.list({ customerId: "walker" })).data;
			expect(webhook?.secretHint).toBe(shown?.slice(-4));
			receiver.script(() => ({ status: 404 }));
			const retries = ONCE;
			await project.batch.webhooks.update(webhook!.id, { spec: { retries } });
			await project.events.send({ type: "order.paid", data: { orderId: 12345678901 }, customerId: "walker" });
			await page.getByRole("button", { name: "New deliveries. Show them" }).click();
			await walk.at("endpoints/$webhookId", "127.0.0.1", page.getByText("There is nothing at this path."));
			await page.getByRole("link", { name: "order.paid" }).click();
			await walk.at("deliveries/$deliveryId", "order.paid", page.getByText("What to do: Correct the path"));
			receiver.script(() => ({}));
			await page.getByRole("button", { name: "Send again" }).click();
			await page.getByText("It arrived: your server responded with 200").waitFor();
			await places.getByRole("link", { name: "Deliveries" }).click();
			await walk.at("deliveries", "Deliveries", page.getByRole("link", { name: "order.paid" }));
			await places.getByRole("link", { name: "Events" }).click();
			await walk.at("events", "Events", page.getByText("The payment of an order was captured."));
			const paths = pathsIn("../src/portal/router.tsx", /(?:path: |route\()"([^"]+)"/g);
			expect([...walk.seen].toSorted()).toEqual(paths);
			// Nothing of another customer, whatever the address says.
			const [foreign] = (await project.deliveries.list({ customerId: "acme", limit: 1 })).data;
			for (const path of [`deliveries/${foreign!.id}`, `endpoints/${foreign!.webhookId}`]) {
				await page.goto(`${world.server.url}/portal/${path}`);
				await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
			}
			await project.portalSessions.revoke(session.id);
			await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
		});
	},
	{ isDemo: true },
);
