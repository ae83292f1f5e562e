// The filters of deliveries by customer, event and error, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { expect, it } from "vitest";

import { deliverTo } from "../../../test/sent-deliveries.ts";
import { findingsInColours, focusOn, overflowOf, pageSuite } from "../../../test/suite.ts";

pageSuite(
	"more filters of deliveries",
	(world) => {
		it("are behind a button on a phone, as the other fields are, but for those that are in use", async () => {
			const sent = await deliverTo(world, 404, "fold.one");
			const { page } = await world.open("deliveries?type=fold.one", { size: { width: 360, height: 800 } });
			const row = page.getByRole("link", { name: "fold.one" });
			await row.waitFor();
			const [type, tag] = [page.getByLabel("Event type"), page.getByLabel("Tag", { exact: true })];
			const more = page.getByRole("button", { name: "More filters" });
			const seen = async () => [await type.isVisible(), await tag.isVisible(), await more.isVisible()];
			expect(await seen()).toEqual([true, false, false]);
			// The first row is seen without scrolling.
			expect((await row.boundingBox())?.y).toBeLessThan(450);
			const filters = page.getByRole("button", { name: "Filters", exact: true });
			await page.keyboard.press("/");
			await focusOn(filters);
			await page.keyboard.press("Enter");
			expect(await seen()).toEqual([true, true, true]);
			expect(await axeFindings(page)).toEqual([]);
			await tag.fill("order:1");
			await tag.press("Enter");
			await page.getByText("none matches", { exact: true }).waitFor();
			await filters.click();
			expect(await seen()).toEqual([true, true, false]);
			// One that is emptied to be written anew stays under the fingers.
			await type.press("ControlOrMeta+a");
			await page.keyboard.press("Backspace");
			await page.keyboard.type("fold.two");
			expect(await type.inputValue()).toBe("fold.two");
			await page.keyboard.press("Enter");
			await expect.poll(() => new URL(page.url()).searchParams.get("type")).toBe("fold.two");
			// And until the filters are folded anew.
			await type.fill("");
			await type.blur();
			await expect.poll(() => new URL(page.url()).searchParams.get("type")).toBe(null);
			expect(await seen()).toEqual([true, true, false]);
			await filters.click();
			await filters.click();
			expect(await seen()).toEqual([false, true, false]);
			await filters.click();
			await type.fill("fold.two");
			await type.press("Enter");
			await expect.poll(() => new URL(page.url()).searchParams.get("type")).toBe("fold.two");
			await filters.click();
			await page.setViewportSize({ width: 1_280, height: 800 });
			expect(await seen()).toEqual([true, true, true]);
			expect(await filters.isVisible()).toBe(false);
			await type.blur();
			await page.keyboard.press("/");
			await focusOn(type);
			expect(await type.inputValue()).toBe("fold.two");
			expect(sent.delivery.status).toBe("Failed");
		});

		it("are set by hand, with the keyboard alone, and are in the address", async () => {
			const { project } = world.server;
			const receiver = await world.receiver();
			const make = (name: string, endpoint: string, customerId?: string) => {
				const spec = { endpoint, eventTypes: ["more.one"], retries: { maxRetries: 0 } };
				return project.batch.webhooks.create({ name, spec, ...(customerId !== undefined && { customerId }) });
			};
			await make("Of the product", receiver.url);
			await make("Of initech", receiver.url, "initech");
			// Nobody listens there.
			await make("Away", "http://127.0.0.1:9/away");
			const { id: eventId } = await project.events.send({ type: "more.one", data: 1, customerIds: ["initech"] });
			await project.events.send({ type: "more.one", data: 2 });
			const count = async (filter: object) =>
				(await project.deliveries.count({ eventType: "more.one", ...filter })).count;
			await expect.poll(() => count({ status: ["Succeeded", "Failed"] })).toBe(5);
			const { page } = await world.open("deliveries?type=more.one");
			const matching = (words: string) => page.getByText(words, { exact: true }).waitFor();
			const search = () => new URL(page.url()).searchParams;
			await matching("5 match");
			const more = page.getByRole("button", { name: "More filters" });
			const fields = page.getByRole("dialog", { name: "More filters" });
			await more.focus();
			await page.keyboard.press("Enter");
			const customer = fields.getByLabel("Customer");
			await focusOn(customer);
			await page.keyboard.type("initech");
			await page.keyboard.press("Enter");
			await fields.waitFor({ state: "detached" });
			await matching("1 matches");
			expect(search().get("customer")).toBe("initech");
			await focusOn(more);
			await page.getByRole("button", { name: "Customer initech: remove the filter" }).click();
			await matching("5 match");
			// What is no id of an event is not asked for, and stays to be corrected.
			await more.click();
			const event = fields.getByLabel("Event");
			await event.fill(eventId.slice(0, -1));
			await fields.getByRole("button", { name: "Apply" }).click();
			await fields.getByText("evt_ and a UUID").waitFor();
			await expect.poll(() => event.getAttribute("aria-invalid")).toBe("true");
			await event.fill(` ${eventId} `);
			await fields.getByRole("button", { name: "Apply" }).click();
			await matching("3 match");
			expect(search().get("event")).toBe(eventId);
			await more.click();
			expect(await event.inputValue()).toBe(eventId);
			await fields.getByLabel("Error").selectOption({ label: "connection refused" });
			await fields.getByLabel("Error").press("Escape");
			await fields.waitFor({ state: "detached" });
			expect(search().get("error")).toBe(null);
			await more.click();
			await fields.getByRole("button", { name: "Apply" }).click();
			await matching("1 matches");
			expect(search().get("error")).toBe("refused");
			await page.getByRole("button", { name: "Error connection refused: remove the filter" }).waitFor();
			await page.getByRole("button", { name: "Remove all filters" }).click();
			await more.click();
			expect([await customer.inputValue(), await event.inputValue()]).toEqual(["", ""]);
			// What only an address has, such as several errors at once, is shown, too.
			await page.goto(world.url("deliveries?error=dns,tls&customer=initech"));
			await more.click();
			await expect.poll(() => fields.getByLabel("Error").inputValue()).toBe("dns,tls");
			expect(await customer.inputValue()).toBe("initech");
			await page.getByRole("button", { name: "Error name not found, TLS failed: remove the filter" }).waitFor();
		});

		it("leaves Escape to the delivery beside the list only when it is closed", async () => {
			const sent = await deliverTo(world, 200, "more.beside");
			const { page } = await world.open(`deliveries?type=more.beside&open=${sent.delivery.id}`, {
				size: { width: 1_400, height: 900 },
			});
			await page.locator(`[data-row="${sent.delivery.id}"]`).waitFor();
			const beside = page.getByRole("complementary", { name: "The delivery" });
			await beside.waitFor();
			await page.getByRole("button", { name: "More filters" }).click();
			// The focus comes into it a moment after it is there.
			const customer = page.getByRole("dialog", { name: "More filters" }).getByLabel("Customer");
			await focusOn(customer);
			await page.keyboard.press("Escape");
			await page.getByRole("dialog", { name: "More filters" }).waitFor({ state: "detached" });
			expect(await beside.count()).toBe(1);
			await page.keyboard.press("Escape");
			await beside.waitFor({ state: "detached" });
		});

		it("is accessible on a phone, with a mistake in it", async () => {
			const { page } = await world.open("deliveries", { size: { width: 360, height: 800 } });
			await page.getByRole("button", { name: "Filters", exact: true }).click();
			await page.getByRole("button", { name: "More filters" }).click();
			const fields = page.getByRole("dialog", { name: "More filters" });
			await fields.getByLabel("Event").fill("evt_");
			await fields.getByLabel("Customer").fill("in itech");
			await fields.getByRole("button", { name: "Apply" }).click();
			await fields.getByText("1–128 letters").waitFor();
			expect(await findingsInColours(page)).toEqual([]);
			const box = (await fields.boundingBox())!;
			expect([box.x >= 0, box.x + box.width <= 360]).toEqual([true, true]);
			expect(await overflowOf(page)).toBe(0);
		});
	},
	{ env: { FANFARE_ALLOW_FOR_CUSTOMERS: "true" } },
);
