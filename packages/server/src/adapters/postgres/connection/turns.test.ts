// Calls that projects make: whom they wait for, and who never waits for them.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { projectScope, type Scope } from "../../../core/access/principal.ts";
import { ManualClock } from "../../../core/manual-clock.ts";
import {
	addWebhook,
	ANY_DELIVERY,
	fillStore,
	NEWEST,
	type World,
} from "../../../ports/contract/store/records/records.ts";
import { TestDatabase } from "../test/test-store.ts";
import { Turns } from "./turns.ts";

/** Calls that end when the test says so. */
function openTurns(most: number, mostOfOne = 1) {
	const clock = new ManualClock();
	const turns = new Turns({ most, mostOfOne, maxWaitMs: 1_000, clock });
	const begun: string[] = [];
	const ends = new Map<string, () => void>();
	const call = (owner: string, title: string, mostWaiting = 10, isUrgent = false) =>
		turns.run(owner, { mostWaiting, isUrgent }, async () => {
			begun.push(title);
			await new Promise<void>((resolve) => ends.set(title, resolve));
			return title;
		});
	/** Ends a call. Resolves when the next one has begun. */
	const end = async (title: string) => {
		ends.get(title)?.();
		await new Promise(setImmediate);
	};
	return { turns, clock, begun, call, end };
}

describe("turns", () => {
	it("go from owner to owner, each of which has one call under way", async () => {
		const { begun, call, end } = openTurns(2);
		const calls = ["a1", "a2", "a3", "b1", "c1", "b2"].map((title) => call(title.slice(0, 1), title));
		expect(begun).toEqual(["a1", "b1"]);
		for (const title of ["a1", "a2", "b1", "c1", "b2", "a3"]) await end(title);
		expect(begun).toEqual(["a1", "b1", "a2", "c1", "b2", "a3"]);
		expect(await Promise.all(calls)).toHaveLength(6);
	});

	it("go on after a call that has failed", async () => {
		const { turns } = openTurns(1);
		const failed = turns.run("a", { mostWaiting: 1 }, () => Promise.reject(new Error("it broke")));
		const next = turns.run("a", { mostWaiting: 1 }, () => Promise.resolve("next"));
		await expect(failed).rejects.toThrow("it broke");
		expect(await next).toBe("next");
	});

	it("are refused to an owner of whose calls too many wait, and not to others", async () => {
		const { begun, call } = openTurns(2);
		for (let n = 0; n < 4; n++) void call("a", `a${n}`, 3);
		await expect(call("a", "more", 3)).rejects.toMatchObject({ code: "store_overloaded" });
		void call("a", "more important", 6);
		void call("b", "b1", 3);
		expect(begun).toEqual(["a0", "b1"]);
	});

	it("are refused to calls that have waited for too long, while the one before them hangs, and leave no trace", async () => {
		const { clock, begun, call, end } = openTurns(1);
		const first = call("a", "a1");
		const late = ["a2", "a3"].map((title) => call("a", title, 2).catch((error: unknown) => error));
		clock.advance(999);
		const other = call("b", "b1");
		clock.advance(1);
		for (const refused of late) expect(await refused).toMatchObject({ code: "store_overloaded" });
		// The places of those that were refused are free.
		const after = call("a", "a4", 1);
		await end("a1");
		await end("b1");
		await end("a4");
		expect([await first, await other, await after, begun]).toEqual(["a1", "b1", "a4", ["a1", "b1", "a4"]]);
	});

	it("go to an owner's urgent calls first", async () => {
		const { begun, call, end } = openTurns(1);
		const calls = [call("a", "a1"), call("a", "list"), call("a", "row", 10, true)];
		for (const title of ["a1", "row", "list"]) await end(title);
		expect(begun).toEqual(["a1", "row", "list"]);
		await Promise.all(calls);
	});

	it("are several of one owner while a place is left to others, who come first when one is free", async () => {
		const { begun, call, end } = openTurns(3, 2);
		const calls = ["a1", "a2", "a3", "b1", "b2", "c1"].map((title) => call(title.slice(0, 1), title));
		expect(begun).toEqual(["a1", "a2", "b1"]);
		await end("a1");
		expect(begun).toEqual(["a1", "a2", "b1", "c1"]);
		for (const title of ["b1", "c1", "a2", "a3", "b2"]) await end(title);
		expect(begun.slice(4).toSorted()).toEqual(["a3", "b2"]);
		await Promise.all(calls);
	});
});

describe.skipIf(postgresIssue() !== null)("a project that wants very much at once", () => {
	let test: TestDatabase;
	let world: World;
	/** Somebody who holds a lock. */
	let blocker: pg.Client;
	beforeAll(async () => {
		test = await TestDatabase.create();
	});
	afterAll(() => test[Symbol.asyncDispose]());
	beforeEach(async () => {
		world = await fillStore(await test.openEmpty());
		blocker = new pg.Client({ connectionString: test.url });
		await blocker.connect();
	});
	afterEach(() => blocker.end());
	const waiting = async () => {
		const sql = "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
		return Number((await test.server.query(sql))[0]?.["count"]);
	};

	it("leaves connections to the lists of others, and one to what the engine reads, however long its lists take", async () => {
		const { store, records, scope } = world;
		const list = (of: Scope) => store.deliveries(of, ANY_DELIVERY, NEWEST);
		await blocker.query("BEGIN; LOCK TABLE deliveries");
		const lists = Array.from({ length: 10 }, () => list(scope));
		await expect.poll(waiting).toBe(2);
		const others = Array.from({ length: 5 }, () => projectScope(records.project().id));
		const [first = scope] = others;
		expect((await store.eventTypes(first, null, NEWEST)).rows).toEqual([]);
		lists.push(...others.map(list));
		await expect.poll(waiting).toBe(3);
		expect(await store.dueWebhooks(null)).toEqual([]);
		expect(await waiting()).toBe(3);
		await blocker.query("COMMIT");
		expect(await Promise.all(lists)).toHaveLength(15);
	});

	it("leaves connections to changes of others and to claims, however long its changes take", async () => {
		const { store, records, accept, projectId, webhookId } = world;
		await accept();
		const other = records.project();
		await store.insertProject(other, null);
		await blocker.query("BEGIN");
		await blocker.query("UPDATE projects SET name = name WHERE id = $1", [projectId.replace("proj_", "")]);
		const changes = Array.from({ length: 10 }, () => store.insertWebhook(records.webhook(projectId), null));
		await expect.poll(waiting).toBe(1);
		await addWebhook(store, records.webhook(other.id));
		const { now } = records;
		const claim = { webhookId, now, limit: 10, maxBytes: 1_000, leaseUntil: now + 1_000 };
		expect((await store.claimDue(claim)).deliveries).toHaveLength(1);
		expect(await waiting()).toBe(1);
		await blocker.query("COMMIT");
		expect(await Promise.all(changes)).toHaveLength(10);
	});
});
