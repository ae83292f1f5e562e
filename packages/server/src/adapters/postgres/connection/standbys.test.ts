// Whether commits wait for a standby, as the settings of a database say it.
import { postgresIssue, startOwnPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { ManualClock } from "../../../core/manual-clock.ts";
import { systemClock } from "../../system/system-clock.ts";
import { Database } from "./database.ts";
import { StandbyWatch, type Durability } from "./standbys.ts";

const MINUTE_MS = 60_000;

describe.skipIf(postgresIssue() !== null)("the watch over the standbys", () => {
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
		const watching = new StandbyWatch(database, clock, (durability) => told.push(durability));
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
		expect(told).toEqual(["own disk"]);
		for (const [names, durability] of [
			["standby", "standby"],
			["", "own disk"],
		] as const) {
			await nameStandby(names, database);
			// The next look is scheduled when the one before has ended.
			const look = () => (clock.advance(MINUTE_MS), watching.durability);
			await expect.poll(look).toBe(durability);
		}
		expect(told).toEqual(["own disk", "standby", "own disk"]);
	});

	it.each([
		["on", "standby"],
		["remote_apply", "standby"],
		["remote_write", "standby"],
		["local", "own disk"],
	] as const)("takes synchronous_commit = %s with a standby that is named for: %s", async (commits, durability) => {
		await server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = ${commits}`);
		const { database, told, watching } = await watch();
		await nameStandby("standby", database);
		await watching.start();
		expect(told).toEqual([durability]);
		await nameStandby("", database);
	});
});
