import { describe, expect, it } from "vitest";

import { answers, startReceiver, type Answer } from "../../test/receiver.ts";
import { eventInput, eventually, openTestEngine } from "../../test/test-engine.ts";
import { openSqliteStore } from "../adapters/sqlite/sqlite-store.ts";
import { FanfareError } from "../core/errors.ts";
import { StoreError, type Store } from "../ports/store.ts";

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

	it("reads a change of the retry policy that comes while an attempt is under way, too", async () => {
		await using receiver = await startReceiver();
		const { promise: answer, resolve } = Promise.withResolvers<object>();
		receiver.script(() => answer);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await receiver.waitFor(1);
		await test.engine.webhooks.update(test.projectId, webhook.id, { retries: { maxRetries: 0 } });
		resolve({ status: 500 });
		await test.delivery(eventId, { status: "Failed", attemptCount: 1 });
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
		const many = Array.from({ length: 1_000 }, (_, n) => `webhook_${n}`);
		await expect(test.send({ webhookIds: many })).rejects.toMatchObject({
			message: "No such webhook in this project: webhook_0 (and 999 more, see issues).",
			issues: { length: 51 },
		});
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

	it.each<[string, Answer]>([
		["answers 410", { status: 410 }],
		[
			"answers 410 and breaks off",
			{ kind: "raw", parts: ["HTTP/1.1 410 Gone\r\ncontent-length: 20\r\n\r\nso"], after: "reset" },
		],
	])("disables a webhook whose receiver %s, and holds what comes after", async (_what, answer) => {
		await using receiver = await startReceiver();
		receiver.respond([answer]);
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

	it.each([
		["pause", "Held"],
		["delete", "Cancelled"],
	] as const)("sends nothing that was being committed at a %s: it becomes %s", async (action, status) => {
		await using receiver = await startReceiver();
		const real = await openSqliteStore({ path: ":memory:" });
		let gate = Promise.resolve();
		const store: Store = {
			...real,
			async commit(batch) {
				await gate;
				return real.commit(batch);
			},
		};
		await using test = await openTestEngine({ store });
		const webhook = await test.createWebhook(receiver.url);
		const { promise, resolve: open } = Promise.withResolvers<void>();
		gate = promise;
		const sending = test.send();
		await eventually("its commit is under way", () => test.engine.gauges().waitingSends === 0);
		await test.engine.webhooks[action](test.projectId, webhook.id);
		open();
		await test.delivery(await sending, { status, attemptCount: 0 });
		expect(receiver.requests).toHaveLength(0);
	});

	it("carries a pause out later when the store can't now", async () => {
		await using receiver = await startReceiver();
		const real = await openSqliteStore({ path: ":memory:" });
		let failures = 0;
		const store: Store = {
			...real,
			async sweepWebhook(...parameters) {
				if (failures-- > 0) throw new StoreError("store_full", "no space");
				return real.sweepWebhook(...parameters);
			},
		};
		await using test = await openTestEngine({ store });
		receiver.respond([{ status: 500 }]);
		const webhook = await test.createWebhook(receiver.url, {
			retries: { maxRetries: 1, maxBackoffMs: 0, scheduleMs: [86_400_000] },
		});
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		failures = 2;
		await test.engine.webhooks.pause(test.projectId, webhook.id);
		for (const count of [1, 2]) {
			await eventually("it has failed", () => test.observer.problems.length === count);
			// The next try is set in the same turn. A wait of a day keeps the delivery from being due, and swept for that.
			test.clock.advance(1_000);
		}
		await test.delivery(eventId, { status: "Held" });
	});

	it("lets go of what a pause has held after the webhook was resumed", async () => {
		await using receiver = await startReceiver();
		const real = await openSqliteStore({ path: ":memory:" });
		let gate: Promise<void> | null = null;
		let sweeps = 0;
		const store: Store = {
			...real,
			async sweepWebhook(...parameters) {
				sweeps++;
				await gate;
				return real.sweepWebhook(...parameters);
			},
		};
		await using test = await openTestEngine({ store });
		receiver.respond([{ status: 500 }]);
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		const { promise, resolve: open } = Promise.withResolvers<void>();
		gate = promise;
		await test.engine.webhooks.pause(test.projectId, webhook.id);
		await eventually("the pause is being carried out", () => sweeps === 1);
		await test.engine.webhooks.resume(test.projectId, webhook.id);
		open();
		await eventually("it is let go", async () => {
			test.clock.advance(20);
			return (await test.deliveries({ eventId }))[0]?.status === "Succeeded";
		});
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

	it("holds at a start what a stop left waiting between a pause and its sweep", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		const first = await openTestEngine({ keepStore: true });
		await first.createWebhook(receiver.url);
		const eventId = await first.send();
		await first.delivery(eventId, { status: "Pending", attemptCount: 1 });
		await first.engine.stop();
		const [record] = await first.store.webhookRecords();
		await first.store.updateWebhook({ ...record!, status: "Paused" });
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Held", reason: "the webhook is paused" });
		expect(receiver.requests).toHaveLength(1);
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

	it("brings a new event of another webhook soon, while far more waits than it holds", async () => {
		await using receiver = await startReceiver();
		receiver.script(({ path }) => (path === "/new" ? {} : { delayMs: 5 }));
		await using test = await openTestEngine({ limits: { maxInFlight: 4, maxReady: 40 } });
		const backlogged: string[] = [];
		for (let n = 0; n < 60; n++) {
			const { id } = await test.createWebhook(`${receiver.url}/${n}`, { eventTypes: ["old"] });
			await test.engine.webhooks.pause(test.projectId, id);
			backlogged.push(id);
		}
		await test.createWebhook(`${receiver.url}/new`, { eventTypes: ["new"] });
		for (let n = 0; n < 20; n++) await test.send({ type: "old" });
		for (const id of backlogged) await test.engine.webhooks.resume(test.projectId, id);
		await receiver.waitFor(100);

		const before = receiver.requests.length;
		await test.delivery(await test.send({ type: "new" }), { status: "Succeeded" });
		const place = receiver.requests.findIndex(({ path }) => path === "/new") - before;
		// After what was in flight, and one of each lane in memory; not after the lanes that wait in the store for their turn.
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

	it("makes few attempts at once to a webhook that only fails, and more with each success to one that answers", async () => {
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
		await eventually("no more are under way", () => test.engine.gauges().inFlightAttempts === 2 + 64);
		expect([failing.requests.length, healthy.requests.length]).toEqual([7, 96]);
	});

	it("sends what was ready when the clock jumped past its lease, once", async () => {
		await using receiver = await startReceiver();
		const { promise: answer, resolve } = Promise.withResolvers<object>();
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		const leasesLeftMs: number[] = [];
		receiver.script(async ({ headers }, index) => {
			if (index === 0) return answer;
			const [delivery] = await test.deliveries({ eventId: String(headers["webhook-id"]) });
			leasesLeftMs.push((delivery?.leaseUntil ?? 0) - test.clock.now());
			return {};
		});
		await test.createWebhook(receiver.url);
		const ids = [await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		test.clock.jump(3_600_000);
		resolve({});
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(3);
		// Long enough for an attempt, and for its outcome to be written.
		expect(Math.min(...leasesLeftMs)).toBeGreaterThanOrEqual(15_000 + 5_000);
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
		await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toThrow("No such webhook");
		const counted = ["payload_too_large", "idempotency_conflict", "unknown_webhook"];
		expect(test.observer.refusals).toEqual(counted);
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

	it("attempts again, when its lease ends, what had an outcome that it could not write", async () => {
		await using receiver = await startReceiver();
		let refusals = 1;
		await using test = await openTestEngine({
			beforeCommit({ updates }) {
				if (updates.length > 0 && refusals-- > 0) throw new StoreError("store_conflict", "no");
			},
		});
		await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await eventually("it was set back", () =>
			test.observer.problems.some(({ message }) => message === "a delivery was set back"),
		);
		const { leaseUntil } = await test.delivery(eventId, { status: "Pending", attemptCount: 0 });
		await eventually("nothing is under way", () => test.engine.gauges().inFlightAttempts === 0);
		test.clock.advance(leaseUntil! - test.clock.now() + 20);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
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
		expect(await first.deliveries()).toMatchObject([{ status: "Pending", leaseUntil: null, attemptCount: 0 }]);
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it("stores the sends that it had taken before it closes the store, and asks nothing of the store after", async () => {
		const real = await openSqliteStore({ path: ":memory:" });
		const calls: string[] = [];
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		const store: Store = {
			...real,
			async commit(batch) {
				await gate;
				const result = await real.commit(batch);
				calls.push("committed");
				return result;
			},
			async dueWebhooks() {
				calls.push("looked");
				return real.dueWebhooks();
			},
			async close() {
				calls.push("closed");
				return real.close();
			},
		};
		const test = await openTestEngine({ store });
		const sending = test.send();
		await eventually("its commit is under way", () => test.engine.gauges().waitingSends === 0);
		calls.length = 0;
		const stopped = test.engine.stop();
		setTimeout(open, 50);
		await stopped;
		await sending;
		test.clock.advance(3_600_000);
		for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
		expect(calls).toEqual(["committed", "closed"]);
	});

	it("ends though the store can't write an outcome, which is attempted again after the next start", async () => {
		await using receiver = await startReceiver();
		let broken = false;
		const first = await openTestEngine({
			keepStore: true,
			beforeCommit() {
				if (broken) throw new StoreError("store_unavailable", "not now");
			},
		});
		await first.createWebhook(receiver.url);
		receiver.script(() => {
			broken = true;
			return {};
		});
		const eventId = await first.send();
		await eventually("the outcome could not be written", () => first.observer.problems.length > 0);
		await first[Symbol.asyncDispose]();
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
	});
});
