// Events whose ids are ahead of their dates, since an earlier process had a clock that was ahead. A range of dates is then a longer range
// of ids, and its scans go through it in bounded steps.
import { expect, it } from "vitest";

import type { Replay } from "../../../core/replay.ts";
import { fillStore } from "../../../ports/contract/store/records/records.ts";
import { openSqliteStore } from "../sqlite-store.ts";

const DAY_MS = 86_400_000;
const BETWEEN = 5_000;

/** A store with three events of one date, many of a later date, and three of the first date again. */
async function open() {
	const store = await openSqliteStore({ path: ":memory:" });
	const world = await fillStore(store);
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
	const filter = {
		since: 0,
		until: early + 1,
		outcomes: ["Missed"],
		eventTypes: null,
		missedEventTypes: null,
	} as const;
	return { ...world, early, filter };
}

it("are counted for a replay in bounded steps", async () => {
	const { store, scope, webhookId, filter } = await open();
	let [count, steps] = [0, 0];
	let afterEventId: string | null = null;
	do {
		const step: Awaited<ReturnType<typeof store.countReplay>> = await store.countReplay({
			scope,
			webhookId,
			filter,
			afterEventId,
			scanLimit: 500,
		});
		count += step.matching;
		afterEventId = step.lastEventId;
		steps++;
	} while (afterEventId !== null);
	expect(count).toBe(6);
	expect(steps).toBe(3);
});

it("are replayed in bounded steps", async () => {
	const { store, projectId, webhookId, records, early, filter } = await open();
	const replay: Replay = {
		// Made when its range was over.
		id: records.ids.make("replay", early + 1),
		projectId,
		customerId: null,
		webhookId,
		filter,
		chosenCount: null,
		status: "Running",
		scannedCount: 0,
		deliveryCount: 0,
		firstEventDate: null,
		lastEventDate: null,
		position: null,
		createDate: early + 1,
		updateDate: early + 1,
		endDate: null,
	};
	await store.insertReplays([{ replay, limit: 1, projectLimit: 1, entry: null }]);
	let steps = 0;
	let moved: Replay | null = replay;
	while (moved?.status === "Running") {
		const deliveryIds = Array.from({ length: 10 }, () => records.ids.make("dlv", records.now));
		moved = await store.stepReplay({ replayId: replay.id, at: early, scanLimit: 500, deliveryIds });
		expect(++steps).toBeLessThan(10);
	}
	expect(moved).toMatchObject({ status: "Finished", scannedCount: 6, deliveryCount: 6 });
	expect(steps).toBe(3);
});

it("are purged in bounded steps, and those in between when their time has come", async () => {
	const { store, projectId, early } = await open();
	const purge = async (before: number) => {
		let [events, steps] = [0, 0];
		let after: string | null = null;
		for (let done = false; !done; steps++) {
			const step = await store.purgeEvents({ projectId, at: early + 20 * DAY_MS, before, after, limit: 500 });
			({ after, done } = step);
			events += step.purged.events;
		}
		return { events, steps };
	};
	const first = await purge(early + 1);
	expect(first.events).toBe(6);
	expect(first.steps).toBe(3);
	expect(await purge(early + 11 * DAY_MS)).toMatchObject({ events: BETWEEN });
});
