// Outcomes of attempts wait a little for a send to share its commit: for how long, how many, and when not.
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { fillStore } from "../../ports/contract/store/records/records.ts";
import type { DeliveryUpdate } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { passTurns } from "../test/delivering.ts";
import { RecordingObserver } from "../test/test-engine.ts";
import { Committer } from "./committer.ts";

type Commit = Store["commit"];

/** A committer with the real limits, a clock that stands still, and some deliveries that are leased. */
async function open(before: (...parameters: Parameters<Commit>) => void | Promise<void> = () => {}) {
	const world = await fillStore(await openSqliteStore({ path: ":memory:" }));
	onTestFinished(() => world.store.close());
	const { records, projectId, webhookId } = world;
	const newEvent = () => records.event(projectId, { webhookIds: [webhookId] });
	const events = Array.from({ length: 64 }, newEvent);
	await world.store.commit({ events, updates: [] });
	/** The commits, as the numbers of their events and updates. */
	const commits: string[] = [];
	const store: Store = {
		...world.store,
		commit: async (batch) => {
			commits.push(`${batch.events.length} ${batch.updates.length}`);
			await before(batch);
			return world.store.commit(batch);
		},
	};
	const [clock, observer] = [new ManualClock(), new RecordingObserver()];
	const committer = new Committer({ store, clock, observer }, { gatherMs: 2, rideMs: 20 });
	const idOf = (index: number) => events[index]!.deliveries[0]!.id;
	const outcome = async (index = 0) => (await committer.update(records.outcome(idOf(index), 1)))?.state;
	const change = (to: DeliveryUpdate["change"], index: number) =>
		committer.update({ deliveryId: idOf(index), at: 0, change: to, attempt: null });
	const send = () =>
		new Promise<void>((resolve, reject) => {
			committer.send({
				projectId: "proj_1",
				bytes: 1,
				build: newEvent,
				done: () => resolve(),
				failed: (_, error) => reject(error),
			});
		});
	return { clock, commits, committer, observer, outcome, change, send };
}

/** Enough for a commit that has been planned to begin and to end. */
const turns = () => passTurns(20);

describe("the outcome of an attempt", () => {
	it("waits 20 ms for a send, which a second outcome does not prolong, and is committed without one if none comes", async () => {
		const { clock, commits, committer, outcome } = await open();
		const written = [outcome(0)];
		clock.advance(15);
		written.push(outcome(1));
		clock.advance(4);
		await turns();
		expect({ commits, riding: committer.ridingOutcomes }).toEqual({ commits: [], riding: 2 });
		clock.advance(1);
		expect(await Promise.all(written)).toMatchObject([{ status: "Succeeded" }, { status: "Succeeded" }]);
		expect({ commits, riding: committer.ridingOutcomes }).toEqual({ commits: ["0 2"], riding: 0 });
	});

	it("shares the commit of a send that comes meanwhile", async () => {
		const { clock, commits, outcome, send } = await open();
		const written = [outcome(0), outcome(1)];
		clock.advance(10);
		await turns();
		await send();
		expect(await Promise.all(written)).toMatchObject([{ status: "Succeeded" }, { status: "Succeeded" }]);
		expect(commits).toEqual(["1 2"]);
		// Its timer is gone: the next outcome waits for its own 20 ms.
		const next = outcome(2);
		clock.advance(19);
		await turns();
		expect(commits).toEqual(["1 2"]);
		clock.advance(1);
		await next;
	});

	it("does not make the next commit of a single sender wait for more work", async () => {
		const { commits, outcome, send } = await open();
		const written = [outcome(0), outcome(1), outcome(2)];
		await turns();
		await send();
		// The clock stands still, so that a wait for more work would never end.
		await send();
		await Promise.all(written);
		expect(commits).toEqual(["1 3", "1 0"]);
	});

	it("does not wait when 64 wait", async () => {
		const { commits, outcome } = await open();
		const written = Array.from({ length: 63 }, (_, index) => outcome(index));
		await turns();
		expect(commits).toEqual([]);
		await Promise.all([...written, outcome(63)]);
		expect(commits).toEqual(["0 64"]);
	});

	it.each([{ type: "release" }, { type: "cancel", reason: "by hand" }, { type: "retry", at: 0 }] as const)(
		"is taken along by a $type, which never waits",
		async (to) => {
			const { commits, outcome, change } = await open();
			const written = outcome(0);
			await turns();
			await change(to, 1);
			expect(await written).toMatchObject({ status: "Succeeded" });
			await change(to, 2);
			expect(commits).toEqual(["0 2", "0 1"]);
		},
	);

	it("does not wait any longer when its place is needed", async () => {
		const { commits, committer, outcome } = await open();
		const written = outcome();
		await turns();
		expect(commits).toEqual([]);
		committer.hurry();
		await written;
		expect(commits).toEqual(["0 1"]);
	});

	it("counts the time in which another commit was under way, and is not forgotten if its place is needed then", async () => {
		for (const needed of [false, true]) {
			const gate = Promise.withResolvers<void>();
			const { clock, commits, committer, outcome, send } = await open(() => gate.promise);
			const sent = send();
			await turns();
			const written = outcome(0);
			if (needed) committer.hurry();
			clock.advance(12);
			const later = outcome(1);
			gate.resolve();
			await sent;
			await turns();
			if (!needed) {
				expect(commits).toEqual(["1 0"]);
				clock.advance(8);
			}
			await Promise.all([written, later]);
			expect(commits).toEqual(["1 0", "0 2"]);
		}
	});

	it("does not wait for a send again once its commit has failed", async () => {
		const failures = [new StoreError("store_unavailable", "not now")];
		const { clock, commits, observer, outcome } = await open(() => {
			const failure = failures.shift();
			if (failure !== undefined) throw failure;
		});
		const written = outcome();
		clock.advance(20);
		await vi.waitFor(() => expect(observer.problems).toHaveLength(1), { timeout: 60_000 });
		await turns();
		clock.advance(250);
		await written;
		expect(commits).toEqual(["0 1", "0 1"]);
	});

	it("does not wait while somebody waits until everything is written", async () => {
		const { commits, committer, outcome } = await open(async () => {
			// Comes while the committer is asked to become idle.
			if (commits.length === 1) written.push(outcome(1));
		});
		const written = [outcome(0)];
		await turns();
		expect(commits).toEqual([]);
		await committer.idle();
		await Promise.all(written);
		expect(commits).toEqual(["0 1", "0 1"]);
	});

	it("is rejected by a close, after which nothing waits", async () => {
		const { clock, commits, committer, outcome } = await open();
		const written = outcome();
		committer.close();
		await expect(written).rejects.toMatchObject({ code: "store_unavailable" });
		await committer.idle();
		clock.advance(1_000);
		await turns();
		expect({ commits, riding: committer.ridingOutcomes }).toEqual({ commits: [], riding: 0 });
	});
});
