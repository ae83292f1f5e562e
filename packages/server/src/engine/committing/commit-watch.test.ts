// Whether the server is ready, asked again and again: how often that writes a probe, and for how long its result holds.
import { describe, expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { openTestEngine } from "../test/test-engine.ts";

/** An engine whose probes are counted, and whose probes and commits can be made to fail. */
async function watched() {
	const store = await openSqliteStore({ path: ":memory:" });
	onTestFinished(() => store.close());
	const state: {
		probes: number;
		gate: Promise<void> | null;
		probeFails: StoreError | null;
		commitFails: StoreError | null;
	} = { probes: 0, gate: null, probeFails: null, commitFails: null };
	const probe = async (at: number, bytes?: number) => {
		state.probes++;
		await state.gate;
		if (state.probeFails !== null) throw state.probeFails;
		await store.probe(at, bytes);
	};
	const test = await openTestEngine({
		store: { ...store, probe },
		beforeCommit() {
			if (state.commitFails !== null) throw state.commitFails;
		},
	});
	const isReady = async () => (await test.engine.readiness()).ready;
	return { test, state, isReady, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

describe("the readiness of the server", () => {
	it("costs one probe a second, however often it is asked for", async () => {
		await using engine = await watched();
		const { test, state, isReady } = engine;
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

	it("costs one probe a second also while the store can't be written", async () => {
		await using engine = await watched();
		const { test, state, isReady } = engine;
		state.probeFails = new StoreError("store_unavailable", "the disk is gone");
		expect([await isReady(), await isReady()]).toEqual([false, false]);
		expect(state.probes).toBe(1);
		state.probeFails = null;
		test.clock.advance(999);
		expect(await isReady()).toBe(false);
		test.clock.advance(1);
		expect(await isReady()).toBe(true);
		expect(state.probes).toBe(2);
	});

	it("is not asserted for longer than a second once the store can't be written", async () => {
		await using engine = await watched();
		const { test, state, isReady } = engine;
		expect(await isReady()).toBe(true);
		state.probeFails = new StoreError("store_unavailable", "the disk is gone");
		test.clock.advance(999);
		expect(await isReady()).toBe(true);
		test.clock.advance(1);
		expect(await test.engine.readiness()).toMatchObject({
			ready: false,
			checks: { store: { ok: false, message: "the store can't be written: the disk is gone" } },
		});
	});

	it("is denied from the moment at which a commit fails, whatever a probe of the same second has found", async () => {
		await using engine = await watched();
		const { test, state, isReady } = engine;
		expect(await isReady()).toBe(true);
		state.commitFails = new StoreError("store_full", "no space");
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		expect(await isReady()).toBe(false);
	});

	it("is denied if a commit fails while the probe is under way", async () => {
		await using engine = await watched();
		const { test, state, isReady } = engine;
		const { promise, resolve: open } = Promise.withResolvers<void>();
		state.gate = promise;
		const asked = isReady();
		state.commitFails = new StoreError("store_full", "no space");
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		const askedThen = isReady();
		open();
		expect([await asked, await askedThen, await isReady()]).toEqual([false, false, false]);
		expect(state.probes).toBe(1);
	});
});
