// The order of the store's answers, as a run of the server sees them.
import { expect, it } from "vitest";

import type { RunScope } from "./run-scope.ts";
import { SimStore } from "./sim-store.ts";
import { World } from "./world.ts";

const SEEDS = 10;
const CALLS = 200;

/** Makes calls a millisecond apart. Returns their numbers in the order of the answers. */
async function answersOf(seed: number, answersInOrder: boolean): Promise<number[]> {
	const retention = { retentionDays: 1, payloadRetentionDays: null };
	const world = await World.open({ seed, limits: {}, answersInOrder, retention, sharing: null }, null);
	const { clock } = world;
	const unwatched = { before: () => Promise.resolve(), after: () => Promise.resolve() };
	world.watch(
		unwatched,
		{ isDelivery: () => false, started: () => () => {} },
		{ gained: () => Promise.resolve(() => Promise.resolve()) },
	);
	const run: RunScope = {
		number: 0,
		alive: true,
		now: () => clock.now(),
		later: (ms, act) => {
			if (ms > 0) return clock.after(ms, act);
			clock.nextTurn(act);
			return () => {};
		},
		act: (act) => act(),
		outside: (ms, act) => void run.later(ms, act),
		isCut: false,
		end: () => {},
	};
	const store = new SimStore(world, run);
	const calls = store.calls();
	const answered: number[] = [];
	for (let number = 0; number < CALLS; number++) {
		// These timers are set before those of the answers, so that calls are made and answered while older answers are due.
		clock.after(number, () => void calls.keys().then(() => answered.push(number)));
	}
	await clock.advance(60_000, () => answered.length === CALLS && store.idle);
	await world.store.close();
	return answered;
}

it.each([
	{ answersInOrder: true, what: "keep the order of their calls, also within a millisecond" },
	{ answersInOrder: false, what: "overtake each other" },
])("answers $what", async ({ answersInOrder }) => {
	for (let seed = 0; seed < SEEDS; seed++) {
		const answered = await answersOf(seed, answersInOrder);
		const inOrder = answered.toSorted((a, b) => a - b);
		expect(inOrder).toEqual(Array.from({ length: CALLS }, (_, number) => number));
		if (answersInOrder) expect(answered).toEqual(inOrder);
		else expect(answered).not.toEqual(inOrder);
	}
});
