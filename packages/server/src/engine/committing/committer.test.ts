// The committer: its bounds, and what it does when the store or a caller fails.
import { expect, it, vi } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { fillStore, type World } from "../../ports/contract/store/records/records.ts";
import type { CommitBatch, NewEvent } from "../../ports/store/accept.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { Committer } from "./committer.ts";

/** Commits do not wait for more work, and outcomes not for a send. */
const AT_ONCE = { gatherMs: 0, rideMs: 0 };

interface Ends {
	readonly done: string[];
	readonly failed: string[];
}

function send(committer: Committer, name: string, ends: Ends, faults: { build?: () => NewEvent; done?: () => void }) {
	return (event: NewEvent) =>
		committer.send({
			projectId: "proj_1",
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
	return {
		world,
		observer,
		committer: new Committer({ store: world.store, clock: new ManualClock(), observer }, AT_ONCE),
	};
}

it("fails only the send whose event can't be built, and accepts the others", async () => {
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
		send(committer, name, ends, faults)(world.records.event(world.projectId));
	}
	await committer.idle();
	expect(ends).toEqual({ done: ["first", "last"], failed: ["broken store_conflict"] });
	expect(observer.problems).toEqual([{ message: "an event could not be built", error: expect.any(TypeError) }]);
	await world.store.close();
});

it("calls every send back, also after a callback that throws, and goes on", async () => {
	const { world, committer, observer } = await open();
	const ends: Ends = { done: [], failed: [] };
	const throws = () => {
		throw new TypeError("no caller");
	};
	for (const [name, faults] of [
		["throws", { done: throws }],
		["next", {}],
	] as const) {
		send(committer, name, ends, faults)(world.records.event(world.projectId));
	}
	await committer.idle();
	send(committer, "later", ends, {})(world.records.event(world.projectId));
	await committer.idle();
	expect(ends).toEqual({ done: ["throws", "next", "later"], failed: [] });
	const facts = { projectId: world.projectId };
	expect(observer.problems).toEqual([
		{ message: "the callback of a send failed", error: expect.any(TypeError), facts },
	]);
	await world.store.close();
});

it("calls the sends of a commit back before its changes of deliveries", async () => {
	const { world, committer } = await open();
	const ends: string[] = [];
	const update = { deliveryId: "unknown", at: 0, change: { type: "release" }, attempt: null } as const;
	const end = (name: string) => () => void ends.push(name);
	committer.add({ update, done: end("change"), failed: end("change failed") });
	const build = () => world.records.event(world.projectId);
	committer.send({ projectId: world.projectId, bytes: 1, build, done: end("send"), failed: end("send failed") });
	await committer.idle();
	expect(ends).toEqual(["send", "change"]);
	await world.store.close();
});

it("calls every change of a delivery back, also after a callback that throws", async () => {
	const { world, committer, observer } = await open();
	const ends: string[] = [];
	const change = (name: string, throws: boolean) => {
		const end = () => {
			ends.push(name);
			if (throws) throw new TypeError("no caller");
		};
		const update = { deliveryId: name, at: 0, change: { type: "release" }, attempt: null } as const;
		committer.add({ update, done: end, failed: end });
	};
	change("throws", true);
	change("next", false);
	await committer.idle();
	change("throws when refused", true);
	change("next when refused", false);
	committer.close();
	expect(ends).toEqual(["throws", "next", "throws when refused", "next when refused"]);
	const problem = { message: "the callback of a change failed", error: expect.any(TypeError) };
	expect(observer.problems).toEqual([
		{ ...problem, facts: { deliveryId: "throws" } },
		{ ...problem, facts: { deliveryId: "throws when refused" } },
	]);
	await world.store.close();
});

it("reports how long the first send of a commit has waited, and nothing for commits without sends", async () => {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const clock = new ManualClock();
	const store: Store = {
		...world.store,
		commit: (batch) => {
			clock.advance(20);
			return world.store.commit(batch);
		},
	};
	const waits: number[] = [];
	const parts = { store, clock, observer: new RecordingObserver() };
	const committer = new Committer(parts, AT_ONCE, { pace: { sendsEnded: (waitedMs) => waits.push(waitedMs) } });
	const ends: Ends = { done: [], failed: [] };
	send(committer, "first", ends, {})(world.records.event(world.projectId));
	clock.advance(30);
	send(committer, "second", ends, {})(world.records.event(world.projectId));
	await committer.idle();
	expect(ends.done).toEqual(["first", "second"]);
	expect(waits).toEqual([50]);
	const deliveryId = world.records.ids.make("dlv", 0);
	await committer.update({ deliveryId, at: 0, change: { type: "release" }, attempt: null });
	expect(waits).toEqual([50]);
	await world.store.close();
});

type Commit = Store["commit"];

/** The real store behind a gate: before each commit `before` is called, which may wait or fail. */
async function openGated(before: (...parameters: Parameters<Commit>) => void | Promise<void>, limits = AT_ONCE) {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const { records, projectId, webhookId } = world;
	const event = records.event(projectId, { webhookIds: [webhookId] });
	await world.store.commit({ events: [event], updates: [] });
	const deliveryId = event.deliveries[0]!.id;
	const store: Store = {
		...world.store,
		commit: async (batch) => {
			await before(batch);
			return world.store.commit(batch);
		},
	};
	const [clock, observer] = [new ManualClock(), new RecordingObserver()];
	return { world, clock, observer, deliveryId, committer: new Committer({ store, clock, observer }, limits) };
}

const unavailable = () => new StoreError("store_unavailable", "not now");
const conflict = () => new StoreError("store_conflict", "never");

it("writes outcomes that had to wait for a failing store before the updates that came after them", async () => {
	const gate = Promise.withResolvers<void>();
	let failures = 1;
	const { world, clock, observer, deliveryId, committer } = await openGated(async () => {
		await gate.promise;
		if (failures-- > 0) throw unavailable();
	});
	const outcome = committer.update(world.records.outcome(deliveryId, 1));
	// The first commit is under way before the second update comes.
	await new Promise((resolve) => setImmediate(resolve));
	const cancel = { type: "cancel", reason: "by hand" } as const;
	const cancelled = committer.update({ deliveryId, at: 0, change: cancel, attempt: null });
	gate.resolve();
	await expect.poll(() => observer.problems).toHaveLength(1);
	clock.advance(1_000);
	expect(await Promise.all([outcome, cancelled])).toMatchObject([
		{ state: { status: "Succeeded" }, changed: true },
		{ state: { status: "Succeeded" }, changed: false },
	]);
	await world.store.close();
});

it("resolves each update with its own result, and waits a while before it tries a failing store again", async () => {
	const failures = [unavailable(), unavailable()];
	const { world, clock, observer, deliveryId, committer } = await openGated(() => {
		const failure = failures.shift();
		if (failure !== undefined) throw failure;
	});
	const unknown = world.records.ids.make("dlv", 0);
	const ends = [unknown, deliveryId].map((id) => committer.update(world.records.outcome(id, 1)));
	for (const count of [1, 2]) {
		await expect.poll(() => observer.problems).toHaveLength(count);
		for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
		expect(observer.problems).toHaveLength(count);
		clock.advance(250);
	}
	expect(await Promise.all(ends)).toMatchObject([null, { state: { status: "Succeeded" } }]);
	await world.store.close();
});

it("rejects an update that can never be written, and writes the others of its commit, however often that fails", async () => {
	const failures = [unavailable(), unavailable()];
	const { world, clock, deliveryId, committer } = await openGated(({ updates }) => {
		if (updates.some(({ change }) => change.type === "release")) throw conflict();
		const failure = failures.shift();
		if (failure !== undefined) throw failure;
	});
	const never = committer.update({ deliveryId, at: 0, change: { type: "release" }, attempt: null });
	const written = committer.update(world.records.outcome(deliveryId, 1));
	await expect(never).rejects.toMatchObject({ code: "store_conflict" });
	let isWritten = false;
	void written.then(() => (isWritten = true));
	await expect
		.poll(() => {
			clock.advance(1_000);
			return isWritten;
		})
		.toBe(true);
	expect(failures).toEqual([]);
	expect(await written).toMatchObject({ state: { status: "Succeeded" } });
	await world.store.close();
});

it.each([
	["fails", null],
	["is in doubt and was not made", false],
	["is in doubt and was made", true],
] as const)(
	"writes no other update after a conflict when one of them %s, so that it stays before later ones",
	async (_, isMade) => {
		const { world, clock, observer, deliveryId } = await openGated(() => {});
		const { records, projectId, store } = world;
		const isOutcome = ({ updates: [update], updates }: CommitBatch) =>
			updates.length === 1 && update?.change.type === "attempted";
		let fails = true;
		const batches: string[] = [];
		const commit: Commit = async (batch) => {
			batches.push([...batch.events.map(() => "event"), ...batch.updates.map(({ change }) => change.type)].join(" "));
			if (batches.length === 1) throw conflict();
			if (!fails || !isOutcome(batch)) return store.commit(batch);
			fails = false;
			if (isMade === null) throw unavailable();
			const result = isMade ? await store.commit(batch) : null;
			throw new StoreInDoubtError("the answer was lost", {
				settle: () => Promise.resolve(result === null ? { isMade: false } : { isMade: true, result }),
			});
		};
		const committer = new Committer({ store: { ...store, commit }, clock, observer }, AT_ONCE);
		const told: unknown[] = [];
		const tell = ({ state }: { state: { status: string } }) => told.push(state.status);
		const outcome = committer.update(records.outcome(deliveryId, 1)).then((result) => tell(result!));
		const cancel = { type: "cancel", reason: "by hand" } as const;
		const cancelled = committer
			.update({ deliveryId, at: 0, change: cancel, attempt: null })
			.then((result) => tell(result!));
		const sent = new Promise<void>((done, reject) => {
			const event = records.event(projectId);
			const failed = (_event: NewEvent | null, error: StoreError) => reject(error);
			committer.send({ projectId, bytes: 1, build: () => event, done: () => done(), failed });
		});
		// It does not depend on the updates.
		await sent;
		expect(batches).toEqual(["event attempted cancel", "attempted", "event"]);
		let isOver = false;
		const both = Promise.all([outcome, cancelled]).then(() => (isOver = true));
		await expect
			.poll(() => {
				clock.advance(1_000);
				return isOver;
			})
			.toBe(true);
		await both;
		expect(told).toEqual(["Succeeded", "Succeeded"]);
		const { attemptCount } = (await store.delivery(world.scope, deliveryId))!;
		expect(attemptCount).toBe(1);
		await store.close();
	},
);

it.each([
	["a send", 0, [4, 1, 3]],
	["an outcome", 1, [4, 0, 4]],
] as const)(
	"waits once for the sends that are left of a commit in conflict, when the store was lost with %s of them",
	async (_, outcomes, commits) => {
		const sizes: number[] = [];
		const { world, deliveryId, committer } = await openGated(({ events }) => {
			sizes.push(events.length);
			throw sizes.length === 1 ? conflict() : unavailable();
		});
		const ends: Ends = { done: [], failed: [] };
		for (let n = 0; n < outcomes; n++) void committer.update(world.records.outcome(deliveryId, 1)).catch(() => {});
		const names = ["1", "2", "3", "4"];
		for (const name of names) send(committer, name, ends, {})(world.records.event(world.projectId));
		await expect.poll(() => ends.failed).toEqual(names.map((name) => `${name} store_unavailable`));
		expect(sizes.slice(0, 3)).toEqual(commits);
		committer.close();
		await world.store.close();
	},
);

it("accepts the others of a commit in conflict, if the store is back after one of them was refused without it", async () => {
	let commits = 0;
	const { world, committer } = await openGated(({ events }) => {
		if (++commits === 2) throw unavailable();
		if (events.some(({ body }) => body.length === 1)) throw conflict();
	});
	const ends: Ends = { done: [], failed: [] };
	for (const name of ["1", "2", "never", "4", "5"]) {
		const event = world.records.event(world.projectId);
		send(committer, name, ends, {})(name === "never" ? { ...event, body: Uint8Array.of(1) } : event);
	}
	await committer.idle();
	expect(ends).toEqual({ done: ["2", "4", "5"], failed: ["1 store_unavailable", "never store_conflict"] });
	// All, the first alone, the others together, then each of them.
	expect(commits).toBe(7);
	await world.store.close();
});

it("rejects, once it is closed, updates that wait, those under way that fail, and those that come", async () => {
	const failing = await openGated(() => {
		throw unavailable();
	});
	const release = { deliveryId: failing.deliveryId, at: 0, change: { type: "release" }, attempt: null } as const;
	const waiting = failing.committer.update(release);
	await expect.poll(() => failing.observer.problems).toHaveLength(1);
	failing.committer.close();
	await expect(waiting).rejects.toMatchObject({ code: "store_unavailable" });
	await expect(failing.committer.update(release)).rejects.toMatchObject({ message: "the committer is closed" });

	const gate = Promise.withResolvers<void>();
	const slow = await openGated(() => gate.promise);
	const underWay = slow.committer.update({ ...release, deliveryId: slow.deliveryId });
	await new Promise((resolve) => setImmediate(resolve));
	slow.committer.close();
	gate.reject(unavailable());
	await expect(underWay).rejects.toMatchObject({ message: "the committer is closed" });
	await Promise.all([failing.world.store.close(), slow.world.store.close()]);
});

it("limits each commit: its events, the bytes of their bodies, and its updates", async () => {
	const commits: { events: number; updates: number }[] = [];
	const { world, deliveryId, committer } = await openGated(({ events, updates }) => {
		commits.push({ events: events.length, updates: updates.length });
	});
	const ends: Ends = { done: [], failed: [] };
	const sendAll = async (count: number, bytes: number) => {
		const event = () => world.records.event(world.projectId);
		for (let n = 0; n < count; n++) {
			const faults = { build: event, done: () => ends.done.push("x"), failed: () => ends.failed.push("x") };
			committer.send({ projectId: world.projectId, bytes, ...faults });
		}
		await committer.idle();
	};
	await sendAll(1_500, 1);
	await sendAll(5, 3 * 1_024 * 1_024);
	// An event that is larger than the limit is committed alone.
	await sendAll(2, 9 * 1_024 * 1_024);
	expect(commits.splice(0).map(({ events }) => events)).toEqual([1_000, 500, 2, 2, 1, 1, 1]);
	expect(committer.waitingBytes).toBe(0);
	const release = { deliveryId, at: 0, change: { type: "release" }, attempt: null } as const;
	await Promise.all(Array.from({ length: 2_100 }, () => committer.update(release)));
	expect(commits.map(({ updates }) => updates)).toEqual([2_000, 100]);
	await world.store.close();
});

it("waits for more work after the beginning of a commit of several sends, and not after that of a small one", async () => {
	const commits: number[] = [];
	const { world, clock, committer } = await openGated(({ events }) => void commits.push(events.length), {
		gatherMs: 2,
		rideMs: 0,
	});
	const ends: Ends = { done: [], failed: [] };
	const sendMany = (count: number) => {
		for (let n = 0; n < count; n++) send(committer, "x", ends, {})(world.records.event(world.projectId));
	};
	sendMany(4);
	await committer.idle();
	for (const count of [1, 2]) {
		sendMany(count);
		for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
		expect(commits).toEqual([4]);
	}
	clock.advance(2);
	await committer.idle();
	expect(commits).toEqual([4, 3]);
	sendMany(1);
	await committer.idle();
	expect(commits).toEqual([4, 3, 1]);
	await world.store.close();
});

it("begins the next commit before it calls back the senders of the last one, and never makes two at once", async () => {
	const begun: PromiseWithResolvers<void>[] = [];
	let underWay = 0;
	const { world, committer } = await openGated(async () => {
		expect(++underWay).toBe(1);
		const gate = Promise.withResolvers<void>();
		begun.push(gate);
		await gate.promise;
		underWay--;
	});
	/** Sends an event; resolves with how many commits had begun when the send was called back. */
	const sendOne = () =>
		new Promise<number>((resolve, reject) => {
			const event = world.records.event(world.projectId);
			committer.send({
				projectId: "proj_1",
				bytes: 1,
				build: () => event,
				done: () => resolve(begun.length),
				failed: reject,
			});
		});
	const first = sendOne();
	await expect.poll(() => begun).toHaveLength(1);
	const second = sendOne();
	begun[0]!.resolve();
	expect(await first).toBe(2);
	begun[1]!.resolve();
	expect(await second).toBe(2);
	await world.store.close();
});

it("accepts the events of a commit even if the observer of commits fails", async () => {
	const { world, deliveryId, committer, observer } = await openGated(() => {});
	const failing = vi.spyOn(observer, "committed").mockImplementationOnce(() => {
		throw new TypeError("no report");
	});
	const ends: Ends = { done: [], failed: [] };
	send(committer, "not reported", ends, {})(world.records.event(world.projectId));
	await committer.idle();
	expect(ends).toEqual({ done: ["not reported"], failed: [] });
	expect(observer.problems).toEqual([{ message: "a commit could not be reported", error: expect.any(TypeError) }]);
	expect(await committer.update(world.records.outcome(deliveryId, 1))).toMatchObject({
		state: { status: "Succeeded" },
	});
	expect(failing).toHaveBeenCalledTimes(2);
	await world.store.close();
});

it("goes on when a listener fails", async () => {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	const observer = new RecordingObserver();
	const sendsEnded = () => {
		throw new TypeError("no listener");
	};
	const committer = new Committer({ store: world.store, clock: new ManualClock(), observer }, AT_ONCE, {
		pace: { sendsEnded },
	});
	const ends: Ends = { done: [], failed: [] };
	for (const name of ["first", "second"]) {
		send(committer, name, ends, {})(world.records.event(world.projectId));
		await committer.idle();
	}
	expect(ends).toEqual({ done: ["first", "second"], failed: [] });
	expect(observer.problems).toHaveLength(2);
	await world.store.close();
});
