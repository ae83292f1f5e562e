// Retries and cancellations by hand, and the settings of a webhook that affect its deliveries.
import { startReceiver, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { sign, signingKey } from "../../core/crypto/signing.ts";
import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

it("retries at a webhook's new endpoint when the old one responds with 410 to an attempt in flight", async () => {
	await using receiver = await startReceiver();
	const { promise: response, resolve: respond } = Promise.withResolvers<{ status: number }>();
	receiver.script(({ path }) => (path === "/old" ? response : {}));
	await using test = await openTestEngine();
	const webhook = await test.createWebhook(`${receiver.url}/old`, { retries: { maxRetries: 1, maxBackoffMs: 0 } });
	const eventId = await test.send();
	await receiver.waitFor(1);
	await test.engine.webhooks.update(test.change, webhook.id, { endpoint: `${receiver.url}/new` });
	respond({ status: 410 });
	await receiver.waitFor(2);
	await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	expect(receiver.requests.map(({ path }) => path)).toEqual(["/old", "/new"]);
	expect(await test.engine.webhooks.get(test.scope, webhook.id)).toMatchObject({ status: "Enabled" });
});

describe("retrying and cancelling by hand", () => {
	it("retries a failed delivery, and leaves it Failed with one more attempt if that fails", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }, { status: 500 }]);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		const failed = await test.delivery(await test.send(), { status: "Failed" });
		const { deliveries } = test.engine;
		expect(await deliveries.retry(test.change, failed.id)).toMatchObject({ status: "Pending" });
		test.clock.advance(20);
		await test.delivery(failed.eventId, { status: "Failed", attemptCount: 2 });
		await deliveries.retry(test.change, failed.id);
		test.clock.advance(20);
		await test.delivery(failed.eventId, { status: "Succeeded", attemptCount: 3 });
		const triggers = (await test.attempts(failed.id)).map(({ trigger }) => trigger);
		expect(triggers).toEqual(["auto", "manual", "manual"]);
		await expect(deliveries.retry(test.change, failed.id)).rejects.toMatchObject({
			code: "delivery_not_changeable",
		});
	});

	it("attempts a waiting delivery now, once for two calls at once, and keeps its schedule if that fails", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }, { status: 500 }]);
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const waiting = await test.delivery(await test.send(), { status: "Pending", attemptCount: 1 });
		const retry = () => test.engine.deliveries.retry(test.change, waiting.id);
		await Promise.all([retry(), retry()]);
		test.clock.advance(20);
		const after = await test.delivery(waiting.eventId, { status: "Pending", attemptCount: 2 });
		expect(after.nextAttemptAt).toBe(waiting.nextAttemptAt);
		expect(after.autoAttemptCount).toBe(1);
		test.clock.advance(1_000);
		await test.delivery(waiting.eventId, { status: "Succeeded", attemptCount: 3 });
	});

	it("cancels a ready delivery, and retries it after that", async () => {
		await using receiver = await startReceiver();
		const answer = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? answer.promise : {}));
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		await test.createWebhook(receiver.url);
		const ids = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		const ready = await test.delivery(ids[1]!, { status: "Pending" });
		expect(await test.engine.deliveries.cancel(test.change, ready.id)).toMatchObject({
			status: "Cancelled",
			reason: "cancelled by hand",
		});
		answer.resolve({});
		await test.delivery(ids[2]!, { status: "Succeeded" });
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([ids[0], ids[2]]);
		await test.engine.deliveries.retry(test.change, ready.id);
		test.clock.advance(20);
		await test.delivery(ids[1]!, { status: "Succeeded", attemptCount: 1 });
	});

	it("makes a manual attempt although an earlier attempt is in flight and fails", async () => {
		await using receiver = await startReceiver();
		const { promise: failure, resolve: fail } = Promise.withResolvers<{ status: number }>();
		receiver.script((_request, index) => (index === 0 ? failure : {}));
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		const eventId = await test.send();
		await receiver.waitFor(1);
		const { id } = await test.delivery(eventId, { status: "Pending" });
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		test.clock.advance(20);
		fail({ status: 500 });
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		const attempts = await test.attempts(id);
		expect(attempts.map(({ trigger, responseCode }) => [trigger, responseCode])).toEqual([
			["auto", 500],
			["manual", 200],
		]);
	});

	it("retries a delivery that was cancelled in the ready queue and has not left its lane yet", async () => {
		await using receiver = await startReceiver();
		const { promise: response, resolve: respond } = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? response : {}));
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		await test.createWebhook(receiver.url);
		await test.send();
		await receiver.waitFor(1);
		const eventId = await test.send();
		const { id } = await test.delivery(eventId, { status: "Pending" });
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		await test.delivery(eventId, { leaseUntil: test.clock.now() + 120_000 });
		respond({});
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect((await test.attempts(id)).map(({ trigger }) => trigger)).toEqual(["manual"]);
	});

	it("refuses a retry while the webhook is paused", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		const failed = await test.delivery(await test.send(), { status: "Failed" });
		await test.engine.webhooks.pause(test.change, webhook.id);
		const retried = test.engine.deliveries.retry(test.change, failed.id);
		await expect(retried).rejects.toMatchObject({ code: "webhook_not_active" });
	});

	it("retries and cancels all deliveries that match a filter, and no others", async () => {
		await using receiver = await startReceiver();
		receiver.script((request) => ({ status: request.path === "/bad" ? 500 : 200 }));
		await using test = await openTestEngine();
		const once = { maxRetries: 0, maxBackoffMs: 0 };
		const bad = await test.createWebhook(`${receiver.url}/bad`, { eventTypes: ["bad"], retries: once });
		const other = await test.createWebhook(`${receiver.url}/bad`, { eventTypes: ["other"], retries: once });
		const ids = await Promise.all(Array.from({ length: 450 }, () => test.send({ type: "bad" })));
		const otherId = await test.send({ type: "other" });
		for (const id of [...ids, otherId]) await test.delivery(id, { status: "Failed" });
		receiver.script(() => ({}));
		const { deliveries } = test.engine;
		const retried = await deliveries.retryMany(test.change, {
			...ANY_DELIVERY,
			webhookId: bad.id,
			statuses: ["Failed"],
		});
		expect(retried).toEqual({ matched: 450, changed: 450, complete: true, goesOnAt: null });
		test.clock.advance(20);
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 2 });
		await test.delivery(otherId, { status: "Failed", attemptCount: 1 });
		await test.engine.webhooks.pause(test.change, other.id);
		const held = await test.send({ type: "other" });
		const cancelled = await deliveries.cancelMany(test.change, { ...ANY_DELIVERY, webhookId: other.id });
		expect(cancelled).toEqual({ matched: 1, changed: 1, complete: true, goesOnAt: null });
		await test.delivery(held, { status: "Cancelled" });
	});
});

describe("rate limits", () => {
	it("allow no more in any second than the limit and a burst of the same size, and lose nothing", async () => {
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
			await eventually(
				"all deliveries that the limit allows have ended",
				() => test.engine.gauges().inFlightAttempts === 0,
			);
			test.clock.advance(100);
		}
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		for (const at of times)
			expect(times.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(20);
		expect(times.filter((at) => at === times[0]).length).toBe(10);

		await test.engine.webhooks.update(test.change, webhook.id, { rateLimit: null });
		const free = await Promise.all(Array.from({ length: 60 }, () => test.send()));
		for (const id of free) await test.delivery(id, { status: "Succeeded" });
	});
});

describe("a retry schedule", () => {
	it("replaces the exponential back-off", async () => {
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

	it("lets the old secret sign beside the new one until the overlap ends, newest first", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		const { webhooks } = test.engine;
		await webhooks.updateSecret(test.change, id, secret(1), 0);
		const now = test.clock.now();
		expect(await webhooks.updateSecret(test.change, id, secret(2), 60_000)).toMatchObject({
			secretOverlapUntil: now + 60_000,
		});
		// A second rotation during the overlap: three secrets sign, the oldest until its own expiry.
		expect(await webhooks.updateSecret(test.change, id, secret(3), 120_000)).toMatchObject({
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
		expect((await webhooks.get(test.scope, id)).secretOverlapUntil).toBeNull();
	});

	it("takes effect with the next attempt, also under continuous traffic", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		await test.engine.webhooks.updateSecret(test.change, id, secret(1), 0);
		const after: string[] = [];
		const phase = { sending: true, rotated: false };
		const traffic = (async () => {
			while (phase.sending) {
				const eventId = await test.send();
				if (phase.rotated) after.push(eventId);
			}
		})();
		await receiver.waitFor(50);
		await test.engine.webhooks.updateSecret(test.change, id, secret(2), 60_000);
		phase.rotated = true;
		await eventually("events are sent after the rotation", () => after.length > 50);
		phase.sending = false;
		await traffic;
		for (const eventId of after) await test.delivery(eventId, { status: "Succeeded" });
		for (const request of receiver.requests) expect(signedBy(request, 1)).toBe(true);
		const ids = new Set(after);
		const later = receiver.requests.filter(({ headers }) => ids.has(String(headers["webhook-id"])));
		expect(later).toHaveLength(after.length);
		for (const request of later) expect(signedBy(request, 2)).toBe(true);
	});

	it("keeps five secrets at most", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		for (let fill = 1; fill <= 8; fill++) {
			await test.engine.webhooks.updateSecret(test.change, id, secret(fill), 60_000);
		}
		await test.delivery(await test.send(), { status: "Succeeded" });
		const [request] = receiver.requests;
		expect([1, 2, 3, 4, 5, 6, 7, 8].filter((fill) => signedBy(request!, fill))).toEqual([4, 5, 6, 7, 8]);
	});

	it("is no rotation if it is the same secret, and an older one comes back without signing twice", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		const put = (fill: number, overlapMs: number | null) =>
			test.engine.webhooks.updateSecret(test.change, id, secret(fill), overlapMs);
		const signers = async () => {
			await test.delivery(await test.send(), { status: "Succeeded" });
			const request = receiver.requests.at(-1)!;
			const count = String(request.headers["webhook-signature"]).split(" ").length;
			return { count, by: [1, 2, 3].filter((fill) => signedBy(request, fill)) };
		};
		await put(1, 0);
		const rotated = await put(2, 60_000);
		test.clock.advance(1_000);
		for (let again = 0; again < 5; again++) expect(await put(2, 60_000)).toEqual(rotated);
		expect(await signers()).toEqual({ count: 2, by: [1, 2] });

		// Back to the older one: the other now overlaps.
		const back = await put(1, 2 * 86_400_000);
		expect(back).toMatchObject({ secretOverlapUntil: test.clock.now() + 2 * 86_400_000 });
		expect(await signers()).toEqual({ count: 2, by: [1, 2] });
		// The same one again can end the overlap earlier, but not by the default, and never later.
		expect(await put(1, null)).toEqual(back);
		expect(await put(1, 3 * 86_400_000)).toEqual(back);
		expect(await put(1, 60_000)).toMatchObject({ secretOverlapUntil: test.clock.now() + 60_000 });
		expect(await put(1, 0)).toMatchObject({ secretOverlapUntil: null });
		expect(await signers()).toEqual({ count: 1, by: [1] });
	});

	it("expires the old secret at once if there is no overlap", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		await test.engine.webhooks.updateSecret(test.change, id, secret(1), 0);
		const changed = await test.engine.webhooks.updateSecret(test.change, id, secret(2), 0);
		expect(changed.secretOverlapUntil).toBeNull();
		await test.delivery(await test.send(), { status: "Succeeded" });
		expect(signedBy(receiver.requests[0]!, 1)).toBe(false);
		expect(signedBy(receiver.requests[0]!, 2)).toBe(true);
	});
});
