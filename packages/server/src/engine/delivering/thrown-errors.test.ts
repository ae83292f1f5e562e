// What throws during an attempt, which nothing should: it is reported, the delivery leaves memory, and it is attempted after its lease.
import { expect, it, onTestFinished, vi } from "vitest";

import { LiveReporter } from "../live/live-reporter.ts";
import { openDelivering } from "../test/delivering.ts";
import { eventually, type TestEngine, type TestEngineOptions } from "../test/test-engine.ts";

const UNEXPECTED = new TypeError("nobody expects this");

/** A function that throws when it is first called, and then does as `call`. */
function throwingOnce<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
	let throws = true;
	return (...args) => {
		if (!throws) return call(...args);
		throws = false;
		throw UNEXPECTED;
	};
}

const before = throwingOnce(() => null);

it.each<[when: string, requests: number, options: TestEngineOptions, arm: (test: TestEngine) => void]>([
	["while it is given to the sender", 1, { beforeSend: before }, () => {}],
	[
		"when its outcome is judged",
		2,
		{},
		({ observer }) => {
			observer.attemptFinished = throwingOnce(observer.attemptFinished.bind(observer));
		},
	],
	[
		"when its outcome is committed",
		1,
		{},
		() => {
			const spy = vi.spyOn(LiveReporter.prototype, "deliveryUpdated").mockImplementationOnce(() => {
				throw UNEXPECTED;
			});
			onTestFinished(() => spy.mockRestore());
		},
	],
])("ends an attempt that throws %s", async (_when, requests, options, arm) => {
	const { test, receiver } = await openDelivering(null, options);
	arm(test);
	const eventId = await test.send();
	await eventually("it is reported", () => test.observer.problems.some(({ error }) => error === UNEXPECTED));
	expect(test.observer.problems[0]?.message).toMatch(/^a delivery could not be handled/);
	await eventually("nothing is in flight", () => test.engine.gauges().inFlightAttempts === 0);
	const [delivery] = await test.deliveries();
	if (delivery?.status === "Pending") test.clock.advance(delivery.leaseUntil! - test.clock.now() + 20);
	await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	expect(receiver.requests).toHaveLength(requests);
});
