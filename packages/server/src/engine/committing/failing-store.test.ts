// A store that fails on demand: sends are refused, outcomes are kept and written later.
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { FAILS, openDelivering } from "../test/delivering.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

describe("a failing store", () => {
	it("makes sends fail with the store's error code, and gets the outcomes of attempts when it has recovered", async () => {
		let full = false;
		const { test, receiver } = await openDelivering(() => ((full = true), {}), {
			beforeCommit() {
				if (full) throw new StoreError("store_full", "no space");
			},
		});
		const eventId = await test.send();
		await receiver.waitFor(1);
		await eventually("the outcome could not be written", () => test.observer.problems.length > 0);
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		full = false;
		test.clock.advance(1_000);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(1);
		receiver.script(() => ({}));
		await test.delivery(await test.send(), { status: "Succeeded" });
	});

	it.each([true, false])(
		"writes the outcomes of a commit in doubt once, when the store can say whether it was made: %s",
		async (isMade) => {
			const webhook = { retries: { maxRetries: 1, maxBackoffMs: 60_000, scheduleMs: null } };
			const { test, receiver } = await openDelivering(FAILS, { webhook });
			const { store } = test;
			let questions = 0;
			let isDoubtful = true;
			test.engineStore.commit = async (batch) => {
				if (batch.updates.length === 0 || !isDoubtful) return store.commit(batch);
				isDoubtful = false;
				const result = isMade ? await store.commit(batch) : null;
				throw new StoreInDoubtError("the answer was lost", {
					settle() {
						if (questions++ < 2) return Promise.reject(new StoreError("store_unavailable", "it is away"));
						return Promise.resolve(result === null ? { isMade: false } : { isMade: true, result });
					},
				});
			};
			const eventId = await test.send();
			await eventually("the outcome is in doubt", () => test.observer.problems.length > 0);
			// What comes meanwhile is refused at once, and nothing is written.
			await expect(test.send()).rejects.toMatchObject({ code: "store_unavailable" });
			await expect(test.send()).rejects.toMatchObject({ code: "store_unavailable" });
			// As long as the committer waits before it asks again: the retry is due later.
			test.clock.advance(250);
			await test.delivery(eventId, { status: "Pending", attemptCount: 1 });
			expect(receiver.requests).toHaveLength(1);
			test.clock.advance(60_000);
			await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
			expect(receiver.requests).toHaveLength(2);
		},
	);

	it("makes the server not ready while commits fail, although small writes succeed, and until none has failed for 5 s and a large one succeeds", async () => {
		let failure: StoreError | null = null;
		await using test = await openTestEngine({
			beforeCommit() {
				if (failure !== null) throw failure;
			},
		});
		const notReady = { ready: false, checks: { store: { ok: false, message: "commits fail: no space" } } };
		const stored = { store: { ok: true, message: "the store can be written" } };
		expect(await test.engine.readiness()).toMatchObject({ ready: true, checks: stored });
		failure = new StoreError("store_full", "no space");
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		expect(await test.engine.readiness()).toMatchObject(notReady);
		test.clock.advance(4_999);
		expect(await test.engine.readiness()).toMatchObject(notReady);
		await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		test.clock.advance(4_999);
		expect(await test.engine.readiness()).toMatchObject(notReady);
		test.clock.advance(1);
		expect(await test.engine.readiness()).toMatchObject({ checks: stored });

		// One bad record does not concern other sends.
		failure = new StoreError("store_conflict", "no");
		await expect(test.send()).rejects.toThrow("no");
		expect(await test.engine.readiness()).toMatchObject({ checks: stored });
	});

	it("keeps the server not ready without traffic, while there is room for small writes alone", async () => {
		using dir = new TemporaryDir();
		const path = dir.join("fanfare.db");
		let store = await openSqliteStore({ path, maxPageCount: 400 });
		const clock = new ManualClock();
		const large = { dataJson: JSON.stringify("x".repeat(60_000)) };
		{
			await using test = await openTestEngine({ store, clock });
			const fill = async () => {
				for (;;) await test.send(large);
			};
			await expect(fill()).rejects.toMatchObject({ code: "store_full" });
			// A load balancer sends nothing to a server that is not ready, and asks it every few seconds.
			for (let seconds = 0; seconds < 60; seconds += 3) {
				await store.probe(clock.now());
				expect(await test.engine.readiness()).toMatchObject({ ready: false, checks: { store: { ok: false } } });
				clock.advance(3_000);
			}
		}
		await store.close();

		store = await openSqliteStore({ path });
		await using test = await openTestEngine({ store, clock });
		await test.send(large);
		expect(await test.engine.readiness()).toMatchObject({ ready: true });
		await store.close();
	});

	it("makes the server ready again without traffic, once a write as large as the failed commit succeeds", async () => {
		let isFull = true;
		const probes: number[] = [];
		const full = new StoreError("store_full", "no space");
		await using test = await openTestEngine({
			beforeCommit() {
				if (isFull) throw full;
			},
		});
		test.engineStore.probe = async (at, bytes = 0) => {
			probes.push(bytes);
			if (isFull && bytes > 0) throw full;
			await test.store.probe(at, bytes);
		};
		await expect(test.send({ dataJson: JSON.stringify("x".repeat(60_000)) })).rejects.toMatchObject({
			code: "store_full",
		});
		const isReadyAfter = async (ms: number) => {
			test.clock.advance(ms);
			return (await test.engine.readiness()).ready;
		};
		// A large probe that fails is not made again at once, however often the server is asked.
		expect([await isReadyAfter(5_000), await isReadyAfter(0), await isReadyAfter(4_999)]).toEqual([
			false,
			false,
			false,
		]);
		expect(probes.map((bytes) => bytes > 60_000)).toEqual([true, false]);
		isFull = false;
		expect([await isReadyAfter(1), await isReadyAfter(0), await isReadyAfter(1_000)]).toEqual([true, true, true]);
		expect(probes.slice(2).map((bytes) => bytes > 60_000)).toEqual([true, false]);
	});

	it("makes the attempt again when the lease ends, if the outcome could not be written", async () => {
		let refusals = 1;
		const { test, receiver } = await openDelivering(null, {
			beforeCommit({ updates }) {
				if (updates.length > 0 && refusals-- > 0) throw new StoreError("store_conflict", "no");
			},
		});
		const eventId = await test.send();
		await eventually("the failure is reported", () =>
			test.observer.problems.some(({ message }) => message.startsWith("a delivery could not be handled")),
		);
		const { id, leaseUntil, webhookId } = await test.delivery(eventId, { status: "Pending", attemptCount: 0 });
		expect(test.observer.problems.at(-1)?.facts).toEqual({ projectId: test.projectId, webhookId, deliveryId: id });
		await eventually("no attempt is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		test.clock.advance(leaseUntil! - test.clock.now() + 20);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(receiver.requests).toHaveLength(2);
	});
});
