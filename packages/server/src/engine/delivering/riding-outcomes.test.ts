// Outcomes that wait for a send keep their places in flight: they do not wait while a delivery needs one, nor at a stop.
import { startReceiver, type Answer, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import type { EngineLimits } from "../parts.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** An engine whose clock stands still, so that an outcome that waits for a send waits for ever. */
async function open(limits: Partial<EngineLimits> = {}) {
	const commits: string[] = [];
	const test = await openTestEngine({
		limits: { rideMs: 20, ...limits },
		beforeCommit: ({ events, updates }) => void commits.push(`${events.length} ${updates.length}`),
	});
	return { test, commits };
}

/** An engine in which the outcome of one attempt waits. Returns the id of its event, too. */
async function openWaiting(receiver: Receiver) {
	const { test, commits } = await open();
	await test.createWebhook(receiver.url);
	const eventId = await test.send();
	await attempted(test, 1);
	return { test, commits, eventId };
}

function inFlight({ engine }: TestEngine): number {
	return engine.gauges().inFlightAttempts;
}

async function attempted(test: TestEngine, count: number): Promise<void> {
	await eventually("the attempts have ended", () => test.observer.attempts.length === count);
	for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("an outcome that waits for a send", () => {
	it("keeps its delivery Pending and its place in flight until it is committed", async () => {
		await using receiver = await startReceiver();
		const { test, commits, eventId } = await openWaiting(receiver);
		await using _ = test;
		expect(inFlight(test)).toBe(1);
		await test.delivery(eventId, { status: "Pending" });
		test.clock.advance(20);
		await test.delivery(eventId, { status: "Succeeded" });
		expect(commits).toEqual(["1 0", "0 1"]);
	});

	it("is committed with the next event", async () => {
		await using receiver = await startReceiver();
		const { test, commits, eventId } = await openWaiting(receiver);
		await using _ = test;
		await test.send();
		await test.delivery(eventId, { status: "Succeeded" });
		expect(commits).toEqual(["1 0", "1 1"]);
	});

	it.each([
		["its webhook is at its limit and has more ready", { maxInFlightPerWebhook: 1 }],
		["all places are taken", { maxInFlight: 1 }],
	])("does not wait while %s", async (_name, limits) => {
		await using receiver = await startReceiver();
		const { test } = await open(limits);
		await using _ = test;
		await test.createWebhook(receiver.url);
		await Promise.all([test.send(), test.send(), test.send()]);
		// The last one needs no place of another, so it waits.
		await attempted(test, 3);
		expect(inFlight(test)).toBe(1);
	});

	it("does not wait any longer when a delivery comes from the store that needs its place", async () => {
		await using receiver = await startReceiver();
		const { test } = await open({ maxInFlightPerWebhook: 1 });
		await using _ = test;
		await test.createWebhook(receiver.url);
		receiver.respond([{ status: 500 }]);
		const failed = await test.send();
		await attempted(test, 1);
		test.clock.advance(20);
		// Its retry is due 1,000 ms after the attempt.
		await test.delivery(failed, { attemptCount: 1 });
		test.clock.advance(975);
		await test.send();
		await attempted(test, 2);
		expect(inFlight(test)).toBe(1);
		test.clock.advance(5);
		await attempted(test, 3);
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([failed, expect.any(String), failed]);
	});

	it("is written by a stop, and so are those that come while the stop waits for attempts", async () => {
		await using receiver = await startReceiver();
		const { test } = await open();
		await using _ = test;
		await test.createWebhook(receiver.url);
		const gate = Promise.withResolvers<Answer>();
		receiver.script((_request, index) => (index === 0 ? gate.promise : {}));
		const slow = await test.send();
		await receiver.waitFor(1);
		const fast = await test.send();
		await attempted(test, 1);
		expect(inFlight(test)).toBe(2);
		const stopped = test.engine.stop(30_000);
		await test.delivery(fast, { status: "Succeeded" });
		gate.resolve({});
		await stopped;
		await test.delivery(slow, { status: "Succeeded" });
	});
});
