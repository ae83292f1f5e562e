// The connections to a database that crashes, is down or has a standby, and those that a test waits for for seconds.
import { eventually } from "@fanfare/testkit/eventually";
import {
	PostgresCluster,
	postgresIssue,
	startOwnPostgres,
	type PostgresServer,
} from "@fanfare/testkit/programs/postgres";
import { NetworkLink } from "@fanfare/testkit/world/network-link";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { StoreInDoubtError, type StoreError } from "../../../ports/store/errors.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openPostgres } from "../postgres-store.ts";
import { CuttingProxy } from "../test/cutting-proxy.ts";
import { COUNT, count, insert, INSERT, RowTables } from "../test/row-tables.ts";
import { readFacts } from "./database-facts.ts";
import type { DatabaseOptions } from "./database.ts";

describe.skipIf(postgresIssue() !== null)("the connections to PostgreSQL", () => {
	let server: PostgresServer;
	let cluster: PostgresCluster;
	let tables: RowTables;
	beforeAll(async () => {
		({ server, cluster } = await startOwnPostgres());
		tables = await RowTables.create(server);
	});
	afterEach(() => tables.empty());
	afterAll(() => server[Symbol.asyncDispose]());
	const open = (options: Partial<DatabaseOptions> = {}) => tables.open(options);

	it("takes no transaction of others for a commit that was lost in a crash of the database", async () => {
		// Nothing of a transaction is on the disk until something is synced. Its number is free again after a crash.
		await using own = (await startOwnPostgres({ durable: true, settings: ["wal_writer_delay = 10s"] })).server;
		await using rows = await RowTables.create(own);
		const { proxy, url: through } = await CuttingProxy.open(rows.url);
		await using _ = proxy;
		const database = rows.open({ url: through });
		await insert(database, 1);
		const cut = proxy.cutNext("and leave it open");
		const result = insert(database, 2).catch((error: unknown) => error);
		await cut;
		await own.cluster?.stop("immediate");
		await own.cluster?.start();
		for (let id = 3; id < 10; id++) await rows.query(`INSERT INTO rows (id) VALUES (${id})`);
		proxy.reopen();
		expect(await result).toMatchObject({ code: "store_unavailable" });
		expect(await rows.query("SELECT id FROM rows WHERE id < 3")).toEqual([{ id: 1 }]);
	});

	describe("with a synchronous standby", () => {
		let primary: PostgresServer;
		let standby: PostgresCluster;
		let rows: RowTables;
		beforeAll(async () => {
			const settings = ["synchronous_standby_names = standby"];
			const own = await startOwnPostgres({ durable: true });
			primary = own.server;
			rows = await RowTables.create(primary);
			await own.cluster.stop();
			standby = await PostgresCluster.createStandby(own.cluster, { durable: true });
			await own.cluster.start(settings);
			await startStandby();
		});
		afterEach(() => rows[Symbol.asyncDispose]());
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
		const stored = () => rows.query("SELECT id FROM rows ORDER BY id");
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
			const database = rows.open({ onConnectionChange, clock });
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
			await using link = await NetworkLink.open(rows.url);
			const told: (StoreError | null)[] = [];
			const database = rows.open({ url: link.url, onConnectionChange: (failure) => told.push(failure) });
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
			link.leadTo(Number(new URL(rows.url).port));
			await insert(database, 21);
			expect(await stored()).toContainEqual({ id: 21 });
			expect(told).toEqual([expect.objectContaining({ code: "store_unavailable" }), null]);
		});

		it("takes a commit for made when the standby has it after all", async () => {
			// There is always time to ask again.
			const clock = { ...systemClock, monotonicMs: () => 0 };
			// A little longer, an answer is waited for: once in vain. All others come far sooner, also on a busy machine.
			const database = rows.open({ statementTimeoutMs: 2_000, clock });
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

		it("knows which standby follows, and how far behind it is if the role may see that", async () => {
			const database = rows.open();
			const standbys = async () => (await readFacts(database)).standbys;
			const unseen = { state: null, sync: null, lagMs: null, lagBytes: null };
			// Without the privilege, only its name.
			await expect.poll(standbys).toEqual([{ name: "standby", ...unseen }]);
			const role = new URL(rows.url).username;
			await primary.query(`GRANT pg_read_all_stats TO ${role}`);
			const followed = { name: "standby", state: "streaming", sync: "sync", lagMs: null, lagBytes: 0 };
			await expect.poll(standbys).toEqual([followed]);
			expect((await readFacts(database)).commitsWaitFor).toBe("standby");
			await primary.query(`REVOKE pg_read_all_stats FROM ${role}`);
		});
	});

	it("limits the time of a transaction in which nothing happens: its locks are free then, and it is not committed", async () => {
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
			await tables.ended(`pid = ${String(await begun.promise)}`);
		} finally {
			wait.resolve();
		}
		await expect(idle).rejects.toMatchObject({ code: "store_unavailable" });
		expect(await count(database)).toBe(1);
		await database.transact((session) => session.query("DELETE FROM rows WHERE id = 1"));
	});

	it("rejects while the database is down, tells it once, and goes on by itself when it is back", async () => {
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
		const { proxy, url: through } = await CuttingProxy.open(tables.url);
		await using _ = proxy;
		// A statement would be waited for for longer than the test.
		const database = open({ url: through, connectTimeoutMs: 5_000, statementTimeoutMs: 3_600_000 });
		const silent = proxy.cutNext("without its settings");
		const result = count(database).catch((error: unknown) => error);
		await silent;
		expect(await result).toMatchObject({ code: "store_unavailable" });
		expect(await count(database)).toBe(0);
	});
});
