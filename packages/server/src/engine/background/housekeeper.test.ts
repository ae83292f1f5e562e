// How long idempotency keys are known: for 25 hours, on the real store, with a clock that the test moves.
import { describe, expect, it } from "vitest";

import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const MINUTE_MS = 60_000;
const KEPT_MS = 25 * 60 * MINUTE_MS;

/** Follows the passes of the housekeeper, and how many keys each of their steps deletes. */
function watchHousekeeper(test: TestEngine) {
	const steps: number[] = [];
	let passes = 0;
	let isInPass = false;
	test.engineStore.forgetIdempotencyKeys = async (before, limit) => {
		if (!isInPass) passes++;
		isInPass = true;
		const deleted = await test.store.forgetIdempotencyKeys(before, limit);
		if (deleted > 0) steps.push(deleted);
		isInPass = deleted === limit;
		return deleted;
	};
	/** Moves the clock by a minute or more. On the way the next pass begins, at its own time; waits until it has ended. */
	const advance = async (ms: number) => {
		const before = passes;
		test.clock.advance(ms);
		expect(passes).toBe(before + 1);
		await eventually("the pass of the housekeeper has ended", () => !isInPass);
	};
	return { steps, advance };
}

describe("an idempotency key", () => {
	it("is known for 25 hours after its first send, however often it is used, and makes a new event after that", async () => {
		await using test = await openTestEngine();
		const { advance } = watchHousekeeper(test);
		const send = () => test.send({ idempotencyKey: "order-1" });
		const sentAt = test.clock.now();
		const first = await send();
		await advance(KEPT_MS / 2);
		expect(await send()).toBe(first);
		await advance(KEPT_MS / 2 - MINUTE_MS);
		// This pass is made at 25 hours exactly.
		await advance(MINUTE_MS);
		expect(test.clock.now() - sentAt).toBe(KEPT_MS);
		expect(await send()).toBe(first);

		await advance(MINUTE_MS);
		const second = await send();
		expect(second).not.toBe(first);
		expect(await send()).toBe(second);
		expect(await test.store.event(test.scope, first)).not.toBeNull();
		expect(test.observer.problems).toEqual([]);
	});

	it("is forgotten in the first pass after that time, however many there are", async () => {
		await using test = await openTestEngine();
		const { steps, advance } = watchHousekeeper(test);
		const inputs = Array.from({ length: 1_001 }, (_, n) => eventInput({ idempotencyKey: `order-${n}` }));
		await test.engine.intake.sendBatch(test.scope, inputs);
		await advance(KEPT_MS - MINUTE_MS);
		await advance(MINUTE_MS);
		expect(steps).toEqual([]);
		await advance(MINUTE_MS);
		expect(steps).toEqual([500, 500, 1]);
	});
});
