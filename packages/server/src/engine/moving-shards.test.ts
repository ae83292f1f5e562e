// Shards move from one engine to another: what waits is delivered once, and limits hold.
import { describe, expect, it } from "vitest";

import { holdCommits, holdFirst } from "./test/delivering.ts";
import { eventually } from "./test/test-engine.ts";
import { allSucceeded, attempted, HIGH, LOW, noProblems, openTwo, passTurns, sendMany } from "./test/two-engines.ts";

describe("when shards move", () => {
	it("their new owner delivers what waits, and nothing twice", async () => {
		const { script, answer: release } = holdFirst();
		const { receiver, low, high, cluster } = await openTwo(script, { maxInFlightPerWebhook: 1 });
		await sendMany(low.test, 10, low.webhookIds.slice(0, 1));
		await receiver.waitFor(1);
		expect(low.test.engine.gauges()).toMatchObject({ inFlightAttempts: 1, readyDeliveries: 9 });
		const moving = cluster.move(LOW, high.member);
		expect(low.test.engine.gauges()).toMatchObject({ inFlightAttempts: 1, readyDeliveries: 0 });
		release({});
		await moving;
		await allSucceeded(high, 10);
		expect(receiver.requests).toHaveLength(10);
		expect(low.test.observer.attempts).toHaveLength(1);
		expect(high.test.observer.attempts).toHaveLength(9);
		// What is sent now is handed to the new owner.
		await sendMany(low.test, 1, low.webhookIds.slice(0, 1));
		await allSucceeded(high, 11);
		expect(high.test.observer.attempts).toHaveLength(10);
		noProblems(low, high);
	});

	it("there and back while events come in, every delivery is made once", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		const webhookIds = [...low.webhookIds, ...high.webhookIds];
		const targets = [high.member, low.member, high.member, low.member];
		for (const target of targets) {
			const sends = [low, high].map(({ test }) => sendMany(test, 5, webhookIds));
			await Promise.all([cluster.move(LOW, target), ...sends]);
		}
		// The poll finds what was committed while the shards had no owner.
		await eventually("all deliveries have ended", async () => {
			low.test.clock.advance(1_000);
			return (await low.test.store.countOpen()).Pending === 0;
		});
		expect(receiver.requests).toHaveLength(targets.length * 10 * webhookIds.length);
		expect(attempted(high).size).toBeGreaterThan(2);
		noProblems(low, high);
	});

	it("a delivery whose owner's tenure has run out is given back without using a retry", async () => {
		const { script, answer: release } = holdFirst();
		const { receiver, low, high, cluster } = await openTwo(script, { maxInFlightPerWebhook: 1 });
		const [webhookId = ""] = low.webhookIds;
		const first = await low.test.send({ webhookIds: [webhookId] });
		await receiver.waitFor(1);
		const second = await low.test.send({ webhookIds: [webhookId] });
		await eventually("it is ready", () => low.test.engine.gauges().readyDeliveries === 1);
		cluster.expire(LOW);
		release({});
		// The outcome of the attempt that began in time counts.
		await low.test.delivery(first, { status: "Succeeded", attemptCount: 1 });
		await low.test.delivery(second, { status: "Pending", leaseUntil: null, attemptCount: 0, autoAttemptCount: 0 });
		await passTurns();
		expect(low.test.engine.gauges()).toMatchObject({ readyDeliveries: 0, inFlightAttempts: 0 });
		await cluster.give(LOW, high.member);
		await high.test.delivery(second, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
	});

	it("nothing is claimed by a process whose tenure has run out", async () => {
		const { low, high, clock, cluster, store } = await openTwo((_request, index) => ({
			status: index === 0 ? 500 : 200,
		}));
		const eventId = await low.test.send({ webhookIds: low.webhookIds.slice(0, 1) });
		await low.test.delivery(eventId, { attemptCount: 1 });
		let claims = 0;
		low.test.engineStore.claimDue = (request) => {
			claims++;
			return store.claimDue(request);
		};
		cluster.expire(LOW);
		clock.advance(1_020);
		await passTurns();
		expect(claims).toBe(0);
		await cluster.give(LOW, high.member);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	});

	it("a rate limit holds: the new owner begins without tokens", async () => {
		const { receiver, low, high, clock, cluster } = await openTwo();
		const [webhookId = ""] = low.webhookIds;
		const patch = { rateLimit: { perSecond: 5 } };
		await low.test.engine.webhooks.update(low.test.change, webhookId, patch);
		// Both have been there for long enough to have gathered a burst.
		clock.advance(10_000);
		await passTurns();
		await sendMany(low.test, 20, [webhookId]);
		await receiver.waitFor(5);
		await eventually("they have ended", () => low.test.engine.gauges().inFlightAttempts === 0);
		await cluster.move(LOW, high.member);
		await passTurns();
		expect(receiver.requests).toHaveLength(5);
		clock.advance(1_000);
		await receiver.waitFor(6);
		// And back, where a lane with tokens may be left.
		await eventually("they have ended", () => high.test.engine.gauges().inFlightAttempts === 0);
		const before = receiver.requests.length;
		await cluster.move(LOW, low.member);
		await passTurns();
		expect(receiver.requests).toHaveLength(before);
		noProblems(low, high);
	});

	it("a hand-off that arrives under an old epoch changes nothing", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		cluster.handOffs = "are late";
		const eventIds = await sendMany(low.test, 3, high.webhookIds.slice(0, 1));
		expect(cluster.handedOff).toHaveLength(3);
		await cluster.move(HIGH, low.member);
		await allSucceeded(low, 3);
		await cluster.move(HIGH, high.member);
		cluster.deliverLate();
		await passTurns();
		expect(receiver.requests).toHaveLength(eventIds.length);
		expect(high.test.observer.attempts).toEqual([]);
		for (const eventId of eventIds) await low.test.delivery(eventId, { status: "Succeeded", leaseUntil: null });
	});

	it("a delivery that was reserved for an owner who is gone by its commit is released", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		const { executed, answer } = holdCommits(low.test);
		const sending = low.test.send({ webhookIds: high.webhookIds.slice(0, 1) });
		await executed;
		cluster.expire(HIGH);
		answer();
		const eventId = await sending;
		await low.test.delivery(eventId, { status: "Pending", leaseUntil: null });
		await cluster.give(HIGH, high.member);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
	});
});
