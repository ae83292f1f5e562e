// Steps of the wall clock, such as after a suspend or a correction: no delivery is lost, starved or attempted twice.
import { setImmediate as nextTurn } from "node:timers/promises";

import { answers, startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { MAX_RETRY_AFTER_MS } from "../../core/policies/retry-policy.ts";
import { holdFirst, openDelivering } from "../test/delivering.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

const HOUR = 3_600_000;
const WAIT_S = 60;
const JUMP_MS = WAIT_S * 1_000 + 1;
/** The wait before the first retry, plus a tolerance for late timers. */
const RETRY_MS = 1_000 + 20;
/** The same after a step back: see `SteadyClock`. */
const RETRY_SLOWED_MS = Math.ceil(1_000 / 0.9) + 40;
const POLL_MS = 30_000;

describe("after the clock was set forward past the time for which the timer for due deliveries was set", () => {
	it("the retries of other webhooks are made on time, and so are those that became due by the step", async () => {
		await using receiver = await startReceiver();
		receiver.script(({ path }, index) => {
			if (path === "/waits") return index === 0 ? answers.retryAfter(WAIT_S, 429) : {};
			return index === 1 ? { status: 500 } : {};
		});
		await using test = await openTestEngine();
		const waits = await test.createWebhook(`${receiver.url}/waits`, { eventTypes: ["first.type"] });
		const fails = await test.createWebhook(`${receiver.url}/fails`, { eventTypes: ["second.type"] });
		const first = await test.send({ type: "first.type" });
		await test.delivery(first, { webhookId: waits.id, attemptCount: 1 });

		test.clock.step(JUMP_MS);
		const second = await test.send({ type: "second.type" });
		await test.delivery(second, { webhookId: fails.id, attemptCount: 1 });
		test.clock.advance(RETRY_MS);
		await receiver.waitFor(4);
		await test.delivery(second, { status: "Succeeded", attemptCount: 2 });
		await test.delivery(first, { status: "Succeeded", attemptCount: 2 });
		expect(receiver.requests).toHaveLength(4);
	});
});

it.each([0, 10])(
	"a retry is made after its wait, if the clock was set back after it had been %i hours ahead",
	async (ahead) => {
		const { test, receiver } = await openDelivering();
		receiver.respond([{ status: 500 }]);
		test.clock.step(ahead * HOUR);
		const id = await test.send();
		await test.delivery(id, { attemptCount: 1 });
		test.clock.step(-Math.max(ahead, 1) * HOUR);
		test.clock.advance(RETRY_SLOWED_MS);
		await test.delivery(id, { status: "Succeeded", attemptCount: 2 });
	},
);

describe("after the clock was set back by an hour", () => {
	it("deliveries that wait in the store for room are attempted", async () => {
		const gate = holdFirst();
		const { test, receiver } = await openDelivering(gate.script, {
			limits: { maxReadyPerWebhook: 1, maxInFlightPerWebhook: 1 },
		});
		const ids = [await test.send(), await test.send(), await test.send(), await test.send()];
		await receiver.waitFor(1);
		test.clock.step(-HOUR);
		ids.push(await test.send());
		gate.answer({});
		for (const id of ids) await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(ids.length);
	});

	it("the lease of an attempt in flight is renewed, and the attempt is not made twice", async () => {
		const gate = holdFirst();
		const { test, receiver } = await openDelivering(gate.script);
		const id = await test.send();
		await receiver.waitFor(1);
		test.clock.step(-HOUR);
		const leaseUntil = async () => (await test.deliveries({ eventId: id }))[0]?.leaseUntil ?? 0;
		const before = await leaseUntil();
		// More than two leases: each poll begins when the one before it has ended.
		for (let polls = 0; polls < 10; polls++) {
			test.clock.advance(POLL_MS);
			await nextTurn();
		}
		await eventually("the lease is renewed", async () => (await leaseUntil()) > before);
		gate.answer({});
		await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
	});

	it("dates still ascend, and signatures have the wall time", async () => {
		const { test, receiver } = await openDelivering();
		const first = await test.send();
		await test.delivery(first, { status: "Succeeded" });
		test.clock.step(-HOUR);
		const second = await test.send();
		await test.delivery(second, { status: "Succeeded" });
		const events = await test.store.eventsById(test.scope, [first, second]);
		expect(events[1]!.createDate).toBeGreaterThanOrEqual(events[0]!.createDate);
		const timestamps = receiver.requests.map(({ headers }) => Number(headers["webhook-timestamp"]));
		expect(timestamps[1]! - timestamps[0]!).toBe(-HOUR / 1_000);
		expect(timestamps[1]).toBe(Math.floor(test.clock.now() / 1_000));
	});
});

describe("after the clock was set forward by ten hours", () => {
	it("an attempt in flight is not made twice, although its lease looks expired", async () => {
		const gate = holdFirst();
		const { test, receiver } = await openDelivering(gate.script);
		const id = await test.send();
		await receiver.waitFor(1);
		test.clock.step(10 * HOUR);
		expect(await test.engine.readiness()).toMatchObject({ ready: true });
		test.clock.advance(POLL_MS);
		const later = await test.send();
		await test.delivery(later, { status: "Succeeded", attemptCount: 1 });
		gate.answer({});
		await test.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
	});
});

describe("a start on data that was written by a clock that ran 40 days ahead", () => {
	it("attempts at once what was never attempted, and makes retries after the longest wait of the policy", async () => {
		await using receiver = await startReceiver();
		receiver.script(({ path }, index) => (index < 2 ? (path === "/fails" ? { status: 500 } : { kind: "hang" }) : {}));
		const store = await openSqliteStore({ path: ":memory:" });
		onTestFinished(() => store.close());
		const now = new ManualClock().now();
		let [failed, cutShort] = ["", ""];
		{
			await using ahead = await openTestEngine({ store, clock: new ManualClock(now + 40 * 24 * HOUR) });
			await ahead.createWebhook(`${receiver.url}/fails`, { eventTypes: ["fails"] });
			await ahead.createWebhook(`${receiver.url}/hangs`, { eventTypes: ["hangs"] });
			failed = await ahead.send({ type: "fails" });
			await ahead.delivery(failed, { attemptCount: 1 });
			cutShort = await ahead.send({ type: "hangs" });
			await receiver.waitFor(2);
		}

		await using test = await openTestEngine({ store, clock: new ManualClock(now) });
		await test.delivery(cutShort, { status: "Succeeded", attemptCount: 1 });
		await test.delivery(failed, { status: "Pending", nextAttemptAt: now + MAX_RETRY_AFTER_MS });
		expect(test.observer.notes).toContain(
			"made deliveries due earlier: their times were set by a clock that ran ahead",
		);
		test.clock.advance(MAX_RETRY_AFTER_MS);
		await test.delivery(failed, { status: "Succeeded", attemptCount: 2 });
	});
});
