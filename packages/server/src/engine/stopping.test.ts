// Stopping the engine: which work it finishes, returns to the store, or leaves for the next start.
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../adapters/sqlite/sqlite-store.ts";
import { StoreError } from "../ports/store/errors.ts";
import type { Store } from "../ports/store/store.ts";
import { ONCE, holdFirst, openDelivering, passTurns } from "./test/delivering.ts";
import { eventually, openTestEngine } from "./test/test-engine.ts";

describe("a stop", () => {
	it("waits for attempts in flight and their outcomes, refuses sends, and leaves the rest for the next start", async () => {
		const { script, answer } = holdFirst();
		const limits = { maxInFlight: 2, maxInFlightPerWebhook: 1 };
		const { test: first, receiver } = await openDelivering(script, { limits });
		const ids = await Promise.all(Array.from({ length: 5 }, () => first.send()));
		await receiver.waitFor(1);
		const stopped = first.engine.stop();
		await expect(first.send()).rejects.toMatchObject({ code: "shutting_down" });
		expect(first.engine.stop()).toBe(stopped);
		answer({});
		await stopped;
		expect(receiver.requests).toHaveLength(1);
		const statuses = (await first.deliveries()).map(({ status }) => status);
		expect(statuses.toSorted()).toEqual([...Array.from({ length: 4 }, () => "Pending"), "Succeeded"]);

		await using second = await openTestEngine({ limits, store: first.store });
		for (const id of ids) await second.delivery(id, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(5);
	});

	it("gives back a delivery whose attempt it cuts short: the attempt uses up no retry and is made again", async () => {
		const { test: first, receiver } = await openDelivering(null, { webhook: ONCE });
		receiver.respond([{ kind: "hang" }]);
		const eventId = await first.send();
		await receiver.waitFor(1);
		await first.stop();
		expect(await first.deliveries()).toMatchObject([{ status: "Pending", leaseUntil: null, attemptCount: 0 }]);
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it("commits the sends that wait, does not use the store afterwards, and leaves it open", async () => {
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
			async dueWebhooks(shards) {
				calls.push("polled");
				return real.dueWebhooks(shards);
			},
			async close() {
				calls.push("closed");
				return real.close();
			},
		};
		await using test = await openTestEngine({ store });
		const sending = test.send();
		await eventually("its commit is under way", () => test.engine.gauges().waitingSends === 0);
		calls.length = 0;
		const stopped = test.engine.stop();
		await passTurns();
		open();
		await stopped;
		await sending;
		test.clock.advance(3_600_000);
		await passTurns();
		expect(calls).toEqual(["committed"]);
		await real.probe(test.clock.now());
	});

	it("ends even if the store can't write an outcome; the attempt is made again after the next start", async () => {
		let broken = false;
		const { test: first, receiver } = await openDelivering(() => ((broken = true), {}), {
			beforeCommit() {
				if (broken) throw new StoreError("store_unavailable", "not now");
			},
		});
		const eventId = await first.send();
		await eventually("the outcome could not be written", () => first.observer.problems.length > 0);
		await first.stop();
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
	});
});
