// A project with more webhooks than the page loads, in a real browser: what needs somebody is found, however old it is.
import type { StreamItem } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";

import { pageSuite } from "../../../test/suite.ts";
import { MOST_RECENT, MOST_WEBHOOKS } from "./found.ts";

/** Calls that are under way at once. */
const AT_ONCE = 50;

pageSuite(
	"a project with more webhooks than are loaded",
	(world) => {
		let receiver: Receiver;
		let failingId: string;
		let pausedId: string;
		let ofHooliId: string;

		beforeAll(async () => {
			receiver = await startReceiver();
			receiver.script(() => ({ status: 404 }));
			const { project } = world.server;
			const { webhooks } = project.batch;
			const spec = { endpoint: receiver.url, retries: { maxRetries: 0 } };
			const make = (name: string, eventTypes: string[], customerId?: string) =>
				webhooks.create({ name, spec: { ...spec, eventTypes }, ...(customerId !== undefined && { customerId }) });
			failingId = (await make("Oldest failing", ["old.failed"])).id;
			pausedId = (await make("Oldest paused", ["old.paused"])).id;
			await webhooks.pause(pausedId);
			ofHooliId = (await make("Oldest of hooli", ["newer.none"], "hooli")).id;
			const ofCustomer = { endpoint: "https://example.com/initech", eventTypes: ["old.wanted"] };
			await webhooks.create({ name: "Of initech", customerId: "initech", spec: ofCustomer });
			await project.eventTypes.create({ name: "old.wanted" });
			await project.events.send({ type: "old.failed", data: 1 });
			await eventually("a failure", async () => (await webhooks.stats(failingId)).deliveries.Failed === 1);
			for (let made = 0; made < MOST_WEBHOOKS; made += AT_ONCE) {
				const customerId = made < MOST_RECENT ? "hooli" : undefined;
				const newer = (_: unknown, index: number) => make(`Newer ${made + index}`, ["newer.none"], customerId);
				// oxlint-disable-next-line no-await-in-loop -- not all at once
				await Promise.all(Array.from({ length: AT_ONCE }, newer));
			}
		});
		afterAll(() => receiver[Symbol.asyncDispose]());

		/** Opens a path in the same tab. */
		const go = (page: Page, path: string) => page.goto(world.url(path));

		it("shows on the overview what needs somebody, and says that nothing does only if that is so", async () => {
			const { webhooks } = world.server.project.batch;
			const { page } = await world.open();
			const attention = page.getByRole("region", { name: "Needs attention 1" });
			await attention.getByRole("link", { name: "Oldest paused" }).waitFor();
			await page.getByText(/^1 delivery has failed in all/).waitFor();
			await webhooks.resume(pausedId);
			await attention.waitFor({ state: "detached" });
			expect(await page.getByText("Nothing needs you").count()).toBe(0);
			await page.getByRole("link", { name: "See all that have failed" }).click();
			await page.getByRole("link", { name: "old.failed" }).waitFor();
			receiver.script(() => ({ status: 204 }));
			await page.getByRole("button", { name: "Retry all Failed that match…" }).click();
			await page.getByRole("button", { name: "Retry 1 delivery" }).click();
			await expect.poll(async () => (await webhooks.stats(failingId)).deliveries.Failed).toBe(0);
			await page.getByRole("link", { name: "Overview", exact: true }).click();
			await page.getByText("Nothing needs you. There are at least 1,000 webhooks, and all of them work.").waitFor();
			// What has failed to a webhook that is deleted stays in the log, and nobody can do anything about it.
			receiver.script(() => ({ status: 404 }));
			const spec = { endpoint: receiver.url, retries: { maxRetries: 0 }, eventTypes: ["deleted.failed"] };
			const deleted = await webhooks.create({ name: "Deleted", spec });
			await world.server.project.events.send({ type: "deleted.failed", data: 1 });
			await attention.getByRole("link", { name: "Deleted" }).waitFor();
			await webhooks.delete(deleted.id);
			await page.getByText("None of at least 1,000 webhooks fails steadily, is paused or is disabled.").waitFor();
			await webhooks.pause(pausedId);
			await attention.getByRole("link", { name: "Oldest paused" }).waitFor();
		});

		it("tells what was not searched for those in trouble, shows what it knows, and searches again when asked to", async () => {
			const { page } = await world.open();
			const answer = { message: "The search broke.", code: "validation_failed", requestId: "req_1" };
			await page.route(/\/batch\/webhooks\?.*status=Paused/, (route) => route.fulfill({ status: 400, json: answer }));
			await page.reload();
			const problem = page.getByRole("alert").filter({ hasText: "Only the newest webhooks were searched" });
			await problem.getByText("The search broke.").waitFor();
			await page.getByRole("region", { name: "Deliveries" }).waitFor();
			expect(await page.getByText("The overview could not be loaded").count()).toBe(0);
			expect(await page.getByText("Nothing needs you").count()).toBe(0);
			await page.unrouteAll();
			await problem.getByRole("button", { name: "Try again" }).click();
			await page
				.getByRole("region", { name: "Needs attention 1" })
				.getByRole("link", { name: "Oldest paused" })
				.waitFor();
			await problem.waitFor({ state: "detached" });
		});

		it("lists those in trouble, counts all of them, says that there are others, and keeps the form of one that leaves the list", async () => {
			const { webhooks } = world.server.project.batch;
			const { page } = await world.open("webhooks");
			await page.getByText("at least 5,000 webhooks").first().waitFor();
			const rows = page.getByRole("table", { name: "Webhooks" }).getByRole("row");
			await rows.nth(1).getByRole("link", { name: "Oldest paused" }).waitFor();
			await page.getByRole("button", { name: "Paused 1" }).waitFor();
			await page.getByText("Only those in trouble and the newest 5,000 are shown.").waitFor();
			const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
			const name = drawer.getByRole("textbox", { name: "Name", exact: true });
			const edit = async (webhook: string) => {
				await page.getByRole("button", { name: `Actions for ${webhook}` }).click();
				await page.getByRole("menuitem", { name: "Edit…" }).click();
			};
			await edit("Oldest paused");
			await name.fill("Mine");
			await webhooks.resume(pausedId);
			await page.locator("button", { hasText: /^Paused 0$/ }).waitFor();
			expect(await name.inputValue()).toBe("Mine");
			await go(page, `webhooks?form=${pausedId}`);
			await expect.poll(() => name.inputValue()).toBe("Oldest paused");
			await webhooks.pause(pausedId);
			await go(page, "webhooks");
			await page.getByLabel("Filter webhooks").fill("Oldest failing");
			await page.getByRole("link", { name: "Oldest failing" }).waitFor();
			await edit("Oldest failing");
			await drawer.waitFor();
		});

		it("shows at once that an old webhook was paused, on its screen and in a list that the server takes long to search", async () => {
			const { webhooks } = world.server.project.batch;
			const isAnswered = Promise.withResolvers<void>();
			let searches = 0;
			/** Waits for what the page shows soon after it has heard of a change: what is fetched again later comes 3 s of its clock after that, or a minute. */
			const shows = async (page: Page, state: string, change: () => Promise<unknown>) => {
				let isHeard = false;
				const heard = page.evaluate(hear, [world.server.projectId, failingId] as const).then(() => (isHeard = true));
				// The listener is there when a later call into the page is answered.
				await page.evaluate(() => true);
				await change();
				await expect
					.poll(async () => {
						await page.clock.runFor(10);
						return isHeard;
					})
					.toBe(true);
				await heard;
				// Its clock is far behind the time: a minute of looks, the longest that this may take, is about a second of it.
				await expect
					.poll(async () => {
						await page.clock.runFor(1);
						return page.locator("#content .state").first().innerText();
					})
					.toContain(state);
			};
			const pauseClock = async (page: Page) => {
				await page.locator("#content .state").first().waitFor();
				await page.getByText("Live", { exact: true }).waitFor();
				// Far enough ahead for the time that this takes.
				await page.clock.pauseAt((await page.evaluate<number>("Date.now()")) + 10_000);
			};
			const { page } = await world.open("settings");
			await page.clock.install();
			await go(page, `webhooks/${failingId}`);
			await pauseClock(page);
			await shows(page, "Paused", () => webhooks.pause(failingId));
			await page.clock.resume();
			await page.route(/\/batch\/webhooks\?.*q=/, async (route) => {
				// Only the first one is answered, so late that the next one is made after a minute.
				if (++searches > 1) return;
				await isAnswered.promise;
				return route.fallback();
			});
			await go(page, "webhooks?q=Oldest+failing");
			await expect.poll(() => searches).toBe(1);
			await page.clock.runFor(10_000);
			isAnswered.resolve();
			await pauseClock(page);
			await shows(page, "Enabled", () => webhooks.resume(failingId));
			await page.unrouteAll({ behavior: "ignoreErrors" });
		});

		it("offers to pause and to resume all webhooks of a customer who has more than are loaded, and finds those of others and of an event type", async () => {
			await world.server.project.batch.webhooks.pause(ofHooliId);
			const { page } = await world.open("customers/hooli");
			await page.getByText("Only the newest 1,000 are shown.").waitFor();
			await page.getByRole("button", { name: "Pause all webhooks…" }).waitFor();
			await page.getByRole("button", { name: "Resume all webhooks" }).click();
			await page.getByText("Resumed 1 webhook").waitFor();
			await go(page, "customers/initech");
			const own = page.getByRole("region", { name: "Webhooks of the customer" });
			await own.getByRole("link", { name: "Of initech" }).waitFor();
			await page.getByRole("button", { name: "Pause 1 webhook…" }).waitFor();
			await go(page, "event-types/old.wanted");
			await page.getByRole("complementary", { name: "Usage" }).getByRole("link", { name: "Of initech" }).waitFor();
			await go(page, "event-types");
			const row = page.getByRole("row", { name: /old\.wanted/ });
			await row.getByText("not counted").waitFor();
		});

		it("asks for no list of webhooks again where only their names are shown, while deliveries come", async () => {
			// A screen that shows no names: what comes from here on belongs to the next one.
			const { page } = await world.open("settings");
			await page.clock.install();
			// The names of the newest ones are loaded, and whether there are more. Rows do not wait for that: a delivery has a name of its own.
			const lastOfNames = page.waitForResponse(/\/batch\/webhooks\?limit=1&page=/);
			await go(page, "deliveries?type=old.failed");
			await page
				.getByRole("row", { name: /Oldest failing/ })
				.first()
				.waitFor();
			await lastOfNames;
			const asked: string[] = [];
			page.on("request", (request) => {
				const { pathname, search } = new URL(request.url());
				if (pathname.endsWith("/batch/webhooks")) asked.push(search);
			});
			for (const count of [1, 2]) {
				await world.server.project.events.send({ type: "old.failed", data: count });
				await page.getByRole("button", { name: new RegExp(`^${count} newer deliver`) }).waitFor();
				// What is fetched again after some seconds.
				await page.clock.runFor(10_000);
			}
			expect(asked).toEqual([]);
		});

		it("finds them by what is typed where one is chosen, and names the chosen one", async () => {
			const { page } = await world.open("deliveries");
			await world.server.project.batch.webhooks.update(failingId, { spec: { description: "The ledger" } });
			await page.getByRole("combobox", { name: "Webhook" }).fill("ledger");
			await page.getByRole("option", { name: "Oldest failing" }).click();
			await expect.poll(() => new URL(page.url()).searchParams.get("webhook")).toBe(failingId);
			await page.reload();
			await expect.poll(() => page.getByRole("combobox", { name: "Webhook" }).inputValue()).toBe("Oldest failing");
			await page.keyboard.press("Control+k");
			await page.getByRole("combobox", { name: /Search screens/ }).fill("Oldest pa");
			await page.getByRole("option", { name: "Oldest paused" }).click();
			await page.getByRole("heading", { name: "Oldest paused" }).waitFor();
		});
	},
	{ env: { FANFARE_MAX_WEBHOOKS_PER_CUSTOMER: "10000", FANFARE_ALLOW_FOR_CUSTOMERS: "true" } },
);

/** Resolves when this tab has heard that the webhook has changed. */
function hear([projectId, webhookId]: readonly [string, string]): Promise<void> {
	const channel = new BroadcastChannel(`fanfare.live.${projectId}`);
	return new Promise((resolve) => {
		channel.addEventListener("message", ({ data: { items = [] } }) => {
			const isIt = (item: StreamItem) => item.kind === "webhook.updated" && item.webhookId === webhookId;
			if (!items.some(isIt)) return;
			channel.close();
			resolve();
		});
	});
}
