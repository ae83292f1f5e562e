// The contract of the horizon: rows that become visible after rows with higher ids are neither skipped nor misplaced.
import { expect, it } from "vitest";

import { systemChance } from "../../../adapters/system/system-chance.ts";
import { createIdMaker } from "../../../core/ids.ts";
import { CLOCKS_APART_MS, upToNow } from "../../../core/replay.ts";
import type { StoreCapabilities } from "./records/capabilities.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, ANY_EVENT, fillStore, GONE, idsOf, NEWEST } from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";

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

	it("replays up to now what was there, also events whose dates are ahead of the clock of who makes the replay", async () => {
		const world = await openReplayWorld(current);
		const { store, records, projectId, webhookId, begin, miss, step, replayed } = world;
		const { now } = records;
		const first = await miss();
		records.now += 2_000;
		const ahead = records.event(projectId, { webhookIds: [webhookId] });
		await store.commit({ events: [ahead], updates: [] });
		records.now += CLOCKS_APART_MS;
		await miss();
		records.now = now;
		const [delivery] = ahead.deliveries;
		await world.update(records.outcome(delivery?.id ?? "", 1, GONE));
		const replay = await begin({ until: upToNow(now) });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, lastEventDate: now + 2_000 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([first, ahead.event.id]);
	});

	it("replays until an end that is later than the clock of who makes the replay what was there", async () => {
		const { records, begin, miss, step, replayed } = await openReplayWorld(current);
		const { now } = records;
		const events = [await miss()];
		records.now += 2 * CLOCKS_APART_MS;
		events.push(await miss());
		const until = ++records.now;
		await miss();
		records.now = now;
		const replay = await begin({ until });
		await miss();
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, lastEventDate: until - 1 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
	});

	// Skipped if one process makes all ids: its newest ones are the highest.
	it.skipIf(horizonMs === 0)(
		"makes no delivery whose id is not above what was there when a running replay was made",
		async () => {
			const { store, records, miss, begin, step, replayed } = await openReplayWorld(current);
			// Those of a process that makes lower ids.
			const others = createIdMaker(systemChance);
			const id = () => others.make("dlv", 1);
			const event = await miss();
			const replay = await begin();
			expect(await step(replay, { deliveryIds: [id()] })).toEqual(replay);
			others.continueAfter((await store.newestId()) ?? "");
			records.now += 10;
			await miss();
			await begin({ since: records.now });
			// It is above what was there when this replay was made, and not above what was there when the other one was.
			expect(await step(replay, { deliveryIds: [id()] })).toEqual(replay);
			others.continueAfter((await store.newestId()) ?? "");
			const above = id();
			expect(await step(replay, { deliveryIds: [above] })).toMatchObject({ status: "Finished", deliveryCount: 1 });
			expect(await replayed()).toMatchObject([{ id: above, eventId: event }]);
		},
	);

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
