// Calls that the server has done and whose answer is lost, in a real browser: nothing is done twice without somebody's knowledge.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";

import { hold } from "../../../test/held-call.ts";
import { deliverTo } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";

pageSuite("an answer that is lost", (world) => {
	it("leaves it open whether a replay was started, says where to look, and offers no second one", async () => {
		const { webhook } = await deliverTo(world, 204, "lost.replay", { name: "Lost" });
		const { page } = await world.open(`replays/new?webhook=${webhook.id}`);
		await page.getByLabel("Succeeded").check();
		const call = await hold(page, "POST", /:replay$/);
		await page.getByRole("button", { name: "Send 1 event again" }).click();
		await call.made;
		await call.lose();
		const alert = page.getByRole("alert").filter({ hasText: "It is not known whether the replay has started" });
		await alert.getByText("The server's answer did not arrive.").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		const replays = await newTab(page, alert.getByRole("link", { name: "See the replays (in a new tab)" }));
		await replays.getByRole("row").getByText("Lost").waitFor();
		expect((await world.server.project.replays.list({ webhookId: webhook.id })).data).toHaveLength(1);
	});

	it("leaves it open also in the corner, when the screen was left", async () => {
		const { webhook } = await deliverTo(world, 204, "corner.replay", { name: "Corner" });
		const { page } = await world.open("events?type=corner.replay");
		await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
		await page.getByRole("button", { name: "Replay 1 selected…" }).click();
		const dialog = page.getByRole("dialog", { name: "Send 1 event again?" });
		await dialog.getByRole("combobox", { name: "To these webhooks" }).click();
		await page.getByRole("option", { name: "Corner" }).click();
		// Closes the list, which lies over the button.
		await page.keyboard.press("Tab");
		const call = await hold(page, "POST", /\/replays$/);
		await dialog.getByRole("button", { name: "Send 1 delivery" }).click();
		await call.made;
		await dialog.getByText("Close", { exact: true }).click();
		await call.lose();
		const notice = page.getByRole("region", { name: "What you have missed" });
		await notice.getByText("It is not known whether 1 event was sent again").waitFor();
		expect(await notice.getByRole("button", { name: "Try again" }).count()).toBe(0);
		const replays = await newTab(page, notice.getByRole("link", { name: "Replays" }));
		await replays.getByRole("heading", { name: "Replays", level: 1 }).waitFor();
		expect((await world.server.project.replays.list({ webhookId: webhook.id })).data).toHaveLength(1);
	});

	it("says of a webhook and of a key that nobody has seen what would have been shown once", async () => {
		const { page } = await world.open("webhooks?form=new");
		const drawer = page.getByRole("dialog", { name: "Add a webhook" });
		await drawer.getByLabel("Endpoint URL").fill("https://example.com/lost");
		const adding = await hold(page, "POST", /\/batch\/webhooks$/);
		await drawer.getByRole("button", { name: "Add webhook" }).click();
		await adding.made;
		await adding.lose();
		await drawer.getByText("It is not known whether example.com was added").waitFor();
		await drawer.getByText(/replace its secret, which nobody has seen/).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		const webhooks = await newTab(page, drawer.getByRole("link", { name: "Webhooks" }));
		await webhooks.getByRole("row").getByText("example.com", { exact: true }).waitFor();
		// The form is still there, and what is typed into it now was not sent.
		await drawer.getByLabel("Endpoint URL").fill("https://example.org/next");
		expect(await drawer.getByText("It is not known whether example.com was added").count()).toBe(1);

		await page.keyboard.press("Escape");
		await expect.poll(() => drawer.count()).toBe(0);
		await page.getByRole("link", { name: "Keys" }).click();
		await page.getByRole("button", { name: "Create a key" }).first().click();
		const form = page.getByRole("dialog", { name: "Create a key" });
		await form.getByLabel("Name").fill("lost key");
		const creating = await hold(page, "POST", /\/workspace\/keys$/);
		await form.getByRole("button", { name: "Create the key" }).click();
		await creating.made;
		await creating.lose();
		await form.getByText("It is not known whether lost key was created").waitFor();
		const keys = await newTab(page, form.getByRole("link", { name: "Keys" }));
		await keys.getByRole("row").getByText("lost key").waitFor();
		await form.getByLabel("Name").fill("next key");
		expect(await form.getByText("It is not known whether lost key was created").count()).toBe(1);
		await page.keyboard.press("Escape");
		await expect.poll(() => form.count()).toBe(0);

		await page.getByRole("link", { name: "Event types" }).click();
		await page.getByRole("button", { name: "Add an event type" }).first().click();
		const type = page.getByRole("dialog", { name: "Add an event type" });
		await type.getByLabel("Name").fill("lost.type");
		const addingType = await hold(page, "POST", /\/event-types$/);
		await type.getByRole("button", { name: "Add the event type" }).click();
		await addingType.made;
		await addingType.lose();
		await type.getByText("It is not known whether lost.type was added").waitFor();
		await type.getByLabel("Name").fill("next.type");
		expect(await type.getByText("It is not known whether lost.type was added").count()).toBe(1);
	});

	it("says of a test that it may have been sent", async () => {
		const receiver = await world.receiver();
		const { id } = await world.server.createWebhook(receiver.url);
		const { page } = await world.open(`webhooks/${id}`);
		const call = await hold(page, "POST", /:test/);
		await page
			.getByRole("button", { name: /^Send a test|^Test/ })
			.first()
			.click();
		await call.made;
		await call.lose();
		await page.getByText("It is not known whether the test was sent").waitFor();
	});

	it("makes a save seem refused, which is made again and has been made already", async () => {
		const { batch, eventTypes } = world.server.project;
		const { id } = await batch.webhooks.create({ name: "Saved once", spec: { endpoint: "https://example.com/a" } });
		await eventTypes.create({ name: "saved.once", description: "Before" });
		const { page } = await world.open("webhooks");
		await page.getByRole("button", { name: "Actions for Saved once" }).click();
		await page.getByRole("menuitem", { name: "Edit…" }).click();
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		await drawer.getByLabel("Name").fill("Saved twice");
		await drawer.getByLabel("Endpoint URL").fill("https://example.com");
		let call = await hold(page, "PATCH", /\/batch\/webhooks\//);
		await drawer.getByRole("button", { name: "Save" }).click();
		await call.made;
		await call.lose();
		await page.getByText("Saved Saved twice").waitFor();
		await expect.poll(() => drawer.count()).toBe(0);
		expect(await batch.webhooks.get(id)).toMatchObject({ name: "Saved twice", endpoint: "https://example.com" });

		await page.goto(world.url("event-types/saved.once"));
		await page.getByRole("textbox", { name: "Description" }).fill("After");
		await page.getByRole("textbox", { name: "Example" }).fill('{"id": 12345678901234567890}');
		call = await hold(page, "PATCH", /\/event-types\//);
		await page.locator("form").getByRole("button", { name: "Save", exact: true }).click();
		await call.made;
		// Nobody is told that somebody else has changed it, also where they have gone meanwhile.
		await page.getByRole("link", { name: "Keys" }).click();
		await call.lose();
		await page.getByText("Saved saved.once").waitFor();
		expect(await page.getByRole("region", { name: "What you have missed" }).count()).toBe(0);
		expect(await eventTypes.getAsText("saved.once")).toMatchObject({ description: "After" });
	});

	it("leaves it open whether values of headers were saved, which nobody can see, and lets somebody save them again", async () => {
		const receiver = await world.receiver();
		const { batch, events } = world.server.project;
		const spec = { endpoint: receiver.url, eventTypes: ["headers.*"], headers: { authorization: "old" } };
		const { id } = await batch.webhooks.create({ name: "With headers", spec });
		const sentWith = async () => {
			const count = receiver.requests.length;
			await events.send({ type: "headers.sent", data: 1 });
			return (await receiver.waitFor(count + 1)).at(-1)?.headers["authorization"];
		};
		const { page } = await world.open("webhooks");
		const drawer = page.getByRole("dialog", { name: "Edit the webhook" });
		const save = drawer.getByRole("button", { name: "Save" });
		const title = "It is not known whether the values of the headers of “With headers” were saved";
		const write = async (value: string) => {
			await page.getByRole("button", { name: "Actions for With headers" }).click();
			await page.getByRole("menuitem", { name: "Edit…" }).click();
			await drawer.getByText("Retries, limits, headers").click();
			await drawer.getByLabel("Headers").fill(`Authorization: ${value}`);
		};
		await write("new");
		// It never leaves the machine, and somebody else is faster than the next try.
		let isFirst = true;
		await page.route(/\/batch\/webhooks\//, async (route) => {
			if (!isFirst || route.request().method() !== "PATCH") return route.fallback();
			isFirst = false;
			await batch.webhooks.update(id, { spec: { description: "By somebody else" } });
			return route.abort();
		});
		await save.click();
		await drawer.getByText(title).waitFor();
		await expect.poll(() => drawer.getByLabel("Description").inputValue()).toBe("By somebody else");
		expect(await drawer.getByLabel("Headers").inputValue()).toBe("Authorization: new");
		expect(await drawer.getByText(/^Not saved/).count()).toBe(0);
		expect(await axeFindings(page)).toEqual([]);
		expect(await sentWith()).toBe("old");
		await save.click();
		await page.getByText("Saved With headers").waitFor();
		await expect.poll(() => drawer.count()).toBe(0);
		expect(await sentWith()).toBe("new");
		expect(await batch.webhooks.get(id)).toMatchObject({ description: "By somebody else" });

		// Their own save costs nothing when it is made again, also where the drawer was closed meanwhile.
		await write("newer");
		const call = await hold(page, "PATCH", /\/batch\/webhooks\//);
		await save.click();
		await call.made;
		await page.goBack();
		await expect.poll(() => drawer.count()).toBe(0);
		await call.lose();
		const notice = page.getByRole("region", { name: "What you have missed" });
		await notice.getByText(title).waitFor();
		expect(await notice.getByRole("button", { name: "Try again" }).count()).toBe(0);
		await notice.getByRole("button", { name: "Open the form" }).click();
		await drawer.getByText("Retries, limits, headers").click();
		expect(await drawer.getByLabel("Headers").inputValue()).toBe("Authorization: newer");
		await save.click();
		await expect.poll(() => drawer.count()).toBe(0);
		expect(await notice.count()).toBe(0);
		expect(await sentWith()).toBe("newer");
	});

	it("costs nothing where an event has its key: what is sent again is the same event", async () => {
		const { id } = await world.server.client.projects.create({ name: "Fresh" });
		const project = world.server.client.project(id);
		const spec = { endpoint: "https://example.com/fresh", eventTypes: ["none"] };
		await project.batch.webhooks.create({ name: "Of another type", spec });
		const { page } = await world.open(`../${id}`);
		await loseAnswers(page, /\/events$/);
		await page.getByRole("button", { name: "Send test.hello" }).click();
		await page.getByText("The event was not sent").waitFor();
		await page.unrouteAll();
		await page.getByRole("button", { name: "Send test.hello" }).click();
		await page.getByText("Sent to 0 webhooks").waitFor();
		expect((await project.events.list({ type: "test.hello" })).data).toHaveLength(1);

		await page.goto(`${world.server.url}/ui/${id}/events/send`);
		await page.getByRole("combobox", { name: "Event type" }).fill("lost.send");
		const left = Promise.withResolvers<void>();
		await loseAnswers(page, /\/events$/, left.promise);
		const made = page.waitForRequest((request) => request.method() === "POST");
		await page.getByRole("button", { name: "Send", exact: true }).click();
		await made;
		await page.getByRole("link", { name: "Keys" }).click();
		await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
		left.resolve();
		const notice = page.getByRole("region", { name: "What you have missed" });
		await notice.getByText("lost.send was not sent").waitFor();
		await page.unrouteAll();
		await notice.getByRole("button", { name: "Try again" }).click();
		await page.getByText("Sent to 0 webhooks").waitFor();
		expect((await project.events.list({ type: "lost.send" })).data).toHaveLength(1);
		// Somebody has gone to another screen, and stays there.
		expect(await page.getByRole("heading", { name: "Keys", level: 1 }).count()).toBe(1);
		await world.server.client.projects.delete(id);
	});
});

/** The tab that a link opens. */
async function newTab(page: Page, link: Locator): Promise<Page> {
	const [tab] = await Promise.all([page.context().waitForEvent("page"), link.click()]);
	return tab;
}

/** The server does what it is asked, and the page never hears of it: that it failed not before `isTime`. */
async function loseAnswers(page: Page, url: RegExp, isTime = Promise.resolve()): Promise<void> {
	await page.route(url, async (route) => {
		if (route.request().method() !== "POST") return route.fallback();
		await route.fetch();
		await isTime;
		return route.abort();
	});
}
