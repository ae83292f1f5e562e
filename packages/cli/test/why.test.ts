// `fanfare why`: the story of an event with every kind of delivery, and the lists of filters that name a wrong entry.
import type { CreateWebhook } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { afterAll, beforeAll, expect, it } from "vitest";

import { listOf, parseResponseCodes } from "../src/frame/values.ts";
import { World } from "./support/world.ts";

let world: World;
beforeAll(async () => {
	world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const idOf = async (name: string, endpoint: string, more: Partial<CreateWebhook["spec"]> = {}, customerId?: string) => {
	const webhook = { name, customerId, spec: { endpoint, ...more } };
	return (await world.server.project.batch.webhooks.create(webhook)).id;
};

it("tells who got an event and why others did not, each attempt, cause, cure, what follows and what to type", async () => {
	await using receiver = await startReceiver();
	receiver.script(() => ({ status: 503, body: "\u001B[2J" }));
	await using well = await startReceiver();
	await idOf("well", well.url);
	const dead = await idOf("dead", "http://127.0.0.1:9/", { retries: { maxRetries: 0 } });
	const ill = await idOf("ill", receiver.url, { retries: { maxRetries: 1, scheduleMs: [3_600_000] } });
	const held = await idOf("held", well.url);
	await idOf("users", well.url, { eventTypes: ["user.*"] });
	await idOf("theirs", "https://example.com/hooks", {}, "acme");
	const { batch, deliveries, events } = world.server.project;
	await batch.webhooks.pause(held);
	const { id, createDate } = await events.send({ type: "order.paid", data: 1, idempotencyKey: "order-1" });
	const settled = await eventually("the first attempts", async () => {
		const { data } = await deliveries.list({ eventId: id });
		return data.length === 4 && data.every(({ status, attemptCount }) => status === "Held" || attemptCount > 0) && data;
	});
	const deliveryTo = (webhook: string) => settled.find(({ webhookId }) => webhookId === webhook)?.id ?? "";

	const { code, stdout, stderr } = await world.run(["why", id], { TZ: "Asia/Tokyo" });
	expect([code, stderr]).toEqual([0, `\nNext: fanfare deliveries retry ${deliveryTo(dead)}\n`]);
	const accepted = new Date(createDate + 9 * 3_600_000).toISOString();
	expect(stdout).toContain(`Accepted ${accepted.slice(0, 19).replace("T", " ")} (`);
	expect(stdout).toContain("with the idempotency key order-1");
	expect(stdout).toContain("It went to 4 webhooks.");
	expect(stdout).toMatch(/✗ Failed {2}dead at 127\.0\.0\.1:9 {2}dlv_[^]*attempt 1: no response after .*refused/);
	expect(stdout).toContain("Cure    Start it, or correct the port.");
	expect(stdout).toMatch(/◷ Pending {2}ill[^]*attempt 1: response 503[^]*\(status_5xx\)/);
	expect(stdout).toMatch(/The next attempt follows .*\(in \d+ min\); at most 1 attempt is left\./);
	expect(stdout).toMatch(/‖ Held {2}held[^]*until the webhook is resumed/);
	expect(stdout).toMatch(/✓ Succeeded {2}well[^]*response 200/);
	expect(stdout).toContain("– users: its event types do not let this type through");
	expect(stdout).toContain("– theirs (acme): belongs to a customer that the event is not for");
	expect(stdout).not.toContain("\u001B");

	const [story] = await world.json`why ${deliveryTo(ill)}`;
	expect(story).toMatchObject({ object: "story", event: { id }, next: `fanfare webhooks test ${ill}` });
	expect(story?.["event"]).not.toHaveProperty("data");
	expect(story?.["deliveries"]).toMatchObject([
		{ webhookId: ill, attempts: [{ cause: "status_5xx", explanation: { cure: expect.stringContaining("log") } }] },
	]);
	const [ofOne] = await world.json`why ${id} --webhook held`;
	expect(ofOne).toMatchObject({ deliveries: [{ webhookId: held }], next: `fanfare webhooks resume ${held}` });
});

it("tells the timestamp that the sender has set, and none that it has not", async () => {
	const { events } = world.server.project;
	const timestamp = Date.parse("2026-01-31T12:00:00Z");
	const [set, unset] = [
		await events.send({ type: "a.set", data: 1, timestamp }),
		await events.send({ type: "a.unset", data: 1 }),
	];
	expect((await world.run(["why", set.id], { TZ: "UTC" })).stdout).toContain("Its timestamp is 2026-01-31 12:00:00 (");
	const { stdout } = await world.run(["why", unset.id]);
	expect(stdout).toMatch(/^\S*a\.unset[^]*\nAccepted /);
	expect(stdout).not.toMatch(/timestamp|happened/);
});

it("refuses what is no event and no delivery", async () => {
	const missing = await world.run(["why", "evt_01a218ee-9ce7-7517-b2a1-e70296bb4e89"]);
	expect([missing.code, missing.stdout]).toEqual([3, ""]);
	expect(missing.stderr).toContain("fanfare events list");
	expect((await world.run(["why", "webhook_1"])).code).toBe(2);
});

it("a wrong entry of a list is named", async () => {
	const { code, stderr } = await world.run(["deliveries", "list", "--status", "Failed,Lost"]);
	expect([code, stderr]).toEqual([2, expect.stringContaining('got "Lost"')]);
	expect(() => parseResponseCodes("404,6xx")).toThrow('got "6xx"');
	expect(parseResponseCodes("0, 404,5xx")).toEqual(["0", "404", "5xx"]);
	expect(listOf(["Healthy", "Failing"])("failing")).toEqual(["Failing"]);
});
