// What a database says of itself: what commits wait for, the server and its connections, as far as the role may see them.
import { postgresIssue, startOwnPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import { UNREACHABLE } from "../../../ports/database.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { systemClock } from "../../system/system-clock.ts";
import { DatabaseWatch, type Durability } from "./database-watch.ts";
import { Database } from "./database.ts";

const MINUTE_MS = 60_000;

describe.skipIf(postgresIssue() !== null)("the watch over the database", () => {
	let server: PostgresServer;
	let url = "";
	const opened: { close(): unknown }[] = [];
	beforeAll(async () => {
		({ server } = await startOwnPostgres());
		url = await server.createDatabase();
	});
	afterEach(async () => {
		for (const each of opened.splice(0).toReversed()) await each.close();
	});
	afterAll(() => server[Symbol.asyncDispose]());

	async function watch() {
		const database = new Database({ url, clock: systemClock });
		const clock = new ManualClock();
		const told: Durability[] = [];
		const watching = new DatabaseWatch(database, clock, (durability) => told.push(durability));
		opened.push(database, watching);
		return { database, clock, told, watching };
	}

	/** Nothing is written while a standby is named that is not there. */
	const nameStandby = async (names: string, database: Database) => {
		await server.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
		await server.query("SELECT pg_reload_conf()");
		// The connections that are open take some moments.
		const seen = () => database.read((session) => session.query("SHOW synchronous_standby_names"));
		await expect.poll(seen).toEqual([{ synchronous_standby_names: names }]);
	};

	it("tells that none is synchronous, that one is once it is named, and again that none is: it looks every minute", async () => {
		const { database, clock, told, watching } = await watch();
		await watching.start();
		expect(told).toEqual(["disk"]);
		for (const [names, durability] of [
			["standby", "standby"],
			["", "disk"],
		] as const) {
			await nameStandby(names, database);
			// The next look is scheduled when the one before has ended.
			const look = () => (clock.advance(MINUTE_MS), watching.durability);
			await expect.poll(look).toBe(durability);
		}
		expect(told).toEqual(["disk", "standby", "disk"]);
	});

	it.each([
		["on", "standby"],
		["remote_apply", "standby"],
		["remote_write", "standby"],
		["local", "disk"],
	] as const)("takes synchronous_commit = %s with a standby that is named for: %s", async (commits, durability) => {
		await server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = ${commits}`);
		const { database, told, watching } = await watch();
		await nameStandby("standby", database);
		await watching.start();
		expect(told).toEqual([durability]);
		await nameStandby("", database);
		await server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} RESET synchronous_commit`);
	});

	it("knows the server, and of the limits of connections the one of which least is left", async () => {
		const { watching } = await watch();
		const facts = await watching.facts();
		expect(facts).toMatchObject({ isReachable: true, address: "127.0.0.1", commitsWaitFor: "disk", standbys: [] });
		expect(facts.version).toMatch(/^\d+[.\w]*$/);
		expect(facts.port).toBe(Number(new URL(url).port));
		// Three of the 100 are for superusers.
		expect(facts.connections).toMatchObject({ allowed: 97 });
		expect(facts.connections?.used).toBeGreaterThan(0);
		const role = new URL(url).username;
		await server.query(`ALTER ROLE ${role} CONNECTION LIMIT 7`);
		try {
			const { watching: limited } = await watch();
			const { connections } = await limited.facts();
			expect(connections?.allowed).toBe(7);
			// At least the connection that asks.
			expect(connections?.used).toBeGreaterThan(0);
		} finally {
			await server.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
		}
	});

	it("asks once for all who ask within some seconds, and says when the database does not answer", async () => {
		const { database, clock, watching } = await watch();
		let reads = 0;
		const read = database.read.bind(database);
		let isAway = false;
		database.read = (work) => {
			reads++;
			return isAway ? Promise.reject(new StoreError("store_unavailable", "away")) : read(work);
		};
		await Promise.all(Array.from({ length: 50 }, () => watching.facts()));
		await watching.facts();
		expect(reads).toBe(1);
		isAway = true;
		clock.advance(5_000);
		expect(await watching.facts()).toEqual(UNREACHABLE);
		expect(await watching.facts()).toEqual(UNREACHABLE);
		expect([reads, watching.last.isReachable, watching.durability]).toEqual([2, false, "disk"]);
		isAway = false;
		clock.advance(5_000);
		expect((await watching.facts()).isReachable).toBe(true);
	});

	it("takes for unknown what the server shows to nobody", async () => {
		const views = ["pg_stat_replication", "pg_stat_activity"];
		for (const view of views) await server.query(`REVOKE SELECT ON ${view} FROM PUBLIC`, inDatabase());
		try {
			const { watching } = await watch();
			const facts = await watching.facts();
			expect(facts).toMatchObject({ isReachable: true, commitsWaitFor: "disk", standbys: null, connections: null });
		} finally {
			for (const view of views) await server.query(`GRANT SELECT ON ${view} TO PUBLIC`, inDatabase());
		}
	});

	/** As a superuser, in the database of the tests. */
	const inDatabase = () => {
		const own = new URL(server.url);
		own.pathname = new URL(url).pathname;
		return own.href;
	};
});
