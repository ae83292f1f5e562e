// Two engines on one store, each of which holds half of the shards: who delivers what, and what happens when shards move.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../adapters/sqlite/sqlite-store.ts";
import { shardOf, SHARDS } from "../core/cluster/shard.ts";
import { ManualClock } from "../core/manual-clock.ts";
import { DEFAULT_LIMITS, type EngineLimits } from "./parts.ts";
import { ScriptedCluster, type ScriptedMember } from "./test/scripted-cluster.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "./test/test-engine.ts";

const SHARD_LIST = Array.from({ length: SHARDS }, (_, shard) => shard);
const LOW = SHARD_LIST.slice(0, SHARDS / 2);
const HIGH = SHARD_LIST.slice(SHARDS / 2);
const isLow = (webhookId: string) => shardOf(webhookId) < SHARDS / 2;

interface Process {
	readonly member: ScriptedMember;
	readonly test: TestEngine;
	/** Ids of the webhooks in its shards. */
	readonly webhookIds: readonly string[];
}

/** Two processes: `low` holds the lower half of the shards and `high` the upper half, with two webhooks in each. */
async function openTwo(receiver: Receiver, limits: Partial<EngineLimits> = {}) {
	const store = await openSqliteStore({ path: ":memory:" });
	const clock = new ManualClock();
	const cluster = new ScriptedCluster();
	const webhookIds = await makeWebhooks(store, receiver);
	const open = async (name: string, shards: readonly number[]): Promise<Process> => {
		const member = cluster.join(name, shards);
		const test = await openTestEngine({ store, clock, limits, tenure: member.tenure, wire: member.wire });
		onTestFinished(() => test[Symbol.asyncDispose]());
		return { member, test, webhookIds: webhookIds.filter((id) => shards.includes(shardOf(id))) };
	};
	const [low, high] = [await open("low", LOW), await open("high", HIGH)];
	return { store, clock, cluster, low, high };
}

/** Makes webhooks until two are in the lower half of the shards and two in the upper half; keeps only these. */
async function makeWebhooks(store: TestEngine["store"], receiver: Receiver): Promise<string[]> {
	await using setUp = await openTestEngine({ store });
	const kept: string[] = [];
	while (kept.length < 4) {
		const { id } = await setUp.createWebhook(receiver.url);
		if (kept.filter((other) => isLow(other) === isLow(id)).length < 2) kept.push(id);
		else await setUp.engine.webhooks.delete(setUp.change, id);
	}
	return kept;
}

/** Sends events to these webhooks. Returns the ids of the events. */
function sendMany(test: TestEngine, count: number, webhookIds: readonly string[]): Promise<string[]> {
	return Promise.all(Array.from({ length: count }, () => test.send({ webhookIds })));
}

async function allSucceeded({ test }: Process, count: number): Promise<void> {
	await eventually(`${count} deliveries have succeeded`, async () => {
		const deliveries = await test.deliveries();
		return deliveries.length === count && deliveries.every(({ status }) => status === "Succeeded");
	});
}

/** The webhooks of the attempts that a process has made. */
function attempted({ test }: Process): Set<string> {
	return new Set(test.observer.attempts.map(({ webhookId }) => webhookId));
}

/** Lets everything go on that needs no clock. */
async function passTurns(): Promise<void> {
	for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function noProblems(...processes: readonly Process[]): void {
	expect(processes.flatMap(({ test }) => test.observer.problems)).toEqual([]);
}

describe("two engines on one store", () => {
	it("deliver only their own webhooks, whoever accepted the event, and nothing twice", async () => {
		await using receiver = await startReceiver();
		const { low, high, cluster } = await openTwo(receiver);
		const webhookIds = [...low.webhookIds, ...high.webhookIds];
		await Promise.all([sendMany(low.test, 20, webhookIds), sendMany(high.test, 20, webhookIds)]);
		// The clock stands still, so nothing is found by a poll.
		await allSucceeded(low, 160);
		expect(receiver.requests).toHaveLength(160);
		expect(attempted(low)).toEqual(new Set(low.webhookIds));
		expect(attempted(high)).toEqual(new Set(high.webhookIds));
		expect(cluster.handedOff).toHaveLength(80);
		noProblems(low, high);
	});

	it("keep the time of a retry in the process that holds the webhook", async () => {
		await using receiver = await startReceiver();
		receiver.script((_request, index) => (index === 0 ? { status: 500 } : {}));
		const { low, high, clock } = await openTwo(receiver);
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await high.test.delivery(eventId, { attemptCount: 1 });
		clock.advance(1_020);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		expect(attempted(low)).toEqual(new Set());
	});

	it("find a delivery whose hand-off was lost when its lease ends", async () => {
		await using receiver = await startReceiver();
		const { low, high, clock, cluster } = await openTwo(receiver);
		cluster.handOffs = "are lost";
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		expect(await low.test.deliveries()).toMatchObject([{ leaseUntil: clock.now() + DEFAULT_LIMITS.leaseMs }]);
		for (let waitedMs = 0; waitedMs < DEFAULT_LIMITS.leaseMs; waitedMs += 10_000) {
			expect(receiver.requests).toHaveLength(0);
			clock.advance(10_000);
			await passTurns();
		}
		clock.advance(20);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
		expect(attempted(low)).toEqual(new Set());
	});

	it("leave a delivery in the store without a lease if its owner can't be reached", async () => {
		await using receiver = await startReceiver();
		const { low, high, clock, cluster, store } = await openTwo(receiver);
		high.member.isReachable = false;
		const leases: (number | null)[] = [];
		low.test.engineStore.commit = (batch) => {
			leases.push(...batch.events.flatMap(({ deliveries }) => deliveries.map(({ state }) => state.leaseUntil)));
			return store.commit(batch);
		};
		const [eventId = ""] = await sendMany(low.test, 1, high.webhookIds.slice(0, 1));
		await passTurns();
		expect(leases).toEqual([null]);
		const polled: unknown[] = [];
		high.test.engineStore.dueWebhooks = (shards) => {
			polled.push(shards);
			return store.dueWebhooks(shards);
		};
		expect(cluster.handedOff).toEqual([]);
		clock.advance(DEFAULT_LIMITS.pollEveryMs);
		await high.test.delivery(eventId, { status: "Succeeded" });
		expect(polled).toEqual([HIGH]);
		expect(attempted(low)).toEqual(new Set());
	});

	it("leave a delivery in the store without a lease if the wire hands nothing off, and its owner finds it soon", async () => {
		await using receiver = await startReceiver();
		const { low, high, clock, cluster } = await openTwo(receiver, { findEveryMs: 400 });
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
		await using receiver = await startReceiver();
		receiver.script(() => ({ kind: "hang" }));
		const { low, clock, store } = await openTwo(receiver, { findEveryMs: 400 });
		let renewals = 0;
		low.test.engineStore.renewLeases = (...renewal) => {
			renewals++;
			return store.renewLeases(...renewal);
		};
		let looks = 0;
		low.test.engineStore.dueWebhooks = (shards) => {
			looks++;
			return store.dueWebhooks(shards);
		};
		await sendMany(low.test, 1, low.webhookIds.slice(0, 1));
		await receiver.waitFor(1);
		for (let passedMs = 0; passedMs < 2 * DEFAULT_LIMITS.pollEveryMs; passedMs += 400) {
			clock.advance(400);
			await passTurns();
		}
		expect(looks).toBeGreaterThan(100);
		expect(renewals).toBe(1);
	});

	it("look for deliveries of others only while there are others", async () => {
		await using test = await openTestEngine({ limits: { findEveryMs: 400 } });
		let looks = 0;
		test.engineStore.dueWebhooks = (shards) => {
			looks++;
			return test.store.dueWebhooks(shards);
		};
		for (let passedMs = 0; passedMs < 2 * DEFAULT_LIMITS.pollEveryMs; passedMs += 400) {
			test.clock.advance(400);
			await passTurns();
		}
		expect(looks).toBeGreaterThan(0);
		expect(looks).toBeLessThan(4);
	});

	it("make the deliveries of replays that others have started, and forget those that are over", async () => {
		await using receiver = await startReceiver();
		const { low, high, clock } = await openTwo(receiver, { findEveryMs: 400 });
		const [webhookId = ""] = high.webhookIds;
		const eventId = await low.test.send({ webhookIds: [webhookId] });
		await high.test.delivery(eventId, { status: "Succeeded" });
		const request = { since: 0, until: null, outcomes: ["Succeeded"] as const, eventTypes: null, eventIds: [eventId] };
		const { id } = await low.test.engine.replays.start(low.test.change, webhookId, request);
		await passTurns();
		expect(receiver.requests).toHaveLength(1);
		const isOver = async () => {
			clock.advance(1_000);
			return (await low.test.store.replay(low.test.change.scope, id))?.status === "Finished";
		};
		await eventually("the owner has made the replay", isOver);
		await receiver.waitFor(2);
		noProblems(low, high);
	});

	it("tell each other about a retry by hand", async () => {
		await using receiver = await startReceiver();
		receiver.script((_request, index) => ({ status: index === 0 ? 503 : 200 }));
		const { low, high } = await openTwo(receiver);
		const [webhookId = ""] = high.webhookIds;
		const eventId = await low.test.send({ webhookIds: [webhookId] });
		const { id, projectId } = await low.test.delivery(eventId, { status: "Pending", attemptCount: 1 });
		await low.test.engine.deliveries.retry(changeIn(projectId), id);
		// The clock stands still, so only the note can have reached the other engine.
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		expect(attempted(low)).toEqual(new Set());
	});

	it("release the lease of a delivery that was handed over while there is no room for it", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ kind: "hang" }));
		const limits = { maxInFlightPerWebhook: 1, maxReadyPerWebhook: 1 };
		const { low, high } = await openTwo(receiver, limits);
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

describe("when shards move", () => {
	it("their new owner delivers what waits, and nothing twice", async () => {
		await using receiver = await startReceiver();
		const { promise: open, resolve: release } = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? open : {}));
		const { low, high, cluster } = await openTwo(receiver, { maxInFlightPerWebhook: 1 });
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
		await using receiver = await startReceiver();
		const { low, high, cluster } = await openTwo(receiver);
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
		await using receiver = await startReceiver();
		const { promise: open, resolve: release } = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? open : {}));
		const { low, high, cluster } = await openTwo(receiver, { maxInFlightPerWebhook: 1 });
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
		await using receiver = await startReceiver();
		receiver.script((_request, index) => ({ status: index === 0 ? 500 : 200 }));
		const { low, high, clock, cluster, store } = await openTwo(receiver);
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
		await using receiver = await startReceiver();
		const { low, high, clock, cluster } = await openTwo(receiver);
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
		await using receiver = await startReceiver();
		const { low, high, cluster } = await openTwo(receiver);
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
		await using receiver = await startReceiver();
		const { low, high, cluster, store } = await openTwo(receiver);
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		low.test.engineStore.commit = async (batch) => {
			const result = await store.commit(batch);
			await gate;
			return result;
		};
		const sending = low.test.send({ webhookIds: high.webhookIds.slice(0, 1) });
		await eventually("it is committed", async () => (await low.test.deliveries()).length === 1);
		cluster.expire(HIGH);
		open();
		const eventId = await sending;
		await low.test.delivery(eventId, { status: "Pending", leaseUntil: null });
		await cluster.give(HIGH, high.member);
		await high.test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
	});
});

describe("a process that is stalled", () => {
	it("begins no attempt until it is not stalled any more", async () => {
		await using receiver = await startReceiver();
		const { low } = await openTwo(receiver);
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
		await using receiver = await startReceiver();
		const { low, high, clock } = await openTwo(receiver);
		const calls: string[] = [];
		for (const { member, test } of [low, high]) {
			const { engineStore } = test;
			const real = { ...engineStore };
			engineStore.forgetIdempotencyKeys = (before, limit) => {
				calls.push(`${member.name} housekeeping`);
				return real.forgetIdempotencyKeys(before, limit);
			};
			engineStore.rollUpStats = (step) => {
				calls.push(`${member.name} stats`);
				return real.rollUpStats(step);
			};
			engineStore.purgeDeletedWebhooks = (after, limit) => {
				calls.push(`${member.name} retention`);
				return real.purgeDeletedWebhooks(after, limit);
			};
		}
		const workers = async () => {
			calls.length = 0;
			for (let seconds = 0; seconds < 11 * 60; seconds += 5) {
				clock.advance(5_000);
				await passTurns();
			}
			return [...new Set(calls)].toSorted();
		};
		expect(await workers()).toEqual(["low housekeeping", "low retention", "low stats"]);
		await low.test.stop();
		expect(await workers()).toEqual(["high housekeeping", "high retention", "high stats"]);
	});

	it("executes a replay where its webhook is delivered, also if another engine has started it", async () => {
		await using receiver = await startReceiver();
		const { low, high, clock } = await openTwo(receiver);
		const [webhookId = ""] = low.webhookIds;
		const eventIds = await sendMany(low.test, 3, []);
		const request = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;
		const replay = await high.test.engine.replays.start(high.test.change, webhookId, request);
		const passing = (what: string, check: () => Promise<boolean>) =>
			eventually(what, () => {
				clock.advance(100);
				return check();
			});
		const hasEnded = async () => (await high.test.engine.replays.get(high.test.scope, replay.id)).status === "Finished";
		await passing("the replay has ended", hasEnded);
		await passing("its deliveries have ended", async () => (await low.test.store.countOpen()).Pending === 0);
		const received = receiver.requests.map(({ headers }) => String(headers["webhook-id"]));
		expect(received.toSorted()).toEqual(eventIds.toSorted());
		expect(attempted(high)).toEqual(new Set());
		noProblems(low, high);
	});

	it("executes a replay where its webhook is delivered, and goes on with it there after a move", async () => {
		await using receiver = await startReceiver();
		const { low, high, clock, cluster } = await openTwo(receiver);
		const [webhookId = ""] = low.webhookIds;
		const eventIds = await sendMany(low.test, 200, []);
		const request = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;
		const replay = await low.test.engine.replays.start(low.test.change, webhookId, request);
		const passing = (what: string, check: () => boolean | Promise<boolean>) =>
			eventually(what, () => {
				clock.advance(10);
				return check();
			});
		await passing("the replay is under way", () => receiver.requests.length > 20);
		await cluster.move(LOW, high.member);
		const made = low.test.observer.attempts.length;
		low.test.engineStore.stepReplay = () => Promise.reject(new Error("this engine does not hold the webhook"));
		expect(made).toBeLessThan(200);
		await passing("the replay has ended", async () => {
			const { status } = await high.test.engine.replays.get(high.test.scope, replay.id);
			return status === "Finished" && (await high.test.store.countOpen()).Pending === 0;
		});
		expect(low.test.observer.attempts).toHaveLength(made);
		const received = receiver.requests.map(({ headers }) => String(headers["webhook-id"]));
		expect(received.toSorted()).toEqual(eventIds.toSorted());
		noProblems(low, high);
	});
});
