// What the engine publishes in its live stream, and when.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { EVERY_CUSTOMER, type EventCustomers } from "../../core/access/customer.ts";
import { projectScope, type Principal } from "../../core/access/principal.ts";
import type { LiveFilter, LiveItem } from "../../core/live.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** Watches a project. The returned function resolves with all items so far once there are `count`. */
function watch(test: TestEngine, filter: Partial<LiveFilter> = {}) {
	const subscription = test.engine.live.subscribe({
		kind: "api",
		scope: test.scope,
		principal: null,
		filter: { kinds: null, customerId: null, webhookId: null, eventTypes: null, ...filter },
		lastEventId: null,
		abandon: () => {},
	});
	const items: LiveItem[] = [];
	return async (count: number) => {
		while (items.length < count) {
			const signals = await subscription.next();
			if (signals === null) throw new Error("the stream is over");
			for (const signal of signals) if (signal.type === "item") items.push(signal.item);
		}
		return items;
	};
}

describe("the live stream", () => {
	it("shows the path of an event to its webhook, from acceptance to success", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, { headers: { "x-secret": "hidden" } });
		const items = watch(test);
		const eventId = await test.send({ type: "order.paid", dataJson: '{"card":"hush"}' });
		const delivery = await test.delivery(eventId, { attemptCount: 1 });
		await items(3);
		test.clock.advance(1_020);
		const names = { webhookId: webhook.id, eventId, eventType: "order.paid", deliveryId: delivery.id };
		const all = await items(5);
		expect(all).toMatchObject([
			{ kind: "event.accepted", projectId: test.projectId, eventId, eventType: "order.paid", deliveryCount: 1 },
			{
				kind: "attempt.finished",
				...names,
				number: 1,
				trigger: "auto",
				result: "failure",
				responseCode: 500,
				error: null,
			},
			{
				kind: "delivery.updated",
				...names,
				status: "Pending",
				reason: "the receiver answered 500",
				attemptCount: 1,
				nextAttemptDate: delivery.nextAttemptAt,
			},
			{ kind: "attempt.finished", ...names, number: 2, result: "success", responseCode: 200 },
			{ kind: "delivery.updated", ...names, status: "Succeeded", reason: null, attemptCount: 2, nextAttemptDate: null },
		]);
		expect(JSON.stringify(all)).not.toMatch(/hush|hidden/);
	});

	it("shows changes of a webhook, and of many deliveries at once", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		for (const eventId of [await test.send(), await test.send()]) await test.delivery(eventId, { attemptCount: 1 });
		const items = watch(test);
		const { webhooks } = test.engine;
		await webhooks.update(test.change, webhook.id, { name: "says nothing" });
		await webhooks.pause(test.change, webhook.id);
		await items(2);
		await webhooks.resume(test.change, webhook.id);
		await items(4);
		await webhooks.delete(test.change, webhook.id);
		const all = await items(6);
		const many = { kind: "deliveries.updated", webhookId: webhook.id, count: 2 };
		expect(all.slice(0, 4)).toMatchObject([
			{ kind: "webhook.updated", webhookId: webhook.id, status: "Paused", reason: null },
			{ ...many, status: "Held", reason: "the webhook is paused" },
			{ kind: "webhook.updated", webhookId: webhook.id, status: "Enabled", reason: null },
			{ ...many, status: "Pending", reason: null },
		]);
		expect(all).toContainEqual(expect.objectContaining({ kind: "webhook.updated", status: "Deleted" }));
	});

	it("shows why a webhook was disabled", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 410 }]);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const items = watch(test);
		await test.send();
		expect(await items(4)).toContainEqual(
			expect.objectContaining({
				kind: "webhook.updated",
				status: "Disabled",
				reason: "the receiver answered 410 Gone",
			}),
		);
	});

	it("shows changes by hand", async () => {
		await using test = await openTestEngine();
		const webhook = await test.createWebhook("http://127.0.0.1:9/");
		await test.engine.webhooks.pause(test.change, webhook.id);
		const delivery = await test.delivery(await test.send(), { status: "Held" });
		const items = watch(test);
		await test.engine.deliveries.cancel(test.change, delivery.id);
		expect(await items(1)).toMatchObject([
			{ kind: "delivery.updated", deliveryId: delivery.id, status: "Cancelled", reason: "cancelled by hand" },
		]);
	});

	it("shows no event that was refused or is a duplicate", async () => {
		await using test = await openTestEngine();
		const items = watch(test);
		await test.send({ idempotencyKey: "k" });
		await test.send({ idempotencyKey: "k" });
		await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toThrow(/No such webhook/);
		const last = await test.send();
		expect((await items(2)).map((item) => (item.kind === "event.accepted" ? item.eventId : null))).toContain(last);
	});

	it("tells a key that filters by customer what happens to its webhooks and is sent for it, internal types too", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id: acme } = await test.createWebhook(receiver.url, { customerId: "acme" });
		const { id: globex } = await test.createWebhook(receiver.url, { customerId: "globex" });
		await test.createWebhook(receiver.url);
		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		await test.engine.eventTypes.create(test.change, "hidden", { ...settings, visibility: "internal" });
		const items = watch(test, { customerId: "acme" });
		const send = (customers: EventCustomers, type = "a.b") => test.send({ customers, type });
		for (const customers of [null, "globex", ["globex", "nobody"]]) await send(customers);
		const sent = [
			await send("acme"),
			await send(["globex", "acme", "nobody"]),
			await send(EVERY_CUSTOMER),
			await send("acme", "hidden"),
		];
		const open = async () => (await test.deliveries()).filter(({ status }) => status !== "Succeeded");
		await eventually("all are delivered", async () => (await open()).length === 0);
		for (const webhookId of [globex, acme]) await test.engine.webhooks.pause(test.change, webhookId);
		const all = await items(4 + 3 * 2 + 1);
		const inShort = all.map((item) => `${item.kind} ${"eventId" in item ? item.eventId : item.webhookId}`);
		const each = sent.map((id) => `event.accepted ${id}`);
		const attempts = sent.slice(0, 3).flatMap((id) => [`attempt.finished ${id}`, `delivery.updated ${id}`]);
		expect(inShort.toSorted()).toEqual([...each, ...attempts, `webhook.updated ${acme}`].toSorted());
		const webhookIds = all.flatMap((item) => ("webhookId" in item ? [item.webhookId] : []));
		expect(new Set(webhookIds)).toEqual(new Set([acme]));
	});

	it("ends when the engine stops, or its project or key is deleted", async () => {
		await using test = await openTestEngine();
		const { engine } = test;
		const project = await engine.projects.create("second", null);
		const { key } = await engine.keys.create({ name: "k", scope: "read", projectId: null }, null);
		const open = (projectId: string, principal: Principal | null) => {
			const filter = { kinds: null, customerId: null, webhookId: null, eventTypes: null };
			const scope = projectScope(projectId);
			return engine.live.subscribe({ kind: "api", scope, principal, filter, lastEventId: null, abandon: () => {} });
		};
		const byKey = { kind: "key", key, digest: key.digest, session: null } as const;
		const streams = [open(test.projectId, byKey), open(project.id, null), open(test.projectId, null)];
		await engine.keys.delete(key.id, null);
		await engine.projects.delete(changeIn(project.id));
		const ends = async () => Promise.all(streams.map(async (stream) => (await stream.next())?.[0]?.type));
		expect(await ends()).toEqual(["end", "end", "heartbeat"]);
		const last = streams[2]!.next();
		void engine.stop(0);
		expect(await last).toEqual([{ type: "end", reason: "the server is shutting down" }]);
	});
});
