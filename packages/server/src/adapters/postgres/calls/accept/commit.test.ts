// Commits of several processes on one database, which the contract of a store cannot show with one.
import { afterEach, beforeEach, expect, it } from "vitest";

import { fillStore, type World } from "../../../../ports/contract/store/records/records.ts";
import { StoreInDoubtError } from "../../../../ports/store/errors.ts";
import type { Store } from "../../../../ports/store/store.ts";
import { systemClock } from "../../../system/system-clock.ts";
import { openPostgres } from "../../postgres-store.ts";
import { PARTITIONED } from "../../schema/partitions.ts";
import { CuttingProxy } from "../../test/cutting-proxy.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";

describeOnPostgres("commits of several processes", (database) => {
	let world: World;
	let other: Store;
	beforeEach(async () => {
		world = await fillStore(await database.openEmpty());
		other = await database.open();
	});
	afterEach(() => other.close());

	it("accept one of several sends with one idempotency key, and know the others for the same", async () => {
		const { store, records, projectId, webhookIds } = world;
		for (let round = 0; round < 5; round++) {
			const sends = Array.from({ length: 6 }, () => records.event(projectId, { key: `k${round}`, webhookIds }));
			const results = await Promise.all(
				sends.map((event, n) => (n % 2 === 0 ? store : other).commit({ events: [event], updates: [] })),
			);
			const kinds = results.map(({ events }) => events[0]?.kind);
			const winner = sends[kinds.indexOf("accepted")];
			expect(kinds.map(String).toSorted()).toEqual(["accepted", ...Array.from({ length: 5 }, () => "duplicate")]);
			for (const { events } of results) {
				if (events[0]?.kind === "duplicate") expect(events[0].event).toEqual(winner?.event);
			}
			expect(await store.countOpen()).toEqual({ Pending: round + 1, Held: 0 });
		}
	});

	it("record both outcomes of a delivery that two processes have attempted", async () => {
		const { store, records, accept, scope } = world;
		const [id = ""] = await accept();
		const outcomes = [store, other].map((each) => each.commit({ events: [], updates: [records.failure(id, 1)] }));
		await Promise.all(outcomes);
		expect(await store.delivery(scope, id)).toMatchObject({ attemptCount: 2 });
		const page = await store.attempts(scope, id, { limit: 10, cursor: null });
		expect(page.rows.map(({ number }) => number)).toEqual([2, 1]);
	});

	it("leave no delivery Pending that was sent while its webhook was paused, but for a sweep to find", async () => {
		const { store, records, projectId, webhookId, webhookIds } = world;
		const [record] = await store.webhookRecords([webhookId]);
		if (record === undefined) throw new Error("the world has no webhook");
		await using blocker = await database.connect();
		// The commit has read everything that decides, and cannot write yet.
		await blocker.query("BEGIN; LOCK TABLE events IN SHARE MODE");
		const sent = store.commit({ events: [records.event(projectId, { webhookIds })], updates: [] });
		await expect.poll(() => database.lockWaits()).toBe(1);
		let isPaused = false;
		const swept = other
			.updateWebhook({ ...record, status: "Paused" }, { expected: record.revision, entry: null })
			.then(() => (isPaused = true))
			.then(() => other.sweepWebhook(webhookId, records.now, 100));
		await expect.poll(async () => isPaused || (await database.lockWaits()) === 2).toBe(true);
		await blocker.query("COMMIT");
		await sent;
		expect(await swept).toMatchObject({ count: 1, done: true });
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 1 });
	});

	it.each([
		["an attempt, which was made", "before the answer", true],
		["an attempt, which was not made", "before the commit", false],
		["an event, which was made", "before the answer", true],
		["an event, of which nothing says that it was not made", "before the commit", null],
	] as const)("say a day later of a commit in doubt what its rows say: %s", async (what, cut, isMade) => {
		const { store, records, accept, scope, projectId } = world;
		const [id = ""] = await accept();
		const { proxy, url } = await CuttingProxy.open(database.url);
		await using _ = proxy;
		// The time for asking is over at once.
		let time = 0;
		const clock = { ...systemClock, monotonicMs: () => (time += 1_000_000) };
		const { store: cutOff } = await openPostgres({ url, clock });
		// Both of one day, whose partition the first one makes.
		const [first, second] = [records.event(projectId), records.event(projectId)];
		// Its connection is not new any more, as on the busy path.
		await cutOff.commit({ events: [first], updates: [] });
		const isOutcome = what.startsWith("an attempt");
		const batch = isOutcome ? { events: [], updates: [records.failure(id, 1)] } : { events: [second], updates: [] };
		void proxy.cutNext(cut);
		const doubt = (await cutOff.commit(batch).catch((error: unknown) => error)) as StoreInDoubtError;
		expect(doubt).toBeInstanceOf(StoreInDoubtError);
		try {
			await database.stepClock(90_000_000);
			// Another process has a new connection, which removes old marks.
			await other.close();
			other = await database.open();
			await other.commit({ events: [records.event(projectId)], updates: [] });
			expect(await doubt.settle?.()).toMatchObject({ isMade: isMade === true });
		} finally {
			await database.stepClock(0);
			await cutOff.close();
		}
		if (isOutcome) expect(await store.delivery(scope, id)).toMatchObject({ attemptCount: isMade === true ? 1 : 0 });
	});

	it("make the partition of a day again if it is gone, as after a failover", async () => {
		const { store, records, projectId } = world;
		await store.commit({ events: [records.event(projectId)], updates: [] });
		const names = await database.query("SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r'");
		expect(names).toHaveLength(PARTITIONED.length);
		await database.query(names.map(({ name }) => `DROP TABLE ${String(name)}`).join(";"));
		const again = await store.commit({ events: [records.event(projectId)], updates: [] });
		expect(again.events).toEqual([{ kind: "accepted" }]);
	});

	it("make the partition again of a delivery whose outcome they record", async () => {
		const { store, accept, update, records, state } = world;
		const [id = ""] = await accept();
		const partitions = PARTITIONED.filter((table) => table === "deliveries" || table === "attempts");
		for (const table of partitions) {
			const day = new Date(records.now).toISOString().slice(0, 10).replaceAll("-", "");
			await database.query(`DROP TABLE ${table}_${day}`);
		}
		await update(records.outcome(id, 1));
		expect(await state(id)).toMatchObject({ status: "Succeeded" });
		expect(await store.countOpen()).toEqual({ Pending: 0, Held: 0 });
	});

	it("go on into a new day while somebody reads for long, as a backup does", async () => {
		const { store, records, projectId } = world;
		await store.commit({ events: [records.event(projectId)], updates: [] });
		await using reader = await database.connect();
		await reader.query(`BEGIN; LOCK TABLE ${PARTITIONED.join(", ")} IN ACCESS SHARE MODE`);
		records.now += 86_400_000;
		const { events } = await store.commit({ events: [records.event(projectId)], updates: [] });
		expect(events).toEqual([{ kind: "accepted" }]);
	});

	it("record a reason with a character that text cannot have", async () => {
		const { store, records, accept, scope } = world;
		const [id = ""] = await accept();
		const verdict = { kind: "failure", responseCode: 500, reason: "a\u0000b", retryAfterMs: null } as const;
		const { updates } = await store.commit({ events: [], updates: [records.outcome(id, 1, verdict)] });
		expect(updates).toMatchObject([{ changed: true }]);
		expect(await store.delivery(scope, id)).toMatchObject({ reason: "a\ufffdb" });
	});
});
