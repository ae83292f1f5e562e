// Two engines on one store, each of which holds half of the shards: who delivers what, and who does the work in the background.
import { describe, expect, it, vi } from "vitest";

import { DEFAULT_LIMITS } from "./parts.ts";
import { HANGS, holdCommits, holdFirst, received } from "./test/delivering.ts";
import { changeIn, eventually, openTestEngine } from "./test/test-engine.ts";
import { allSucceeded, attempted, HIGH, LOW, noProblems, openTwo, passTurns, sendMany } from "./test/two-engines.ts";

describe("two engines on one store", () => {
	it("deliver only their own webhooks, whoever accepted the event, and nothing twice", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		const webhookIds = [...low.webhookIds, ...high.webhookIds];
		await Promise.all([sendMany(low.test, 8, webhookIds), sendMany(high.test, 8, webhookIds)]);
		// The clock stands still, so nothing is found by a poll.
		await allSucceeded(low, 64);
		expect(receiver.requests).toHaveLength(64);
		expect(attempted(low)).toEqual(new Set(low.webhookIds));
		expect(attempted(high)).toEqual(new Set(high.webhookIds));
		expect(cluster.handedOff).toHaveLength(32);
		noProblems(low, high);
	});

	it("keep the time of a retry in the process that holds the webhook", async () => {
		const { low, high, clock } = await openTwo((_request, index) => (index === 0 ? { status: 500 } : {}));
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await high.test.delivery(eventId, { attemptCount: 1 });
		clock.advance(1_020);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		expect(attempted(low)).toEqual(new Set());
	});

	it("find a delivery whose hand-off was lost within ten seconds, or at once if they are told", async () => {
		const { receiver, low, high, clock, cluster } = await openTwo();
		cluster.handOffs = "are lost";
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		expect(await low.test.deliveries()).toMatchObject([{ leaseUntil: clock.now() + DEFAULT_LIMITS.leaseMs }]);
		clock.advance(9_999);
		await passTurns();
		clock.advance(1);
		await passTurns();
		expect(receiver.requests).toHaveLength(0);
		clock.advance(500);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		const [second = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		high.member.listener?.handOffsMissed();
		await passTurns();
		clock.advance(500);
		await high.test.delivery(second, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
		expect(attempted(low)).toEqual(new Set());
		noProblems(low, high);
	});

	it("attempt nothing that another process has cancelled, also if that one has not heard yet who the owner is", async () => {
		const { script, answer: answerFirst } = holdFirst();
		const { receiver, low, high } = await openTwo(script, { maxInFlightPerWebhook: 1 });
		const webhookIds = high.webhookIds.slice(0, 1);
		const [first = ""] = await sendMany(high.test, 1, webhookIds);
		await receiver.waitFor(1);
		const [cancelled = ""] = await sendMany(high.test, 1, webhookIds);
		high.member.isReachable = false;
		const { id } = await low.test.delivery(cancelled, {});
		await low.test.engine.deliveries.cancel(low.test.change, id);
		answerFirst({});
		await high.test.delivery(first, { status: "Succeeded" });
		await passTurns();
		expect(received(receiver)).toEqual([first]);
		noProblems(low, high);
	});

	it("attempt what was cancelled and then retried by hand, although the note about the cancellation comes last", async () => {
		const { script, answer: answerFirst } = holdFirst();
		const { receiver, low, high, cluster } = await openTwo(script, { maxInFlightPerWebhook: 1, mayLoseAnswers: true });
		const webhookIds = high.webhookIds.slice(0, 1);
		const [first = ""] = await sendMany(high.test, 1, webhookIds);
		await receiver.waitFor(1);
		const [second = ""] = await sendMany(high.test, 1, webhookIds);
		const { id } = await low.test.delivery(second, {});
		cluster.notesToAll = "are late";
		await expect(low.test.engine.deliveries.cancel(low.test.change, id)).rejects.toMatchObject({
			code: "outcome_unknown",
		});
		await low.test.engine.deliveries.retry(low.test.change, id);
		await passTurns();
		cluster.deliverLate();
		answerFirst({});
		// The clock stands still, so its lease does not end.
		await high.test.delivery(second, { status: "Succeeded", attemptCount: 1 });
		expect(received(receiver)).toEqual([first, second]);
		noProblems(low, high);
	});

	it("attempt what was cancelled and then retried by hand, although the note comes while it is being claimed", async () => {
		const { receiver, store, low, high, cluster } = await openTwo(null, { mayLoseAnswers: true });
		const [webhookId = ""] = high.webhookIds;
		await high.test.engine.webhooks.pause(high.test.change, webhookId);
		const eventId = await low.test.send({ webhookIds: [webhookId] });
		const { id } = await low.test.delivery(eventId, { status: "Held" });
		cluster.notesToAll = "are late";
		await expect(low.test.engine.deliveries.cancel(low.test.change, id)).rejects.toMatchObject({
			code: "outcome_unknown",
		});
		await high.test.engine.webhooks.resume(high.test.change, webhookId);
		await passTurns();
		const asked = Promise.withResolvers<void>();
		const { promise: held, resolve: execute } = Promise.withResolvers<void>();
		high.test.engineStore.claimDue = async (request) => {
			asked.resolve();
			await held;
			return store.claimDue(request);
		};
		await low.test.engine.deliveries.retry(low.test.change, id);
		await asked.promise;
		cluster.deliverLate();
		execute();
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
		noProblems(low, high);
	});

	it("ignore a hand-off that comes after its delivery was found", async () => {
		const { receiver, low, high, clock, cluster } = await openTwo();
		cluster.handOffs = "are late";
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		high.member.listener?.handOffsMissed();
		await passTurns();
		clock.advance(500);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		cluster.deliverLate();
		await passTurns();
		expect(high.test.engine.gauges()).toMatchObject({ readyDeliveries: 0, inFlightAttempts: 0 });
		expect(receiver.requests).toHaveLength(1);
	});

	it("ignore a hand-off that comes after a pause has ended its lease, and the delivery was attempted", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		cluster.handOffs = "are late";
		const [webhookId = ""] = high.webhookIds;
		const [eventId = ""] = await sendMany(low.test, 1, [webhookId]);
		await high.test.engine.webhooks.pause(high.test.change, webhookId);
		await high.test.delivery(eventId, { status: "Held" });
		await high.test.engine.webhooks.resume(high.test.change, webhookId);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		cluster.deliverLate();
		await passTurns();
		expect(receiver.requests).toHaveLength(1);
		// Later hand-offs are taken again.
		cluster.handOffs = "arrive";
		await high.test.delivery((await sendMany(low.test, 1, [webhookId]))[0] ?? "", { status: "Succeeded" });
		noProblems(low, high);
	});

	it.each([0, 9_000])(
		"ignore a hand-off that comes %i ms after its delivery was cancelled, or the payload of its event erased",
		async (afterMs) => {
			const { receiver, low, high, clock, cluster } = await openTwo();
			cluster.handOffs = "are late";
			const webhookIds = high.webhookIds.slice(0, 1);
			const [cancelled = "", erased = ""] = await sendMany(low.test, 2, webhookIds);
			const { id } = await low.test.delivery(cancelled, {});
			await low.test.engine.deliveries.cancel(low.test.change, id);
			await low.test.engine.events.erasePayload(low.test.change, erased);
			// As long as others may take to learn of it.
			clock.advance(afterMs);
			cluster.deliverLate();
			await passTurns();
			expect(receiver.requests).toEqual([]);
			noProblems(low, high);
		},
	);

	it("do not take for lost what comes soon, what is in memory, or what is being committed", async () => {
		const { receiver, low, high, clock, cluster, store } = await openTwo(HANGS);
		const [webhookId = ""] = high.webhookIds;
		await sendMany(low.test, 1, [webhookId]);
		await receiver.waitFor(1);
		cluster.handOffs = "are late";
		await sendMany(low.test, 1, [webhookId]);
		const { answer } = holdCommits(high.test);
		const sending = sendMany(high.test, 1, [webhookId]);
		await passTurns();
		const leases = await store.leasedDeliveries(null, 0);
		expect(leases).toHaveLength(3);
		high.member.listener?.handOffsMissed();
		await passTurns();
		cluster.deliverLate();
		clock.advance(500);
		await passTurns();
		expect(await store.leasedDeliveries(null, 0)).toEqual(leases);
		answer();
		await sending;
		await receiver.waitFor(3);
		await passTurns();
		expect(await high.test.deliveries()).toMatchObject(Array.from({ length: 3 }, () => ({ status: "Pending" })));
		expect(await store.leasedDeliveries(null, 0)).toEqual(leases);
		expect(high.test.engine.gauges()).toMatchObject({ readyDeliveries: 0, inFlightAttempts: 3 });
	});

	it("release a delivery whose webhook got another owner while it was committed", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		const [webhookId = ""] = high.webhookIds;
		await sendMany(low.test, 1, [webhookId]);
		await receiver.waitFor(1);
		const { answer } = holdCommits(low.test);
		const handedOff = cluster.handedOff.length;
		const sending = sendMany(low.test, 1, [webhookId]);
		await passTurns();
		// The owner has another epoch, as if it had lost the shards and taken them again.
		await cluster.move(HIGH, high.member);
		answer();
		const [eventId = ""] = await sending;
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		await passTurns();
		expect(cluster.handedOff).toHaveLength(handedOff);
		expect(receiver.requests).toHaveLength(2);
	});

	it("hand nothing off while they are stalled, since they may lack that it was cancelled: its owner finds it in the store", async () => {
		const { receiver, low, high, cluster } = await openTwo();
		const { answer } = holdCommits(low.test);
		const sending = sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		low.member.stalled = true;
		answer();
		const [eventId = ""] = await sending;
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(cluster.handedOff).toEqual([]);
		expect(receiver.requests).toHaveLength(1);
		noProblems(low, high);
	});

	it("leave a delivery in the store without a lease if its owner can't be reached", async () => {
		const { low, high, clock, cluster, store } = await openTwo();
		high.member.isReachable = false;
		const leases: (number | null)[] = [];
		low.test.engineStore.commit = (batch) => {
			leases.push(...batch.events.flatMap(({ deliveries }) => deliveries.map(({ state }) => state.leaseUntil)));
			return store.commit(batch);
		};
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		expect(leases).toEqual([null]);
		const polled = vi.spyOn(high.test.engineStore, "dueWebhooks");
		expect(cluster.handedOff).toEqual([]);
		clock.advance(DEFAULT_LIMITS.pollEveryMs);
		await high.test.delivery(eventId, { status: "Succeeded" });
		expect(polled.mock.calls).toEqual([[HIGH]]);
		expect(attempted(low)).toEqual(new Set());
	});

	it("leave a delivery in the store without a lease if the wire hands nothing off, and its owner finds it soon", async () => {
		const { low, high, clock, cluster } = await openTwo(null, { findEveryMs: 400 });
		low.member.handsOff = false;
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		expect(await low.test.deliveries()).toMatchObject([{ status: "Pending", leaseUntil: null }]);
		clock.advance(400);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(cluster.handedOff).toEqual([]);
		noProblems(low, high);
	});

	it("renew leases no more often although they look for deliveries more often", async () => {
		const { receiver, low, clock } = await openTwo(HANGS, { findEveryMs: 400 });
		const renewals = vi.spyOn(low.test.engineStore, "renewLeases");
		const looks = vi.spyOn(low.test.engineStore, "dueWebhooks");
		await sendMany(low.test, 1, low.webhookIds.slice(0, 1));
		await receiver.waitFor(1);
		for (let passedMs = 0; passedMs < 2 * DEFAULT_LIMITS.pollEveryMs; passedMs += 400) {
			clock.advance(400);
			await passTurns();
		}
		expect(looks.mock.calls.length).toBeGreaterThan(100);
		expect(renewals).toHaveBeenCalledTimes(1);
	});

	it("look for deliveries of others only while there are others", async () => {
		await using test = await openTestEngine({ limits: { findEveryMs: 400 } });
		const looks = vi.spyOn(test.engineStore, "dueWebhooks");
		for (let passedMs = 0; passedMs < 2 * DEFAULT_LIMITS.pollEveryMs; passedMs += 400) {
			test.clock.advance(400);
			await passTurns();
		}
		expect(looks).toHaveBeenCalled();
		expect(looks.mock.calls.length).toBeLessThan(4);
	});

	it("tell each other about a retry by hand", async () => {
		const { low, high } = await openTwo((_request, index) => ({ status: index === 0 ? 503 : 200 }));
		const [webhookId = ""] = high.webhookIds;
		const eventId = await low.test.send({ webhookIds: [webhookId] });
		const { id, projectId } = await low.test.delivery(eventId, { status: "Pending", attemptCount: 1 });
		await low.test.engine.deliveries.retry(changeIn(projectId), id);
		// The clock stands still, so only the note can have reached the other engine.
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		expect(attempted(low)).toEqual(new Set());
	});

	it("release the lease of a delivery that was handed over while there is no room for it", async () => {
		const limits = { maxInFlightPerWebhook: 1, maxReadyPerWebhook: 1 };
		const { receiver, low, high } = await openTwo(HANGS, limits);
		await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await receiver.waitFor(1);
		await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await eventually("one is ready", () => high.test.engine.gauges().readyDeliveries === 1);
		const [third = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await low.test.delivery(third, { status: "Pending", leaseUntil: null, attemptCount: 0 });
		expect(high.test.engine.gauges()).toMatchObject({ readyDeliveries: 1, inFlightAttempts: 1 });
		noProblems(low, high);
	});
});

describe("a process that is stalled", () => {
	it("begins no attempt until it is not stalled any more", async () => {
		const { receiver, low } = await openTwo();
		low.member.stalled = true;
		const [eventId = ""] = await sendMany(low.test, 1, low.webhookIds.slice(0, 1));
		await passTurns();
		expect(receiver.requests).toHaveLength(0);
		expect(low.test.engine.gauges()).toMatchObject({ readyDeliveries: 1, inFlightAttempts: 0 });
		low.member.stalled = false;
		await low.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});
});

describe("work in the background", () => {
	it("is done by one of the engines, and by the other one when that one has stopped", async () => {
		const { low, high, clock } = await openTwo();
		const calls: string[] = [];
		for (const { member, test } of [low, high]) {
			for (const call of ["forgetIdempotencyKeys", "rollUpStats", "purgeDeletedWebhooks"] as const) {
				const real = test.engineStore[call] as (...parameters: unknown[]) => unknown;
				const noted = (...parameters: unknown[]) => (calls.push(`${member.name} ${call}`), real(...parameters));
				Object.assign(test.engineStore, { [call]: noted });
			}
		}
		const workers = async () => {
			calls.length = 0;
			for (let seconds = 0; seconds < 11 * 60; seconds += 5) {
				clock.advance(5_000);
				await passTurns();
			}
			return [...new Set(calls)].toSorted();
		};
		const all = (name: string) =>
			["forgetIdempotencyKeys", "purgeDeletedWebhooks", "rollUpStats"].map((call) => `${name} ${call}`);
		expect(await workers()).toEqual(all("low"));
		await low.test.stop();
		expect(await workers()).toEqual(all("high"));
	});

	/** Two engines of which one starts a replay of some events to a webhook of `low`, and what waits until it has ended. */
	async function openReplayed(count: number, starts: "low" | "high") {
		const opened = await openTwo();
		const { receiver, low, clock } = opened;
		const [webhookId = ""] = low.webhookIds;
		const eventIds = await sendMany(low.test, count, []);
		const request = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;
		const { engine, change } = opened[starts].test;
		const { id } = await engine.replays.start(change, webhookId, request);
		const passing = (what: string, check: () => boolean | Promise<boolean>) =>
			eventually(what, () => {
				clock.advance(20);
				return check();
			});
		const allSent = async ({ test }: typeof low) => {
			await passing("the replay and its deliveries have ended", async () => {
				const { status } = await test.engine.replays.get(test.scope, id);
				return status === "Finished" && (await test.store.countOpen()).Pending === 0;
			});
			expect(received(receiver).toSorted()).toEqual(eventIds.toSorted());
		};
		return { ...opened, passing, allSent };
	}

	it("executes a replay where its webhook is delivered, also if another engine has started it", async () => {
		const { low, high, allSent } = await openReplayed(3, "high");
		await allSent(high);
		expect(attempted(high)).toEqual(new Set());
		noProblems(low, high);
	});

	it("executes a replay that another engine has started just before it left, and is alone then", async () => {
		const { low, high, cluster, allSent } = await openReplayed(3, "high");
		await cluster.leave(high.member);
		expect(cluster.liveMembers).toBe(1);
		await allSent(low);
		noProblems(low, high);
	});

	it("executes a replay where its webhook is delivered, and goes on with it there after a move", async () => {
		const { receiver, low, high, cluster, passing, allSent } = await openReplayed(100, "low");
		await passing("the replay is under way", () => receiver.requests.length > 20);
		await cluster.move(LOW, high.member);
		const made = low.test.observer.attempts.length;
		low.test.engineStore.stepReplay = () => Promise.reject(new Error("this engine does not hold the webhook"));
		expect(made).toBeLessThan(100);
		await allSent(high);
		expect(low.test.observer.attempts).toHaveLength(made);
		noProblems(low, high);
	});

	it("shows a use of a key that another engine has written when it left, and is alone then", async () => {
		const { low, high, clock, cluster } = await openTwo();
		const { key, secretKey } = await high.test.engine.keys.create({ name: "k", scope: "read", projectId: null }, null);
		high.test.engine.keys.authenticate(secretKey);
		const at = clock.now() - (clock.now() % 60_000);
		await high.test.stop();
		await cluster.leave(high.member);
		expect(cluster.liveMembers).toBe(1);
		await eventually("the other engine knows of it", () => {
			clock.advance(10_000);
			const { rows } = low.test.engine.keys.list({ limit: 1_000, cursor: null });
			return rows.find(({ id }) => id === key.id)?.lastUsedDate === at;
		});
		noProblems(low, high);
	});
});
