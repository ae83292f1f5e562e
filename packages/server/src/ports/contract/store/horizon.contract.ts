// The contract of the horizon: rows that become visible after rows with higher ids are neither skipped nor misplaced.
import { expect, it } from "vitest";

import type { StoreCapabilities } from "./records/capabilities.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, fillStore, idsOf, NEWEST } from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";

const ANY_EVENT = { types: null, after: null, before: null };

export function describeHorizon(current: CurrentStore, capabilities: StoreCapabilities): void {
	const { horizonMs } = capabilities;

	// Skipped if the ids of commits ascend, since one process makes them.
	it.skipIf(horizonMs === 0)("lists rows in the order of their ids, whatever the order of their commits", async () => {
		const { store, records, projectId, scope, webhookId } = await fillStore(current());
		const [early, later] = [1, 2].map(() => records.event(projectId, { webhookIds: [webhookId] }));
		for (const event of [later!, early!]) await store.commit({ events: [event], updates: [] });
		const events = idsOf(await store.events(scope, ANY_EVENT, NEWEST));
		expect(events).toEqual([later!.event.id, early!.event.id]);
		const deliveries = idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST));
		expect(deliveries).toEqual([later, early].map((event) => event?.deliveries[0]?.id));
	});

	it("purges no event beyond the horizon", async () => {
		const { store, records, projectId, scope, miss } = await openReplayWorld(current);
		const start = records.now;
		const events: string[] = [];
		for (let n = 0; n < 4; n++, records.now++) events.push(await miss());
		const range = { projectId, at: start + 1 + horizonMs, before: start + 100, after: null, limit: 100 };
		expect(await store.purgePayloads(range)).toMatchObject({ after: events[1], done: true, purged: { payloads: 2 } });
		expect(await store.purgeEvents(range)).toMatchObject({ after: events[1], done: true, purged: { events: 2 } });
		expect(idsOf(await store.events(scope, ANY_EVENT, NEWEST))).toEqual([events[3], events[2]]);
	});

	it("replays what was there when the replay was made, and waits for nothing else", async () => {
		const { store, begin, miss, step, scope, webhookId } = await openReplayWorld(current);
		const event = await miss();
		const replay = await begin();
		await miss();
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 1 });
		const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, webhookId }, NEWEST);
		expect(rows.map(({ eventId }) => eventId)).toEqual([event]);
	});

	it("replays up to now what was there, also events whose dates are ahead of the clock of who makes the replay", async () => {
		const { records, begin, miss, step, replayed } = await openReplayWorld(current);
		const { now } = records;
		const first = await miss();
		records.now += 2_000;
		const ahead = await miss();
		records.now = now;
		const replay = await begin({ until: now + 1 });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, lastEventDate: now + 2_000 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([first, ahead]);
	});

	// Skipped if ids ascend in the order of commits: then no row becomes visible late.
	it.skipIf(horizonMs === 0)("replays an event that has become visible after events with higher ids", async () => {
		const { store, records, projectId, begin, miss, step, replayed } = await openReplayWorld(current);
		const late = records.event(projectId);
		records.now += 10;
		const seen = await miss();
		// However late.
		records.now += 10 * horizonMs;
		await store.commit({ events: [late], updates: [] });
		expect(await step(await begin())).toMatchObject({ status: "Finished", deliveryCount: 2 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([late.event.id, seen]);
	});
}
