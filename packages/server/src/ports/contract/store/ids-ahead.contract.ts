// The contract of ids that are ahead of dates, as after a restart with a clock that was set back: the date of an event decides whether it
// is in a range, for replays and for retention as for lists.
import { expect, it } from "vitest";

import type { CurrentStore } from "./records/records.ts";
import { GONE } from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";
import { DAY_MS } from "./records/two-days.ts";

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

	it("counts and replays the events whose dates are in its range", async () => {
		const { store, scope, webhookId, begin, step, miss, replayed, records } = await open();
		await miss();
		records.now += 10;
		const since = records.now;
		const events = [await miss(), await miss()];
		records.now += 10;
		const until = records.now;
		const last = await miss();
		const replay = await begin({ since, until });
		const counted = { scope, webhookId, filter: replay.filter, afterEventId: null, scanLimit: 100 };
		expect(await store.countReplay(counted)).toMatchObject({ matching: 2, lastEventId: null });
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

	it("moves a replay on that only passes events out of its range, and counts none of them", async () => {
		const { begin, step, miss, records } = await open();
		for (let n = 0; n < 3; n++) await miss();
		records.now += 10;
		await miss();
		records.now += 10;
		const replay = await begin({ since: records.now - 10, until: records.now });
		records.now += 10;
		const passed = { scannedCount: 0, firstEventDate: null, lastEventDate: null, updateDate: records.now };
		let moved = await step(replay, { scanLimit: 1 });
		// The embedded store passes many in a step.
		if (moved?.status === "Running") expect(moved).toMatchObject(passed);
		for (; moved?.status === "Running"; moved = await step(replay, { scanLimit: 1 })) records.now += 10;
		expect(moved).toMatchObject({ status: "Finished", scannedCount: 1, deliveryCount: 1 });
	});

	it("replays an event again that has a delivery with a date which is ahead of the replay", async () => {
		const { begin, step, miss, update, replayed, records } = await openReplayWorld(current);
		const { now } = records;
		const event = await miss();
		/** Replays what has failed or was never sent, and has the new deliveries fail. */
		const replayAll = async (): Promise<readonly string[]> => {
			const replay = await begin({ since: now, until: now + 1, outcomes: ["Failed", "Missed"] });
			expect(await step(replay)).toMatchObject({ status: "Finished" });
			const made = await replayed();
			for (const { id } of made) await update(records.outcome(id, 1, GONE));
			return made.map(({ eventId }) => eventId);
		};
		records.now = now + AHEAD_MS;
		expect(await replayAll()).toEqual([event]);
		records.now = now + 10;
		expect(await replayAll()).toEqual([event]);
		const replay = await begin({ since: now, until: now + 1, outcomes: ["Failed"] });
		expect(await replayAll()).toEqual([event]);
		// It has one that was made after this one.
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 1, deliveryCount: 0 });
		expect(await replayed()).toEqual([]);
	});

	it("knows the end of a range for the progress of a replay, though many events with higher ids are out of it", async () => {
		const { store, projectId, begin, step, miss, records } = await open();
		for (let n = 0; n < 4; n++, records.now += 10) await miss();
		const until = records.now;
		const newer = Array.from({ length: 2_001 }, () => records.event(projectId));
		for (let at = 0; at < newer.length; at += 500)
			await store.commit({ events: newer.slice(at, at + 500), updates: [] });
		const replay = await begin({ until });
		expect(await step(replay, { scanLimit: 2 })).toMatchObject({
			firstEventDate: until - 40,
			position: until - 30,
			lastEventDate: until - 1,
		});
	});

	it.each(["purgeEvents", "purgePayloads"] as const)(
		"neither deletes young events early nor passes them for ever: %s",
		async (kind) => {
			const { store, scope, projectId, miss, records } = await open();
			const start = records.now;
			/** Old and young ones in turns, as if two processes had made them. */
			const [old, young]: [string[], string[]] = [[], []];
			for (let n = 0; n < 40; n++) {
				records.now = start + (n % 2) * 10;
				(n % 2 === 0 ? old : young).push(await miss());
			}
			const at = start + DAY_MS;
			/** Goes through all events that are old at a time. Returns how many there were, and where the next walk begins. */
			const walk = async (before: number, after: string | null, skipAhead = false) => {
				let [count, from, done] = [0, after, false];
				for (let steps = 0; !done && steps < 200; steps++) {
					const step = await store[kind]({ projectId, at, before, after: from, skipAhead, limit: 1 });
					({ after: from, done } = step);
					count += step.purged.events + step.purged.payloads;
				}
				expect(done).toBe(true);
				return { count, after: from };
			};
			const kept = async (ids: readonly string[]) => {
				const bodies = await Promise.all(ids.map((id) => store.eventBody(scope, id)));
				return bodies.filter((body) => body !== null).length;
			};
			expect(await walk(start + 10, null, true)).toMatchObject({ count: 0 });
			const first = await walk(start + 10, null);
			expect([first.count, await kept(old), await kept(young)]).toEqual([20, 0, 20]);
			// Nothing is old meanwhile.
			const second = await walk(start + 10, first.after);
			expect(second).toEqual({ count: 0, after: first.after });
			const last = await walk(start + 11, second.after);
			expect([last.count, await kept(young)]).toEqual([20, 0]);
		},
	);

	it("skips events whose ids are ahead if that is wanted, and finds them by their ids later", async () => {
		const { store, projectId, miss, records } = await open();
		const { now } = records;
		for (let n = 0; n < 3; n++) await miss();
		const step = { projectId, at: now + DAY_MS, after: null, skipAhead: true, limit: 100 };
		const early = await store.purgeEvents({ ...step, before: now + 10 });
		expect(early).toMatchObject({ done: true, purged: { events: 0 } });
		const before = now + 2 * AHEAD_MS;
		expect(await store.purgeEvents({ ...step, after: early.after, before })).toMatchObject({
			done: true,
			purged: { events: 3 },
		});
	});
}
