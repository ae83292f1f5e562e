// Events whose ids are ahead of their dates, since an earlier process had a clock that was ahead. A range of dates is then a longer range
// of ids, and its scans go through it in bounded steps.
import { expect, it } from "vitest";

import type { Replay } from "../../../core/replay.ts";
import { openReplayWorld } from "../../../ports/contract/store/records/replays.ts";
import { openSqliteStore } from "../sqlite-store.ts";

const DAY_MS = 86_400_000;
const BETWEEN = 5_000;

/** A store with three events of one date, many of a later date, and three of the first date again. */
async function open() {
	const store = await openSqliteStore({ path: ":memory:" });
	const world = await openReplayWorld(() => store);
	const { records, projectId } = world;
	const early = records.now;
	// All further ids are made at this time.
	records.ids.make("evt", early + 30 * DAY_MS);
	const add = async (count: number, date: number) => {
		records.now = date;
		for (let left = count; left > 0; left -= 1_000) {
			const events = Array.from({ length: Math.min(left, 1_000) }, () => records.event(projectId));
			await store.commit({ events, updates: [] });
		}
	};
	await add(3, early);
	await add(BETWEEN, early + 10 * DAY_MS);
	await add(3, early);
	return { ...world, early };
}

it("are counted for a replay, replayed and purged in bounded steps", async () => {
	const { store, projectId, scope, webhookId, records, early, begin, step, replayed, update } = await open();
	const filter = { since: 0, until: early + 1, outcomes: ["Missed" as const] };
	// Made when its range was over.
	const dates = { id: records.ids.make("replay", early + 1), createDate: early + 1, updateDate: early + 1 };
	const replay = await begin(filter, dates);
	let [count, steps] = [0, 0];
	let afterEventId: string | null = null;
	do {
		const counted: Awaited<ReturnType<typeof store.countReplay>> = await store.countReplay({
			scope,
			webhookId,
			filter: replay.filter,
			afterEventId,
			scanLimit: 500,
		});
		count += counted.matching;
		afterEventId = counted.lastEventId;
		steps++;
	} while (afterEventId !== null);
	expect([count, steps]).toEqual([6, 3]);

	steps = 0;
	let moved: Replay | null = replay;
	while (moved?.status === "Running") {
		moved = await step(replay, { scanLimit: 500 });
		expect(++steps).toBeLessThan(10);
	}
	expect(moved).toMatchObject({ status: "Finished", scannedCount: 6, deliveryCount: 6 });
	expect(steps).toBe(3);
	await update(...(await replayed()).map(({ id }) => records.cancel(id)));

	const purge = async (before: number) => {
		let [events, purges] = [0, 0];
		let after: string | null = null;
		for (let done = false; !done; purges++) {
			const result = await store.purgeEvents({ projectId, at: early + 20 * DAY_MS, before, after, limit: 500 });
			({ after, done } = result);
			events += result.purged.events;
		}
		return [events, purges];
	};
	expect(await purge(early + 1)).toEqual([6, 3]);
	// Those in between when their time has come.
	expect((await purge(early + 11 * DAY_MS))[0]).toBe(BETWEEN);
	await store.close();
});
