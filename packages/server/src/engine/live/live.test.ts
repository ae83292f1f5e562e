// What the engine publishes in its live stream, and when.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { EVERY_CUSTOMER, type EventCustomers } from "../../core/access/customer.ts";
import { customerScope, projectScope, type Principal, type Scope } from "../../core/access/principal.ts";
import type { LiveFilter, LiveItem } from "../../core/live.ts";
import { ANY_ITEM, itemsOf, MISSED, NO_SETTINGS, NOBODY, openDelivering, subscribe } from "../test/arrangements.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** Watches a project. The returned function resolves with all items so far once there are `count`. */
function watch(test: TestEngine, filter: Partial<LiveFilter> = {}, scope: Scope = test.scope) {
	return itemsOf(subscribe(test, { scope, filter: { ...ANY_ITEM, ...filter } }));
}

/** Reads items until this many replays have ended. */
async function withEnds(items: (count: number) => Promise<LiveItem[]>, ends: number): Promise<LiveItem[]> {
	for (let count = 1; ; count++) {
		const all = await items(count);
		const ended = all.filter((item) => item.kind === "replay.updated" && item.status === "Finished");
		if (ended.length >= ends) return all;
	}
}

describe("the live stream", () => {
	it("shows the path of an event to its webhook, from acceptance to success", async () => {
		const { receiver, test, webhook } = await openDelivering({ headers: { "x-secret": "hidden" } });
		receiver.respond([{ status: 500 }]);
		const items = watch(test);
		const eventId = await test.send({ type: "order.paid", dataJson: '{"card":"hush"}' });
		const delivery = await test.delivery(eventId, { attemptCount: 1 });
		await items(3);
		test.clock.advance(1_020);
		const names = { webhookId: webhook.id, eventId, eventType: "order.paid", deliveryId: delivery.id };
		const [finished, updated] = [
			{ kind: "attempt.finished", ...names },
			{ kind: "delivery.updated", ...names },
		];
		const reason = "the receiver responded with 500";
		const all = await items(5);
		expect(all).toMatchObject([
			{ kind: "event.accepted", projectId: test.projectId, eventId, eventType: "order.paid", deliveryCount: 1 },
			{ ...finished, number: 1, trigger: "auto", result: "failure", responseCode: 500, error: null },
			{ ...updated, status: "Pending", reason, attemptCount: 1, nextAttemptDate: delivery.nextAttemptAt },
			{ ...finished, number: 2, result: "success", responseCode: 200 },
			{ ...updated, status: "Succeeded", reason: null, attemptCount: 2, nextAttemptDate: null },
		]);
		expect(JSON.stringify(all)).not.toMatch(/hush|hidden/);
	});

	it("shows changes of a webhook, and of many deliveries at once", async () => {
		const { receiver, test, webhook } = await openDelivering();
		receiver.script(() => ({ status: 500 }));
		for (const eventId of [await test.send(), await test.send()]) await test.delivery(eventId, { attemptCount: 1 });
		const items = watch(test);
		const { webhooks } = test.engine;
		await webhooks.update(test.change, webhook.id, { name: "another" });
		await webhooks.update(test.change, webhook.id, {});
		await webhooks.pause(test.change, webhook.id);
		await items(3);
		await webhooks.resume(test.change, webhook.id);
		await items(5);
		await webhooks.delete(test.change, webhook.id);
		const all = await items(7);
		const many = { kind: "deliveries.updated", webhookId: webhook.id, count: 2 };
		expect(all.slice(0, 5)).toMatchObject([
			{ kind: "webhook.updated", webhookId: webhook.id, status: "Enabled", reason: null },
			{ kind: "webhook.updated", webhookId: webhook.id, status: "Paused", reason: null },
			{ ...many, status: "Held", reason: "the webhook is paused" },
			{ kind: "webhook.updated", webhookId: webhook.id, status: "Enabled", reason: null },
			{ ...many, status: "Pending", reason: null },
		]);
		expect(all).toContainEqual(expect.objectContaining({ kind: "webhook.updated", status: "Deleted" }));
	});

	it("shows a new webhook, and a customer only its own", async () => {
		await using test = await openTestEngine();
		const items = watch(test);
		const ofAcme = watch(test, {}, customerScope(test.projectId, "acme"));
		const { id: globex } = await test.createWebhook(NOBODY, { customerId: "globex" });
		const { id: acme } = await test.createWebhook(NOBODY, { customerId: "acme" });
		const { id: nobodys } = await test.createWebhook(NOBODY);
		for (const id of [globex, nobodys, acme]) await test.engine.webhooks.update(test.change, id, { name: "b" });
		const named = (kind: string, webhookId: string) => ({ kind, webhookId, status: "Enabled", reason: null });
		expect(await items(6)).toMatchObject([
			...[globex, acme, nobodys].map((id) => named("webhook.created", id)),
			...[globex, nobodys, acme].map((id) => named("webhook.updated", id)),
		]);
		expect(await ofAcme(2)).toMatchObject([named("webhook.created", acme), named("webhook.updated", acme)]);
	});

	it("shows the start, the progress and the end of replays, and a customer only its own", async () => {
		await using test = await openTestEngine();
		for (let n = 0; n < 3; n++) await test.send({ customers: EVERY_CUSTOMER });
		const { id: acme } = await test.createWebhook(NOBODY, { customerId: "acme" });
		const { id: globex } = await test.createWebhook(NOBODY, { customerId: "globex" });
		const filter = { kinds: ["replay.updated"] } as const;
		const items = watch(test, filter);
		const ofAcme = watch(test, filter, customerScope(test.projectId, "acme"));
		const paused = await test.createWebhook(NOBODY);
		await test.engine.webhooks.pause(test.change, paused.id);
		const cancelled = await test.engine.replays.start(test.change, paused.id, MISSED);
		await test.engine.replays.cancel(test.change, cancelled.id);
		const replays: string[] = [];
		for (const id of [globex, acme]) replays.push((await test.engine.replays.start(test.change, id, MISSED)).id);
		const endOf = async (id: string) => (await test.engine.replays.get(test.scope, id)).status === "Finished";
		await eventually("both have ended", async () => {
			test.clock.advance(20);
			return (await Promise.all(replays.map(endOf))).every(Boolean);
		});
		const last = { kind: "replay.updated", status: "Finished", scannedCount: 3, deliveryCount: 3, progress: 1 };
		const own = await withEnds(ofAcme, 1);
		expect(own[0]).toMatchObject({ replayId: replays[1], webhookId: acme, status: "Running", progress: 0 });
		expect(own.every((item) => "webhookId" in item && item.webhookId === acme)).toBe(true);
		const all = await withEnds(items, 2);
		expect(all.slice(0, 2)).toMatchObject([
			{ replayId: cancelled.id, status: "Running", deliveryCount: 0 },
			{ replayId: cancelled.id, status: "Cancelled" },
		]);
		for (const replayId of replays) expect(all).toContainEqual(expect.objectContaining({ ...last, replayId }));
	});

	it("tells of the progress of a replay once a second at most, however many steps it makes", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		for (let n = 0; n < 150; n++) await test.send();
		const { id } = await test.createWebhook(receiver.url);
		const items = watch(test, { kinds: ["replay.updated"] });
		const startedAt = test.clock.monotonicMs();
		await test.engine.replays.start(test.change, id, MISSED);
		await eventually("it has sent all", () => {
			test.clock.advance(5);
			return receiver.requests.length === 150;
		});
		await eventually("it has ended", async () => {
			test.clock.advance(5);
			return (await test.store.replays(test.scope, id, { limit: 1, cursor: null })).rows[0]?.status === "Finished";
		});
		const seconds = (test.clock.monotonicMs() - startedAt) / 1_000;
		// Its start and its end are always told.
		expect((await withEnds(items, 1)).length).toBeLessThanOrEqual(3 + seconds);
	});

	it("tells when a replay begins to wait for the quota of stored bytes, once, and when it goes on", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		for (let n = 0; n < 3; n++) await test.send();
		const { id } = await test.createWebhook(receiver.url);
		const items = watch(test, { kinds: ["replay.updated"] });
		await test.engine.projects.update(test.change, { maxStoredBytes: 1 });
		await test.engine.replays.start(test.change, id, MISSED);
		const tell = async (count: number) => {
			let found: readonly LiveItem[] | null = null;
			const reading = items(count).then((all) => (found = all));
			await eventually("the items", () => {
				test.clock.advance(100);
				return found !== null;
			});
			return (await reading).flatMap((item) => (item.kind === "replay.updated" ? [item] : []));
		};
		expect((await tell(2)).map(({ waitingFor }) => waitingFor)).toEqual([undefined, "storedBytes"]);
		// Many looks.
		for (let n = 0; n < 50; n++) {
			test.clock.advance(100);
			await new Promise((resolve) => setImmediate(resolve));
		}
		await test.engine.projects.update(test.change, { maxStoredBytes: 1_000_000 });
		const all = await tell(4);
		expect(all.map(({ waitingFor }) => waitingFor)).toEqual([undefined, "storedBytes", undefined, undefined]);
		expect(all.map(({ status }) => status)).toEqual(["Running", "Running", "Running", "Finished"]);
	});

	it("shows why a webhook was disabled, and changes of a delivery by hand", async () => {
		const { receiver, test } = await openDelivering();
		receiver.respond([{ status: 410 }]);
		const items = watch(test);
		await test.send();
		const reason = "the receiver responded with 410 Gone";
		const disabled = { kind: "webhook.updated", status: "Disabled", reason };
		expect(await items(4)).toContainEqual(expect.objectContaining(disabled));
		const delivery = await test.delivery(await test.send(), { status: "Held" });
		await test.engine.deliveries.cancel(test.change, delivery.id);
		const cancelled = { deliveryId: delivery.id, status: "Cancelled", reason: "cancelled by hand" };
		expect((await items(6))[5]).toMatchObject({ kind: "delivery.updated", ...cancelled });
	});

	it("shows once that a delivery was cancelled that waits in memory for its attempt", async () => {
		let isGivenBack = false;
		await using test = await openTestEngine({
			beforeCommit: ({ updates }) => {
				isGivenBack ||= updates.some(({ change }) => change.type === "release");
			},
		});
		await test.createWebhook(NOBODY);
		// The webhook is read before the attempt, which takes until its event is erased.
		const read = test.store.webhookRecords.bind(test.store);
		const { promise: erased, resolve: goOn } = Promise.withResolvers<void>();
		let isAsked = false;
		test.engineStore.webhookRecords = async (ids) => {
			isAsked = true;
			await erased;
			return read(ids);
		};
		const items = watch(test);
		const eventId = await test.send();
		await eventually("the webhook is read", () => isAsked);
		await test.engine.events.erasePayload(test.change, eventId);
		goOn();
		const { id } = await test.delivery(eventId, { status: "Cancelled" });
		await eventually("it is given back", () => isGivenBack);
		await test.send({ webhookIds: [] });
		const all = (await items(3)).map((item) => `${item.kind} ${"deliveryId" in item ? item.deliveryId : ""}`);
		expect(all).toEqual(["event.accepted ", `delivery.updated ${id}`, "event.accepted "]);
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
		await test.engine.eventTypes.create(test.change, "hidden", { ...NO_SETTINGS, visibility: "internal" });
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
		const open = (projectId: string, principal: Principal | null) =>
			subscribe(test, { scope: projectScope(projectId), principal });
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
