// Calls that projects make: whom they wait for, and who never waits for them.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { projectScope, type Scope } from "../../../core/access/principal.ts";
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
function openTurns(most: number) {
	const clock = { now: 0, monotonicMs: () => clock.now };
	const turns = new Turns({ most, maxWaitMs: 1_000, clock });
	const begun: string[] = [];
	const ends = new Map<string, () => void>();
	const call = (owner: string, title: string, mostWaiting = 10) =>
		turns.run(owner, mostWaiting, async () => {
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
		const failed = turns.run("a", 1, () => Promise.reject(new Error("it broke")));
		const next = turns.run("a", 1, () => Promise.resolve("next"));
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

	it("are refused to calls that have waited for too long, so that nobody waits for all of them in a row", async () => {
		const { clock, begun, call, end } = openTurns(1);
		const first = call("a", "a1");
		const late = call("a", "a2").catch((error: unknown) => error);
		clock.now = 999;
		const other = call("b", "b1");
		clock.now = 1_000;
		await end("a1");
		expect(await late).toMatchObject({ code: "store_unavailable" });
		await end("b1");
		expect([await first, await other, begun]).toEqual(["a1", "b1", ["a1", "b1"]]);
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
		await expect.poll(waiting).toBe(1);
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
