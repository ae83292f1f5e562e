// Events, one event, and the form that sends one, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { pageSuite } from "../../../test/suite.ts";

const EXACT = '{"id":12345678901234567890,"price":1.10,"note":"<img src=x onerror=alert(1)>"}';
/** A flat object as the page shows it: a line for each value, and nothing else is changed. */
const pretty = (json: string) =>
	json
		.replaceAll(/([{,])"/g, '$1\n  "')
		.replaceAll('":', '": ')
		.replace(/\}$/, "\n}");

pageSuite("events", (world) => {
	/** Sends data as text, as a producer in another language does. */
	const sendText = async (type: string, data: string, more = "") => {
		const path = `/projects/${world.server.projectId}/events`;
		const { status, json } = await world.server.call("POST", path, `{"type":"${type}","data":${data}${more}}`);
		expect(status).toBe(202);
		return (json as { readonly id: string }).id;
	};

	it("are selected and sent again to several webhooks, after the deliveries were counted", async () => {
		const receiver = await world.receiver();
		const ids = [await sendText("chosen.one", "1"), await sendText("chosen.two", "2")];
		await sendText("chosen.one", "3");
		const make = async (name: string, eventTypes: string[]) => {
			const webhook = await world.server.createWebhook(receiver.url, { eventTypes });
			await world.server.project.batch.webhooks.update(webhook.id, { name });
			return webhook.id;
		};
		const webhookIds = [await make("Both", ["chosen.*"]), await make("Only two", ["chosen.two"])];
		const { page } = await world.open("events?type=chosen.*");
		for (const id of ids) await page.getByRole("checkbox", { name: id }).check();
		await page.getByRole("button", { name: "Replay 2 selected…" }).click();
		const dialog = page.getByRole("dialog", { name: "Send 2 events again?" });
		await dialog.getByLabel("To these webhooks").click();
		await page.getByRole("option", { name: "Both", exact: true }).click();
		await dialog.getByText("This makes 2 deliveries.").waitFor();
		await dialog.getByLabel("To these webhooks").click();
		await page.getByRole("option", { name: "Only two", exact: true }).click();
		await dialog.getByText("This makes 3 deliveries.").waitFor();
		// Nothing lies over the buttons after a choice.
		await expect.poll(() => page.getByRole("option").count()).toBe(0);
		expect(await axeFindings(page)).toEqual([]);
		await dialog.getByRole("button", { name: "Send 3 deliveries" }).click();
		await page.getByText("2 replays started").waitFor();
		await receiver.waitFor(3);
		const replays = await Promise.all(webhookIds.map((webhookId) => world.server.project.replays.list({ webhookId })));
		expect(replays.map(({ data }) => data[0]?.chosenCount)).toEqual([2, 2]);
		await expect.poll(() => page.getByRole("button", { name: /selected…/ }).count()).toBe(0);
		for (const id of webhookIds) await world.server.project.batch.webhooks.delete(id);
	});

	it("have ids of which the middle is cut out for want of room, and that are copied whole and in one line", async () => {
		const id = await sendText("cut.one", "1");
		const { page } = await world.open("events?type=cut.one", { size: { width: 900, height: 800 } });
		await page.getByTitle(id).waitFor();
		const shown = await page.evaluate(`(() => {
			const element = document.querySelector("[title='${id}']");
			getSelection().selectAllChildren(element);
			const [beginning, end] = element.children;
			return {
				isCut: beginning.scrollWidth > beginning.clientWidth,
				isEndInside: end.getBoundingClientRect().right <= element.getBoundingClientRect().right + 1,
				copied: getSelection().toString(),
			};
		})()`);
		expect(shown).toEqual({ isCut: true, isEndInside: true, copied: id });
	});

	it("are not asked about any more when another list is shown", async () => {
		const id = await sendText("asked.one", "1");
		const { page } = await world.open("events?type=asked.one");
		await page.getByRole("button", { name: "Wanted by no webhook" }).click();
		await expect.poll(() => new URL(page.url()).searchParams.get("to")).toBe("nobody");
		await page.getByRole("checkbox", { name: id }).check();
		await page.getByRole("button", { name: "Replay 1 selected…" }).click();
		await page.getByRole("dialog", { name: "Send 1 event again?" }).waitFor();
		await page.goBack();
		await expect.poll(() => new URL(page.url()).searchParams.has("to")).toBe(false);
		await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
	});

	it("are found by type, customer and tag, each in the address", async () => {
		await sendText("find.one", "1", ',"customerId":"acme","tags":["order:1"]');
		await sendText("find.one", "2", ',"customerId":"globex","tags":["order:2"]');
		const { page } = await world.open("events");
		await page.getByLabel("Event type").fill("find.one");
		await page.getByLabel("Event type").press("Enter");
		await expect.poll(() => page.getByRole("link", { name: "find.one" }).count()).toBe(2);
		for (const head of await page.getByRole("columnheader").all()) {
			expect((await head.boundingBox())!.height).toBeLessThan(50);
		}
		await page.getByLabel("Tag", { exact: true }).fill("order:2");
		await page.getByLabel("Tag", { exact: true }).press("Enter");
		await expect.poll(() => page.getByRole("link", { name: "find.one" }).count()).toBe(1);
		await expect.poll(() => new URL(page.url()).searchParams.get("tag")).toBe("order:2");
		await page.getByLabel("Customer").fill("acme");
		await page.getByLabel("Customer").press("Enter");
		await page.getByText("No event matches").waitFor();
		await page.getByRole("link", { name: "Remove all filters" }).click();
		await page.getByRole("link", { name: "find.one" }).first().waitFor();
	});

	it("say what became of them, and are found if no webhook wanted them", async () => {
		await deliverTo(world, 500, "outcome.wanted");
		await sendText("outcome.lonely", "1");
		const { page } = await world.open("events?type=outcome.*");
		await page.getByRole("row", { name: /outcome.wanted.*1 ?failed/ }).waitFor();
		await page.getByRole("row", { name: /outcome.lonely.*no webhook/ }).waitFor();
		await page.getByRole("button", { name: "Wanted by no webhook" }).click();
		await expect.poll(() => page.getByRole("link", { name: "outcome.wanted" }).count()).toBe(0);
		await page.getByRole("link", { name: "outcome.lonely" }).waitFor();
	});

	it("show their payload digit for digit as text and their deliveries, are sent again so, and have it erased after a question", async () => {
		const receiver = await world.receiver();
		await world.server.createWebhook(receiver.url, { eventTypes: ["exact.one"] });
		const id = await sendText("exact.one", EXACT);
		const { page } = await world.open("events?type=exact.one");
		await page.keyboard.press("j");
		await expect.poll(() => page.getByRole("link", { name: "exact.one" }).count()).toBe(1);
		await page.getByRole("link", { name: "exact.one" }).focus();
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "exact.one", level: 1 }).waitFor();
		await expect.poll(() => page.url()).toContain(id);
		await page.getByText("As sent").click();
		await expect.poll(() => page.getByRole("region", { name: "Payload" }).innerText()).toBe(EXACT);
		await page.getByRole("table", { name: "Deliveries of the event" }).getByText("Succeeded").waitFor();
		await page.getByRole("link", { name: "Send it as a new event" }).click();
		await page.getByRole("complementary", { name: "Who gets it" }).getByText("1 webhook").waitFor();
		await page.getByLabel("Payload").press("Control+Enter");
		await page.getByRole("heading", { name: "exact.one", level: 1 }).waitFor();
		await expect.poll(() => new URL(page.url()).pathname).toMatch(/\/events\/evt_[\w-]+$/);
		await expect.poll(() => page.url()).not.toContain(id);
		const [, second] = await receiver.waitFor(2);
		expect(second!.rawBody.toString()).toContain(`"data":${EXACT}`);
		await page.getByRole("button", { name: "Erase the payload…" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Erase the payload" }).click();
		await page.getByText("The payload was erased.").waitFor();
		const newId = new URL(page.url()).pathname.split("/").at(-1)!;
		expect((await world.server.project.events.get(newId)).dataErased).toBe(true);
	});

	it("are sent with the example of their type digit for digit, until the payload is one's own", async () => {
		const types = `/projects/${world.server.projectId}/event-types`;
		const other = '{"other":98765432109876543210}';
		await world.server.call("PUT", `${types}/filled.one`, `{"example":${EXACT}}`);
		await world.server.call("PUT", `${types}/filled.two`, `{"example":${other}}`);
		const { page } = await world.open("events/send");
		const type = page.getByRole("combobox", { name: "Event type" });
		const payload = page.getByLabel("Payload");
		await type.fill("filled.one");
		await expect.poll(() => payload.inputValue()).toBe(pretty(EXACT));
		// Names that are no types, as while somebody types.
		await type.fill("filled.t");
		await type.fill("filled.two");
		await expect.poll(() => payload.inputValue()).toBe(pretty(other));
		await payload.fill("1");
		await type.fill("filled.one");
		await expect.poll(() => payload.inputValue()).toBe("1");
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "Fill in a payload" }).click();
		await page.getByRole("menuitem", { name: "The example of the type" }).click();
		await expect.poll(() => payload.inputValue()).toBe(pretty(EXACT));
		await payload.press("Control+Enter");
		await page.getByRole("heading", { name: "filled.one", level: 1 }).waitFor();
		const [event] = (await world.server.project.events.list({ type: "filled.one" })).data;
		expect(await world.server.project.events.getData(event!.id)).toBe(EXACT);
	});

	it("are sent with the payload of one of the last five, digit for digit", async () => {
		const ids: string[] = [];
		for (const data of ["1", "2", EXACT, "4", "5", "6"]) ids.unshift(await sendText("last.five", data));
		await world.server.project.events.eraseData(ids[0]!);
		const { page } = await world.open("events/send?type=last.five");
		const payload = page.getByLabel("Payload");
		const fillIn = page.getByRole("button", { name: "Fill in a payload" });
		const menu = page.getByRole("menu");
		await fillIn.click();
		await menu.getByText("As sent before").waitFor();
		const items = await menu.getByRole("menuitem").allInnerTexts();
		expect(items).toEqual([
			"The type has no example",
			...ids.slice(0, 5).map((id) => expect.stringMatching(new RegExp(`…${id.slice(-12)}$`)) as string),
		]);
		await menu.getByRole("menuitem", { name: ids[3]!.slice(-12) }).click();
		await expect.poll(() => payload.inputValue()).toBe(pretty(EXACT));
		// The newest one has no payload any more: what stands there stays.
		await fillIn.click();
		await menu.getByRole("menuitem", { name: ids[0]!.slice(-12) }).click();
		await page.getByText("The payload of that event was erased").waitFor();
		expect(await payload.inputValue()).toBe(pretty(EXACT));
		await fillIn.click();
		await menu.getByRole("menuitem", { name: ids[1]!.slice(-12) }).click();
		await expect.poll(() => payload.inputValue()).toBe("5");
	});

	it("keep what was changed in the form while a payload was on its way", async () => {
		const ids = [await sendText("late.one", '"first"'), await sendText("late.one", '"second"')];
		const { page } = await world.open("events/send?type=late.one");
		const payload = page.getByLabel("Payload");
		const held: Route[] = [];
		await page.route(/\/events\/[^/]+\/data/, (route) => void held.push(route));
		const choose = async (id: string) => {
			await page.getByRole("button", { name: "Fill in a payload" }).click();
			await page.getByRole("menuitem", { name: id.slice(-12) }).click();
		};
		await choose(ids[0]!);
		await expect.poll(() => held.length).toBe(1);
		await page.getByText("All", { exact: true }).click();
		await held[0]!.continue();
		await expect.poll(() => payload.inputValue()).toBe('"first"');
		expect(await page.getByRole("radio", { name: "All" }).isChecked()).toBe(true);
		// What is typed into the payload itself stays, too.
		await choose(ids[1]!);
		await expect.poll(() => held.length).toBe(2);
		await payload.fill('"typed"');
		await held[1]!.continue();
		await page.getByText("Not filled in: the payload was changed meanwhile").waitFor();
		expect(await payload.inputValue()).toBe('"typed"');
	});

	it("are listed as if nothing was asked for by an address with types that can't be, and such types are refused where they are typed", async () => {
		const id = await sendText("listed.anyway", "1");
		const { page } = await world.open("events?type=,");
		await page.getByRole("checkbox", { name: id }).waitFor();
		const filter = page.getByLabel("Event type");
		await filter.fill("ordér");
		await filter.press("Enter");
		await page.getByText("Up to 100 types such as order.paid, or order.*").waitFor();
		expect(await axeFindings(page)).toEqual([]);
		await filter.fill("listed.* other");
		await filter.press("Enter");
		await expect.poll(() => filter.inputValue()).toBe("listed.*,other");
		await expect.poll(() => new URL(page.url()).searchParams.get("type")).toBe("listed.*,other");
		await expect.poll(() => page.getByText("Up to 100 types such as order.paid, or order.*").count()).toBe(0);
		await page.getByRole("checkbox", { name: id }).waitFor();
	});

	it("are sent after the page has said who gets them, and which named webhook would have them refused", async () => {
		const { project } = world.server;
		const spec = { endpoint: "https://example.com/who", eventTypes: ["who.*"] };
		const mine = await project.batch.webhooks.create({ name: "Who of mine", spec });
		const acme = await project.batch.webhooks.create({ name: "Who of acme", customerId: "acme", spec });
		await project.batch.webhooks.pause(mine.id);
		const { page } = await world.open("events/send");
		const who = page.getByRole("complementary", { name: "Who gets it" });
		await page.getByRole("combobox", { name: "Event type" }).fill("who gets");
		await who.getByText("type must be groups of letters").waitFor();
		await page.getByRole("combobox", { name: "Event type" }).fill("who.gets");
		await who.getByText("1 webhook, 1 of them off: theirs are held").waitFor();
		await page.getByText("All", { exact: true }).click();
		await who.getByText("2 webhooks, 1 of them off: theirs are held").waitFor();
		await who.getByRole("link", { name: "Who of acme" }).waitFor();
		await page.getByText("None", { exact: true }).click();
		await page.getByText("Tags, certain webhooks").click();
		await page.getByRole("combobox", { name: "Only to these webhooks" }).fill("Who of acme");
		await page.getByRole("option", { name: "Who of acme" }).click();
		// The list lies over other fields, as long as it is.
		await page.keyboard.press("Escape");
		await who.getByText("It is refused as it is").waitFor();
		await who.getByText("It belongs to a customer whom the event is not for.").waitFor();
		const sent = project.events.send({ type: "who.gets", data: 1, webhookIds: [acme.id] });
		await expect(sent).rejects.toThrow("webhookIds.0");
		await page.getByText("All", { exact: true }).click();
		await who.getByText("1 webhook", { exact: true }).waitFor();
		for (const { id } of [mine, acme]) await project.batch.webhooks.delete(id);
	});

	it("say why a webhook got nothing", async () => {
		const { project } = world.server;
		const spec = { endpoint: "https://example.com/why", eventTypes: ["why.other"] };
		const other = await project.batch.webhooks.create({ name: "Wants others", spec });
		const acme = await project.batch.webhooks.create({ name: "Is acme's", customerId: "acme", spec });
		const id = await sendText("why.one", "1");
		const later = await project.batch.webhooks.create({ name: "Came later", spec });
		const { page } = await world.open(`events/${id}`);
		const why = page.getByRole("table", { name: "Why webhooks got it or not" });
		await why.getByRole("row", { name: /Wants others no Its event types do not let this type through/ }).waitFor();
		await why
			.getByRole("row", { name: /Is acme's of acme no It belongs to a customer whom the event is not for/ })
			.waitFor();
		await page.getByRole("combobox", { name: "Webhook" }).fill("Came");
		await page.getByRole("option", { name: "Came later" }).click();
		await why.getByRole("row", { name: /Came later no It was created after the event was accepted/ }).waitFor();
		await expect.poll(() => why.getByRole("row", { name: "Wants others" }).count()).toBe(0);
		for (const webhook of [other, acme, later]) await project.batch.webhooks.delete(webhook.id);
	});

	it("that do not fit their schema are refused at the line, and what was typed stays", async () => {
		const schema = {
			type: "object",
			required: ["orderId"],
			properties: { orderId: { type: "integer" }, lines: { items: { required: ["sku"] } } },
		};
		await world.server.project.eventTypes.create({ name: "strict.one", schema, example: { orderId: 1, lines: [] } });
		await world.server.client.projects.update(world.server.projectId, { eventTypes: "catalogued" });
		const { page } = await world.open("events/send?type=strict.one");
		const payload = page.getByLabel("Payload");
		await expect.poll(() => payload.inputValue()).toContain('"orderId": 1');
		await payload.fill('{\n"orderId": 1,\n}');
		await page.getByRole("button", { name: "Send", exact: true }).click();
		await page.getByText("Line 3: expected a name in double quotes").waitFor();
		const typed = '{\n"orderId": "x",\n"lines": [\n{}]\n}';
		await payload.fill(typed);
		await page.getByRole("button", { name: "Send", exact: true }).click();
		await page.getByText("Line 2: orderId must be integer").waitFor();
		await page.getByText("Line 4: lines.0.sku is required").click();
		await expect.poll(() => payload.inputValue()).toBe(typed);
		await expect.poll(() => payload.evaluate("document.activeElement.selectionStart")).toBe(typed.indexOf("{}"));
		await world.server.client.projects.update(world.server.projectId, { eventTypes: "open" });
	});
});
