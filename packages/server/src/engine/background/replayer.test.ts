// Replays on the real store, with a clock that the test moves: what they send, at what pace, and how they end.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { customerScope } from "../../core/access/principal.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { CLOCKS_APART_MS, type Replay } from "../../core/replay.ts";
import { Records, setWebhook } from "../../ports/contract/store/records/records.ts";
import { allWebhooks } from "../../ports/contract/store/records/webhooks.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { ReplayRequest } from "../calls.ts";
import { openTestStore } from "../test/open-test-store.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const MISSED: ReplayRequest = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null };
const FAILED: ReplayRequest = { ...MISSED, outcomes: ["Failed"] };
const LIMITS = { maxInFlightPerWebhook: 64 };
const AHEAD_MS = 3_600_000;
/** Half of that limit, which a webhook reaches after enough successes. */
const SHARE = 32;
/** Half of the limit before the first response of a webhook. */
const FIRST_SHARE = 16;

/** Moves the clock on until `check` returns something. */
function passing<T>(
	test: TestEngine,
	what: string,
	check: () => T | null | undefined | false | Promise<T | null | false>,
) {
	return eventually(what, () => {
		test.clock.advance(10);
		return check();
	});
}

/** The replay, once it has ended. */
function ended(test: TestEngine, { id }: Replay): Promise<Replay> {
	return passing(test, "the replay has ended", async () => {
		const replay = await test.engine.replays.get(test.scope, id);
		return replay.status !== "Running" && replay;
	});
}

/** Waits until all deliveries have ended. */
async function quiet(test: TestEngine): Promise<void> {
	await passing(test, "all deliveries have ended", async () => (await test.store.countOpen()).Pending === 0);
}

/** Sends events, before there is a webhook that wants them. Returns their ids. */
async function sendMany(test: TestEngine, count: number, type = "old"): Promise<string[]> {
	const ids: string[] = [];
	for (let sent = 0; sent < count; sent += 500) {
		const batch = Array.from({ length: Math.min(500, count - sent) }, () => test.send({ type }));
		ids.push(...(await Promise.all(batch)));
	}
	return ids;
}

function received(receiver: Receiver): string[] {
	return receiver.requests.map(({ headers }) => String(headers["webhook-id"]));
}

describe("a replay", () => {
	it("sends each matching event once, oldest first, under its old webhook-id, as a replay", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const sent = await sendMany(test, 5);
		const webhook = await test.createWebhook(receiver.url);
		const replay = await test.engine.replays.start(test.change, webhook.id, MISSED);
		expect(replay).toMatchObject({ status: "Running", scannedCount: 0, endDate: null });
		expect(await ended(test, replay)).toMatchObject({ status: "Finished", scannedCount: 5, deliveryCount: 5 });
		await quiet(test);
		expect(received(receiver).toSorted()).toEqual(sent);
		const [delivery] = await test.deliveries({ eventId: sent[0]! });
		expect(await test.attempts(delivery!.id)).toMatchObject([{ trigger: "replay", responseCode: 200 }]);
	});

	it("retries by the webhook's policy when an attempt fails", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url, { retries: { maxRetries: 1, maxBackoffMs: 1_000 } });
		const eventId = await test.send();
		await passing(test, "the delivery has failed", async () => (await test.deliveries())[0]?.status === "Failed");
		await test.engine.replays.start(test.change, webhook.id, FAILED);
		await receiver.waitFor(2);
		receiver.respond([{ status: 500 }, { status: 200 }]);
		await passing(test, "the delivery has succeeded", async () => (await test.deliveries())[0]?.status === "Succeeded");
		const [delivery] = await test.deliveries({ eventId });
		const attempts = await test.attempts(delivery!.id);
		expect(attempts.map(({ trigger, responseCode }) => [trigger, responseCode])).toEqual([
			["replay", 500],
			["auto", 200],
		]);
	});

	it("leaves out events that were sent after its start, also if its range ends later", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await sendMany(test, 3);
		const webhook = await test.createWebhook(receiver.url, { eventTypes: ["new"] });
		const until = test.clock.now() + 1_000_000;
		const request = { ...MISSED, eventTypes: ["old"], until };
		const replay = await test.engine.replays.start(test.change, webhook.id, request);
		expect(replay.filter.until).toBe(until);
		test.clock.advance(1);
		await sendMany(test, 4);
		expect(await ended(test, replay)).toMatchObject({ scannedCount: 3, deliveryCount: 3 });
	});

	it("does not rest while it only passes events that are out of its range", async () => {
		await using receiver = await startReceiver();
		const clock = new ManualClock();
		const store = await openTestStore(clock.now());
		await using closing = new AsyncDisposableStack();
		closing.defer(() => store.close());
		const newestId = vi.fn(() => store.newestId());
		await using test = await openTestEngine({ clock, store: { ...store, newestId } });
		const records = new Records();
		records.now = clock.now();
		records.ids.make("evt", records.now + AHEAD_MS);
		// More than two steps pass, in either store.
		for (let left = 9; left > 0; left--) {
			const events = Array.from({ length: 500 }, () => records.event(test.projectId, { type: "old" }));
			await store.commit({ events, updates: [] });
		}
		records.now += 1_000;
		await store.commit({ events: [records.event(test.projectId, { type: "old" })], updates: [] });
		const webhook = await test.createWebhook(receiver.url, { eventTypes: ["new"] });
		newestId.mockClear();
		const range = { since: records.now, until: records.now + 1, eventTypes: ["old"] };
		const replay = await test.engine.replays.start(test.change, webhook.id, { ...MISSED, ...range });
		expect(await ended(test, replay)).toMatchObject({ scannedCount: 1, deliveryCount: 1 });
		// It is asked for by a step that has changed nothing, before a rest: on PostgreSQL by the first one, whose ids are too low.
		expect(newestId.mock.calls.length).toBeLessThanOrEqual(1);
	});

	it("counts beforehand the events that a replay then takes, whatever the clocks of other processes say", async () => {
		await using test = await openTestEngine();
		const records = new Records();
		const start = test.clock.now();
		for (const aheadMs of [-1_000, 0, 1_000, CLOCKS_APART_MS + 1_000]) {
			records.now = start + aheadMs;
			await test.store.commit({ events: [records.event(test.projectId, { type: "old" })], updates: [] });
		}
		for (const [until, count] of [
			[null, 3],
			[start + 1, 2],
			[start + 1_001, 3],
			[start + 2 * CLOCKS_APART_MS, 4],
		] as const) {
			const { id } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["new"] });
			const request = { ...MISSED, until, eventTypes: ["old"] };
			const estimate = await test.engine.replays.estimate(test.scope, [id], request);
			expect(estimate).toEqual({ count, complete: true, until: until ?? start + 1_001 });
			const replay = await test.engine.replays.start(test.change, id, request);
			expect(await ended(test, replay)).toMatchObject({ scannedCount: count, deliveryCount: count });
		}
	});

	it("takes what was counted if it is made later with the end of the count, and nothing that has come meanwhile", async () => {
		await using test = await openTestEngine();
		const records = new Records();
		const start = test.clock.now();
		// Another process's clock is ahead.
		const accept = async (aheadMs: number) => {
			records.now = start + aheadMs;
			await test.store.commit({ events: [records.event(test.projectId, { type: "old" })], updates: [] });
		};
		await accept(0);
		await accept(20_000);
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["new"] });
		const request = { ...MISSED, until: null, eventTypes: ["old"] };
		const { count, until } = await test.engine.replays.estimate(test.scope, [id], request);
		expect(count).toBe(2);
		test.clock.advance(3_000);
		await accept(23_000);
		const replay = await test.engine.replays.start(test.change, id, { ...request, until });
		expect(await ended(test, replay)).toMatchObject({ scannedCount: 2, deliveryCount: 2 });
	});

	it("sends only missed events that the webhook wants, unless the request names types", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await sendMany(test, 2, "order.paid");
		await sendMany(test, 3, "user.created");
		const webhook = await test.createWebhook(receiver.url, { eventTypes: ["order.*"] });
		const { replays } = test.engine;
		const count = async (request: Partial<ReplayRequest>) =>
			(await replays.estimate(test.scope, [webhook.id], { ...MISSED, ...request })).count;
		expect(await count({})).toBe(2);
		expect(await count({ eventTypes: ["user.created"] })).toBe(3);
		const replay = await replays.start(test.change, webhook.id, MISSED);
		expect(replay.filter).toMatchObject({ eventTypes: null, missedEventTypes: ["order.*"] });
		expect(await ended(test, replay)).toMatchObject({ scannedCount: 5, deliveryCount: 2 });
	});
});

describe("many events", () => {
	it("are replayed a few at a time, so that a live event arrives long before the end", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine({ limits: LIMITS });
		const sent = await sendMany(test, 3_000);
		const webhook = await test.createWebhook(receiver.url, { eventTypes: ["live"] });
		const request = { ...MISSED, eventTypes: ["old"] };
		const replay = await test.engine.replays.start(test.change, webhook.id, request);
		await passing(test, "the replay is under way", () => receiver.requests.length > 300);
		const liveId = await test.send({ type: "live" });
		let most = 0;
		await passing(test, "the live event has arrived", async () => {
			most = Math.max(most, (await test.store.countOpen()).Pending);
			return received(receiver).includes(liveId);
		});
		expect(received(receiver).indexOf(liveId)).toBeLessThan(1_000);
		await ended(test, replay);
		await quiet(test);
		expect(received(receiver).filter((id) => id !== liveId)).toHaveLength(3_000);
		expect(new Set(received(receiver))).toEqual(new Set([...sent, liveId]));
		expect(most).toBeLessThanOrEqual(SHARE + 1);
	});

	it("wait until earlier deliveries of the replay have been attempted", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ kind: "hang" }));
		await using test = await openTestEngine({ limits: LIMITS });
		await sendMany(test, 200);
		const webhook = await test.createWebhook(receiver.url);
		await test.engine.replays.start(test.change, webhook.id, MISSED);
		await passing(test, "the first attempts are in flight", () => receiver.requests.length >= FIRST_SHARE);
		for (let n = 0; n < 50; n++) test.clock.advance(10);
		expect((await test.deliveries()).length).toBe(FIRST_SHARE);
		// The rest of the limit is free for live traffic.
		const liveId = await test.send();
		await passing(test, "the live event is sent", () => received(receiver).includes(liveId));
	});

	it("take up at most a tenth of a second of a rate limit", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await sendMany(test, 20);
		const webhook = await test.createWebhook(receiver.url, { rateLimit: { perSecond: 20 } });
		const replay = await test.engine.replays.start(test.change, webhook.id, MISSED);
		let most = 0;
		await passing(test, "all deliveries are created", async () => {
			most = Math.max(most, (await test.store.countOpen()).Pending);
			return (await test.engine.replays.get(test.scope, replay.id)).status === "Finished";
		});
		expect(most).toBe(2);
	});
});

describe("a replay beside sends that wait long for their commits", () => {
	it("makes its steps further apart", async () => {
		const real = await openSqliteStore({ path: ":memory:" });
		const steps: number[] = [];
		const store: typeof real = {
			...real,
			stepReplay: (step) => {
				steps.push(test.clock.now());
				return real.stepReplay(step);
			},
		};
		const clock = new ManualClock();
		await using test = await openTestEngine({ store, clock, beforeCommit: () => clock.advance(10) });
		await sendMany(test, 1_500);
		const webhook = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["live"] });
		// There is nothing to deliver, so only the pace delays the steps.
		const replay = await test.engine.replays.start(test.change, webhook.id, { ...MISSED, eventTypes: ["none"] });
		await ended(test, replay);
		expect(steps.length).toBeGreaterThanOrEqual(3);
		for (const [index, at] of steps.slice(1).entries()) expect(at - (steps[index] ?? at)).toBeGreaterThanOrEqual(40);
	});
});

describe("a replay that is interrupted", () => {
	it("neither repeats nor leaves out anything when another engine continues it", async () => {
		await using receiver = await startReceiver();
		await using first = await openTestEngine();
		const sent = await sendMany(first, 1_000);
		const webhook = await first.createWebhook(receiver.url);
		const replay = await first.engine.replays.start(first.change, webhook.id, MISSED);
		await passing(first, "the replay is under way", () => receiver.requests.length > 200);
		await first.stop();
		const { deliveryCount } = (await first.store.replay(first.scope, replay.id))!;
		expect(deliveryCount).toBeLessThan(1_000);

		await using second = await openTestEngine({ store: first.store });
		second.clock.advance(first.clock.now() - second.clock.now());
		expect(await ended(second, replay)).toMatchObject({
			status: "Finished",
			scannedCount: 1_000,
			deliveryCount: 1_000,
		});
		await quiet(second);
		const all = await second.deliveries();
		expect(all.map(({ eventId }) => eventId).toSorted()).toEqual(sent);
		expect(new Set(received(receiver))).toEqual(new Set(sent));
	});

	it("continues when the store can be written again", async () => {
		const real = await openSqliteStore({ path: ":memory:" });
		let failures = 0;
		const store: typeof real = {
			...real,
			stepReplay: (step) => {
				if (failures++ < 2) throw new StoreError("store_full", "no space");
				return real.stepReplay(step);
			},
		};
		await using receiver = await startReceiver();
		await using test = await openTestEngine({ store });
		await sendMany(test, 3);
		const webhook = await test.createWebhook(receiver.url);
		const replay = await test.engine.replays.start(test.change, webhook.id, MISSED);
		expect(await ended(test, replay)).toMatchObject({ deliveryCount: 3 });
		expect(test.observer.problems).toHaveLength(2);
	});
});

describe("a webhook that is not deliverable", () => {
	it("makes its replay wait while it is paused, and continue afterwards", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const sent = await sendMany(test, 300);
		const webhook = await test.createWebhook(receiver.url);
		const replay = await test.engine.replays.start(test.change, webhook.id, MISSED);
		await passing(test, "the replay is under way", () => receiver.requests.length > 50);
		await test.engine.webhooks.pause(test.change, webhook.id);
		await passing(test, "the attempts in flight have ended", () => test.engine.gauges().inFlightAttempts === 0);
		const { deliveryCount } = await test.engine.replays.get(test.scope, replay.id);
		for (let n = 0; n < 100; n++) test.clock.advance(100);
		expect(await test.engine.replays.get(test.scope, replay.id)).toMatchObject({
			status: "Running",
			deliveryCount,
		});
		await test.engine.webhooks.resume(test.change, webhook.id);
		expect(await ended(test, replay)).toMatchObject({ status: "Finished", deliveryCount: 300 });
		await quiet(test);
		expect(received(receiver).toSorted()).toEqual(sent);
	});

	it.each(["Paused", "Disabled"] as const)(
		"makes its replay wait if only the store knows that it is %s",
		async (status) => {
			await using receiver = await startReceiver();
			await using test = await openTestEngine();
			await sendMany(test, 3);
			const webhook = await test.createWebhook(receiver.url);
			const [record] = await allWebhooks(test.store);
			await setWebhook(test.store, record!.id, { status });
			const steps = vi.spyOn(test.engineStore, "stepReplay");
			const replay = await test.engine.replays.start(test.change, webhook.id, MISSED);
			for (let n = 0; n < 100; n++) {
				test.clock.advance(100);
				await new Promise((resolve) => setImmediate(resolve));
			}
			expect(await test.engine.replays.get(test.scope, replay.id)).toEqual(replay);
			// It tries again every 250 ms, and not as often as it makes steps.
			expect(steps.mock.calls.length).toBeLessThan(50);
			await setWebhook(test.store, record!.id, { status: "Enabled" });
			expect(await ended(test, replay)).toMatchObject({ status: "Finished", deliveryCount: 3 });
		},
	);

	it("ends its replay if only the store knows that it is deleted", async () => {
		await using test = await openTestEngine();
		await sendMany(test, 3);
		const webhook = await test.createWebhook("http://127.0.0.1:9/");
		const [record] = await allWebhooks(test.store);
		await setWebhook(test.store, record!.id, { deleteDate: test.clock.now() });
		const replay = await test.engine.replays.start(test.change, webhook.id, MISSED);
		expect(await ended(test, replay)).toMatchObject({ status: "Cancelled", deliveryCount: 0 });
		expect(test.observer.notes).toContain("a replay was cancelled: its webhook is deleted");
	});

	it("ends its replays when it or its project is deleted", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await sendMany(test, 500);
		const [one, two] = [await test.createWebhook(receiver.url), await test.createWebhook(receiver.url)];
		const { replays, webhooks, projects } = test.engine;
		const first = await replays.start(test.change, one.id, MISSED);
		const second = await replays.start(test.change, two.id, MISSED);
		await passing(test, "the replays are under way", () => receiver.requests.length > 50);
		await webhooks.delete(test.change, one.id);
		expect(await ended(test, first)).toMatchObject({ status: "Cancelled" });
		await projects.delete(test.change);
		await passing(test, "the other replay has ended, too", async () => {
			const replay = await test.store.replay(test.scope, second.id);
			// Its record can be deleted with its project before this sees it.
			return replay === null || replay.status === "Cancelled";
		});
		await quiet(test);
		expect(receiver.requests.length).toBeLessThan(900);
	});
});

describe("cancelling a replay", () => {
	it("creates no more deliveries, and leaves the existing ones alone", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await sendMany(test, 500);
		const webhook = await test.createWebhook(receiver.url);
		const { replays } = test.engine;
		const replay = await replays.start(test.change, webhook.id, MISSED);
		await passing(test, "the replay is under way", () => receiver.requests.length > 50);
		const cancelled = await replays.cancel(test.change, replay.id);
		expect(cancelled).toMatchObject({ status: "Cancelled", endDate: test.clock.now() });
		await expect(replays.cancel(test.change, replay.id)).rejects.toMatchObject({ code: "replay_ended" });
		await quiet(test);
		for (let n = 0; n < 20; n++) test.clock.advance(100);
		expect(receiver.requests).toHaveLength(cancelled.deliveryCount);
		expect(await replays.get(test.scope, replay.id)).toEqual(cancelled);
		const again = await replays.start(test.change, webhook.id, MISSED);
		expect(await ended(test, again)).toMatchObject({ deliveryCount: 500 - cancelled.deliveryCount });
		await expect(replays.cancel(test.change, again.id)).rejects.toMatchObject({ code: "replay_ended" });
	});

	it("makes room for another replay of a project that has ten", async () => {
		await using test = await openTestEngine();
		const webhook = await test.createWebhook("http://127.0.0.1:9/");
		await test.engine.webhooks.pause(test.change, webhook.id);
		const startOne = () => test.engine.replays.start(test.change, webhook.id, MISSED);
		const results = await Promise.allSettled(Array.from({ length: 12 }, startOne));
		const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
		expect(started).toHaveLength(10);
		await expect(startOne()).rejects.toMatchObject({ code: "too_many_replays" });
		await test.engine.replays.cancel(test.change, started[0]!.id);
		await startOne();
		await expect(startOne()).rejects.toMatchObject({ code: "too_many_replays" });
		const other = await test.engine.projects.create("other", null);
		await expect(test.engine.replays.start(changeIn(other.id), webhook.id, MISSED)).rejects.toMatchObject({
			code: "webhook_not_found",
		});
	});
});

describe("an estimate", () => {
	it("counts the events that a replay would send now, in many steps, and sends nothing", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await sendMany(test, 1_700);
		const webhook = await test.createWebhook(receiver.url);
		const { replays } = test.engine;
		const until = test.clock.now() + 1;
		expect(await replays.estimate(test.scope, [webhook.id], MISSED)).toEqual({ count: 1_700, complete: true, until });
		expect(await replays.estimate(test.scope, [webhook.id], FAILED)).toEqual({ count: 0, complete: true, until });
		for (let n = 0; n < 20; n++) test.clock.advance(100);
		expect(receiver.requests).toEqual([]);
		expect((await replays.list(test.scope, null, { limit: 9, cursor: null })).rows).toEqual([]);
	});

	it("says until when it has counted, so that a replay until then has nothing that came later", async () => {
		await using test = await openTestEngine();
		await sendMany(test, 2, "order.paid");
		const webhook = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["none"] });
		const { replays } = test.engine;
		const request = { ...MISSED, eventTypes: ["order.paid"] };
		const { count, until } = await replays.estimate(test.scope, [webhook.id], request);
		test.clock.advance(1);
		await sendMany(test, 3, "order.paid");
		const replay = await replays.start(test.change, webhook.id, { ...request, until });
		expect(replay.filter.until).toBe(until);
		expect([count, (await ended(test, replay)).deliveryCount]).toEqual([2, 2]);
		expect(await replays.estimate(test.scope, [webhook.id], { ...request, until: 9, since: 0 })).toMatchObject({
			until: 9,
		});
	});

	it("waits for none of another project, and its customers take turns, of whom none has all places to wait", async () => {
		await using test = await openTestEngine();
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const webhook = await test.createWebhook("http://127.0.0.1:9/");
		const acme = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
		const globex = await test.createWebhook("http://127.0.0.1:9/", { customerId: "globex" });
		const elsewhere = await other.createWebhook("http://127.0.0.1:9/");
		const held = Promise.withResolvers<void>();
		const counted: string[] = [];
		test.engineStore.countReplay = async (step) => {
			counted.push(step.webhookId);
			if (step.webhookId === webhook.id) await held.promise;
			return test.store.countReplay(step);
		};
		const { replays } = test.engine;
		const ofCustomer = (customerId: string, webhookId: string) =>
			replays.estimate(customerScope(test.projectId, customerId), [webhookId], MISSED);
		const own = replays.estimate(test.scope, [webhook.id], MISSED);
		const waiting = Array.from({ length: 100 }, () => ofCustomer("acme", acme.id));
		const results = Promise.allSettled(waiting);
		const last = ofCustomer("globex", globex.id);
		expect(await replays.estimate(other.scope, [elsewhere.id], MISSED)).toMatchObject({ count: 0, complete: true });
		expect(counted).toEqual([webhook.id, elsewhere.id]);
		held.resolve();
		await Promise.all([own, last]);
		expect(counted.slice(2, 4).toSorted()).toEqual([acme.id, globex.id].toSorted());
		const refused = (await results).filter(({ status }) => status === "rejected");
		expect(refused).toHaveLength(100 - 48);
		expect(refused[0]).toMatchObject({ reason: { code: "overloaded" } });
	});

	it("is incomplete when it has taken too long", async () => {
		await using test = await openTestEngine();
		await sendMany(test, 1_200);
		const webhook = await test.createWebhook("http://127.0.0.1:9/");
		const estimate = test.engine.replays.estimate(test.scope, [webhook.id], MISSED);
		setImmediate(() => test.clock.advance(20_001));
		expect(await estimate).toMatchObject({ count: expect.any(Number), complete: false });
	});
});
