// The engine with a real store, a real sender and real receivers: deliveries, their order and limits, and idempotency.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { answers, startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { projectScope } from "../core/access/principal.ts";
import { FanfareError } from "../core/errors.ts";
import { eventInput, eventually, openTestEngine } from "./test/test-engine.ts";

describe("a delivery", () => {
	it("ends with the first 2xx, and its attempt is in the log", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(`${receiver.url}/hook`, { headers: { "x-tenant": "hidden value" } });
		const eventId = await test.send({ dataJson: '{"n":1.0}' });
		const [request] = await receiver.waitFor(1);
		expect(request!.rawBody.toString()).toBe(
			'{"type":"test.event","timestamp":"2026-11-24T12:00:00.000Z","data":{"n":1.0}}',
		);
		expect(request!.headers["x-tenant"]).toBe("hidden value");
		const delivery = await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		const [attempt] = await test.attempts(delivery.id);
		expect(attempt).toMatchObject({ number: 1, trigger: "auto", responseCode: 200, error: null });
		expect(attempt!.requestHeaders).toMatchObject({ "webhook-id": eventId, "x-tenant": "***" });
	});

	it("is attempted again after each failure when its back-off has ended, and no sooner, until it is exhausted", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url, { retries: { maxRetries: 2, maxBackoffMs: 60_000 } });
		const eventId = await test.send();
		for (const [count, waitMs] of [1_000, 2_000].entries()) {
			const delivery = await test.delivery(eventId, { status: "Pending", attemptCount: count + 1 });
			expect(delivery.nextAttemptAt).toBe(test.clock.now() + waitMs);
			test.clock.advance(waitMs - 100);
			expect(receiver.requests).toHaveLength(count + 1);
			test.clock.advance(100 + 20);
			await receiver.waitFor(count + 2);
		}
		const failed = await test.delivery(eventId, { status: "Failed", attemptCount: 3 });
		expect(failed.reason).toBe("exhausted after 3 attempts: the receiver responded with 500");
		const ids = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
		expect([...ids]).toEqual([eventId]);
	});

	it("waits as long as Retry-After says, if that is longer than the back-off", async () => {
		await using receiver = await startReceiver();
		receiver.respond([answers.retryAfter(120, 429)]);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const eventId = await test.send();
		const delivery = await test.delivery(eventId, { attemptCount: 1 });
		expect(delivery.nextAttemptAt).toBe(test.clock.now() + 120_000);
		test.clock.advance(120_020);
		await test.delivery(eventId, { status: "Succeeded" });
	});

	it("follows a change of the retry policy from the next wait on", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		await test.engine.webhooks.update(test.change, webhook.id, { retries: { maxRetries: 1 } });
		test.clock.advance(1_020);
		await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
	});

	it("follows a change of the retry policy that is made while an attempt is in flight", async () => {
		await using receiver = await startReceiver();
		const { promise: response, resolve } = Promise.withResolvers<object>();
		receiver.script(() => response);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await receiver.waitFor(1);
		await test.engine.webhooks.update(test.change, webhook.id, { retries: { maxRetries: 0 } });
		resolve({ status: 500 });
		await test.delivery(eventId, { status: "Failed", attemptCount: 1 });
	});

	it("is made for the webhooks that a send names, whatever their filters, or else for those that match", async () => {
		await using test = await openTestEngine();
		const users = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["user.*"] });
		const orders = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["order.paid"] });
		const matched = await test.send({ type: "user.created" });
		const named = await test.send({ type: "user.created", webhookIds: [orders.id] });
		const unmatched = await test.send({ type: "other" });
		expect((await test.deliveries({ eventId: matched })).map(({ webhookId }) => webhookId)).toEqual([users.id]);
		expect((await test.deliveries({ eventId: named })).map(({ webhookId }) => webhookId)).toEqual([orders.id]);
		expect(await test.deliveries({ eventId: unmatched })).toEqual([]);
		await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toMatchObject({ code: "unknown_webhook" });
		const many = Array.from({ length: 1_000 }, (_, n) => `webhook_${n}`);
		await expect(test.send({ webhookIds: many })).rejects.toMatchObject({
			message: "No such webhook in this project: webhook_0 (and 999 more, see issues).",
			issues: { length: 51 },
		});
	});
});

describe("the ready queue", () => {
	it("delivers everything, once and in order, when far more deliveries wait than it has room for", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine({
			limits: { maxReady: 8, maxReadyPerWebhook: 4, maxInFlight: 2, maxInFlightPerWebhook: 1 },
		});
		await test.createWebhook(receiver.url);
		const sent: string[] = [];
		for (let count = 0; count < 300; count++) sent.push(await test.send());
		await receiver.waitFor(300);
		await test.delivery(sent.at(-1)!, { status: "Succeeded" });
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual(sent);
	});

	it("sends deliveries through the store while an older one without room is being committed", async () => {
		await using receiver = await startReceiver();
		const isLeased: boolean[] = [];
		let gate: PromiseWithResolvers<void> | null = null;
		const reached = Promise.withResolvers<void>();
		await using test = await openTestEngine({
			limits: { maxReadyPerWebhook: 1 },
			beforeCommit({ events }) {
				for (const { deliveries } of events) isLeased.push(deliveries[0]!.state.leaseUntil !== null);
				if (gate === null || events.length === 0) return undefined;
				reached.resolve();
				return gate.promise;
			},
		});
		test.clock.advance(1_000);
		await test.createWebhook(receiver.url, { rateLimit: { perSecond: 1 } });
		const ids = [await test.send(), await test.send()];
		await receiver.waitFor(1);
		gate = Promise.withResolvers();
		const third = test.send();
		await reached.promise;
		const fourth = test.send();
		test.clock.advance(1_000);
		await receiver.waitFor(2);
		gate.resolve();
		ids.push(await third, await fourth);
		await eventually("all four have arrived", () => {
			test.clock.advance(100);
			return receiver.requests.length === 4;
		});
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual(ids);
		expect(isLeased).toEqual([true, true, false, false]);
	});

	it("keeps room for other webhooks while some hang, in flight and in memory", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using healthy = await startReceiver();
		await using test = await openTestEngine({ limits: { maxInFlight: 16, maxInFlightPerWebhook: 16, maxReady: 64 } });
		for (let count = 0; count < 5; count++) await test.createWebhook(hanging.url, { eventTypes: ["hang"] });
		await test.createWebhook(healthy.url, { eventTypes: ["fine"] });
		for (let count = 0; count < 50; count++) await test.send({ type: "hang" });
		await hanging.waitFor(10);
		const fine = await Promise.all(Array.from({ length: 100 }, () => test.send({ type: "fine" })));
		await healthy.waitFor(100);
		for (const id of fine) await test.delivery(id, { status: "Succeeded" });
		expect(test.engine.gauges().inFlightAttempts).toBeLessThan(16);
	});

	it("delivers a new event of another webhook soon, while far more deliveries wait than it has room for", async () => {
		await using receiver = await startReceiver();
		receiver.script(({ path }) => (path === "/new" ? {} : { delayMs: 5 }));
		await using test = await openTestEngine({ limits: { maxInFlight: 4, maxReady: 40 } });
		const backlogged: string[] = [];
		for (let n = 0; n < 60; n++) {
			const { id } = await test.createWebhook(`${receiver.url}/${n}`, { eventTypes: ["old"] });
			await test.engine.webhooks.pause(test.change, id);
			backlogged.push(id);
		}
		await test.createWebhook(`${receiver.url}/new`, { eventTypes: ["new"] });
		for (let n = 0; n < 20; n++) await test.send({ type: "old" });
		for (const id of backlogged) await test.engine.webhooks.resume(test.change, id);
		await receiver.waitFor(100);

		const eventId = await test.send({ type: "new" });
		const before = receiver.requests.length;
		await test.delivery(eventId, { status: "Succeeded" });
		const place = receiver.requests.findIndex(({ path }) => path === "/new") - before;
		// After the attempts in flight and one delivery of each lane in memory, but not after the lanes that wait for
		// the store.
		expect(place).toBeLessThan(40);
		await receiver.waitFor(1_201);
	});

	it("never makes more attempts at once to one webhook than its limit", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using other = await startReceiver();
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 3 } });
		await test.createWebhook(hanging.url, { eventTypes: ["hang"] });
		await test.createWebhook(other.url, { eventTypes: ["fine"] });
		for (let count = 0; count < 20; count++) await test.send({ type: "hang" });
		await hanging.waitFor(3);
		await test.delivery(await test.send({ type: "fine" }), { status: "Succeeded" });
		expect(hanging.requests).toHaveLength(3);
	});

	it("makes few attempts at once to a webhook that only fails, and one more with each success to a healthy one", async () => {
		await using failing = await startReceiver();
		failing.script((_request, index) => (index < 5 ? { status: 500 } : { kind: "hang" }));
		await using healthy = await startReceiver();
		healthy.script((_request, index) => (index < 32 ? {} : { kind: "hang" }));
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 100, maxInFlightWhileFailing: 2 } });
		await test.createWebhook(failing.url, { eventTypes: ["fail"] });
		await test.createWebhook(healthy.url, { eventTypes: ["fine"] });
		for (let count = 0; count < 5; count++) {
			await test.delivery(await test.send({ type: "fail" }), { attemptCount: 1 });
		}
		await Promise.all(Array.from({ length: 20 }, () => test.send({ type: "fail" })));
		await failing.waitFor(7);
		await Promise.all(Array.from({ length: 120 }, () => test.send({ type: "fine" })));
		await healthy.waitFor(32 + 64);
		await eventually("the limits are reached", () => test.engine.gauges().inFlightAttempts === 2 + 64);
		expect([failing.requests.length, healthy.requests.length]).toEqual([7, 96]);
	});

	it("sends a delivery only once if it was ready when the clock jumped past its lease", async () => {
		await using receiver = await startReceiver();
		const { promise: response, resolve } = Promise.withResolvers<object>();
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		const leasesLeftMs: number[] = [];
		receiver.script(async ({ headers }, index) => {
			if (index === 0) return response;
			const [delivery] = await test.deliveries({ eventId: String(headers["webhook-id"]) });
			leasesLeftMs.push((delivery?.leaseUntil ?? 0) - test.clock.now());
			return {};
		});
		await test.createWebhook(receiver.url);
		const ids = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		test.clock.step(3_600_000);
		resolve({});
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(3);
		// Long enough for an attempt and the commit of its outcome.
		expect(Math.min(...leasesLeftMs)).toBeGreaterThanOrEqual(DEADLINE_MS + 5_000);
	});

	it("drops the ready deliveries of a webhook as soon as it is paused", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		const webhook = await test.createWebhook(hanging.url);
		for (let count = 0; count < 20; count++) await test.send();
		await hanging.waitFor(1);
		expect(test.engine.gauges().readyDeliveries).toBe(19);
		await test.engine.webhooks.pause(test.change, webhook.id);
		expect(test.engine.gauges().readyDeliveries).toBe(0);
	});

	it("sends no delivery twice when the clock jumps past all leases while attempts are in flight", async () => {
		await using receiver = await startReceiver();
		const answer = Promise.withResolvers<object>();
		receiver.script(() => answer.promise);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const ids = await Promise.all(Array.from({ length: 10 }, () => test.send()));
		await receiver.waitFor(10);
		test.clock.advance(3_600_000);
		answer.resolve({});
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		test.clock.advance(3_600_000);
		expect(receiver.requests).toHaveLength(10);
	});
});

describe("idempotency", () => {
	it("accepts one event of 50 sends at once with the same key and content", async () => {
		await using test = await openTestEngine();
		const input = eventInput({ idempotencyKey: "once", dataJson: '{"a":1}' });
		const sent = await Promise.all(Array.from({ length: 50 }, () => test.engine.intake.send(test.scope, input)));
		expect(new Set(sent.map(({ event }) => event.id)).size).toBe(1);
		expect(sent.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
	});

	it("refuses other content with the same key, and keeps the keys of projects apart", async () => {
		await using test = await openTestEngine();
		await test.send({ idempotencyKey: "k", dataJson: "1" });
		await expect(test.send({ idempotencyKey: "k", dataJson: "2" })).rejects.toMatchObject({
			code: "idempotency_conflict",
		});
		const other = await test.engine.projects.create("other", null);
		const sent = await test.engine.intake.send(
			projectScope(other.id),
			eventInput({ idempotencyKey: "k", dataJson: "2" }),
		);
		expect(sent.duplicate).toBe(false);
	});

	it("remembers keys for at least 24 hours, and forgets them later", async () => {
		await using test = await openTestEngine();
		await test.send({ idempotencyKey: "old", dataJson: "1" });
		test.clock.advance(2 * 3_600_000);
		await test.send({ idempotencyKey: "k", dataJson: "1" });
		test.clock.advance(24 * 3_600_000);
		await eventually("the older key is forgotten", () => {
			test.clock.advance(1_000);
			return test.send({ idempotencyKey: "old", dataJson: "2" }).catch(() => null);
		});
		await expect(test.send({ idempotencyKey: "k", dataJson: "2" })).rejects.toThrow(FanfareError);
	});

	it("lets each event of a batch succeed or fail by itself", async () => {
		await using test = await openTestEngine();
		await test.send({ idempotencyKey: "taken", dataJson: "1" });
		const results = await test.engine.intake.sendBatch(test.scope, [
			eventInput({ dataJson: "1" }),
			eventInput({ idempotencyKey: "taken", dataJson: "2" }),
			eventInput({ idempotencyKey: "same" }),
			eventInput({ idempotencyKey: "same" }),
			eventInput({ dataJson: `"${"x".repeat(300_000)}"` }),
		]);
		expect(results.map((result) => (result instanceof FanfareError ? result.code : result.duplicate))).toEqual([
			false,
			"idempotency_conflict",
			false,
			true,
			"payload_too_large",
		]);
		await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toThrow("No such webhook");
		const counted = ["payload_too_large", "idempotency_conflict", "unknown_webhook"];
		expect(test.observer.refusals).toEqual(counted);
	});
});

describe("the intake", () => {
	it("refuses sends while too many wait for their commit, and accepts sends again afterwards", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 10 } });
		const results = await Promise.allSettled(Array.from({ length: 30 }, () => test.send()));
		const refused = results.filter((result) => result.status === "rejected");
		expect(refused).toHaveLength(23);
		expect(refused[0]).toMatchObject({ reason: { code: "overloaded" } });
		await test.send();
	});
});
