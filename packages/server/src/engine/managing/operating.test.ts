// Retries and cancellations by hand, and the settings of a webhook that affect its deliveries.
import type { ReceivedRequest, Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { sign, signingKey } from "../../core/crypto/signing.ts";
import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import { codeOf, openDelivering } from "../test/arrangements.ts";
import { eventually } from "../test/test-engine.ts";

const ONCE = { retries: { maxRetries: 0, maxBackoffMs: 0 } };
const ONE_AT_A_TIME = { limits: { maxInFlightPerWebhook: 1 } };

/** The first request is answered when the test says so, all others at once with 200. */
function holdFirst(receiver: Receiver) {
	const first = Promise.withResolvers<{ status?: number }>();
	receiver.script((_request, index) => (index === 0 ? first.promise : {}));
	return first.resolve;
}

it("retries at a webhook's new endpoint when the old one responds with 410 to an attempt in flight", async () => {
	const { receiver, test, webhook } = await openDelivering({ retries: { maxRetries: 1, maxBackoffMs: 0 } });
	const respond = holdFirst(receiver);
	const eventId = await test.send();
	await receiver.waitFor(1);
	await test.engine.webhooks.update(test.change, webhook.id, { endpoint: `${receiver.url}/new` });
	respond({ status: 410 });
	await receiver.waitFor(2);
	await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	expect(receiver.requests.map(({ path }) => path)).toEqual([expect.not.stringContaining("new"), "/new"]);
	expect(await test.engine.webhooks.get(test.scope, webhook.id)).toMatchObject({ status: "Enabled" });
});

describe("retrying and cancelling by hand", () => {
	it("retries a failed delivery unless its webhook is paused, and leaves it Failed with one more attempt if that fails", async () => {
		const { receiver, test, id } = await openDelivering(ONCE);
		receiver.respond([{ status: 500 }, { status: 500 }]);
		const failed = await test.delivery(await test.send(), { status: "Failed" });
		const retry = () => test.engine.deliveries.retry(test.change, failed.id);
		await test.engine.webhooks.pause(test.change, id);
		expect(await codeOf(retry)).toBe("webhook_not_active");
		await test.engine.webhooks.resume(test.change, id);
		expect(await retry()).toMatchObject({ status: "Pending" });
		test.clock.advance(20);
		await test.delivery(failed.eventId, { status: "Failed", attemptCount: 2 });
		await retry();
		test.clock.advance(20);
		await test.delivery(failed.eventId, { status: "Succeeded", attemptCount: 3 });
		const triggers = (await test.attempts(failed.id)).map(({ trigger }) => trigger);
		expect(triggers).toEqual(["auto", "manual", "manual"]);
		expect(await codeOf(retry)).toBe("delivery_not_changeable");
	});

	it("attempts a waiting delivery now, once for two calls at once, and keeps its schedule if that fails", async () => {
		const { receiver, test } = await openDelivering();
		receiver.respond([{ status: 500 }, { status: 500 }]);
		const waiting = await test.delivery(await test.send(), { status: "Pending", attemptCount: 1 });
		const retry = () => test.engine.deliveries.retry(test.change, waiting.id);
		await Promise.all([retry(), retry()]);
		test.clock.advance(20);
		const after = await test.delivery(waiting.eventId, { status: "Pending", attemptCount: 2 });
		expect(after).toMatchObject({ nextAttemptAt: waiting.nextAttemptAt, autoAttemptCount: 1 });
		test.clock.advance(1_000);
		await test.delivery(waiting.eventId, { status: "Succeeded", attemptCount: 3 });
	});

	it("cancels a ready delivery, and retries it after that", async () => {
		const { receiver, test } = await openDelivering({}, ONE_AT_A_TIME);
		const respond = holdFirst(receiver);
		const ids = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		const ready = await test.delivery(ids[1]!, { status: "Pending" });
		const cancelled = await test.engine.deliveries.cancel(test.change, ready.id);
		expect(cancelled).toMatchObject({ status: "Cancelled", reason: "cancelled by hand" });
		respond({});
		await test.delivery(ids[2]!, { status: "Succeeded" });
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([ids[0], ids[2]]);
		await test.engine.deliveries.retry(test.change, ready.id);
		test.clock.advance(20);
		await test.delivery(ids[1]!, { status: "Succeeded", attemptCount: 1 });
	});

	it("makes a manual attempt although an earlier attempt is in flight and fails", async () => {
		const { receiver, test } = await openDelivering(ONCE);
		const respond = holdFirst(receiver);
		const eventId = await test.send();
		await receiver.waitFor(1);
		const { id } = await test.delivery(eventId, { status: "Pending" });
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		test.clock.advance(20);
		respond({ status: 500 });
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		const attempts = (await test.attempts(id)).map(({ trigger, responseCode }) => `${trigger} ${responseCode}`);
		expect(attempts).toEqual(["auto 500", "manual 200"]);
	});

	it("retries a delivery that was cancelled in the ready queue and has not left its lane yet", async () => {
		const { receiver, test } = await openDelivering({}, ONE_AT_A_TIME);
		const respond = holdFirst(receiver);
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

	it("retries and cancels all deliveries that match a filter, page by page, and no others", async () => {
		const { receiver, test, webhook: bad } = await openDelivering({ ...ONCE, eventTypes: ["bad"] });
		receiver.script(() => ({ status: 500 }));
		const other = await test.createWebhook(receiver.url, { ...ONCE, eventTypes: ["other"] });
		// Two pages.
		const ids = await Promise.all(Array.from({ length: 210 }, () => test.send({ type: "bad" })));
		const otherId = await test.send({ type: "other" });
		const inStatus = async (status: "Failed" | "Succeeded", attemptCount: number) => {
			const filter = { ...ANY_DELIVERY, webhookId: bad.id, statuses: [status] };
			const count = async () => (await test.engine.deliveries.count(test.scope, filter)).count;
			await eventually(`all are ${status}`, async () => (await count()) === ids.length);
			for (const delivery of await test.deliveries(filter)) expect(delivery.attemptCount).toBe(attemptCount);
		};
		await inStatus("Failed", 1);
		await test.delivery(otherId, { status: "Failed" });
		receiver.script(() => ({}));
		const { deliveries } = test.engine;
		const ofBad = { ...ANY_DELIVERY, webhookId: bad.id, statuses: ["Failed"] } as const;
		const done = { complete: true, goesOnAt: null };
		expect(await deliveries.retryMany(test.change, ofBad)).toEqual({ matched: 210, changed: 210, ...done });
		test.clock.advance(20);
		await inStatus("Succeeded", 2);
		await test.delivery(otherId, { status: "Failed", attemptCount: 1 });
		await test.engine.webhooks.pause(test.change, other.id);
		const held = await test.send({ type: "other" });
		const cancelled = await deliveries.cancelMany(test.change, { ...ANY_DELIVERY, webhookId: other.id });
		expect(cancelled).toEqual({ matched: 1, changed: 1, ...done });
		await test.delivery(held, { status: "Cancelled" });
	});
});

it("makes no more attempts in any second than the rate limit and a burst of the same size, and loses nothing", async () => {
	const { receiver, test } = await openDelivering({ eventTypes: [] });
	const times: number[] = [];
	receiver.script(() => {
		times.push(test.clock.now());
		return {};
	});
	test.clock.advance(60_000);
	const webhook = await test.createWebhook(receiver.url, { rateLimit: { perSecond: 10 } });
	const sendAll = () => Promise.all(Array.from({ length: 60 }, () => test.send()));
	const ids = await sendAll();
	for (let step = 0; step < 60; step++) {
		await eventually("all that the limit allows have ended", () => test.engine.gauges().inFlightAttempts === 0);
		test.clock.advance(100);
	}
	for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
	for (const at of times) {
		expect(times.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(20);
	}
	expect(times.filter((at) => at === times[0]).length).toBe(10);

	await test.engine.webhooks.update(test.change, webhook.id, { rateLimit: null });
	for (const id of await sendAll()) await test.delivery(id, { status: "Succeeded" });
});

it("waits as a retry schedule says instead of the exponential back-off", async () => {
	const waits = [5_000, 300_000];
	const { receiver, test } = await openDelivering({ retries: { maxRetries: 2, maxBackoffMs: 1, scheduleMs: waits } });
	receiver.script(() => ({ status: 500 }));
	const eventId = await test.send();
	for (const [count, waitMs] of waits.entries()) {
		const delivery = await test.delivery(eventId, { status: "Pending", attemptCount: count + 1 });
		expect(delivery.nextAttemptAt).toBe(test.clock.now() + waitMs);
		test.clock.advance(waitMs + 20);
	}
	await test.delivery(eventId, { status: "Failed", attemptCount: 3 });
});

describe("a change of the secret", () => {
	const secret = (fill: number) => Buffer.alloc(32, fill);
	const signedBy = ({ headers, rawBody }: ReceivedRequest, fill: number): boolean => {
		const [id, at] = [String(headers["webhook-id"]), Number(headers["webhook-timestamp"])];
		const signature = sign([signingKey(secret(fill))], id, at, rawBody);
		return String(headers["webhook-signature"]).split(" ").includes(signature);
	};

	/** A webhook whose secret is the first one, a call that changes it, and one that says which secrets sign. */
	async function openSecret() {
		const { receiver, test, id } = await openDelivering();
		const put = (fill: number, overlapMs: number | null) =>
			test.engine.webhooks.updateSecret(test.change, id, secret(fill), overlapMs);
		const signers = async () => {
			await test.delivery(await test.send(), { status: "Succeeded" });
			const request = receiver.requests.at(-1)!;
			const count = String(request.headers["webhook-signature"]).split(" ").length;
			return { count, by: [1, 2, 3, 4, 5, 6, 7, 8].filter((fill) => signedBy(request, fill)) };
		};
		await put(1, 0);
		return { test, id, put, signers };
	}

	it("lets old secrets sign beside the new one until the overlap of each ends, or not at all without one", async () => {
		const { test, id, put, signers } = await openSecret();
		const now = test.clock.now();
		expect(await put(2, 60_000)).toMatchObject({ secretOverlapUntil: now + 60_000 });
		// A second rotation during the overlap: three secrets sign, the oldest until its own expiry.
		expect(await put(3, 120_000)).toMatchObject({ secretOverlapUntil: now + 120_000 });
		expect(await signers()).toEqual({ count: 3, by: [1, 2, 3] });
		test.clock.advance(60_000);
		expect(await signers()).toEqual({ count: 2, by: [2, 3] });
		test.clock.advance(60_000);
		expect(await signers()).toEqual({ count: 1, by: [3] });
		expect((await test.engine.webhooks.get(test.scope, id)).secretOverlapUntil).toBeNull();
		expect((await put(4, 0)).secretOverlapUntil).toBeNull();
		expect(await signers()).toEqual({ count: 1, by: [4] });
	});

	it("keeps five secrets at most", async () => {
		const { put, signers } = await openSecret();
		for (let fill = 2; fill <= 8; fill++) await put(fill, 60_000);
		expect(await signers()).toEqual({ count: 5, by: [4, 5, 6, 7, 8] });
	});

	it("is no rotation if it is the same secret, and an older one comes back without signing twice", async () => {
		const { test, put, signers } = await openSecret();
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
});
