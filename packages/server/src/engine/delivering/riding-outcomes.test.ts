// Outcomes that wait for a send keep their places in flight: they do not wait while a delivery needs one, nor at a stop.
import type { Script } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import type { EngineLimits } from "../parts.ts";
import { holdFirst, openDelivering, passTurns, received } from "../test/delivering.ts";
import { eventually, type TestEngine } from "../test/test-engine.ts";

/** An engine whose clock stands still, so that an outcome that waits for a send waits for ever. */
async function open(script: Script | null = null, limits: Partial<EngineLimits> = {}) {
	const commits: string[] = [];
	const opened = await openDelivering(script, {
		limits: { rideMs: 20, ...limits },
		beforeCommit: ({ events, updates }) => void commits.push(`${events.length} ${updates.length}`),
	});
	return { ...opened, commits };
}

function inFlight({ engine }: TestEngine): number {
	return engine.gauges().inFlightAttempts;
}

async function attempted(test: TestEngine, count: number): Promise<void> {
	await eventually("the attempts have ended", () => test.observer.attempts.length === count);
	await passTurns(20);
}

describe("an outcome that waits for a send", () => {
	it("keeps its delivery Pending and its place in flight until it is committed", async () => {
		const { test, commits } = await open();
		const eventId = await test.send();
		await attempted(test, 1);
		expect(inFlight(test)).toBe(1);
		await test.delivery(eventId, { status: "Pending" });
		test.clock.advance(20);
		await test.delivery(eventId, { status: "Succeeded" });
		expect(commits).toEqual(["1 0", "0 1"]);
	});

	it.each([
		["its webhook is at its limit and has more ready", { maxInFlightPerWebhook: 1 }],
		["all places are taken", { maxInFlight: 1 }],
	])("does not wait while %s", async (_name, limits) => {
		const { test } = await open(null, limits);
		await Promise.all([test.send(), test.send(), test.send()]);
		// The last one needs no place of another, so it waits.
		await attempted(test, 3);
		expect(inFlight(test)).toBe(1);
	});

	it("does not wait any longer when a delivery comes from the store that needs its place", async () => {
		const { test, receiver } = await open(null, { maxInFlightPerWebhook: 1 });
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
		expect(received(receiver)).toEqual([failed, expect.any(String), failed]);
	});

	it("is written by a stop, and so are those that come while the stop waits for attempts", async () => {
		const { script, answer } = holdFirst();
		const { test, receiver } = await open(script);
		const slow = await test.send();
		await receiver.waitFor(1);
		const fast = await test.send();
		await attempted(test, 1);
		expect(inFlight(test)).toBe(2);
		const stopped = test.engine.stop(30_000);
		await test.delivery(fast, { status: "Succeeded" });
		answer({});
		await stopped;
		await test.delivery(slow, { status: "Succeeded" });
	});
});
