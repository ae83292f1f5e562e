// API keys on the real store: creation, authentication, expiry, rolls, deletion, and failures of the store.
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { generateSecretKey } from "../../core/access/key.ts";
import { FanfareError } from "../../core/errors.ts";
import { pageCursors, decodeCursor, type PageRequest } from "../../core/page.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { codeOf } from "../test/arrangements.ts";
import { openTestEngine, type TestEngine } from "../test/test-engine.ts";

const DAY_MS = 86_400_000;
const KEY = { name: "k", scope: "write", projectId: null } as const;
const listed = ({ engine }: TestEngine) => engine.keys.list({ limit: 10, cursor: null }).rows;

/** The id of the key that a secret key authenticates as, or why it does not. */
function accepted({ engine }: TestEngine, secretKey: string): unknown {
	try {
		return engine.keys.authenticate(secretKey)?.key.id ?? "unknown";
	} catch (error) {
		return error instanceof FanfareError ? error.code : error;
	}
}

/** The engine that goes on with the store after a stop of another one. */
async function restarted(test: TestEngine, adminKey?: string): Promise<TestEngine> {
	await test.stop();
	return openTestEngine({ store: test.store, clock: test.clock, ...(adminKey !== undefined && { adminKey }) });
}

describe("a key", () => {
	it("authenticates from its creation until its deletion, also after a restart", async () => {
		await using first = await openTestEngine();
		const { key, secretKey } = await first.engine.keys.create(KEY, null);
		const other = await first.engine.keys.create(KEY, null);
		expect(key).toMatchObject({ ...KEY, hint: secretKey.slice(-4) });
		expect(accepted(first, secretKey)).toBe(key.id);
		await using test = await restarted(first);
		const { keys } = test.engine;
		expect(keys.authenticate(secretKey)).toMatchObject({ kind: "key", key: { ...KEY, id: key.id } });
		expect(keys.authenticate(generateSecretKey(systemChance))).toBeNull();
		await keys.delete(key.id, null);
		expect([secretKey, other.secretKey].map((each) => accepted(test, each))).toEqual(["unknown", other.key.id]);
		expect(await codeOf(keys.delete(key.id, null))).toBe("key_not_found");
		expect((await test.store.keys()).map(({ id }) => id)).not.toContain(key.id);
	});

	it("authenticates only once it is stored, and until the store has deleted it", async () => {
		await using test = await openTestEngine();
		const { keys } = test.engine;
		const stored = Promise.withResolvers<void>();
		test.engineStore.insertKey = async (...parameters) => {
			await stored.promise;
			return test.store.insertKey(...parameters);
		};
		const known = listed(test).length;
		const creating = keys.create(KEY, null);
		expect(listed(test)).toHaveLength(known);
		stored.resolve();
		const { key, secretKey } = await creating;
		const full = () => Promise.reject(new StoreError("store_full", "no space"));
		Object.assign(test.engineStore, { insertKey: full, deleteKey: full, updateKey: full });
		for (const call of [
			keys.create(KEY, null),
			keys.delete(key.id, null),
			keys.roll(key.id, 0, null),
			keys.update(key.id, { name: "b" }, null),
		]) {
			expect(await codeOf(call)).toBe("store_full");
		}
		expect(listed(test)).toHaveLength(known + 1);
		expect(keys.authenticate(secretKey)).toMatchObject({ key: { id: key.id, name: KEY.name } });
	});

	it("can't be deleted if it is the last admin key of the workspace", async () => {
		await using test = await openTestEngine();
		const { keys } = test.engine;
		const [last] = listed(test);
		await keys.create({ ...KEY, scope: "admin", projectId: test.projectId }, null);
		const expiring = { ...KEY, scope: "admin", expireDate: test.clock.now() + 1_000_000 } as const;
		const { key } = await keys.create(expiring, null);
		expect(await codeOf(keys.delete(last!.id, null))).toBe("last_admin_key");
		expect(listed(test)).toContainEqual(last);
		await keys.delete(key.id, null);
		const { secretKey } = await keys.create({ ...KEY, scope: "admin" }, null);
		await keys.delete(last!.id, null);
		expect(keys.authenticate(secretKey)).not.toBeNull();
	});
});

describe("a key that expires", () => {
	it("is accepted until its time, and never after, also after a restart", async () => {
		await using test = await openTestEngine();
		const { keys } = test.engine;
		const expireDate = test.clock.now() + 5_000;
		const { key, secretKey } = await keys.create({ ...KEY, expireDate }, null);
		test.clock.advance(4_999);
		expect(keys.authenticate(secretKey)).toMatchObject({ key: { id: key.id, expireDate } });
		test.clock.advance(1);
		expect(accepted(test, secretKey)).toBe("expired_key");
		expect(await codeOf(keys.roll(key.id, null, null))).toBe("key_not_active");
		// It stays in the list, so that people see why it is refused.
		expect(listed(test)).toContainEqual(expect.objectContaining({ expireDate }));
		await using again = await restarted(test);
		expect(accepted(again, secretKey)).toBe("expired_key");
		await again.engine.keys.delete(key.id, null);
		expect(accepted(again, secretKey)).toBe("unknown");
	});

	it("can't be created if its time is not to come, nor for a project that does not exist", async () => {
		await using test = await openTestEngine();
		const before = listed(test).length;
		for (const expireDate of [0, test.clock.now()]) {
			await expect(test.engine.keys.create({ ...KEY, expireDate }, null)).rejects.toMatchObject({
				code: "invalid_request",
				issues: [{ path: "expireDate", message: expect.stringContaining(String(test.clock.now())) as string }],
			});
		}
		const projectId = `proj_${"0".repeat(32)}`;
		expect(await codeOf(test.engine.keys.create({ ...KEY, projectId }, null))).toBe("project_not_found");
		expect(listed(test)).toHaveLength(before);
	});
});

describe("a key that is rolled", () => {
	it("is accepted with the new secret key at once, and with the earlier one for the overlap, over restarts", async () => {
		await using test = await openTestEngine();
		const { key, secretKey } = await test.engine.keys.create(KEY, null);
		const first = await test.engine.keys.roll(key.id, null, null);
		expect(first.key).toMatchObject({ id: key.id, hint: first.secretKey.slice(-4) });
		expect(first.key.secretOverlapUntil).toBe(test.clock.now() + DAY_MS);
		expect([secretKey, first.secretKey].map((each) => accepted(test, each))).toEqual([key.id, key.id]);
		await using again = await restarted(test);
		expect([secretKey, first.secretKey].map((each) => accepted(again, each))).toEqual([key.id, key.id]);
		// What a stop takes is part of the day.
		again.clock.advance((first.key.secretOverlapUntil ?? 0) - again.clock.now() - 1);
		expect(accepted(again, secretKey)).toBe(key.id);
		again.clock.advance(1);
		expect([secretKey, first.secretKey].map((each) => accepted(again, each))).toEqual(["expired_key", key.id]);
		expect(again.engine.keys.list({ limit: 1, cursor: null }).rows[0]?.secretOverlapUntil).toBeNull();
		const second = await again.engine.keys.roll(key.id, 0, null);
		const all = [secretKey, first.secretKey, second.secretKey];
		expect(all.map((each) => accepted(again, each))).toEqual(["unknown", "unknown", key.id]);
		await again.engine.keys.delete(key.id, null);
		expect(all.map((each) => accepted(again, each))).toEqual(["unknown", "unknown", "unknown"]);
	});

	it("loses nobody's secret key if it is rolled twice because a response was lost, or by two at once", async () => {
		await using test = await openTestEngine();
		const { key, secretKey } = await test.engine.keys.create(KEY, null);
		const rolled = await Promise.all([1, 2, 3].map(() => test.engine.keys.roll(key.id, 1_000, null)));
		const all = [secretKey, ...rolled.map((roll) => roll.secretKey)];
		expect(new Set(all).size).toBe(4);
		expect(all.map((each) => accepted(test, each))).toEqual(Array.from({ length: 4 }, () => key.id));
	});

	it("stays accepted under its secret key as another key, if the operator sets that one as admin key", async () => {
		await using test = await openTestEngine();
		const { key, secretKey } = await test.engine.keys.create(KEY, null);
		await test.engine.keys.roll(key.id, 1_000, null);
		await using again = await restarted(test, secretKey);
		const admin = again.engine.keys.authenticate(secretKey)?.key;
		expect(admin).toMatchObject({ scope: "admin", projectId: null });
		expect(admin?.id).not.toBe(key.id);
		again.clock.advance(2_000);
		expect(accepted(again, secretKey)).toBe(admin?.id);
	});
});

it("renames a key, and writes nothing if the name is the same", async () => {
	await using test = await openTestEngine();
	const { keys } = test.engine;
	const { key, secretKey } = await keys.create(KEY, null);
	const renamed = await keys.update(key.id, { name: "billing" }, null);
	expect(renamed).toMatchObject({ id: key.id, name: "billing", scope: KEY.scope });
	expect(keys.authenticate(secretKey)).toMatchObject({ key: { name: "billing" } });
	const versions = await test.store.directoryVersions();
	await keys.update(key.id, { name: "billing" }, null);
	await keys.update(key.id, {}, null);
	expect(await test.store.directoryVersions()).toEqual(versions);
	expect(await codeOf(keys.update("key_x", { name: "b" }, null))).toBe("key_not_found");
	expect(await codeOf(keys.roll("key_x", null, null))).toBe("key_not_found");
});

it("lists keys newest first, each once, page by page to the end and back", async () => {
	await using test = await openTestEngine();
	const { keys } = test.engine;
	for (let count = 0; count < 6; count++) await keys.create(KEY, null);
	const all = listed(test).map(({ id }) => id);
	expect(all).toEqual(all.toSorted().toReversed());
	/** The pages of three from a place to the end, or back to the beginning. */
	const walk = (direction: "nextPage" | "prevPage", from: PageRequest["cursor"]) => {
		const pages: string[][] = [];
		for (let cursor = from, more = true; more;) {
			const request = { limit: 3, cursor };
			const page = keys.list(request);
			pages.push(page.rows.map(({ id }) => id));
			const next = pageCursors(page, request)[direction];
			more = next !== null;
			if (next !== null) cursor = decodeCursor(next, () => true);
		}
		return pages;
	};
	expect(walk("nextPage", null)).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6)]);
	const back = walk("prevPage", { direction: "newer", id: all.at(-1)! });
	expect(back).toEqual([all.slice(3, 6), all.slice(0, 3)]);
});
