// The connections: lost answers, a database that goes and comes back, transactions in each other's way.
import { eventually } from "@fanfare/testkit/eventually";
import {
	PostgresCluster,
	postgresIssue,
	startOwnPostgres,
	startPostgres,
	type PostgresServer,
} from "@fanfare/testkit/programs/postgres";
import { NetworkLink } from "@fanfare/testkit/world/network-link";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { StoreInDoubtError, type StoreError } from "../../../ports/store/errors.ts";
import { systemClock } from "../../system/system-clock.ts";
import { number } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import { openPostgres } from "../postgres-store.ts";
import { migrate } from "../schema/migrate.ts";
import { CuttingProxy, type Cut } from "../test/cutting-proxy.ts";
import { Database, type DatabaseOptions } from "./database.ts";
import type { Session } from "./session.ts";

const INSERT = statement("INSERT INTO rows (id) VALUES ($1)");
const COUNT = statement("SELECT count(*) AS count FROM rows");
const ADD = statement("UPDATE sums SET sum = sum + 1 WHERE id = $1");

async function createTables(server: PostgresServer): Promise<string> {
	const url = await server.createDatabase();
	const database = new Database({ url, clock: systemClock });
	await migrate(database, 0);
	await database.close();
	await server.query("CREATE TABLE rows (id integer PRIMARY KEY)", url);
	await server.query("CREATE TABLE sums (id integer PRIMARY KEY, sum integer NOT NULL)", url);
	await server.query("INSERT INTO sums VALUES (1, 0), (2, 0)", url);
	return url;
}

describe.skipIf(postgresIssue() !== null)("the connections to PostgreSQL", () => {
	let server: PostgresServer;
	let url = "";
	const opened: Database[] = [];
	beforeAll(async () => {
		server = await startPostgres();
		url = await createTables(server);
	});
	afterEach(async () => {
		await Promise.all(opened.splice(0).map((each) => each.close()));
		await server.query("DELETE FROM rows", url);
	});
	afterAll(() => server[Symbol.asyncDispose]());
	const open = (options: Partial<DatabaseOptions> = {}) => {
		const database = new Database({ url, clock: systemClock, ...options });
		opened.push(database);
		return database;
	};
	const insert = (database: Database, id: number) => database.commit((session) => session.run(INSERT, [id]));
	const count = (database: Database) =>
		database.read(async (session) => number((await session.run(COUNT))[0]?.["count"]));

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
		// The time for asking is over at once.
		const clock = { ...systemClock, monotonicMs: () => performance.now() * 1_000_000 };
		const told: (StoreError | null)[] = [];
		const database = open({ url: through, clock, onConnectionChange: (failure) => told.push(failure) });
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
		// The time for asking is over at once.
		let time = 0;
		const clock = { ...systemClock, monotonicMs: () => (time += 1_000_000) };
		const database = open({ url: through, clock });
		await insert(database, 1);
		void proxy.cutNext(cut);
		const doubt = (await insert(database, 2).catch((error: unknown) => error)) as StoreInDoubtError;
		expect(doubt).toBeInstanceOf(StoreInDoubtError);
		const settled = isMade ? { isMade, result: [] } : { isMade };
		expect(await doubt.settle?.()).toEqual(settled);
		expect(await count(database)).toBe(isMade ? 2 : 1);
		expect(await doubt.settle?.()).toEqual(settled);
	});

	describe("asked about a commit in doubt after more than a day, when its mark is gone", () => {
		/** A commit that was made, whose answer was lost, and a day later another process that removes old marks. */
		const forget = async (isStored?: (session: Session) => Promise<boolean | null>) => {
			const own = await createTables(server);
			const { proxy, url: through } = await CuttingProxy.open(own);
			// The time for asking is over at once.
			let time = 0;
			const clock = { ...systemClock, monotonicMs: () => (time += 1_000_000) };
			const database = open({ url: through, clock });
			await insert(database, 1);
			void proxy.cutNext("before the answer");
			const doubt = (await database
				.commit((session) => session.run(INSERT, [2]), isStored)
				.catch((error: unknown) => error)) as StoreInDoubtError;
			expect(doubt).toBeInstanceOf(StoreInDoubtError);
			await server.query(
				`CREATE OR REPLACE FUNCTION cluster_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$
					SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 90000000
				$$`,
				own,
			);
			await insert(open({ url: own }), 3);
			return { doubt, proxy, count: () => server.query("SELECT count(*)::int AS count FROM rows", own) };
		};

		it("says what its rows say, and that it can be made again if they say nothing", async () => {
			for (const [found, isMade] of [
				[true, true],
				[false, false],
				[null, false],
			] as const) {
				const { doubt, proxy, count: rows } = await forget(() => Promise.resolve(found));
				await using _ = proxy;
				expect(await doubt.settle?.()).toEqual(isMade ? { isMade, result: [] } : { isMade });
				expect(await rows()).toEqual([{ count: 3 }]);
			}
		});

		it("reads the rows on its connection", async () => {
			const look = async (session: Session) => number((await session.run(COUNT))[0]?.["count"]) === 3;
			const { doubt, proxy } = await forget(look);
			await using _ = proxy;
			expect(await doubt.settle?.()).toEqual({ isMade: true, result: [] });
		});

		it("does not say that it was not made, if it has no rows to look at", async () => {
			const { doubt, proxy } = await forget();
			await using _ = proxy;
			await expect(doubt.settle?.()).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
			await expect(doubt.settle?.()).rejects.toThrow("more than a day later");
		});
	});

	it("takes no transaction of others for a commit that was lost in a crash of the database", async () => {
		// Nothing of a transaction is on the disk until something is synced. Its number is free again after a crash.
		await using own = (await startOwnPostgres({ durable: true, settings: ["wal_writer_delay = 10s"] })).server;
		const ownUrl = await createTables(own);
		const { proxy, url: through } = await CuttingProxy.open(ownUrl);
		await using _ = proxy;
		const database = open({ url: through });
		await insert(database, 1);
		const cut = proxy.cutNext("and leave it open");
		const result = insert(database, 2).catch((error: unknown) => error);
		await cut;
		await own.cluster?.stop("immediate");
		await own.cluster?.start();
		for (let id = 3; id < 10; id++) await own.query(`INSERT INTO rows (id) VALUES (${id})`, ownUrl);
		proxy.reopen();
		expect(await result).toMatchObject({ code: "store_unavailable" });
		expect(await own.query("SELECT id FROM rows WHERE id < 3", ownUrl)).toEqual([{ id: 1 }]);
	});

	describe("with a synchronous standby", () => {
		let primary: PostgresServer;
		let standby: PostgresCluster;
		let standbyUrl = "";
		beforeAll(async () => {
			const settings = ["synchronous_standby_names = standby"];
			const own = await startOwnPostgres({ durable: true });
			primary = own.server;
			standbyUrl = await createTables(primary);
			await own.cluster.stop();
			standby = await PostgresCluster.createStandby(own.cluster, { durable: true });
			await own.cluster.start(settings);
			await startStandby();
		});
		afterAll(async () => {
			await standby[Symbol.asyncDispose]();
			await primary[Symbol.asyncDispose]();
		});
		/** Resolves when commits wait for it and are confirmed: it takes connections before it follows the primary. */
		const startStandby = async () => {
			await standby.start();
			await eventually("the standby to follow", async () => {
				const rows = await primary.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
				return rows.length > 0;
			});
		};
		const stored = () => primary.query("SELECT id FROM rows ORDER BY id", standbyUrl);
		/** Resolves when a statement waits like this. `then` is what the database does to those. */
		const waiting = (where: string, then = "pid") =>
			eventually(`a statement to wait: ${where}`, async () => {
				const rows = await primary.query(`SELECT ${then} FROM pg_stat_activity WHERE ${where}`);
				return rows.length > 0 ? true : null;
			});
		/** What an operator may do who sees statements that hang. Others that are given up may still hang. */
		const endWait = (how: "cancel" | "terminate", statementStart: string) =>
			waiting(
				`wait_event = 'SyncRep' AND ltrim(query, E' \\n\\t') LIKE '${statementStart}%'`,
				`pg_${how}_backend(pid)`,
			);

		it("takes no commit for made whose wait for the standby was ended, although the database answers it", async () => {
			const told: (StoreError | null)[] = [];
			const onConnectionChange = (failure: StoreError | null) => told.push(failure);
			// The time for asking again is over after the first time.
			const clock = { ...systemClock, monotonicMs: () => performance.now() * 1_000 };
			const database = open({ url: standbyUrl, onConnectionChange, clock });
			await insert(database, 1);
			await standby.stop("immediate");
			const unconfirmed = {
				code: "store_unavailable",
				message: expect.stringContaining("no synchronous standby") as string,
			};
			const inserted = insert(database, 2).catch((error: unknown) => error);
			await endWait("cancel", "COMMIT");
			// It asks whether the commit was made, which waits for the standby as well.
			await endWait("cancel", "INSERT INTO commits");
			expect(await inserted).toMatchObject(unconfirmed);
			expect(await inserted).toBeInstanceOf(StoreInDoubtError);
			const once = database.once((session) => session.run(INSERT, [3]));
			await Promise.all([expect(once).rejects.toMatchObject(unconfirmed), endWait("cancel", "INSERT INTO rows")]);
			// They are there, and would be lost with the primary.
			expect(await stored()).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
			await startStandby();
			await insert(database, 4);
			expect(told).toEqual([expect.objectContaining({ code: "store_unavailable" }), null]);
		});

		it("leaves a standby that was the primary, and takes no writes, for the server to which the URL leads now", async () => {
			await using link = await NetworkLink.open(standbyUrl);
			const told: (StoreError | null)[] = [];
			const database = open({ url: link.url, onConnectionChange: (failure) => told.push(failure) });
			link.leadTo(standby.port);
			for (let tries = 0; tries < 2; tries++) {
				await expect(insert(database, 21)).rejects.toMatchObject({
					name: "StoreError",
					code: "store_unavailable",
					message: expect.stringMatching(/^the database takes no writes: the URL must lead to the primary/) as string,
				});
			}
			// So it is at a start.
			await expect(openPostgres({ url: link.url, clock: systemClock })).rejects.toMatchObject({
				message: expect.stringMatching(/^the database takes no writes: the URL must lead to the primary/) as string,
			});
			// A connection to the standby would stay open.
			link.leadTo(Number(new URL(standbyUrl).port));
			await insert(database, 21);
			expect(await stored()).toContainEqual({ id: 21 });
			expect(told).toEqual([expect.objectContaining({ code: "store_unavailable" }), null]);
		});

		it("takes a commit for made when the standby has it after all", async () => {
			// There is always time to ask again.
			const clock = { ...systemClock, monotonicMs: () => 0 };
			// A little longer, an answer is waited for: once in vain. All others come far sooner, also on a busy machine.
			const database = open({ url: standbyUrl, statementTimeoutMs: 2_000, clock });
			await insert(database, 11);
			await standby.stop("immediate");
			let isMade = false;
			const late = insert(database, 12).then(() => (isMade = true));
			await endWait("cancel", "COMMIT");
			// The connection by which it asks again breaks as well, and the answer of the next one does not come in time: the one after
			// that waits for it in the database.
			await endWait("terminate", "INSERT INTO commits");
			await waiting("wait_event_type = 'Lock' AND query LIKE '%INSERT INTO commits%'");
			expect(isMade).toBe(false);
			await standby.start();
			await late;
			expect(await stored()).toContainEqual({ id: 12 });
		});
	});

	describe("limits the time", () => {
		/** What a connection of each pool says of its settings. */
		const settings = statement(`
			SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
				current_setting('idle_in_transaction_session_timeout') AS idle
		`);
		/** Resolves when the database has ended what a connection does, or the connection. */
		const ended = (what: string, where: string) =>
			eventually(what, async () => {
				const rows = await server.query(
					`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${where}`,
					url,
				);
				return rows.length === 0;
			});

		it.each(["read", "snapshot", "transact", "commit", "once", "define", "inBackground"] as const)(
			"on each connection: %s",
			async (call) => {
				const database = open();
				const rows = await database[call]((session) => session.run(settings));
				expect(rows).toEqual([{ statement: "10s", lock: "5s", idle: "10s" }]);
			},
		);

		it("of a statement, which the database ends itself, although nobody waits for it any more", async () => {
			const database = open({ statementTimeoutMs: 500 });
			const slow = database.read((session) => session.query("SELECT pg_sleep(3600)"));
			await expect(slow).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
			// It does not look whether the connection has ended while a statement runs.
			await ended("the end of the statement", "state = 'active' AND query LIKE '%pg_sleep(3600)%'");
		});

		it("of a transaction in which nothing happens: its locks are free then, and it is not committed", async () => {
			const database = open();
			await insert(database, 1);
			const begun = Promise.withResolvers<unknown>();
			const wait = Promise.withResolvers<void>();
			const idle = database.transact(async (session) => {
				const [row] = await session.query("DELETE FROM rows WHERE id = 1 RETURNING pg_backend_pid() AS pid");
				begun.resolve(row?.["pid"]);
				await wait.promise;
			});
			try {
				await ended("the end of the connection", `pid = ${String(await begun.promise)}`);
			} finally {
				wait.resolve();
			}
			await expect(idle).rejects.toMatchObject({ code: "store_unavailable" });
			expect(await count(database)).toBe(1);
			await database.transact((session) => session.query("DELETE FROM rows WHERE id = 1"));
		});
	});

	it("keeps one mark of each connection, and none of connections that have ended long ago", async () => {
		const marks = () =>
			server.query(
				"SELECT make_date = 0 AS is_old FROM commits WHERE make_date = 0 OR make_date > cluster_now() - 60000",
				url,
			);
		await server.query("DELETE FROM commits; INSERT INTO commits (make_date) VALUES (0), (0)", url);
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
		expect(await server.query("SELECT sum FROM sums ORDER BY id", url)).toEqual([{ sum: 2 }, { sum: 2 }]);
	});

	it("goes on when a newer version has added a column to a table of which its statements read all", async () => {
		const told: (StoreError | null)[] = [];
		const database = open({ maxConnections: 4, onConnectionChange: (failure) => told.push(failure) });
		await server.query("CREATE TABLE grown (id integer PRIMARY KEY); INSERT INTO grown VALUES (1)", url);
		const all = statement("SELECT * FROM grown WHERE id = $1");
		const calls = ["read", "transact", "once"] as const;
		const readAll = () =>
			Promise.all(
				calls.flatMap((call) =>
					Array.from({ length: 4 }, () => database[call](async (session) => session.run(all, [1]))),
				),
			);
		await readAll();
		await server.query("ALTER TABLE grown ADD COLUMN more integer", url);
		expect(await readAll()).toEqual(Array.from({ length: 12 }, () => [{ id: 1, more: null }]));
		expect(told).toEqual([]);
	});

	it("rejects while the database is down, tells it once, and goes on by itself when it is back", async ({ skip }) => {
		const { cluster } = server;
		if (cluster === null) return skip("the database is not the test's own");
		const told: (StoreError | null)[] = [];
		const database = open({ onConnectionChange: (failure) => told.push(failure) });
		await insert(database, 1);
		await cluster.stop("immediate");
		for (let tries = 0; tries < 2; tries++) {
			await expect(insert(database, 2)).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
			await expect(count(database)).rejects.toMatchObject({ code: "store_unavailable" });
		}
		await cluster.start();
		await insert(database, 3);
		expect(await count(database)).toBe(2);
		expect(told).toEqual([expect.objectContaining({ code: "store_unavailable" }), null]);
		expect(told[0]?.message).toMatch(/^the database /);
	});

	it("keeps changes from waiting behind reads, and takes waiting for a connection for no failure of it", async () => {
		const told: (StoreError | null)[] = [];
		const onConnectionChange = (failure: StoreError | null) => told.push(failure);
		const database = open({ maxConnections: 1, connectTimeoutMs: 5_000, onConnectionChange });
		const end = Promise.withResolvers<void>();
		const slow = database.read(async (session) => {
			await session.run(COUNT);
			await end.promise;
		});
		await expect(count(database)).rejects.toMatchObject({
			code: "store_unavailable",
			message: expect.stringMatching(/^the database is busy/),
		});
		await database.transact((session) => session.run(INSERT, [1]));
		end.resolve();
		await slow;
		expect(await count(database)).toBe(1);
		expect(told).toEqual([]);
	});

	it("gives up a new connection whose settings are not answered in the time for connecting", async () => {
		const { proxy, url: through } = await CuttingProxy.open(url);
		await using _ = proxy;
		// A statement would be waited for for longer than the test.
		const database = open({ url: through, connectTimeoutMs: 5_000, statementTimeoutMs: 3_600_000 });
		const silent = proxy.cutNext("without its settings");
		const result = count(database).catch((error: unknown) => error);
		await silent;
		expect(await result).toMatchObject({ code: "store_unavailable" });
		expect(await count(database)).toBe(0);
	});

	it("rejects all calls after it is closed", async () => {
		const database = open();
		await database.close();
		await database.close();
		await expect(insert(database, 1)).rejects.toMatchObject({ code: "store_unavailable" });
	});
});
