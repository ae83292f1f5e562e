// Replays on the real store, with a clock that the test moves: what they send, at what pace, and how they end.
import { describe, expect, it, vi } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { customerScope } from "../../core/access/principal.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { CLOCKS_APART_MS, type Replay } from "../../core/replay.ts";
import { Records, setWebhook } from "../../ports/contract/store/records/records.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { ReplayRequest } from "../calls.ts";
import { HANGS, NOBODY, openDelivering, passTurns, received } from "../test/delivering.ts";
import { openTestStore } from "../test/open-test-store.ts";
import { changeIn, eventually, type TestEngine } from "../test/test-engine.ts";

/** The events that `sendMany` sends. */
const MISSED: ReplayRequest = { since: 0, until: null, outcomes: ["Missed"], eventTypes: ["old"] };
const LIMITS = { maxInFlightPerWebhook: 64 };
const AHEAD_MS = 3_600_000;
/** Half of the limit before the first response of a webhook. */
const FIRST_SHARE = 16;

/** An engine with a webhook that wants only live events, and its replays. */
async function open(...[script, options]: Parameters<typeof openDelivering>) {
	const opened = await openDelivering(script, {
		...options,
		webhook: { eventTypes: ["live"], ...options?.webhook },
	});
	const { test, webhook } = opened;
	const { replays } = test.engine;
	const start = (request: Partial<ReplayRequest> = {}, webhookId = webhook.id) =>
		replays.start(test.change, webhookId, { ...MISSED, ...request });
	const get = ({ id }: Replay) => replays.get(test.scope, id);
	/** Moves the clock on until `check` returns something. */
	const passing = <T>(what: string, check: () => T | false | Promise<T | false>, stepMs = 10) =>
		eventually(what, () => {
			test.clock.advance(stepMs);
			return check();
		});
	/** The replay, once it has ended. */
	const ended = (replay: Replay, stepMs?: number) =>
		passing(
			"the replay has ended",
			async () => {
				const now = await get(replay);
				return now.status !== "Running" && now;
			},
			stepMs,
		);
	/** Waits until all deliveries have ended. */
	const quiet = () => passing("all deliveries have ended", async () => (await test.store.countOpen()).Pending === 0);
	return { ...opened, replays, start, get, passing, ended, quiet };
}

async function sendMany(test: TestEngine, count: number, type = "old"): Promise<string[]> {
	return Promise.all(Array.from({ length: count }, () => test.send({ type })));
}

/** Accepts events as other processes do, whose clocks are ahead of this one by these times. */
async function acceptAhead(test: TestEngine, ...aheadMs: readonly number[]): Promise<void> {
	const records = new Records();
	const start = test.clock.now();
	for (const ms of aheadMs) {
		records.now = start + ms;
		await test.store.commit({ events: [records.event(test.projectId, { type: "old" })], updates: [] });
	}
}

describe("a replay", () => {
	it("sends each matching event once, oldest first, under its old webhook-id, as a replay", async () => {
		const { test, receiver, start, ended, quiet } = await open();
		const sent = await sendMany(test, 5);
		const replay = await start();
		expect(replay).toMatchObject({ status: "Running", scannedCount: 0, endDate: null });
		expect(await ended(replay)).toMatchObject({ status: "Finished", scannedCount: 5, deliveryCount: 5 });
		await quiet();
		expect(received(receiver).toSorted()).toEqual(sent);
		const [delivery] = await test.deliveries({ eventId: sent[0]! });
		expect(await test.attempts(delivery!.id)).toMatchObject([{ trigger: "replay", responseCode: 200 }]);
	});

	it("retries by the webhook's policy when an attempt fails", async () => {
		const webhook = { eventTypes: null, retries: { maxRetries: 1, maxBackoffMs: 50 } };
		const { test, receiver, start, passing } = await open(null, { webhook });
		receiver.respond([{ status: 500 }, { status: 500 }, { status: 500 }]);
		const eventId = await test.send();
		await passing("the delivery has failed", async () => (await test.deliveries())[0]?.status === "Failed");
		await start({ outcomes: ["Failed"], eventTypes: null });
		await passing("the delivery has succeeded", async () => (await test.deliveries())[0]?.status === "Succeeded");
		const [delivery] = await test.deliveries({ eventId });
		const attempts = await test.attempts(delivery!.id);
		expect(attempts.map(({ trigger, responseCode }) => [trigger, responseCode])).toEqual([
			["replay", 500],
			["auto", 200],
		]);
	});

	it("leaves out events that were sent after its start, also if its range ends later", async () => {
		const { test, start, ended } = await open();
		await sendMany(test, 3);
		const until = test.clock.now() + 1_000_000;
		const replay = await start({ until });
		expect(replay.filter.until).toBe(until);
		test.clock.advance(1);
		await sendMany(test, 4);
		expect(await ended(replay)).toMatchObject({ scannedCount: 3, deliveryCount: 3 });
	});

	it("does not rest while it only passes events that are out of its range", async () => {
		const clock = new ManualClock();
		const store = await openTestStore(clock.now());
		const newestId = vi.fn(() => store.newestId());
		const { test, start, ended } = await open(null, { clock, store: { ...store, newestId } });
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
		newestId.mockClear();
		const replay = await start({ since: records.now, until: records.now + 1 });
		expect(await ended(replay)).toMatchObject({ scannedCount: 1, deliveryCount: 1 });
		// It is asked for by a step that has changed nothing, before a rest: on PostgreSQL by the first one, whose ids are too low.
		expect(newestId.mock.calls.length).toBeLessThanOrEqual(1);
		await test.stop();
		await store.close();
	});

	it("counts beforehand the events that a replay then takes, whatever the clocks of other processes say", async () => {
		const { test, replays, start, ended } = await open();
		const now = test.clock.now();
		await acceptAhead(test, -1_000, 0, 1_000, CLOCKS_APART_MS + 1_000);
		for (const [until, count] of [
			[null, 3],
			[now + 1, 2],
			[now + 1_001, 3],
			[now + 2 * CLOCKS_APART_MS, 4],
		] as const) {
			const { id } = await test.createWebhook(NOBODY, { eventTypes: ["new"] });
			const estimate = await replays.estimate(test.scope, [id], { ...MISSED, until });
			expect(estimate).toEqual({ count, complete: true, until: until ?? now + 1_001 });
			expect(await ended(await start({ until }, id))).toMatchObject({ scannedCount: count, deliveryCount: count });
		}
	});

	it("takes what was counted if it is made later with the end of the count, and nothing that has come meanwhile", async () => {
		const { test, webhook, replays, start, ended } = await open();
		await acceptAhead(test, 0, 20_000);
		const { count, until } = await replays.estimate(test.scope, [webhook.id], MISSED);
		expect(count).toBe(2);
		test.clock.advance(3_000);
		await acceptAhead(test, 20_000);
		const replay = await start({ until });
		expect(replay.filter.until).toBe(until);
		expect(await ended(replay)).toMatchObject({ scannedCount: 2, deliveryCount: 2 });
	});

	it("sends only missed events that the webhook wants, unless the request names types", async () => {
		const { test, webhook, replays, start, ended } = await open(null, { webhook: { eventTypes: ["order.*"] } });
		await test.engine.webhooks.update(test.change, webhook.id, { eventTypes: ["none"] });
		await sendMany(test, 2, "order.paid");
		await sendMany(test, 3, "user.created");
		await test.engine.webhooks.update(test.change, webhook.id, { eventTypes: ["order.*"] });
		const count = async (eventTypes: string[] | null) =>
			(await replays.estimate(test.scope, [webhook.id], { ...MISSED, eventTypes })).count;
		expect([await count(null), await count(["user.created"])]).toEqual([2, 3]);
		const replay = await start({ eventTypes: null });
		expect(replay.filter).toMatchObject({ eventTypes: null, missedEventTypes: ["order.*"] });
		expect(await ended(replay)).toMatchObject({ scannedCount: 5, deliveryCount: 2 });
	});
});

describe("many events", () => {
	it("are replayed a few at a time, and wait until earlier deliveries of the replay have been attempted", async () => {
		const { test, receiver, start, passing } = await open(HANGS, { limits: LIMITS });
		await sendMany(test, 200);
		await start();
		await passing("the first attempts are in flight", () => receiver.requests.length >= FIRST_SHARE);
		for (let n = 0; n < 50; n++) test.clock.advance(10);
		expect((await test.deliveries()).length).toBe(FIRST_SHARE);
		// The rest of the limit is free for live traffic.
		const liveId = await test.send({ type: "live" });
		await passing("the live event is sent", () => received(receiver).includes(liveId));
	});

	it("take up at most a tenth of a second of a rate limit", async () => {
		const { test, start, get, passing } = await open(null, { webhook: { rateLimit: { perSecond: 20 } } });
		await sendMany(test, 10);
		const replay = await start();
		let most = 0;
		await passing("all deliveries are created", async () => {
			most = Math.max(most, (await test.store.countOpen()).Pending);
			return (await get(replay)).status === "Finished";
		});
		expect(most).toBe(2);
	});

	it("are passed in steps that are further apart beside sends that wait long for their commits", async () => {
		const clock = new ManualClock();
		const { test, start, ended } = await open(null, { clock, beforeCommit: () => clock.advance(10) });
		const stepReplay = vi.spyOn(test.engineStore, "stepReplay");
		const steps: number[] = [];
		stepReplay.mockImplementation((step) => {
			steps.push(clock.now());
			return test.store.stepReplay(step);
		});
		for (let n = 0; n < 3; n++) await sendMany(test, 500);
		// There is nothing to deliver, so only the pace delays the steps.
		await ended(await start({ eventTypes: ["none"] }));
		expect(steps.length).toBeGreaterThanOrEqual(3);
		for (const [index, at] of steps.slice(1).entries()) expect(at - (steps[index] ?? at)).toBeGreaterThanOrEqual(40);
	});
});

describe("a replay that is interrupted", () => {
	it("neither repeats nor leaves out anything when another engine continues it", async () => {
		const store = await openSqliteStore({ path: ":memory:" });
		const first = await open(null, { store });
		const sent = await sendMany(first.test, 400);
		const replay = await first.start();
		await first.passing("the replay is under way", () => first.receiver.requests.length > 80);
		await first.test.stop();
		expect((await store.replay(first.test.scope, replay.id))!.deliveryCount).toBeLessThan(400);

		const second = await open(null, { store, clock: new ManualClock(first.test.clock.now()) });
		expect(await second.ended(replay)).toMatchObject({ status: "Finished", scannedCount: 400, deliveryCount: 400 });
		await second.quiet();
		const all = await second.test.deliveries();
		expect(all.map(({ eventId }) => eventId).toSorted()).toEqual(sent);
		expect(new Set(received(first.receiver))).toEqual(new Set(sent));
		await second.test.stop();
		await store.close();
	});

	it("continues when the store can be written again", async () => {
		const { test, start, ended } = await open();
		let failures = 0;
		test.engineStore.stepReplay = (step) => {
			if (failures++ < 2) throw new StoreError("store_full", "no space");
			return test.store.stepReplay(step);
		};
		await sendMany(test, 3);
		expect(await ended(await start(), 100)).toMatchObject({ deliveryCount: 3 });
		expect(test.observer.problems).toHaveLength(2);
	});
});

describe("a webhook that is not deliverable", () => {
	it("makes its replay wait while it is paused, and continue afterwards", async () => {
		const { test, receiver, webhook, start, get, passing, ended, quiet } = await open();
		const sent = await sendMany(test, 120);
		const replay = await start();
		await passing("the replay is under way", () => receiver.requests.length > 20);
		await test.engine.webhooks.pause(test.change, webhook.id);
		await passing("the attempts in flight have ended", () => test.engine.gauges().inFlightAttempts === 0);
		const { deliveryCount } = await get(replay);
		for (let n = 0; n < 100; n++) test.clock.advance(100);
		expect(await get(replay)).toMatchObject({ status: "Running", deliveryCount });
		await test.engine.webhooks.resume(test.change, webhook.id);
		expect(await ended(replay)).toMatchObject({ status: "Finished", deliveryCount: 120 });
		await quiet();
		expect(received(receiver).toSorted()).toEqual(sent);
	});

	it.each(["Paused", "Disabled"] as const)(
		"makes its replay wait if only the store knows that it is %s",
		async (status) => {
			const { test, webhook, start, get, ended } = await open();
			await sendMany(test, 3);
			await setWebhook(test.store, webhook.id, { status });
			const steps = vi.spyOn(test.engineStore, "stepReplay");
			const replay = await start();
			for (let n = 0; n < 100; n++) {
				test.clock.advance(100);
				await passTurns(1);
			}
			expect(await get(replay)).toEqual(replay);
			// It tries again every 250 ms, and not as often as it makes steps.
			expect(steps.mock.calls.length).toBeLessThan(50);
			await setWebhook(test.store, webhook.id, { status: "Enabled" });
			expect(await ended(replay)).toMatchObject({ status: "Finished", deliveryCount: 3 });
		},
	);

	it("ends its replay if only the store knows that it is deleted", async () => {
		const { test, webhook, start, ended } = await open();
		await sendMany(test, 3);
		await setWebhook(test.store, webhook.id, { deleteDate: test.clock.now() });
		expect(await ended(await start())).toMatchObject({ status: "Cancelled", deliveryCount: 0 });
		expect(test.observer.notes).toContain("a replay was cancelled: its webhook is deleted");
	});

	it("ends its replays when it or its project is deleted", async () => {
		const { test, receiver, webhook, start, passing, ended, quiet } = await open();
		await sendMany(test, 200);
		const other = await test.createWebhook(receiver.url, { eventTypes: ["live"] });
		const [first, second] = [await start(), await start({}, other.id)];
		await passing("the replays are under way", () => receiver.requests.length > 30);
		await test.engine.webhooks.delete(test.change, webhook.id);
		expect(await ended(first)).toMatchObject({ status: "Cancelled" });
		await test.engine.projects.delete(test.change);
		await passing("the other replay has ended, too", async () => {
			const replay = await test.store.replay(test.scope, second.id);
			// Its record can be deleted with its project before this sees it.
			return replay === null || replay.status === "Cancelled";
		});
		await quiet();
		expect(receiver.requests.length).toBeLessThan(360);
	});
});

describe("cancelling a replay", () => {
	it("creates no more deliveries, and leaves the existing ones alone", async () => {
		const { test, receiver, replays, start, get, passing, ended, quiet } = await open();
		await sendMany(test, 200);
		const replay = await start();
		await passing("the replay is under way", () => receiver.requests.length > 30);
		const cancelled = await replays.cancel(test.change, replay.id);
		expect(cancelled).toMatchObject({ status: "Cancelled", endDate: test.clock.now() });
		await expect(replays.cancel(test.change, replay.id)).rejects.toMatchObject({ code: "replay_ended" });
		await quiet();
		for (let n = 0; n < 20; n++) test.clock.advance(100);
		expect(receiver.requests).toHaveLength(cancelled.deliveryCount);
		expect(await get(replay)).toEqual(cancelled);
		const again = await start();
		expect(await ended(again)).toMatchObject({ deliveryCount: 200 - cancelled.deliveryCount });
		await expect(replays.cancel(test.change, again.id)).rejects.toMatchObject({ code: "replay_ended" });
	});

	it("makes room for another replay of a project that has ten", async () => {
		const { test, webhook, replays, start } = await open();
		await test.engine.webhooks.pause(test.change, webhook.id);
		const results = await Promise.allSettled(Array.from({ length: 12 }, () => start()));
		const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
		expect(started).toHaveLength(10);
		await expect(start()).rejects.toMatchObject({ code: "too_many_replays" });
		await replays.cancel(test.change, started[0]!.id);
		await start();
		await expect(start()).rejects.toMatchObject({ code: "too_many_replays" });
		const other = await test.engine.projects.create("other", null);
		const notFound = { code: "webhook_not_found" };
		await expect(replays.start(changeIn(other.id), webhook.id, MISSED)).rejects.toMatchObject(notFound);
	});
});

describe("an estimate", () => {
	it("counts the events that a replay would send now, in many steps, and sends nothing", async () => {
		const { test, receiver, webhook, replays } = await open();
		await sendMany(test, 1_700);
		const until = test.clock.now() + 1;
		const estimate = (request: Partial<ReplayRequest>) =>
			replays.estimate(test.scope, [webhook.id], { ...MISSED, ...request });
		expect(await estimate({})).toEqual({ count: 1_700, complete: true, until });
		expect(await estimate({ outcomes: ["Failed"] })).toEqual({ count: 0, complete: true, until });
		expect(await estimate({ until: 9 })).toMatchObject({ count: 0, until: 9 });
		for (let n = 0; n < 20; n++) test.clock.advance(100);
		expect(receiver.requests).toEqual([]);
		expect((await replays.list(test.scope, null, { limit: 9, cursor: null })).rows).toEqual([]);
	});

	it("waits for none of another project, and its customers take turns, of whom none has all places to wait", async () => {
		const { test, webhook, replays } = await open();
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const acme = await test.createWebhook(NOBODY, { customerId: "acme" });
		const globex = await test.createWebhook(NOBODY, { customerId: "globex" });
		const elsewhere = await other.createWebhook(NOBODY);
		const held = Promise.withResolvers<void>();
		const counted: string[] = [];
		test.engineStore.countReplay = async (step) => {
			counted.push(step.webhookId);
			if (step.webhookId === webhook.id) await held.promise;
			return test.store.countReplay(step);
		};
		const ofCustomer = (customerId: string, webhookId: string) =>
			replays.estimate(customerScope(test.projectId, customerId), [webhookId], MISSED);
		const own = replays.estimate(test.scope, [webhook.id], MISSED);
		const results = Promise.allSettled(Array.from({ length: 100 }, () => ofCustomer("acme", acme.id)));
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
		const { test, webhook, replays } = await open();
		await sendMany(test, 1_200);
		const estimate = replays.estimate(test.scope, [webhook.id], MISSED);
		setImmediate(() => test.clock.advance(20_001));
		expect(await estimate).toMatchObject({ count: expect.any(Number), complete: false });
	});
});
