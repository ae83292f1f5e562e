// The store's answers, as a run of the server sees them: their order, and those that do not say what was done.
import { expect, it } from "vitest";

import { Records } from "../../packages/server/src/ports/contract/store/records/records.ts";
import { StoreInDoubtError } from "../../packages/server/src/ports/store/errors.ts";
import type { RunScope } from "./run-scope.ts";
import { SimStore } from "./sim-store.ts";
import { World } from "./world.ts";

const SEEDS = 10;
const CALLS = 200;

/** A world with one run, and the store as that run sees it. */
async function openStore(seed: number, answersInOrder: boolean) {
	const retention = { retentionDays: 1, payloadRetentionDays: null };
	const world = await World.open({ seed, limits: {}, answersInOrder, retention, sharing: null }, null);
	const { clock } = world;
	const unwatched = { before: () => Promise.resolve(), after: () => Promise.resolve() };
	world.watch(
		unwatched,
		{ isDelivery: () => false, started: () => () => {} },
		{ gained: () => Promise.resolve(() => Promise.resolve()), claimedUntold: () => {} },
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
	return { world, store: new SimStore(world, run) };
}

/** Makes calls a millisecond apart. Returns their numbers in the order of the answers. */
async function answersOf(seed: number, answersInOrder: boolean): Promise<number[]> {
	const { world, store } = await openStore(seed, answersInOrder);
	const { clock } = world;
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

it.each([true, false])("leaves in doubt whether a write was executed, if it was: %s", async (executed) => {
	const { world, store } = await openStore(1, true);
	world.faults.plan({ kind: "in doubt", executed, after: 0, count: 1 });
	const project = new Records().project();
	const calls = store.calls();
	let answer: unknown = null;
	// A read is never in doubt.
	void calls.projects().then(() =>
		calls.insertProject(project, null).catch((error: unknown) => {
			answer = error;
		}),
	);
	await world.clock.advance(60_000, () => answer !== null);
	expect(answer).toBeInstanceOf(StoreInDoubtError);
	expect(await world.store.projects()).toHaveLength(executed ? 1 : 0);
	await world.store.close();
});
