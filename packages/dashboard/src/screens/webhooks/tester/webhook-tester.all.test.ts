// A test of a webhook with data of one's own, in a real browser.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import type { Route } from "playwright-core";
import { expect, it } from "vitest";

import { ONCE, overflowOf, pageSuite } from "../../../../test/suite.ts";

pageSuite("a test with data of one's own", (world) => {
	it("sends exactly what was typed, and shows the request as sent and the answer", async () => {
		const receiver = await world.receiver();
		receiver.script(() => ({
			status: 422,
			headers: { "x-why": "unknown order" },
			body: '{"error":"<b>no such order</b>"}',
		}));
		const { project } = world.server;
		const schema = '{"type":"object","required":["orderId"],"properties":{"orderId":{"type":"integer"}}}';
		const body = `{"schema":${schema},"example":{"orderId":98765432109876543210}}`;
		await world.server.call("PUT", `/projects/${project.id}/event-types/own.paid`, body);
		await world.server.client.projects.update(project.id, { eventTypes: "catalogued" });
		const { id } = await world.server.createWebhook(receiver.url, { retries: ONCE });
		const { page } = await world.open(`webhooks/${id}`, { size: { width: 360, height: 900 } });
		const condition = page.getByRole("region", { name: "Condition" });
		// The event types are there: a type that is typed before them fills in no example.
		await condition.getByRole("combobox", { name: "What is sent" }).waitFor();
		await condition.getByRole("button", { name: "With data of your own…" }).click();
		const send = condition.getByRole("button", { name: "Send this test" });
		await send.click();
		await condition.getByText("Of which type is it?").waitFor();
		await condition.getByLabel("Event type").fill("own.paid");
		await page.keyboard.press("Escape");
		const payload = condition.getByLabel("Payload");
		expect(await payload.inputValue()).toBe('{\n  "orderId": 98765432109876543210\n}');
		await payload.fill('{\n  "orderId": 1,\n}');
		await send.click();
		await condition.getByText("Line 3:").waitFor();
		await payload.fill('{\n  "orderId": "one"\n}');
		await send.click();
		await condition.getByText(/orderId.*integer/).waitFor();
		expect(receiver.requests).toHaveLength(0);
		await payload.fill('{\n  "orderId": 12345678901234567890\n}');
		await payload.press("Control+Enter");
		await condition.getByText("The test failed.").waitFor();
		await condition.getByText(/The receiver responded with \d+\./).waitFor();
		expect(await axeFindings(page)).toEqual([]);
		expect(await overflowOf(page)).toBe(0);
		const sent = condition.getByRole("region", { name: "The request as sent" });
		expect(receiver.requests[0]?.rawBody.toString()).toContain('"orderId":12345678901234567890');
		await sent.getByText("12345678901234567890").waitFor();
		await sent.getByText("Headers of the request").click();
		await sent.getByText(String(receiver.requests[0]?.headers["webhook-signature"])).waitFor();
		const answer = condition.getByRole("region", { name: "The response" });
		await answer.getByText("<b>no such order</b>").waitFor();
		await answer.getByText("Headers of the response").click();
		await answer.getByText("unknown order").waitFor();
		expect((await project.deliveries.list({ webhookId: id })).data).toEqual([]);
	});

	it("is sent once by keys that are held down, and not again while it is under way", async () => {
		const receiver = await world.receiver();
		const { id } = await world.server.createWebhook(receiver.url, { retries: ONCE });
		// The project may be one that takes only its event types.
		await world.server.project.eventTypes.create({ name: "held.down" });
		const { page } = await world.open(`webhooks/${id}`);
		const held: Route[] = [];
		await page.route(/:test\b/, (route) => void held.push(route));
		const condition = page.getByRole("region", { name: "Condition" });
		await condition.getByRole("button", { name: "With data of your own…" }).click();
		await condition.getByLabel("Event type").fill("held.down");
		await page.keyboard.press("Escape");
		await condition.getByLabel("Payload").fill("1");
		await page.keyboard.down("Control");
		for (let time = 0; time < 3; time++) await page.keyboard.down("Enter");
		await page.keyboard.up("Enter");
		await condition.getByText("Waiting for the receiver").waitFor();
		await page.keyboard.press("Enter");
		await page.keyboard.up("Control");
		await expect.poll(() => held.length).toBeGreaterThan(0);
		await Promise.all(held.splice(0).map((route) => route.continue()));
		await condition.getByText(/^It responded with \d+ in/).waitFor();
		expect(held).toHaveLength(0);
		expect(receiver.requests).toHaveLength(1);
	});
});
