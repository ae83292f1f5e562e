// The kept sums of stored bytes in data of earlier versions, and what they leave out. deliveries/histories.test.ts compares them with a scan.
import { DatabaseSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it, vi } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { createTransact } from "../connection.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { openMemory, planOf } from "../test/plans.ts";
import { countStored } from "./stored-totals.ts";

it("are counted once when the store of an earlier version is opened, and the volume's room is known", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	const store = await openSqliteStore({ path });
	const { accept, update, records, projectId } = await fillStore(store);
	for (let event = 0; event < 5; event++) {
		const [id = ""] = await accept({ body: Buffer.alloc(5_000, "x") });
		await update(records.failure(id, 1), records.outcome(id, 2));
	}
	const before = await store.usage([projectId]);
	expect(before.volume).toEqual({ sizeBytes: expect.any(Number), freeBytes: expect.any(Number) });
	expect(before.volume?.sizeBytes).toBeGreaterThanOrEqual(before.volume?.freeBytes ?? Infinity);
	await store.close();
	{
		using db = new DatabaseSync(path);
		db.exec("DELETE FROM stored_bytes; DELETE FROM stats_journal; UPDATE stats_state SET bytes_counted = 0");
	}
	for (let opening = 0; opening < 2; opening++) {
		const again = await openSqliteStore({ path });
		expect(await again.usage([projectId])).toMatchObject({ projects: before.projects, total: before.total });
		await again.close();
	}
});

it("are counted without a sort, which would keep every body in memory", () => {
	using db = openMemory();
	db.exec("UPDATE stats_state SET bytes_counted = 0");
	using exec = vi.spyOn(db, "exec");
	countStored(db, createTransact(db));
	const selects = exec.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes("SELECT"));
	const plans = selects.flatMap((sql) => planOf(db, sql));
	expect(plans).toContain("SCAN events");
	expect(plans.join()).not.toContain("TEMP B-TREE");
});

it("are 0 when all is purged, also if earlier versions have counted no keys and no customers of some events", async () => {
	using dir = new TemporaryDir(fastParent());
	const path = dir.join("fanfare.db");
	const { store, projectId, records, accept } = await fillStore(await openSqliteStore({ path }));
	const labels = { customers: ["a", "b"] };
	const [former = ""] = await accept({ key: "former", ...labels });
	const [full = 0] = (await store.usage([projectId])).projects;
	await store.close();
	{
		using db = new DatabaseSync(path);
		db.exec("UPDATE events SET details = json_remove(details, '$.counted')");
		db.exec("DELETE FROM stored_bytes; DELETE FROM stats_journal; UPDATE stats_state SET bytes_counted = 0");
	}
	const again = await openSqliteStore({ path });
	const [before = 0] = (await again.usage([projectId])).projects;
	expect(before).toBeLessThan(full);
	const sent = records.event(projectId, { key: "new", ...labels, body: Buffer.alloc(5) });
	await again.commit({ events: [sent], updates: [] });
	expect((await again.usage([projectId])).projects[0]).toBeGreaterThan(2 * before);
	await again.commit({ events: [], updates: [records.outcome(former, 1)] });
	records.now += 10_000;
	const { now: at } = records;
	expect((await again.purgeEvents({ projectId, at, before: at, after: null, limit: 100 })).purged.events).toBe(2);
	expect(await again.usage([projectId])).toMatchObject({ projects: [0], total: 0 });
	await again.close();
});

it("leave out what is counted for nobody, which the bytes in use by the file have, without its free pages", async () => {
	using dir = new TemporaryDir(fastParent());
	const store = await openSqliteStore({ path: dir.join("fanfare.db") });
	const { accept, update, records, projectId } = await fillStore(store);
	const before = await store.usage([projectId]);
	const metadata = { text: "x".repeat(1_000_000) };
	const customer = { kind: "customer", projectId, customerId: "c" } as const;
	await store.updateCustomer(customer, { metadata }, { at: records.now, entry: null });
	const after = await store.usage([projectId]);
	expect(after.projects).toEqual(before.projects);
	const grown = (after.heldBytes ?? NaN) - (before.heldBytes ?? NaN);
	expect(grown).toBeGreaterThan(1_000_000);
	expect(grown).toBeLessThan(1_100_000);
	await store.updateCustomer(customer, { metadata: {} }, { at: records.now, entry: null });
	expect((await store.usage([])).heldBytes).toBe(before.heldBytes);
	// A body counts for its project and for the file.
	const [id = ""] = await accept({ body: Buffer.alloc(500_000, "x") });
	await update(records.outcome(id, 1));
	const { projects, heldBytes } = await store.usage([projectId]);
	const counted = (projects[0] ?? NaN) - (before.projects[0] ?? NaN);
	expect((heldBytes ?? NaN) - (before.heldBytes ?? NaN)).toBeGreaterThan(counted * 0.95);
	await store.close();
});
