// Erased payloads are overwritten on the disk within a minute, and nothing is done if none was erased.
import { describe, expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const HALF_A_MINUTE_MS = 30_000;

/** Counts the calls that overwrite. The next one fails if `fails` is set. */
function watch(test: TestEngine) {
	const seen = { count: 0, fails: false };
	test.engineStore.releaseSpace = async (maxBytes) => {
		if (maxBytes !== 0) return test.store.releaseSpace(maxBytes);
		seen.count++;
		if (seen.fails) throw new StoreError("store_unavailable", "no disk");
		return test.store.releaseSpace(maxBytes);
	};
	return seen;
}

describe("an erased payload", () => {
	it("is overwritten at the next half minute, and again later if that fails", async () => {
		await using test = await openTestEngine();
		const seen = watch(test);
		const eventId = await test.send();
		test.clock.advance(HALF_A_MINUTE_MS);
		expect(seen.count).toBe(0);

		seen.fails = true;
		await test.engine.events.erasePayload(changeIn(test.projectId), eventId);
		test.clock.advance(HALF_A_MINUTE_MS);
		await eventually("the failure is reported", () => test.observer.problems.length > 0);
		expect(seen.count).toBe(1);

		seen.fails = false;
		await eventually("it is tried again", () => {
			test.clock.advance(HALF_A_MINUTE_MS);
			return seen.count === 2;
		});
		await eventually("nothing is left to do", () => {
			const before = seen.count;
			test.clock.advance(HALF_A_MINUTE_MS);
			return seen.count === before;
		});
		expect(seen.count).toBe(2);
	});
});
