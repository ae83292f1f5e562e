// Replays beside commits that are under way: what belongs to a replay is decided by the lock of its project, and not by the time.
import { expect, it } from "vitest";

import { openReplayWorld } from "../../../../ports/contract/store/records/replays.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";

const WAITING = `
	SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted AND locktype = ANY($1)
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
`;

describeOnPostgres("replays beside commits", (database) => {
	/** A world, and a connection beside its store. */
	async function open() {
		const store = await database.openEmpty();
		const world = await openReplayWorld(() => store);
		const client = await database.connect();
		/** Resolves when as many wait for locks of these types. */
		const waiting = async (types: readonly ("relation" | "advisory")[], wanted = 1) => {
			for (let count = 0; count < wanted;) {
				const { rows } = await client.query<{ count: number }>(WAITING, [types]);
				count = rows[0]?.count ?? 0;
			}
		};
		return { ...world, client, waiting, [Symbol.asyncDispose]: () => client.end() };
	}

	it("has an event whose commit was under way when it was made, though events with higher ids are there", async () => {
		await using world = await open();
		const { store, records, projectId, client, waiting, begin, step, replayed } = world;
		const [late, seen] = [records.event(projectId), records.event(projectId)];
		const other = await database.open();
		await other.commit({ events: [seen], updates: [] });
		await other.close();
		// The commit has read what decides about it, and can't write now.
		await client.query("BEGIN");
		await client.query("LOCK TABLE events IN EXCLUSIVE MODE");
		const committed = store.commit({ events: [late], updates: [] });
		await waiting(["relation"]);
		const begun = begin();
		await waiting(["advisory"]);
		await client.query("COMMIT");
		expect((await committed).events).toEqual([{ kind: "accepted" }]);
		expect(await step(await begun)).toMatchObject({ status: "Finished", deliveryCount: 2 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([late.event.id, seen.event.id]);
	});

	it("waits for no commit that has begun after it was made", async () => {
		await using world = await open();
		const { store, records, projectId, client, waiting, begin, step, miss, replayed } = world;
		const event = await miss();
		const replay = await begin();
		// A step does not need this table.
		await client.query("BEGIN");
		await client.query("LOCK TABLE event_tags IN EXCLUSIVE MODE");
		const committed = store.commit({ events: [records.event(projectId, { tags: ["a"] })], updates: [] });
		await waiting(["relation"]);
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 1, deliveryCount: 1 });
		await client.query("COMMIT");
		expect((await committed).events).toEqual([{ kind: "accepted" }]);
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([event]);
	});

	it("send an event once, also if two processes make steps of two replays at the same time", async () => {
		await using world = await open();
		const { records, client, waiting, begin, miss, step, replayed } = world;
		await miss();
		const [one, two] = [await begin(), await begin()];
		const other = await database.open();
		const ids = Array.from({ length: 10 }, () => records.ids.make("dlv", records.now));
		// A process that stands still in its step, until another one has taken its shard over.
		await client.query("BEGIN");
		await client.query("LOCK TABLE open_deliveries, deliveries IN EXCLUSIVE MODE");
		const first = step(one);
		await waiting(["relation"]);
		const second = other.stepReplay({ replayId: two.id, at: records.now, scanLimit: 100, deliveryIds: ids });
		await waiting(["relation", "advisory"], 2);
		await client.query("COMMIT");
		expect(await first).toMatchObject({ status: "Finished", deliveryCount: 1 });
		expect(await second).toMatchObject({ status: "Finished", deliveryCount: 0 });
		expect(await replayed()).toHaveLength(1);
		await other.close();
	});
});
