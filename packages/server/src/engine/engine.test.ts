import { describe, expect, it } from "vitest";

import { answers, startReceiver, type ReceivedRequest } from "../../test/receiver.ts";
import { eventInput, eventually, openTestEngine } from "../../test/test-engine.ts";
import { FanfareError } from "../core/errors.ts";
import { sign, signingKey } from "../core/signing.ts";
import { StoreError } from "../ports/store.ts";

describe("a delivery's way", () => {
	it("ends with the first 2xx, and the log has its attempt", async () => {
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
		const [attempt] = await test.store.attempts(delivery.id);
		expect(attempt).toMatchObject({ number: 1, trigger: "auto", responseCode: 200, error: null });
		expect(attempt!.requestHeaders).toMatchObject({ "webhook-id": eventId, "x-tenant": "***" });
	});

	it("goes on after each failure when the back-off is over, not before, until retries are exhausted", async () => {
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
		expect(failed.reason).toBe("exhausted after 3 attempts: the receiver answered 500");
		const ids = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
		expect([...ids]).toEqual([eventId]);
	});

	it("waits for Retry-After, which can only lengthen the back-off", async () => {
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

	it("reads a change of the retry policy for the next wait", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		await test.engine.webhooks.update(test.projectId, webhook.id, { retries: { maxRetries: 1 } });
		test.clock.advance(1_020);
		await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
	});

	it("is made for named webhooks whatever their filter, and for matching ones else", async () => {
		await using test = await openTestEngine();
		const users = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["user.*"] });
		const orders = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["order.paid"] });
		const matched = await test.send({ type: "user.created" });
		const named = await test.send({ type: "user.created", webhookIds: [orders.id] });
		const nobody = await test.send({ type: "other" });
		expect((await test.deliveries({ eventId: matched })).map(({ webhookId }) => webhookId)).toEqual([users.id]);
		expect((await test.deliveries({ eventId: named })).map(({ webhookId }) => webhookId)).toEqual([orders.id]);
		expect(await test.deliveries({ eventId: nobody })).toEqual([]);
		await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toMatchObject({ code: "unknown_webhook" });
	});
});

describe("pausing, disabling and deleting", () => {
	it("holds what waits and what comes, and lets all of it go in the order of creation", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		const webhook = await test.createWebhook(receiver.url);
		const waiting = await test.send();
		await test.delivery(waiting, { status: "Pending", attemptCount: 1 });
		await test.engine.webhooks.pause(test.projectId, webhook.id);
		await test.delivery(waiting, { status: "Held", reason: "the webhook is paused" });
		const later: string[] = [];
		for (let count = 0; count < 20; count++) later.push(await test.send());
		await test.delivery(later[0]!, { status: "Held" });
		test.clock.advance(60_000);
		expect(receiver.requests).toHaveLength(1);

		await test.engine.webhooks.resume(test.projectId, webhook.id);
		test.clock.advance(20);
		await receiver.waitFor(22);
		expect(receiver.requests.slice(1).map(({ headers }) => headers["webhook-id"])).toEqual([waiting, ...later]);
	});

	it("disables a webhook whose receiver answers 410, and holds what comes after", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 410 }]);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const gone = await test.send();
		await test.delivery(gone, { status: "Failed", responseCode: 410 });
		await eventually("the webhook is disabled", () => {
			const { status, disabledReason } = test.engine.webhooks.get(test.projectId, webhook.id);
			return status === "Disabled" && disabledReason === "the receiver answered 410 Gone";
		});
		const held = await test.send();
		await test.delivery(held, { status: "Held" });
		await test.engine.webhooks.resume(test.projectId, webhook.id);
		test.clock.advance(20);
		await test.delivery(held, { status: "Succeeded" });
	});

	it("cancels what waits for a deleted webhook, in its log for all to see", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const ids = await Promise.all(Array.from({ length: 600 }, () => test.send()));
		await receiver.waitFor(1);
		await test.engine.webhooks.delete(test.projectId, webhook.id);
		for (const id of ids) await test.delivery(id, { status: "Cancelled", reason: "the webhook was deleted" });
		expect(() => test.engine.webhooks.get(test.projectId, webhook.id)).toThrow(/No such webhook/);
	});

	it("goes on with what a stop interrupted: held stays held, cancelled becomes cancelled", async () => {
		await using receiver = await startReceiver();
		const first = await openTestEngine();
		const webhook = await first.createWebhook(receiver.url);
		await first.engine.webhooks.pause(first.projectId, webhook.id);
		const held = await first.send();
		const records = await first.store.webhookRecords();
		// As if the process had died between the deletion and its sweep.
		await first.store.updateWebhook({ ...records[0]!, deleteDate: first.clock.now() });
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(held, { status: "Cancelled" });
		expect(receiver.requests).toHaveLength(0);
	});

	it("lets go of a deleted project: its webhooks, its keys, and what waits", async () => {
		await using test = await openTestEngine();
		await test.createWebhook("http://127.0.0.1:9/");
		const { secretKey } = await test.engine.keys.create({ name: "k", scope: "write", projectId: test.projectId });
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		await test.engine.projects.delete(test.projectId);
		await test.delivery(eventId, { status: "Cancelled" });
		expect(test.engine.keys.authenticate(secretKey)).toBeNull();
		await expect(test.send()).rejects.toMatchObject({ code: "project_not_found" });
	});
});

describe("the ready queue", () => {
	it("delivers everything, once and in order, when far more waits than it holds", async () => {
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

	it("keeps room for others while webhooks hang, in flight and in memory", async () => {
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

	it("lets go at once of what is ready for a webhook that is paused", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		const webhook = await test.createWebhook(hanging.url);
		for (let count = 0; count < 20; count++) await test.send();
		await hanging.waitFor(1);
		expect(test.engine.gauges().readyDeliveries).toBe(19);
		await test.engine.webhooks.pause(test.projectId, webhook.id);
		expect(test.engine.gauges().readyDeliveries).toBe(0);
	});

	it("sends nothing twice when the clock jumps over all leases while attempts are in flight", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ delayMs: 100 }));
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const ids = await Promise.all(Array.from({ length: 10 }, () => test.send()));
		await receiver.waitFor(10);
		test.clock.advance(3_600_000);
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		test.clock.advance(3_600_000);
		expect(receiver.requests).toHaveLength(10);
	});
});

describe("by hand", () => {
	it("retries a failed delivery, and leaves it Failed with one more attempt if that fails", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }, { status: 500 }]);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		const failed = await test.delivery(await test.send(), { status: "Failed" });
		const { deliveries } = test.engine;
		expect(await deliveries.retry(test.projectId, failed.id)).toMatchObject({ status: "Pending" });
		test.clock.advance(20);
		await test.delivery(failed.eventId, { status: "Failed", attemptCount: 2 });
		await deliveries.retry(test.projectId, failed.id);
		test.clock.advance(20);
		await test.delivery(failed.eventId, { status: "Succeeded", attemptCount: 3 });
		const triggers = (await test.store.attempts(failed.id)).map(({ trigger }) => trigger);
		expect(triggers).toEqual(["auto", "manual", "manual"]);
		await expect(deliveries.retry(test.projectId, failed.id)).rejects.toMatchObject({
			code: "delivery_not_changeable",
		});
	});

	it("attempts a waiting delivery now, once for two who ask at once, and keeps its schedule if that fails", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }, { status: 500 }]);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const waiting = await test.delivery(await test.send(), { status: "Pending", attemptCount: 1 });
		const retry = () => test.engine.deliveries.retry(test.projectId, waiting.id);
		await Promise.all([retry(), retry()]);
		test.clock.advance(20);
		const after = await test.delivery(waiting.eventId, { status: "Pending", attemptCount: 2 });
		expect(after.nextAttemptAt).toBe(waiting.nextAttemptAt);
		expect(after.autoAttemptCount).toBe(1);
		test.clock.advance(1_000);
		await test.delivery(waiting.eventId, { status: "Succeeded", attemptCount: 3 });
	});

	it("cancels what waits, ready in memory or not, and retries what was cancelled", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ delayMs: 50 }]);
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		await test.createWebhook(receiver.url);
		const ids = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		const ready = await test.delivery(ids[1]!, { status: "Pending" });
		expect(await test.engine.deliveries.cancel(test.projectId, ready.id)).toMatchObject({
			status: "Cancelled",
			reason: "cancelled by hand",
		});
		await test.delivery(ids[2]!, { status: "Succeeded" });
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([ids[0], ids[2]]);
		await test.engine.deliveries.retry(test.projectId, ready.id);
		test.clock.advance(20);
		await test.delivery(ids[1]!, { status: "Succeeded", attemptCount: 1 });
	});

	it("refuses to retry for a webhook that is paused", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		const failed = await test.delivery(await test.send(), { status: "Failed" });
		await test.engine.webhooks.pause(test.projectId, webhook.id);
		const retried = test.engine.deliveries.retry(test.projectId, failed.id);
		await expect(retried).rejects.toMatchObject({ code: "webhook_not_active" });
	});

	it("retries and cancels all that a filter matches, and nothing else", async () => {
		await using receiver = await startReceiver();
		receiver.script((request) => ({ status: request.path === "/bad" ? 500 : 200 }));
		await using test = await openTestEngine();
		const once = { maxRetries: 0, maxBackoffMs: 0 };
		const bad = await test.createWebhook(`${receiver.url}/bad`, { eventTypes: ["bad"], retries: once });
		const other = await test.createWebhook(`${receiver.url}/bad`, { eventTypes: ["other"], retries: once });
		const ids = await Promise.all(Array.from({ length: 450 }, () => test.send({ type: "bad" })));
		const otherId = await test.send({ type: "other" });
		for (const id of [...ids, otherId]) await test.delivery(id, { status: "Failed" });
		const filter = { eventId: null, eventType: null, responseCode: null, after: null, before: null };
		receiver.script(() => ({}));
		const { deliveries } = test.engine;
		const retried = await deliveries.retryMany(test.projectId, { ...filter, webhookId: bad.id, status: "Failed" });
		expect(retried).toEqual({ matched: 450, changed: 450, complete: true });
		test.clock.advance(20);
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 2 });
		await test.delivery(otherId, { status: "Failed", attemptCount: 1 });
		await test.engine.webhooks.pause(test.projectId, other.id);
		const held = await test.send({ type: "other" });
		const cancelled = await deliveries.cancelMany(test.projectId, { ...filter, webhookId: other.id, status: null });
		expect(cancelled).toEqual({ matched: 2, changed: 1, complete: true });
		await test.delivery(held, { status: "Cancelled" });
	});
});

describe("rate limits", () => {
	it("never send more in any second than the limit and a burst of the same size, and lose nothing", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const times: number[] = [];
		receiver.script(() => {
			times.push(test.clock.now());
			return {};
		});
		test.clock.advance(60_000);
		const webhook = await test.createWebhook(receiver.url, { rateLimit: { perSecond: 10 } });
		const ids = await Promise.all(Array.from({ length: 60 }, () => test.send()));
		for (let step = 0; step < 60; step++) {
			await eventually("what may go has gone", () => test.engine.gauges().inFlightAttempts === 0);
			test.clock.advance(100);
		}
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		for (const at of times)
			expect(times.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(20);
		expect(times.filter((at) => at === times[0]).length).toBe(10);

		await test.engine.webhooks.update(test.projectId, webhook.id, { rateLimit: null });
		const free = await Promise.all(Array.from({ length: 60 }, () => test.send()));
		for (const id of free) await test.delivery(id, { status: "Succeeded" });
	});
});

describe("a retry schedule", () => {
	it("takes the place of the exponential waits", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url, {
			retries: { maxRetries: 2, maxBackoffMs: 1, scheduleMs: [5_000, 300_000] },
		});
		const eventId = await test.send();
		for (const [count, waitMs] of [5_000, 300_000].entries()) {
			const delivery = await test.delivery(eventId, { status: "Pending", attemptCount: count + 1 });
			expect(delivery.nextAttemptAt).toBe(test.clock.now() + waitMs);
			test.clock.advance(waitMs + 20);
		}
		await test.delivery(eventId, { status: "Failed", attemptCount: 3 });
	});
});

describe("a change of the secret", () => {
	const secret = (fill: number) => Buffer.alloc(32, fill);
	const signedBy = (request: ReceivedRequest, fill: number): boolean => {
		const id = String(request.headers["webhook-id"]);
		const signature = sign(
			[signingKey(secret(fill))],
			id,
			Number(request.headers["webhook-timestamp"]),
			request.rawBody,
		);
		return String(request.headers["webhook-signature"]).split(" ").includes(signature);
	};

	it("lets the old secret sign beside the new one until the overlap is over, newest first", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		const { webhooks } = test.engine;
		await webhooks.updateSecret(test.projectId, id, secret(1), 0);
		const now = test.clock.now();
		expect(await webhooks.updateSecret(test.projectId, id, secret(2), 60_000)).toMatchObject({
			secretOverlapUntil: now + 60_000,
		});
		// A second rotation within the overlap: three sign, the oldest until its own time.
		expect(await webhooks.updateSecret(test.projectId, id, secret(3), 120_000)).toMatchObject({
			secretOverlapUntil: now + 120_000,
		});
		const signers = async () => {
			await test.delivery(await test.send(), { status: "Succeeded" });
			const request = receiver.requests.at(-1)!;
			const count = String(request.headers["webhook-signature"]).split(" ").length;
			return { count, by: [1, 2, 3].filter((fill) => signedBy(request, fill)) };
		};
		expect(await signers()).toEqual({ count: 3, by: [1, 2, 3] });
		test.clock.advance(60_000);
		expect(await signers()).toEqual({ count: 2, by: [2, 3] });
		test.clock.advance(60_000);
		expect(await signers()).toEqual({ count: 1, by: [3] });
		expect(webhooks.get(test.projectId, id).secretOverlapUntil).toBeNull();
	});

	it("keeps five secrets at most", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		for (let fill = 1; fill <= 8; fill++) {
			await test.engine.webhooks.updateSecret(test.projectId, id, secret(fill), 60_000);
		}
		await test.delivery(await test.send(), { status: "Succeeded" });
		const [request] = receiver.requests;
		expect([1, 2, 3, 4, 5, 6, 7, 8].filter((fill) => signedBy(request!, fill))).toEqual([4, 5, 6, 7, 8]);
	});

	it("ends the old secret at once when no overlap is wanted", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		await test.engine.webhooks.updateSecret(test.projectId, id, secret(1), 0);
		const changed = await test.engine.webhooks.updateSecret(test.projectId, id, secret(2), 0);
		expect(changed.secretOverlapUntil).toBeNull();
		await test.delivery(await test.send(), { status: "Succeeded" });
		expect(signedBy(receiver.requests[0]!, 1)).toBe(false);
		expect(signedBy(receiver.requests[0]!, 2)).toBe(true);
	});
});

describe("idempotency", () => {
	it("makes one event of 50 sends at once with the same key and content", async () => {
		await using test = await openTestEngine();
		const input = eventInput({ idempotencyKey: "once", dataJson: '{"a":1}' });
		const sent = await Promise.all(Array.from({ length: 50 }, () => test.engine.intake.send(test.projectId, input)));
		expect(new Set(sent.map(({ event }) => event.id)).size).toBe(1);
		expect(sent.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
	});

	it("refuses another content under the same key, and another project's key is another", async () => {
		await using test = await openTestEngine();
		await test.send({ idempotencyKey: "k", dataJson: "1" });
		await expect(test.send({ idempotencyKey: "k", dataJson: "2" })).rejects.toMatchObject({
			code: "idempotency_conflict",
		});
		const other = await test.engine.projects.create("other");
		const sent = await test.engine.intake.send(other.id, eventInput({ idempotencyKey: "k", dataJson: "2" }));
		expect(sent.duplicate).toBe(false);
	});

	it("remembers keys for 24 hours at least, and forgets them after", async () => {
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
		const results = await test.engine.intake.sendBatch(test.projectId, [
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
	});
});

describe("a failing store", () => {
	it("refuses sends with its code, and writes the outcomes of attempts when it has recovered", async () => {
		let full = false;
		await using receiver = await startReceiver();
		await using test = await openTestEngine({
			beforeCommit() {
				if (full) throw new StoreError("store_full", "no space");
			},
		});
		await test.createWebhook(receiver.url);
		receiver.script(() => {
			full = true;
			return {};
		});
		const eventId = await test.send();
		await receiver.waitFor(1);
		await eventually("the outcome could not be written", () => test.observer.problems.length > 0);
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		full = false;
		test.clock.advance(1_000);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
		receiver.script(() => ({}));
		await test.delivery(await test.send(), { status: "Succeeded" });
	});

	it("fails alone what alone it can't write", async () => {
		await using test = await openTestEngine({
			beforeCommit({ events }) {
				if (events.some(({ event }) => event.type === "poison")) throw new StoreError("store_conflict", "no");
			},
		});
		const sends = ["fine", "poison", "fine", "fine"].map((type) => test.send({ type }));
		const results = await Promise.allSettled(sends);
		expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
	});
});

describe("intake", () => {
	it("refuses quickly when too much waits for its commit, and takes sends again after", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 10 } });
		const results = await Promise.allSettled(Array.from({ length: 30 }, () => test.send()));
		const refused = results.filter((result) => result.status === "rejected");
		expect(refused).toHaveLength(20);
		expect(refused[0]).toMatchObject({ reason: { code: "overloaded" } });
		await test.send();
	});
});

describe("stopping", () => {
	it("lets attempts in flight finish and writes them, refuses sends, and leaves the rest for the next start", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ delayMs: 100 }));
		const limits = { maxInFlight: 2, maxInFlightPerWebhook: 1 };
		const first = await openTestEngine({ limits, keepStore: true });
		await first.createWebhook(receiver.url);
		const ids = await Promise.all(Array.from({ length: 5 }, () => first.send()));
		await receiver.waitFor(1);
		const stopped = first.engine.stop();
		await expect(first.send()).rejects.toMatchObject({ code: "shutting_down" });
		expect(first.engine.stop()).toBe(stopped);
		await stopped;
		expect(receiver.requests).toHaveLength(1);
		expect((await first.deliveries()).map(({ status }) => status).toSorted()).toEqual([
			...Array.from({ length: 4 }, () => "Pending"),
			"Succeeded",
		]);

		await using second = await openTestEngine({ limits, store: first.store });
		for (const id of ids) await second.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(5);
	});

	it("gives back an attempt that it cuts short: it uses up no retry and is made again", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ kind: "hang" }]);
		const first = await openTestEngine({ keepStore: true });
		await first.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		const eventId = await first.send();
		await receiver.waitFor(1);
		await first[Symbol.asyncDispose]();
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});
});
