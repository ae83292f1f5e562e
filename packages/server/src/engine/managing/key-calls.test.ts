// API keys on the real store: creation, authentication, deletion, and failures of the store.
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { generateSecretKey } from "../../core/access/key.ts";
import { pageCursors, decodeCursor, type PageRequest } from "../../core/page.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { openTestEngine } from "../test/test-engine.ts";

const KEY = { name: "k", scope: "write", projectId: null } as const;

describe("a key", () => {
	it("authenticates from its creation until its deletion", async () => {
		await using test = await openTestEngine();
		const { keys } = test.engine;
		const { key, secretKey } = await keys.create(KEY, null);
		const other = await keys.create(KEY, null);
		expect(keys.authenticate(secretKey)).toEqual({ kind: "key", key });
		expect(key).toMatchObject({ ...KEY, hint: secretKey.slice(-4) });
		expect(keys.authenticate(generateSecretKey(systemChance))).toBeNull();
		await keys.delete(key.id, null);
		expect(keys.authenticate(secretKey)).toBeNull();
		expect(keys.authenticate(other.secretKey)).toEqual({ kind: "key", key: other.key });
		await expect(keys.delete(key.id, null)).rejects.toMatchObject({ code: "key_not_found" });
		expect((await test.store.keys()).map(({ id }) => id)).not.toContain(key.id);
	});

	it("still authenticates after a restart", async () => {
		await using first = await openTestEngine();
		const { key, secretKey } = await first.engine.keys.create(KEY, null);
		await first.stop();
		await using second = await openTestEngine({ store: first.store });
		expect(second.engine.keys.authenticate(secretKey)).toMatchObject({ key: { ...KEY, id: key.id } });
	});

	it("authenticates only once it is stored, and until the store has deleted it", async () => {
		const real = await openSqliteStore({ path: ":memory:" });
		let full = false;
		const stored = Promise.withResolvers<void>();
		const fault = () => {
			if (full) throw new StoreError("store_full", "no space");
		};
		const store: Store = {
			...real,
			async insertKey(...parameters) {
				await stored.promise;
				fault();
				return real.insertKey(...parameters);
			},
			async deleteKey(...parameters) {
				fault();
				return real.deleteKey(...parameters);
			},
		};
		await using test = await openTestEngine({ store });
		const { keys } = test.engine;
		const known = keys.list({ limit: 10, cursor: null }).rows.length;
		const creating = keys.create(KEY, null);
		expect(keys.list({ limit: 10, cursor: null }).rows).toHaveLength(known);
		stored.resolve();
		const { key, secretKey } = await creating;
		full = true;
		await expect(keys.create(KEY, null)).rejects.toMatchObject({ code: "store_full" });
		await expect(keys.delete(key.id, null)).rejects.toMatchObject({ code: "store_full" });
		expect(keys.list({ limit: 10, cursor: null }).rows).toHaveLength(known + 1);
		expect(keys.authenticate(secretKey)).toEqual({ kind: "key", key });
	});

	it("can't be created for a project that does not exist", async () => {
		await using test = await openTestEngine();
		const create = test.engine.keys.create({ ...KEY, projectId: `proj_${"0".repeat(32)}` }, null);
		await expect(create).rejects.toMatchObject({ code: "project_not_found" });
	});

	it("can't be deleted if it is the last admin key of the workspace", async () => {
		await using test = await openTestEngine();
		const { keys } = test.engine;
		const [last] = keys.list({ limit: 10, cursor: null }).rows;
		await keys.create({ ...KEY, scope: "admin", projectId: test.projectId }, null);
		await expect(keys.delete(last!.id, null)).rejects.toMatchObject({ code: "last_admin_key" });
		expect(keys.list({ limit: 10, cursor: null }).rows).toContainEqual(last);
		const { secretKey } = await keys.create({ ...KEY, scope: "admin" }, null);
		await keys.delete(last!.id, null);
		expect(keys.authenticate(secretKey)).not.toBeNull();
	});
});

it("lists keys newest first, each once, page by page to the end and back", async () => {
	await using test = await openTestEngine();
	const { keys } = test.engine;
	for (let count = 0; count < 6; count++) await keys.create(KEY, null);
	const all = keys.list({ limit: 10, cursor: null }).rows.map(({ id }) => id);
	expect(all).toEqual(all.toSorted().toReversed());
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
