// The kept sums of stored bytes equal what a scan of all rows says, after any sequence of writes and after a crash.
import { cpSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { runs } from "@fanfare/testkit/runs";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import * as fc from "fast-check";
import { expect, it } from "vitest";

import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { KEEP_ALL } from "../../../ports/contract/store/records/stats.ts";
import type { Store } from "../../../ports/store/store.ts";
import { createTransact } from "../connection.ts";
import { migrate } from "../schema/migrate.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { countStored, STORED_SQL } from "./stored-totals.ts";

const step = fc.oneof(
	fc.record({
		kind: fc.constant("accept" as const),
		bytes: fc.nat({ max: 9_000 }),
		fanOut: fc.nat({ max: 3 }),
		key: fc.boolean(),
		customers: fc.constantFrom(null, "*", "acme", ["acme", "globex"]),
	}),
	fc.record({ kind: fc.constant("attempt" as const), which: fc.nat(), number: fc.integer({ min: 1, max: 3 }) }),
	fc.record({ kind: fc.constant("cancel" as const), which: fc.nat() }),
	fc.record({ kind: fc.constant("erase" as const), which: fc.nat() }),
	fc.record({ kind: fc.constant("purgeEvents" as const), limit: fc.constantFrom(1, 50) }),
	fc.record({ kind: fc.constant("purgePayloads" as const), limit: fc.constantFrom(1, 50) }),
	fc.record({ kind: fc.constant("roll up" as const), limit: fc.constantFrom(1, 60, 1_000) }),
	fc.constant({ kind: "crash" as const }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a scan of the database says. */
function scan(path: string): Map<number, number> {
	using db = new DatabaseSync(path);
	return new Map(
		db
			.prepare(STORED_SQL)
			.all()
			.map((row) => [Number(row["project"]), Number(row["bytes"])]),
	);
}

it("equal a scan after any sequence of writes, roll-ups and crashes", async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
			using dir = new TemporaryDir(fastParent());
			let path = dir.join("0.db");
			let store: Store = await openSqliteStore({ path });
			const { records, projectId, scope, webhookIds } = await fillStore(store, 3);
			const [events, deliveries]: [string[], string[]] = [[], []];
			const deliveryAt = (which: number) => deliveries[which % deliveries.length] ?? "";
			const calls: {
				readonly [Kind in Step["kind"]]: (step: Step & { kind: Kind }, place: number) => Promise<unknown>;
			} = {
				accept({ bytes, fanOut, key, customers }, place) {
					const body = Buffer.alloc(bytes + 1, "b");
					const named = { customers, ...(key ? { key: `ключ-${place}` } : {}) };
					const sent = records.event(projectId, { body, webhookIds: webhookIds.slice(0, fanOut), ...named });
					events.push(sent.event.id);
					deliveries.push(...sent.deliveries.map(({ id }) => id));
					return store.commit({ events: [sent], updates: [] });
				},
				attempt({ which, number }) {
					const response = { headers: { a: "é" }, body: "€".repeat(number * 9), bodyTruncated: false };
					const attempt = records.attempt(number, { response });
					const updates = [{ ...records.failure(deliveryAt(which), number), attempt }];
					return store.commit({ events: [], updates });
				},
				cancel: ({ which }) => store.commit({ events: [], updates: [records.cancel(deliveryAt(which))] }),
				erase({ which }) {
					const options = { reason: "x", at: records.now, limit: 1_000, entry: null };
					return store.erasePayload(scope, events[which % events.length] ?? "", options);
				},
				purgeEvents: ({ limit }) => store.purgeEvents(purging(limit)),
				purgePayloads: ({ limit }) => store.purgePayloads(purging(limit)),
				"roll up": ({ limit }) => store.rollUpStats({ ...KEEP_ALL, limit }),
				async crash(_, place) {
					// What is on the disk, without the end of the process that wrote it.
					const copy = dir.join(`${place + 1}.db`);
					for (const suffix of ["", "-wal"]) cpSync(`${path}${suffix}`, `${copy}${suffix}`);
					await store.close();
					path = copy;
					store = await openSqliteStore({ path });
				},
			};
			const purging = (limit: number) => {
				const { now: at } = records;
				return { projectId, at, before: at - 50, after: null, limit };
			};
			for (const [place, each] of steps.entries()) {
				records.now += 10;
				const made = calls[each.kind] as (step: Step, place: number) => Promise<unknown>;
				await made(each, place);
				expect((await store.usage([projectId])).projects).toEqual([scan(path).get(1) ?? 0]);
			}
			await store.close();
		}),
		{ numRuns: runs(8) },
	);
});

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
	using db = new DatabaseSync(":memory:");
	migrate(db, 0);
	db.exec("UPDATE stats_state SET bytes_counted = 0");
	const written: string[] = [];
	const exec = db.exec.bind(db);
	db.exec = (sql) => {
		written.push(sql);
		exec(sql);
	};
	countStored(db, createTransact(db));
	const plans = written
		.filter((sql) => sql.includes("SELECT"))
		.map((sql) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
	expect(plans.length).toBeGreaterThan(0);
	expect(JSON.stringify(plans)).toContain("SCAN events");
	expect(JSON.stringify(plans)).not.toContain("TEMP B-TREE");
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
