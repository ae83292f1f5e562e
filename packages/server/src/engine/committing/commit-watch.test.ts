// Whether the server is ready, asked again and again: how often that writes a probe, and for how long its result holds.
import { describe, expect, it, onTestFinished } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { openTestEngine } from "../test/test-engine.ts";

/** An engine whose probes are counted, and whose probes and commits can be made to fail. */
async function watched() {
	const state = { probes: 0, gate: Promise.resolve(), probesFail: false, commitsFail: false };
	const test = await openTestEngine({
		beforeCommit() {
			if (state.commitsFail) throw new StoreError("store_full", "no space");
		},
	});
	onTestFinished(() => test[Symbol.asyncDispose]());
	test.engineStore.probe = async (...parameters) => {
		state.probes++;
		await state.gate;
		if (state.probesFail) throw new StoreError("store_unavailable", "the disk is gone");
		await test.store.probe(...parameters);
	};
	const isReady = async () => (await test.engine.readiness()).ready;
	/** From now on, commits fail. */
	const failCommit = async () => {
		state.commitsFail = true;
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
	};
	return { test, state, isReady, failCommit };
}

describe("the readiness of the server", () => {
	it("costs one probe a second, however often it is asked for", async () => {
		const { test, state, isReady } = await watched();
		const asked = await Promise.all(Array.from({ length: 100 }, isReady));
		for (let n = 0; n < 100; n++) asked.push(await isReady());
		test.clock.advance(999);
		asked.push(await isReady());
		expect(state.probes).toBe(1);
		test.clock.advance(1);
		asked.push(...(await Promise.all([isReady(), isReady()])));
		expect(state.probes).toBe(2);
		expect(new Set(asked)).toEqual(new Set([true]));
	});

	it("is asserted for a second at most once the store can't be written, and denied as long when it can again, with one probe a second", async () => {
		const { test, state, isReady } = await watched();
		expect(await isReady()).toBe(true);
		for (const [count, fails] of [true, false].entries()) {
			state.probesFail = fails;
			test.clock.advance(999);
			expect(await isReady()).toBe(fails);
			expect(state.probes).toBe(count + 1);
			test.clock.advance(1);
			expect([await isReady(), await isReady()]).toEqual([!fails, !fails]);
			expect(state.probes).toBe(count + 2);
			const message = fails ? "the store can't be written: the disk is gone" : "the store can be written";
			expect(await test.engine.readiness()).toMatchObject({ checks: { store: { ok: !fails, message } } });
		}
	});

	it("is denied from the moment at which a commit fails, whatever a probe of the same second has found", async () => {
		const { isReady, failCommit } = await watched();
		expect(await isReady()).toBe(true);
		await failCommit();
		expect(await isReady()).toBe(false);
	});

	it("is denied if a commit fails while the probe is under way", async () => {
		const { state, isReady, failCommit } = await watched();
		const { promise, resolve: open } = Promise.withResolvers<void>();
		state.gate = promise;
		const asked = isReady();
		await failCommit();
		const askedThen = isReady();
		open();
		expect([await asked, await askedThen, await isReady()]).toEqual([false, false, false]);
		expect(state.probes).toBe(1);
	});
});
