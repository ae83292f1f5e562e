// The connections: lost answers, transactions in each other's way, limits of time. Those that take seconds are in database.all.test.ts.
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { StoreInDoubtError, type StoreError } from "../../../ports/store/errors.ts";
import { systemClock } from "../../system/system-clock.ts";
import { statement } from "../codec/statements.ts";
import { CuttingProxy, type Cut } from "../test/cutting-proxy.ts";
import { ADD, COUNT, count, insert, INSERT, RowTables } from "../test/row-tables.ts";
import type { DatabaseOptions } from "./database.ts";

describe.skipIf(postgresIssue() !== null)("the connections to PostgreSQL", () => {
	let server: PostgresServer;
	let tables: RowTables;
	let url = "";
	beforeAll(async () => {
		server = await startPostgres();
		tables = await RowTables.create(server);
		({ url } = tables);
	});
	afterEach(() => tables.empty());
	afterAll(() => server[Symbol.asyncDispose]());
	const open = (options: Partial<DatabaseOptions> = {}) => tables.open(options);
	const ended = (where: string) => tables.ended(where);
	/** A clock by which the time for asking is over at once. */
	const hurried = () => {
		let time = 0;
		return { ...systemClock, monotonicMs: () => (time += 1_000_000) };
	};

	it.each<[cut: Cut, isStored: boolean]>([
		["before the answer", true],
		["before the commit", false],
	])("says truthfully whether a commit is stored whose connection was cut %s", async (cut, isStored) => {
		const { proxy, url: through } = await CuttingProxy.open(url);
		await using _ = proxy;
		const database = open({ url: through });
		await insert(database, 1);
		void proxy.cutNext(cut);
		const result = insert(database, 2);
		// That it isn't stored is known, too.
		if (isStored) await result;
		else await expect(result).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
		expect(await count(database)).toBe(isStored ? 2 : 1);
		await insert(database, 3);
	});

	it("says that it is not known whether a commit is stored, if the database is not back in time to tell", async () => {
		const { proxy, url: through } = await CuttingProxy.open(url);
		await using _ = proxy;
		const told: (StoreError | null)[] = [];
		const database = open({ url: through, clock: hurried(), onConnectionChange: (failure) => told.push(failure) });
		await insert(database, 1);
		const cut = proxy.cutNext("and leave it open");
		const result = insert(database, 2).catch((error: unknown) => error);
		await cut;
		const doubt = (await result) as StoreInDoubtError;
		expect(doubt).toBeInstanceOf(StoreInDoubtError);
		await expect(doubt.settle?.()).rejects.toMatchObject({ code: "store_unavailable" });
		proxy.reopen();
		// The connection is not used again.
		await insert(database, 3);
		expect(told).toEqual([await result, null]);
	});

	it.each<[cut: Cut, isMade: boolean]>([
		["before the answer", true],
		["before the commit", false],
	])("tells later what has become of a commit in doubt whose connection was cut %s", async (cut, isMade) => {
		const { proxy, url: through } = await CuttingProxy.open(url);
		await using _ = proxy;
		const database = open({ url: through, clock: hurried() });
		await insert(database, 1);
		void proxy.cutNext(cut);
		const doubt = (await insert(database, 2).catch((error: unknown) => error)) as StoreInDoubtError;
		expect(doubt).toBeInstanceOf(StoreInDoubtError);
		const settled = isMade ? { isMade, result: [] } : { isMade };
		expect(await doubt.settle?.()).toEqual(settled);
		expect(await count(database)).toBe(isMade ? 2 : 1);
		expect(await doubt.settle?.()).toEqual(settled);
	});

	// What its rows say is in calls/accept/commit.test.ts.
	it("does not say of a commit in doubt after more than a day that it was not made, if it has no rows to look at", async () => {
		await using test = await RowTables.create(server);
		const { proxy, url: through } = await CuttingProxy.open(test.url);
		await using _ = proxy;
		const database = test.open({ url: through, clock: hurried() });
		await insert(database, 1);
		void proxy.cutNext("before the answer");
		const doubt = (await insert(database, 2).catch((error: unknown) => error)) as StoreInDoubtError;
		expect(doubt).toBeInstanceOf(StoreInDoubtError);
		const now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 90000000";
		await test.query(`CREATE OR REPLACE FUNCTION cluster_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$ ${now} $$`);
		// Another process has a new connection, which removes old marks.
		await insert(test.open(), 3);
		await expect(doubt.settle?.()).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
		await expect(doubt.settle?.()).rejects.toThrow("more than a day later");
	});

	it("limits the time of a statement, which the database ends itself, although nobody waits for it any more", async () => {
		const database = open({ statementTimeoutMs: 500 });
		const slow = database.read((session) => session.query("SELECT pg_sleep(3600)"));
		await expect(slow).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
		// It does not look whether the connection has ended while a statement runs.
		await ended("query LIKE '%pg_sleep(3600)%' AND state = 'active'");
	});

	it("keeps one mark of each connection, and none of connections that have ended long ago", async () => {
		const marks = () =>
			tables.query(
				"SELECT make_date = 0 AS is_old FROM commits WHERE make_date = 0 OR make_date > cluster_now() - 60000",
			);
		await tables.query("DELETE FROM commits; INSERT INTO commits (make_date) VALUES (0), (0)");
		const database = open();
		await insert(database, 1);
		await insert(database, 2);
		await expect(insert(database, 2)).rejects.toMatchObject({ code: "store_conflict" });
		await insert(database, 3);
		expect(await marks()).toEqual([{ is_old: false }]);
	});

	it("fails with what a statement failed with that nobody has awaited, and stores nothing", async () => {
		const database = open();
		const twice = database.transact(async (session) => {
			session.run(INSERT, [1]).catch(() => {});
			session.run(INSERT, [1]).catch(() => {});
		});
		await expect(twice).rejects.toMatchObject({ code: "store_conflict" });
		const then = database.transact(async (session) => {
			session.run(INSERT, [1]).catch(() => {});
			session.run(INSERT, [1]).catch(() => {});
			await session.run(COUNT);
		});
		await expect(then).rejects.toMatchObject({ code: "store_conflict" });
		expect(await count(database)).toBe(0);
	});

	it("makes a transaction again that the database has undone because of a deadlock", async () => {
		const database = open();
		const waits = () => [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
		const [begun, ended] = [waits(), waits()];
		let tries = 0;
		const add = async (first: number, second: number, turn: 0 | 1) => {
			const other = turn === 0 ? 1 : 0;
			let own = 0;
			await database.transact(async (session) => {
				tries++;
				// The one that was undone must not be in the way of the other one again.
				if (++own > 1) await ended[other].promise;
				await session.run(ADD, [first]);
				begun[turn].resolve();
				await begun[other].promise;
				await session.run(ADD, [second]);
			});
			ended[turn].resolve();
		};
		await Promise.all([add(1, 2, 0), add(2, 1, 1)]);
		expect(tries).toBe(3);
		expect(await tables.query("SELECT sum FROM sums ORDER BY id")).toEqual([{ sum: 2 }, { sum: 2 }]);
	});

	it("goes on when a newer version has added a column to a table of which its statements read all", async () => {
		const told: (StoreError | null)[] = [];
		const database = open({ maxConnections: 4, onConnectionChange: (failure) => told.push(failure) });
		await tables.query("CREATE TABLE grown (id integer PRIMARY KEY); INSERT INTO grown VALUES (1)");
		const all = statement("SELECT * FROM grown WHERE id = $1");
		const calls = ["read", "transact", "once"] as const;
		const readAll = () =>
			Promise.all(
				calls.flatMap((call) =>
					Array.from({ length: 4 }, () => database[call](async (session) => session.run(all, [1]))),
				),
			);
		await readAll();
		await tables.query("ALTER TABLE grown ADD COLUMN more integer");
		expect(await readAll()).toEqual(Array.from({ length: 12 }, () => [{ id: 1, more: null }]));
		expect(told).toEqual([]);
	});

	it("rejects all calls after it is closed", async () => {
		const database = open();
		await database.close();
		await database.close();
		await expect(insert(database, 1)).rejects.toMatchObject({ code: "store_unavailable" });
	});
});
