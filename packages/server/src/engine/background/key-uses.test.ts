// When keys were used last, on the real store, with a clock that the test moves.
import { expect, it } from "vitest";

import type { KeyUse } from "../../ports/store/directory.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const MINUTE_MS = 60_000;
const KEY = { name: "k", scope: "read", projectId: null } as const;

/** Follows what is written, and what the list shows. */
function watch(test: TestEngine) {
	const written: (readonly KeyUse[])[] = [];
	test.engineStore.noteKeyUses = async (uses) => {
		await test.store.noteKeyUses(uses);
		written.push(uses);
	};
	const shown = (keyId: string) =>
		test.engine.keys.list({ limit: 1_000, cursor: null }).rows.find(({ id }) => id === keyId)?.lastUsedDate;
	return { written, shown };
}

const minuteOf = (time: number) => time - (time % MINUTE_MS);

it("is known to the minute at once, and written once a minute, however often a key is used", async () => {
	await using test = await openTestEngine();
	const { written, shown } = watch(test);
	const { key, secretKey } = await test.engine.keys.create(KEY, null);
	const other = await test.engine.keys.create(KEY, null);
	expect(shown(key.id)).toBeNull();
	test.clock.advance(17_000);
	for (let n = 0; n < 500; n++) test.engine.keys.authenticate(secretKey);
	const at = minuteOf(test.clock.now());
	expect([shown(key.id), shown(other.key.id)]).toEqual([at, null]);
	expect(written).toEqual([]);
	test.clock.advance(MINUTE_MS);
	await eventually("it is written", () => written.length > 0);
	expect(written).toEqual([[{ keyId: key.id, at }]]);
	// Nothing to write, and a use in the same minute as before.
	test.engine.keys.authenticate(secretKey);
	const later = minuteOf(test.clock.now());
	for (let n = 0; n < 5; n++) test.clock.advance(MINUTE_MS);
	await eventually("the next use is written", () => written.length > 1);
	expect(written).toEqual([[{ keyId: key.id, at }], [{ keyId: key.id, at: later }]]);
	expect(test.observer.problems).toEqual([]);
});

it("is written for 500 keys in a transaction", async () => {
	await using test = await openTestEngine();
	const { written } = watch(test);
	const made = await Promise.all(Array.from({ length: 501 }, () => test.engine.keys.create(KEY, null)));
	for (const { secretKey } of made) test.engine.keys.authenticate(secretKey);
	test.clock.advance(MINUTE_MS);
	await eventually("all are written", () => written.length > 1);
	expect(written.map((uses) => uses.length)).toEqual([500, 1]);
});

it("is not noted for a key that is refused, and ends with the key", async () => {
	await using test = await openTestEngine();
	const { written, shown } = watch(test);
	const made = await test.engine.keys.create({ ...KEY, expireDate: test.clock.now() + 1 }, null);
	test.clock.advance(1);
	expect(() => test.engine.keys.authenticate(made.secretKey)).toThrow("expired");
	expect(shown(made.key.id)).toBeNull();
	const { key, secretKey } = await test.engine.keys.create(KEY, null);
	test.engine.keys.authenticate(secretKey);
	await test.engine.keys.delete(key.id, null);
	await test.stop();
	expect(written.flat()).toEqual([]);
});

it("is written by a stop, and known after a restart", async () => {
	await using test = await openTestEngine();
	const { key, secretKey } = await test.engine.keys.create(KEY, null);
	test.engine.keys.authenticate(secretKey);
	const at = minuteOf(test.clock.now());
	await test.stop();
	await using again = await openTestEngine({ store: test.store, clock: test.clock });
	const { shown } = watch(again);
	expect(shown(key.id)).toBe(at);
});

it("is written later if the store fails, and stays the latest", async () => {
	await using test = await openTestEngine();
	const { written } = watch(test);
	const { key, secretKey } = await test.engine.keys.create(KEY, null);
	const working = { ...test.engineStore };
	test.engineStore.noteKeyUses = () => Promise.reject(new StoreError("store_full", "no space"));
	test.engine.keys.authenticate(secretKey);
	test.clock.advance(MINUTE_MS);
	await eventually("it has failed", () => test.observer.problems.length > 0);
	expect(test.observer.problems).toMatchObject([{ message: "the last uses of keys could not be written" }]);
	Object.assign(test.engineStore, working);
	test.engine.keys.authenticate(secretKey);
	const at = minuteOf(test.clock.now());
	test.clock.advance(MINUTE_MS);
	await eventually("it is written", () => written.length > 0);
	expect(written).toEqual([[{ keyId: key.id, at }]]);
});
