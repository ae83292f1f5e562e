// The committer: its bounds, and what it does when the store or a caller fails.
import { expect, it, onTestFinished, vi } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { fillStore } from "../../ports/contract/store/records/records.ts";
import type { CommitBatch, NewEvent } from "../../ports/store/accept.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { passTurns } from "../test/delivering.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { Committer } from "./committer.ts";

/** Commits do not wait for more work, and outcomes not for a send. */
const AT_ONCE = { gatherMs: 0, rideMs: 0 };

interface Faults {
	readonly build?: () => NewEvent;
	readonly done?: () => void;
}
type Commit = Store["commit"];

/**
 * A committer on the real store, which has a delivery. Before each commit `before` is called, which may wait or fail. `send`
 * sends a small event by this name; `done` and `failed` say how sends ended, in their order.
 */
async function open(before: (batch: CommitBatch) => void | Promise<void> = () => {}, limits = AT_ONCE, listeners = {}) {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	onTestFinished(() => world.store.close());
	const { records, projectId, webhookId } = world;
	const event = records.event(projectId, { webhookIds: [webhookId] });
	await world.store.commit({ events: [event], updates: [] });
	const commit: Commit = async (batch) => {
		await before(batch);
		return world.store.commit(batch);
	};
	const [clock, observer] = [new ManualClock(), new RecordingObserver()];
	const committer = new Committer({ store: { ...world.store, commit }, clock, observer }, limits, listeners);
	const [done, failed]: [string[], string[]] = [[], []];
	const send = (name: string, faults: Faults = {}, bytes = 1) => {
		const made = records.event(projectId);
		committer.send({
			projectId: "proj_1",
			bytes,
			build: faults.build ?? (() => made),
			done: () => {
				done.push(name);
				faults.done?.();
			},
			failed: (_event, { code }) => failed.push(`${name} ${code}`),
		});
	};
	return { world, clock, observer, committer, send, done, failed, deliveryId: event.deliveries[0]!.id };
}

/** A callback that fails. */
function broken(): never {
	throw new TypeError("on purpose");
}

/** Throws these errors, one at each call, and nothing once there are none left. */
function failing(failures: StoreError[]) {
	return () => {
		const failure = failures.shift();
		if (failure !== undefined) throw failure;
	};
}

const unavailable = () => new StoreError("store_unavailable", "not now");
const conflict = () => new StoreError("store_conflict", "never");
const RELEASE = { at: 0, change: { type: "release" }, attempt: null } as const;
const CANCEL = { at: 0, change: { type: "cancel", reason: "by hand" }, attempt: null } as const;

it("fails only the send whose event can't be built, and accepts the others", async () => {
	const { committer, observer, send, done, failed } = await open();
	send("first");
	send("broken", { build: broken });
	send("last");
	await committer.idle();
	expect([done, failed]).toEqual([["first", "last"], ["broken store_conflict"]]);
	expect(observer.problems).toEqual([{ message: "an event could not be built", error: expect.any(TypeError) }]);
});

it("calls the sends of a commit back before its changes of deliveries", async () => {
	const { committer, send, done } = await open();
	const end = (name: string) => () => void done.push(name);
	committer.add({ update: { deliveryId: "unknown", ...RELEASE }, done: end("change"), failed: end("change failed") });
	send("send");
	await committer.idle();
	expect(done).toEqual(["send", "change"]);
});

it("calls every change of a delivery back, also after a callback that throws", async () => {
	const { committer, observer } = await open();
	const ends: string[] = [];
	const change = (name: string, throws: boolean) => {
		const end = () => {
			ends.push(name);
			if (throws) broken();
		};
		committer.add({ update: { deliveryId: name, ...RELEASE }, done: end, failed: end });
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
});

it("reports how long the first send of a commit has waited, and nothing for commits without sends", async () => {
	const waits: number[] = [];
	const pace = { sendsEnded: (waitedMs: number) => waits.push(waitedMs) };
	const { clock, committer, send, done, deliveryId } = await open(() => clock.advance(20), AT_ONCE, { pace });
	send("first");
	clock.advance(30);
	send("second");
	await committer.idle();
	expect([done, waits]).toEqual([["first", "second"], [50]]);
	await committer.update({ deliveryId, ...RELEASE });
	expect(waits).toEqual([50]);
});

it("writes outcomes that had to wait for a failing store before the updates that came after them", async () => {
	const gate = Promise.withResolvers<void>();
	let failures = 1;
	const { world, clock, observer, deliveryId, committer } = await open(async () => {
		await gate.promise;
		if (failures-- > 0) throw unavailable();
	});
	const outcome = committer.update(world.records.outcome(deliveryId, 1));
	// The first commit is under way before the second update comes.
	await passTurns(1);
	const cancelled = committer.update({ deliveryId, ...CANCEL });
	gate.resolve();
	await expect.poll(() => observer.problems).toHaveLength(1);
	clock.advance(1_000);
	expect(await Promise.all([outcome, cancelled])).toMatchObject([
		{ state: { status: "Succeeded" }, changed: true },
		{ state: { status: "Succeeded" }, changed: false },
	]);
});

it("resolves each update with its own result, and waits a while before it tries a failing store again", async () => {
	const { world, clock, observer, deliveryId, committer } = await open(failing([unavailable(), unavailable()]));
	const unknown = world.records.ids.make("dlv", 0);
	const ends = [unknown, deliveryId].map((id) => committer.update(world.records.outcome(id, 1)));
	for (const count of [1, 2]) {
		await expect.poll(() => observer.problems).toHaveLength(count);
		await passTurns(20);
		expect(observer.problems).toHaveLength(count);
		clock.advance(250);
	}
	expect(await Promise.all(ends)).toMatchObject([null, { state: { status: "Succeeded" } }]);
});

it("rejects an update that can never be written, and writes the others of its commit, however often that fails", async () => {
	const failures = [unavailable(), unavailable()];
	const fail = failing(failures);
	const { world, clock, deliveryId, committer } = await open(({ updates }) => {
		if (updates.some(({ change }) => change.type === "release")) throw conflict();
		fail();
	});
	const never = committer.update({ deliveryId, ...RELEASE });
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
});

it.each([
	["fails", null],
	["is in doubt and was not made", false],
	["is in doubt and was made", true],
] as const)(
	"writes no other update after a conflict when one of them %s, so that it stays before later ones",
	async (_, isMade) => {
		const { world, clock, observer, deliveryId } = await open(() => {});
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
		const cancelled = committer.update({ deliveryId, ...CANCEL }).then((result) => tell(result!));
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
	},
);

it.each([
	["a send", 0, [4, 1, 3]],
	["an outcome", 1, [4, 0, 4]],
] as const)(
	"waits once for the sends that are left of a commit in conflict, when the store was lost with %s of them",
	async (_, outcomes, commits) => {
		const sizes: number[] = [];
		const { world, deliveryId, committer, send, failed } = await open(({ events }) => {
			sizes.push(events.length);
			throw sizes.length === 1 ? conflict() : unavailable();
		});
		for (let n = 0; n < outcomes; n++) void committer.update(world.records.outcome(deliveryId, 1)).catch(() => {});
		const names = ["1", "2", "3", "4"];
		for (const name of names) send(name);
		await expect.poll(() => failed).toEqual(names.map((name) => `${name} store_unavailable`));
		expect(sizes.slice(0, 3)).toEqual(commits);
		committer.close();
	},
);

it("accepts the others of a commit in conflict, if the store is back after one of them was refused without it", async () => {
	let commits = 0;
	const { world, committer, send, done, failed } = await open(({ events }) => {
		if (++commits === 2) throw unavailable();
		if (events.some(({ body }) => body.length === 1)) throw conflict();
	});
	const bad = world.records.event(world.projectId, { body: Uint8Array.of(1) });
	for (const name of ["1", "2", "never", "4", "5"]) send(name, name === "never" ? { build: () => bad } : {});
	await committer.idle();
	expect([done, failed]).toEqual([
		["2", "4", "5"],
		["1 store_unavailable", "never store_conflict"],
	]);
	// All, the first alone, the others together, then each of them.
	expect(commits).toBe(7);
});

it("rejects, once it is closed, updates that wait, those under way that fail, and those that come", async () => {
	const failed = await open(() => {
		throw unavailable();
	});
	const release = { deliveryId: failed.deliveryId, ...RELEASE };
	const waiting = failed.committer.update(release);
	await expect.poll(() => failed.observer.problems).toHaveLength(1);
	failed.committer.close();
	await expect(waiting).rejects.toMatchObject({ code: "store_unavailable" });
	await expect(failed.committer.update(release)).rejects.toMatchObject({ message: "the committer is closed" });

	const gate = Promise.withResolvers<void>();
	const slow = await open(() => gate.promise);
	const underWay = slow.committer.update({ ...release, deliveryId: slow.deliveryId });
	await passTurns(1);
	slow.committer.close();
	gate.reject(unavailable());
	await expect(underWay).rejects.toMatchObject({ message: "the committer is closed" });
});

it("limits each commit: its events, the bytes of their bodies, and its updates", async () => {
	const commits: { events: number; updates: number }[] = [];
	const { deliveryId, committer, send } = await open(({ events, updates }) => {
		commits.push({ events: events.length, updates: updates.length });
	});
	// An event that is larger than the limit is committed alone.
	for (const [count, mebibytes] of [
		[1_500, 0],
		[5, 3],
		[2, 9],
	] as const) {
		for (let n = 0; n < count; n++) send("x", {}, mebibytes * 1_024 * 1_024);
		await committer.idle();
	}
	expect(commits.splice(0).map(({ events }) => events)).toEqual([1_000, 500, 2, 2, 1, 1, 1]);
	expect(committer.waitingBytes).toBe(0);
	await Promise.all(Array.from({ length: 2_100 }, () => committer.update({ deliveryId, ...RELEASE })));
	expect(commits.map(({ updates }) => updates)).toEqual([2_000, 100]);
});

it("waits for more work after the beginning of a commit of several sends, and not after that of a small one", async () => {
	const commits: number[] = [];
	const limits = { gatherMs: 2, rideMs: 0 };
	const { clock, committer, send } = await open(({ events }) => void commits.push(events.length), limits);
	const sendMany = (count: number) => {
		for (let n = 0; n < count; n++) send("x");
	};
	sendMany(4);
	await committer.idle();
	for (const count of [1, 2]) {
		sendMany(count);
		await passTurns(5);
		expect(commits).toEqual([4]);
	}
	clock.advance(2);
	await committer.idle();
	expect(commits).toEqual([4, 3]);
	sendMany(1);
	await committer.idle();
	expect(commits).toEqual([4, 3, 1]);
});

it("begins the next commit before it calls back the senders of the last one, and never makes two at once", async () => {
	const gates: PromiseWithResolvers<void>[] = [];
	let underWay = 0;
	const { committer, send } = await open(async () => {
		expect(++underWay).toBe(1);
		const gate = Promise.withResolvers<void>();
		gates.push(gate);
		await gate.promise;
		underWay--;
	});
	/** How many commits had begun when each send was called back. */
	const begun: number[] = [];
	for (const name of ["first", "second"]) {
		send(name, { done: () => begun.push(gates.length) });
		await expect.poll(() => gates).toHaveLength(1);
	}
	gates[0]!.resolve();
	await expect.poll(() => gates).toHaveLength(2);
	gates[1]!.resolve();
	await committer.idle();
	expect(begun).toEqual([2, 2]);
});

it("accepts the sends of a commit, calls all back and goes on, also if a callback, the observer or a listener throws", async () => {
	const opened = await open(undefined, AT_ONCE, { pace: { sendsEnded: broken } });
	const { world, deliveryId, committer, observer, send, done, failed } = opened;
	const committed = vi.spyOn(observer, "committed").mockImplementationOnce(broken);
	send("throws", { done: broken });
	send("next");
	await committer.idle();
	expect([done, failed]).toEqual([["throws", "next"], []]);
	const error: unknown = expect.any(TypeError);
	const messages = ["a commit could not be reported", "the callback of a send failed", "the committer failed"];
	expect(observer.problems.map(({ message }) => message).toSorted()).toEqual(messages);
	expect(observer.problems).toContainEqual({ message: messages[1], error, facts: { projectId: world.projectId } });
	send("later");
	await committer.idle();
	expect(done).toEqual(["throws", "next", "later"]);
	const outcome = world.records.outcome(deliveryId, 1);
	expect(await committer.update(outcome)).toMatchObject({ state: { status: "Succeeded" } });
	expect(committed).toHaveBeenCalledTimes(3);
});
