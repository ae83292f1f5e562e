// What the committer does when those around it fail: it goes on, and each failure stays with the one that it belongs to.
import { expect, it, onTestFinished, vi } from "vitest";

import { RecordingObserver } from "../../test/test-engine.ts";
import { openSqliteStore } from "../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../core/manual-clock.ts";
import { fillStore, type World } from "../ports/store-samples.contract.ts";
import type { NewEvent, Store } from "../ports/store.ts";
import { Committer } from "./committer.ts";

interface Ends {
	readonly done: string[];
	readonly failed: string[];
}

function send(committer: Committer, name: string, ends: Ends, faults: { build?: () => NewEvent; done?: () => void }) {
	return (event: NewEvent) =>
		committer.send({
			bytes: 1,
			build: faults.build ?? (() => event),
			done: () => {
				ends.done.push(name);
				faults.done?.();
			},
			failed: (_event, { code }) => ends.failed.push(`${name} ${code}`),
		});
}

async function open(): Promise<{ world: World; committer: Committer; observer: RecordingObserver }> {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const observer = new RecordingObserver();
	return { world, observer, committer: new Committer({ store: world.store, clock: new ManualClock(), observer }) };
}

it("fails a send alone whose event can't be made, and tells the others of theirs", async () => {
	const { world, committer, observer } = await open();
	const ends: Ends = { done: [], failed: [] };
	const broken = () => {
		throw new TypeError("no event");
	};
	for (const [name, faults] of [
		["first", {}],
		["broken", { build: broken }],
		["last", {}],
	] as const) {
		send(committer, name, ends, faults)(world.samples.event(world.projectId));
	}
	await committer.idle();
	expect(ends).toEqual({ done: ["first", "last"], failed: ["broken store_conflict"] });
	expect(observer.problems).toEqual([{ message: "an event could not be made", error: expect.any(TypeError) }]);
	await world.store.close();
});

it("tells every send of its end, also after one that throws, and goes on", async () => {
	const { world, committer, observer } = await open();
	const ends: Ends = { done: [], failed: [] };
	const throws = () => {
		throw new TypeError("no caller");
	};
	for (const [name, faults] of [
		["throws", { done: throws }],
		["next", {}],
	] as const) {
		send(committer, name, ends, faults)(world.samples.event(world.projectId));
	}
	await committer.idle();
	send(committer, "later", ends, {})(world.samples.event(world.projectId));
	await committer.idle();
	expect(ends).toEqual({ done: ["throws", "next", "later"], failed: [] });
	expect(observer.problems).toEqual([{ message: "the end of a send failed", error: expect.any(TypeError) }]);
	await world.store.close();
});

it("tells how long the first send of a commit has waited, and nothing of commits without sends", async () => {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	let now = 100;
	const time = vi.spyOn(performance, "now").mockImplementation(() => now);
	onTestFinished(() => time.mockRestore());
	const store: Store = {
		...world.store,
		commit: (batch) => {
			now += 20;
			return world.store.commit(batch);
		},
	};
	const waits: number[] = [];
	const parts = { store, clock: new ManualClock(), observer: new RecordingObserver() };
	const committer = new Committer(parts, { sendsEnded: (waitedMs) => waits.push(waitedMs) });
	const ends: Ends = { done: [], failed: [] };
	send(committer, "first", ends, {})(world.samples.event(world.projectId));
	now += 30;
	send(committer, "second", ends, {})(world.samples.event(world.projectId));
	await committer.idle();
	expect(ends.done).toEqual(["first", "second"]);
	expect(waits).toEqual([50]);
	const deliveryId = world.samples.ids.make("dlv", 0);
	await committer.update({ deliveryId, at: 0, change: { type: "release" }, attempt: null });
	expect(waits).toEqual([50]);
	await world.store.close();
});
