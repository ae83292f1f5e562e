// The engine with a real store, a real sender and real receivers: deliveries, their order, and their limits.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { answers } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { FAILS, HANGS, holdFirst, NOBODY, openDelivering, openReceiver, received } from "./test/delivering.ts";
import { eventually, openTestEngine } from "./test/test-engine.ts";

describe("a delivery", () => {
	it("ends with the first 2xx, and its attempt is in the log", async () => {
		const { test, receiver } = await openDelivering(null, { webhook: { headers: { "x-tenant": "hidden value" } } });
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

	it("is attempted again after each failure when its back-off or Retry-After has ended, and no sooner, until it is exhausted", async () => {
		const webhook = { retries: { maxRetries: 3, maxBackoffMs: 60_000 } };
		const { test, receiver } = await openDelivering(FAILS, { webhook });
		receiver.respond([{ status: 500 }, { status: 500 }, answers.retryAfter(120, 429)]);
		const eventId = await test.send();
		for (const [count, waitMs] of [1_000, 2_000, 120_000].entries()) {
			const delivery = await test.delivery(eventId, { status: "Pending", attemptCount: count + 1 });
			expect(delivery.nextAttemptAt).toBe(test.clock.now() + waitMs);
			test.clock.advance(waitMs - 100);
			expect(receiver.requests).toHaveLength(count + 1);
			test.clock.advance(100 + 20);
			await receiver.waitFor(count + 2);
		}
		const failed = await test.delivery(eventId, { status: "Failed", attemptCount: 4 });
		expect(failed.reason).toBe("exhausted after 4 attempts: the receiver responded with 500");
		expect(new Set(received(receiver))).toEqual(new Set([eventId]));
	});

	it("follows a change of the retry policy from the next wait on, also one that is made while an attempt is in flight", async () => {
		const { promise, resolve } = Promise.withResolvers<object>();
		const { test, receiver, webhook } = await openDelivering((_, index) => (index < 2 ? { status: 500 } : promise));
		const update = (maxRetries: number) =>
			test.engine.webhooks.update(test.change, webhook.id, { retries: { maxRetries } });
		const first = await test.send();
		await test.delivery(first, { attemptCount: 1 });
		await update(1);
		test.clock.advance(1_020);
		await test.delivery(first, { status: "Failed", attemptCount: 2 });
		const second = await test.send();
		await receiver.waitFor(3);
		await update(0);
		resolve({ status: 500 });
		await test.delivery(second, { status: "Failed", attemptCount: 1 });
	});

	it("is made for the webhooks that a send names, whatever their filters, or else for those that match", async () => {
		await using test = await openTestEngine();
		const users = await test.createWebhook(NOBODY, { eventTypes: ["user.*"] });
		const orders = await test.createWebhook(NOBODY, { eventTypes: ["order.paid"] });
		const reached = async (input: { type: string; webhookIds?: string[] }) =>
			(await test.deliveries({ eventId: await test.send(input) })).map(({ webhookId }) => webhookId);
		expect(await reached({ type: "user.created" })).toEqual([users.id]);
		expect(await reached({ type: "user.created", webhookIds: [orders.id] })).toEqual([orders.id]);
		expect(await reached({ type: "other" })).toEqual([]);
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
		const limits = { maxReady: 8, maxReadyPerWebhook: 4, maxInFlight: 2, maxInFlightPerWebhook: 1 };
		const { test, receiver } = await openDelivering(null, { limits });
		const sent: string[] = [];
		for (let count = 0; count < 100; count++) sent.push(await test.send());
		await receiver.waitFor(100);
		await test.delivery(sent.at(-1)!, { status: "Succeeded" });
		expect(received(receiver)).toEqual(sent);
	});

	it("sends deliveries through the store while an older one without room is being committed", async () => {
		const isLeased: boolean[] = [];
		let gate: PromiseWithResolvers<void> | null = null;
		const reached = Promise.withResolvers<void>();
		const { test, receiver } = await openDelivering(null, {
			limits: { maxReadyPerWebhook: 1 },
			webhook: { rateLimit: { perSecond: 1 } },
			beforeCommit({ events }) {
				for (const { deliveries } of events) isLeased.push(deliveries[0]!.state.leaseUntil !== null);
				if (gate === null || events.length === 0) return undefined;
				reached.resolve();
				return gate.promise;
			},
		});
		test.clock.advance(1_000);
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
		expect(received(receiver)).toEqual(ids);
		expect(isLeased).toEqual([true, true, false, false]);
	});

	it("keeps room for other webhooks while some hang, in flight and in memory", async () => {
		const limits = { maxInFlight: 16, maxInFlightPerWebhook: 16, maxReady: 64 };
		const { test, receiver: hanging } = await openDelivering(HANGS, { limits, webhook: { eventTypes: ["hang"] } });
		const healthy = await openReceiver();
		for (let count = 0; count < 4; count++) await test.createWebhook(hanging.url, { eventTypes: ["hang"] });
		await test.createWebhook(healthy.url, { eventTypes: ["fine"] });
		for (let count = 0; count < 50; count++) await test.send({ type: "hang" });
		await hanging.waitFor(10);
		const fine = await Promise.all(Array.from({ length: 100 }, () => test.send({ type: "fine" })));
		await healthy.waitFor(100);
		for (const id of fine) await test.delivery(id, { status: "Succeeded" });
		expect(test.engine.gauges().inFlightAttempts).toBeLessThan(16);
	});

	it("delivers a new event of another webhook soon, while far more deliveries wait than it has room for", async () => {
		const script = ({ path }: { path: string }) => (path === "/new" ? {} : { delayMs: 5 });
		await using test = await openTestEngine({ limits: { maxInFlight: 4, maxReady: 40 } });
		const receiver = await openReceiver(script);
		const backlogged: string[] = [];
		for (let n = 0; n < 60; n++) {
			const { id } = await test.createWebhook(`${receiver.url}/${n}`, { eventTypes: ["old"] });
			await test.engine.webhooks.pause(test.change, id);
			backlogged.push(id);
		}
		await test.createWebhook(`${receiver.url}/new`, { eventTypes: ["new"] });
		for (let n = 0; n < 5; n++) await test.send({ type: "old" });
		for (const id of backlogged) await test.engine.webhooks.resume(test.change, id);
		await receiver.waitFor(100);

		const eventId = await test.send({ type: "new" });
		const before = receiver.requests.length;
		await test.delivery(eventId, { status: "Succeeded" });
		const place = receiver.requests.findIndex(({ path }) => path === "/new") - before;
		// After the attempts in flight and one delivery of each lane in memory, but not after the lanes that wait for
		// the store.
		expect(place).toBeLessThan(40);
		await receiver.waitFor(301);
	});

	it("makes few attempts at once to a webhook that only fails, and one more with each success to a healthy one, up to its limit", async () => {
		const limits = { maxInFlightPerWebhook: 36, maxInFlightWhileFailing: 2 };
		const { test, receiver: failing } = await openDelivering(
			(_request, index) => (index < 5 ? { status: 500 } : { kind: "hang" }),
			{ limits, webhook: { eventTypes: ["fail"] } },
		);
		const healthy = await openReceiver((_request, index) => (index < 8 ? {} : { kind: "hang" }));
		await test.createWebhook(healthy.url, { eventTypes: ["fine"] });
		for (let count = 0; count < 5; count++) {
			await test.delivery(await test.send({ type: "fail" }), { attemptCount: 1 });
		}
		await Promise.all(Array.from({ length: 20 }, () => test.send({ type: "fail" })));
		await failing.waitFor(7);
		await Promise.all(Array.from({ length: 60 }, () => test.send({ type: "fine" })));
		// It began with 32.
		await healthy.waitFor(8 + 36);
		await eventually("the limits are reached", () => test.engine.gauges().inFlightAttempts === 2 + 36);
		expect([failing.requests.length, healthy.requests.length]).toEqual([7, 44]);
	});

	it("sends a delivery only once if it was ready when the clock jumped past its lease", async () => {
		const { promise, resolve } = Promise.withResolvers<object>();
		const leasesLeftMs: number[] = [];
		const { test, receiver } = await openDelivering(
			async ({ headers }, index) => {
				if (index === 0) return promise;
				const [delivery] = await test.deliveries({ eventId: String(headers["webhook-id"]) });
				leasesLeftMs.push((delivery?.leaseUntil ?? 0) - test.clock.now());
				return {};
			},
			{ limits: { maxInFlightPerWebhook: 1 } },
		);
		const ids = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		test.clock.step(3_600_000);
		resolve({});
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(3);
		// Long enough for an attempt and the commit of its outcome.
		expect(Math.min(...leasesLeftMs)).toBeGreaterThanOrEqual(DEADLINE_MS + 5_000);
	});

	it("sends no delivery twice when time passes all leases while attempts are in flight", async () => {
		const { script, answer } = holdFirst();
		const { test, receiver } = await openDelivering((request) => script(request, 0));
		const ids = await Promise.all(Array.from({ length: 10 }, () => test.send()));
		await receiver.waitFor(10);
		test.clock.advance(3_600_000);
		answer({});
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		test.clock.advance(3_600_000);
		expect(receiver.requests).toHaveLength(10);
	});
});
