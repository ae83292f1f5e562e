// Purges beside other transactions, and the partitions that they leave empty, which the contract of a store cannot show.
import { expect, it } from "vitest";

import { fillStore, Records, type World } from "../../../../ports/contract/store/records/records.ts";
import { openReplayWorld } from "../../../../ports/contract/store/records/replays.ts";
import { LATE, twoDays } from "../../../../ports/contract/store/records/two-days.ts";
import { uuidOf } from "../../codec/ids.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";

const FIRST_DAY = ["attempts", "deliveries", "event_customers", "event_tags", "events"].map(
	(name) => `${name}_20270115`,
);

describeOnPostgres("a purge", (database) => {
	const partitionsOf = async (day: string) => {
		const query = `SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE '%\\_${day}'`;
		return (await database.query(query)).map(({ name }) => String(name)).toSorted();
	};
	const purge = ({ store, projectId }: World, before: number) =>
		store.purgeEvents({ projectId, at: LATE, before, after: null, limit: 100 });

	it("drops the partitions of a day in which nothing is left, which come back with a late row", async () => {
		const world = await fillStore(await database.openEmpty());
		const { store, projectId, webhookId, state } = world;
		const { between } = await twoDays(world);
		expect(await partitionsOf("20270115")).toEqual(FIRST_DAY);
		expect(await purge(world, between)).toMatchObject({ purged: { events: 1 }, done: true });
		expect(await partitionsOf("20270115")).toEqual([]);
		expect(await partitionsOf("20270116")).toHaveLength(FIRST_DAY.length);
		// Ids of the world go on after those of the second day.
		const late = new Records().event(projectId, { webhookIds: [webhookId] });
		await store.commit({ events: [late], updates: [] });
		expect(await state(late.deliveries[0]?.id ?? "")).toMatchObject({ status: "Pending" });
		expect(await partitionsOf("20270115")).toEqual(FIRST_DAY);
	});

	it("finds no list of chosen events at replays that have ended", async () => {
		const store = await database.openEmpty();
		const { miss, begin, step, records } = await openReplayWorld(() => store);
		const events = [await miss(), await miss()];
		const chosen = () => begin({ until: records.now + 1 }, { chosenCount: 2 }, events);
		const kept = async () => {
			const query = "SELECT status::int, cardinality(chosen) AS chosen, chosen_count AS count FROM replays ORDER BY id";
			return (await database.query(query)).map(({ status, chosen: list, count }) => [status, list, count]);
		};
		const first = await chosen();
		await step(first, { scanLimit: 1 });
		expect(await kept()).toEqual([[0, 2, 2]]);
		expect(await step(first)).toMatchObject({ status: "Finished", scannedCount: 2 });
		await store.cancelReplay((await chosen()).id, records.now, null);
		expect(await kept()).toEqual([
			[1, null, 2],
			[2, null, 2],
		]);
	});

	it("forgets names of revoked keys whose last entry has gone in another way, a few in each step", async () => {
		const { store, records, projectId } = await fillStore(await database.openEmpty());
		const revoke = async () => {
			const key = records.key("write", projectId);
			await store.insertKey(key, null);
			const of = { keyId: null, projectId, action: "key.delete", objectId: key.id };
			const entry = { ...records.entry(of), id: records.ids.make("aud", LATE) };
			await store.deleteKey(key.id, entry);
			return { key: String(uuidOf("key", key.id)), entry: String(uuidOf("aud", entry.id)) };
		};
		const [kept, ...others] = [await revoke(), await revoke(), await revoke(), await revoke()];
		await using client = await database.connect();
		const names = async () => (await client.query("SELECT id FROM revoked_keys ORDER BY id")).rows.map(({ id }) => id);
		await client.query("DELETE FROM audit_entries WHERE id = ANY($1)", [others.map(({ entry }) => entry)]);
		expect(await names()).toHaveLength(4);
		expect(await store.purgeAuditEntries(records.now, 2)).toBe(0);
		expect(await names()).toHaveLength(3);
		expect(await store.purgeAuditEntries(records.now, 2)).toBe(0);
		expect(await names()).toEqual([kept.key]);
		expect(await store.purgeAuditEntries(LATE + 1, 2)).toBe(1);
		expect(await names()).toEqual([]);
	});

	it("keeps the partitions in which a waiting delivery is going to end", async () => {
		const world = await fillStore(await database.openEmpty());
		const { records, accept, update, state } = world;
		const [waiting = ""] = await accept();
		const { between } = await twoDays(world);
		await purge(world, between);
		expect(await partitionsOf("20270115")).toEqual(FIRST_DAY);
		await update(records.outcome(waiting, 1));
		expect(await state(waiting)).toMatchObject({ status: "Succeeded" });
	});

	it("leaves a partition that somebody uses to a later purge", async () => {
		const world = await fillStore(await database.openEmpty());
		const { between } = await twoDays(world);
		await using reader = await database.connect();
		await reader.query("BEGIN; SELECT 1 FROM attempts_20270115");
		expect(await purge(world, between)).toMatchObject({ purged: { events: 1 }, done: true });
		expect(await partitionsOf("20270115")).toContain("attempts_20270115");
		await reader.query("COMMIT");
		await purge(world, between);
		expect(await partitionsOf("20270115")).toEqual([]);
	});

	it.each(["purgeEvents", "purgePayloads"] as const)(
		"leaves an event whose delivery is being retried, or replayed (%s)",
		async (kind) => {
			const world = await fillStore(await database.openEmpty());
			const { store, projectId, scope } = world;
			const { events, deliveries, between } = await twoDays(world);
			const [delivery = "", event = ""] = [uuidOf("dlv", deliveries[0] ?? ""), uuidOf("evt", events[0] ?? "")].map(
				String,
			);
			const change = `WITH moved AS (DELETE FROM deliveries WHERE id = $1 RETURNING *) INSERT INTO open_deliveries SELECT * FROM moved`;
			const others: readonly [lock: string, change: string, id: string][] = [
				["SELECT 1 FROM deliveries WHERE id = $1 FOR UPDATE", change, delivery],
				[
					"SELECT 1 FROM events WHERE id = $1 FOR SHARE",
					"INSERT INTO open_deliveries SELECT * FROM deliveries WHERE event_id = $1",
					event,
				],
			];
			for (const [lock, work, id] of others) {
				await using other = await database.connect();
				await other.query("BEGIN");
				await other.query(lock, [id]);
				const purged = store[kind]({ projectId, at: LATE, before: between, after: null, limit: 100 });
				await expect.poll(() => database.lockWaits()).toBe(1);
				await other.query(work, [id]);
				await other.query("COMMIT");
				expect(await purged).toMatchObject({ purged: { events: 0, payloads: 0 }, done: true });
				expect(await store.eventBody(scope, events[0] ?? "")).not.toBeNull();
				const back =
					"WITH moved AS (DELETE FROM open_deliveries RETURNING *) INSERT INTO deliveries SELECT * FROM moved ON CONFLICT DO NOTHING";
				await other.query(back);
			}
		},
	);
});
