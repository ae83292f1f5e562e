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

	it("looks at no event beyond the horizon, neither in replays nor in purges", async () => {
		const { store, records, projectId, scope, makeReplay, miss, step } = await openReplayWorld(current, capabilities);
		const start = records.now;
		const events: string[] = [];
		for (let n = 0; n < 4; n++, records.now++) events.push(await miss());
		// Its range is not over when it is made.
		const replay = makeReplay({ until: records.now + 2 });
		await store.insertReplays([{ replay, limit: 10, projectLimit: 10, entry: null }]);
		records.now = start + 1 + horizonMs;
		expect(await step(replay)).toMatchObject({ status: "Running", scannedCount: 2, position: start + 1 });
		expect(await step(replay)).toMatchObject({ status: "Running", scannedCount: 2, position: start + 1 });
		records.now = start + 5 + horizonMs;
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 4 });
		const { rows } = await store.deliveries(scope, ANY_DELIVERY, NEWEST);
		const cancel = { type: "cancel", reason: "by hand" } as const;
		const updates = rows.map(({ id }) => ({ deliveryId: id, change: cancel, attempt: null, at: records.now }));
		await store.commit({ events: [], updates });

		const range = { projectId, at: start + 1 + horizonMs, before: start + 100, after: null, limit: 100 };
		expect(await store.purgePayloads(range)).toMatchObject({ after: events[1], done: true, purged: { payloads: 2 } });
		expect(await store.purgeEvents(range)).toMatchObject({ after: events[1], done: true, purged: { events: 2 } });
		expect(idsOf(await store.events(scope, ANY_EVENT, NEWEST))).toEqual([events[3], events[2]]);
	});

	it("finishes no replay before the horizon has reached the end of its range", async () => {
		const { store, records, makeReplay, miss, step, replayed } = await openReplayWorld(current, capabilities);
		const start = records.now;
		const replay = makeReplay({ until: start + 11 });
		await store.insertReplays([{ replay, limit: 10, projectLimit: 10, entry: null }]);
		const events = [await miss()];
		expect(await step(replay)).toMatchObject({ status: "Running", endDate: null });
		records.now = start + 9;
		events.push(await miss());
		records.now = start + 9 + horizonMs;
		expect(await step(replay)).toMatchObject({ status: "Running", scannedCount: 2 });
		records.now = start + 10 + horizonMs;
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, endDate: records.now });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
	});

	// Skipped if ids ascend in the order of commits: then no row becomes visible late.
	it.skipIf(horizonMs === 0)("replays an event that becomes visible after events with higher ids", async () => {
		const { store, records, projectId, makeReplay, miss, step, replayed } = await openReplayWorld(
			current,
			capabilities,
		);
		const late = records.event(projectId);
		records.now += 10;
		const seen = await miss();
		const replay = makeReplay();
		await store.insertReplays([{ replay, limit: 10, projectLimit: 10, entry: null }]);
		records.now += horizonMs - 20;
		expect(await step(replay)).toMatchObject({ status: "Running", deliveryCount: 0 });
		await store.commit({ events: [late], updates: [] });
		records.now += 30;
		expect(await step(replay)).toMatchObject({ status: "Finished", deliveryCount: 2 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([late.event.id, seen]);
	});
}
