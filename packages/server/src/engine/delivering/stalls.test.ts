// Readiness when delivery stands still: the store is not polled, or ready deliveries are not attempted.
import { describe, expect, it } from "vitest";

import { SHARDS } from "../../core/cluster/shard.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { DEFAULT_LIMITS } from "../parts.ts";
import { openDelivering } from "../test/delivering.ts";
import { ScriptedCluster } from "../test/scripted-cluster.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const POLL_MS = DEFAULT_LIMITS.pollEveryMs;
const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);
const READY = { ready: true, checks: { dispatcher: { ok: true } } };

/** A server that is not ready because its dispatcher says this. The store can be written. */
function notReady(message: string) {
	return { ready: false, checks: { store: { ok: true }, dispatcher: { ok: false, message } } };
}

/** The dispatcher is all right now, and is not any more after one more millisecond. */
async function expectNotReadyAfterOneMs(test: TestEngine, message: string): Promise<void> {
	expect(await test.engine.readiness()).toMatchObject(READY);
	test.clock.advance(1);
	expect(await test.engine.readiness()).toMatchObject(notReady(message));
}

describe("a server whose store has not been polled for three polls is not ready, and is ready after the next poll", () => {
	const silent = `the store has not been asked for due deliveries for ${3 * POLL_MS + 1} ms`;

	it("when the polls fail", async () => {
		await using test = await openTestEngine();
		test.engineStore.dueWebhooks = () => Promise.reject(new StoreError("store_unavailable", "not now"));
		for (let poll = 1; poll <= 3; poll++) {
			test.clock.advance(POLL_MS);
			await eventually(`poll ${poll} has failed`, () => test.observer.problems.length === poll);
		}
		await expectNotReadyAfterOneMs(test, silent);
		test.engineStore.dueWebhooks = (shards) => test.store.dueWebhooks(shards);
		test.clock.advance(POLL_MS - 1);
		await eventually("the server is ready", async () => (await test.engine.readiness()).ready);
	});

	it("when one poll hangs", async () => {
		await using test = await openTestEngine();
		const hanging = Promise.withResolvers<void>();
		// Before the engine is stopped, which waits for the poll: also if the test fails.
		using _ = { [Symbol.dispose]: hanging.resolve };
		test.engineStore.dueWebhooks = async (shards) => {
			await hanging.promise;
			return test.store.dueWebhooks(shards);
		};
		test.clock.advance(3 * POLL_MS);
		await expectNotReadyAfterOneMs(test, silent);
		hanging.resolve();
		await eventually("the server is ready", async () => (await test.engine.readiness()).ready);
		expect(test.observer.problems).toEqual([]);
	});
});

it("a server that has started no attempt for the time of a poll is not ready while deliveries are ready", async () => {
	const member = new ScriptedCluster().join("a", ALL_SHARDS);
	const { test } = await openDelivering(null, { tenure: member.tenure, wire: member.wire });
	await test.delivery(await test.send(), { status: "Succeeded" });
	// Without ready deliveries, there is no attempt to start.
	test.clock.advance(POLL_MS + 1);
	expect(await test.engine.readiness()).toMatchObject(READY);
	await test.delivery(await test.send(), { status: "Succeeded" });

	// The process has not reached the store for a while, and may lose its shards: it begins no attempt.
	member.stalled = true;
	const eventId = await test.send();
	expect(test.engine.gauges()).toMatchObject({ readyDeliveries: 1, inFlightAttempts: 0 });
	test.clock.advance(POLL_MS);
	const message = `no attempt was started for ${POLL_MS + 1} ms although deliveries are ready`;
	await expectNotReadyAfterOneMs(test, message);

	member.stalled = false;
	await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	expect(await test.engine.readiness()).toMatchObject(READY);
});
