// The contract of ids that are ahead of dates, as after a restart with a clock that was set back: the date of an event decides whether it
// is in a range, for replays and for retention as for lists.
import { expect, it } from "vitest";

import type { CurrentStore } from "./records/records.ts";
import { idsOf, NEWEST } from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";
import { DAY_MS } from "./records/two-days.ts";

const ANY_EVENT = { types: null, after: null, before: null };
/** How far ids are ahead. */
const AHEAD_MS = 3_600_000;

/** The store keeps how far ids were ahead, so no test that relies on ids without a lead may follow on it. */
export function describeIdsAhead(current: CurrentStore): void {
	/** A store whose next ids are ahead of the time. */
	const open = async () => {
		const world = await openReplayWorld(current);
		world.records.ids.make("evt", world.records.now + AHEAD_MS);
		return world;
	};

	it("replays the events whose dates are in its range", async () => {
		const { begin, step, miss, replayed, records } = await open();
		await miss();
		records.now += 10;
		const since = records.now;
		const events = [await miss(), await miss()];
		records.now += 10;
		const until = records.now;
		const last = await miss();
		const replay = await begin({ since, until });
		const dates = { firstEventDate: since, lastEventDate: since };
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 2, deliveryCount: 2, ...dates });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);

		const toTheEnd = await begin({ since: until });
		expect(await step(toTheEnd)).toMatchObject({ status: "Finished", scannedCount: 1, lastEventDate: until });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([...events, last]);
	});

	it("replays them in bounded steps, each going on where the last one ended", async () => {
		const { begin, step, miss, replayed, records } = await open();
		const events: string[] = [];
		// Every other one has a date that is out of the range, as if two processes had made them.
		const [inRange, later] = [records.now, records.now + 1_000];
		for (let n = 0; n < 7; n++) {
			records.now = n % 2 === 0 ? inRange : later;
			const event = await miss();
			if (records.now === inRange) events.push(event);
		}
		records.now = later;
		const replay = await begin({ until: inRange + 1 });
		let [steps, last] = [0, await step(replay, { scanLimit: 1 })];
		for (; last?.status === "Running" && steps < 20; steps++) last = await step(replay, { scanLimit: 1 });
		expect(last).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 4 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual(events);
	});

	it("counts for a replay the events whose dates are in its range", async () => {
		const { store, scope, webhookId, makeReplay, miss, records } = await open();
		for (let n = 0; n < 3; n++) await miss();
		const { filter } = makeReplay();
		const { filter: before } = makeReplay({ until: records.now });
		const step = { scope, webhookId, afterEventId: null, scanLimit: 100 };
		expect(await store.countReplay({ ...step, filter })).toEqual({ matching: 3, lastEventId: null });
		expect(await store.countReplay({ ...step, filter: before })).toEqual({ matching: 0, lastEventId: null });
	});

	it.each(["purgeEvents", "purgePayloads"] as const)("deletes by date: %s", async (kind) => {
		const { store, scope, projectId, miss, records } = await open();
		const old = [await miss(), await miss()];
		records.now += 10;
		const before = records.now;
		const young = await miss();
		const step = { projectId, at: records.now + DAY_MS, before, after: null, limit: 100 };
		const { purged, done } = await store[kind](step);
		expect(purged).toMatchObject(kind === "purgeEvents" ? { events: 2 } : { payloads: 2 });
		expect(done).toBe(true);
		const left = idsOf(await store.events(scope, ANY_EVENT, NEWEST));
		expect(left).toEqual(kind === "purgeEvents" ? [young] : [young, ...old.toReversed()]);
		expect(await store.eventBody(scope, young)).not.toBeNull();
	});
}
