// Settings of a role, a database or a server that others rely on, and that Fanfare's connections must not have; and databases that are refused.
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../system/system-clock.ts";
import { statement } from "../codec/statements.ts";
import { openPostgres } from "../postgres-store.ts";
import { migrate } from "../schema/migrate.ts";
import { Database } from "./database.ts";

/** Each of them, and what a connection of Fanfare has. */
const SETTINGS: Readonly<Record<string, readonly [ofRole: string, ofFanfare: string]>> = {
	synchronous_commit: ["off", "on"],
	// The warning that no standby has confirmed a commit is hidden.
	client_min_messages: ["error", "notice"],
	standard_conforming_strings: ["off", "on"],
	default_transaction_isolation: ["serializable", "read committed"],
	idle_session_timeout: ["1min", "0"],
	statement_timeout: ["1min", "10s"],
	lock_timeout: ["1min", "5s"],
	idle_in_transaction_session_timeout: ["1min", "10s"],
	enable_seqscan: ["on", "off"],
	jit: ["on", "off"],
};
/** Those that older servers lack. */
const NEWER: typeof SETTINGS = { transaction_timeout: ["1min", "0"] };

describe.skipIf(postgresIssue() !== null)("a connection of Fanfare", () => {
	let server: PostgresServer;
	beforeAll(async () => {
		server = await startPostgres();
	});
	afterAll(() => server[Symbol.asyncDispose]());

	/** A database with these settings for Fanfare's role in it. */
	const withSettings = async (settings: typeof SETTINGS): Promise<string> => {
		const url = await server.createDatabase();
		const name = new URL(url).pathname.slice(1);
		for (const [setting, [value]] of Object.entries(settings)) {
			await server.query(`ALTER ROLE fanfare_app IN DATABASE ${name} SET ${setting} = '${value}'`);
		}
		return url;
	};

	const CALLS = ["read", "snapshot", "transact", "commit", "once", "define", "inBackground"] as const;
	it("has its own settings, not those of the role, whatever it is for", async () => {
		const [row] = await server.query("SELECT current_setting('transaction_timeout', true) IS NOT NULL AS is_newer");
		const settings = row?.["is_newer"] === true ? { ...SETTINGS, ...NEWER } : SETTINGS;
		const database = new Database({ url: await withSettings(settings), clock: systemClock });
		try {
			await migrate(database, 1);
			const names = Object.keys(settings);
			const own = statement(`SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join(", ")}`);
			const expected = Object.fromEntries(Object.entries(settings).map(([name, [, value]]) => [name, value]));
			for (const call of CALLS) {
				// What is lost of it can be done again.
				const commits = call === "inBackground" ? "off" : "on";
				const found = await database[call]((session) => session.run(own));
				expect([call, found]).toEqual([call, [{ ...expected, synchronous_commit: commits }]]);
			}
		} finally {
			await database.close();
		}
	});

	const refusal = (url: string) => openPostgres({ url, clock: systemClock }).catch((error: unknown) => error);

	it("says what to do if its role may only read", async () => {
		const url = await withSettings({ default_transaction_read_only: ["on", ""] });
		expect(await refusal(url)).toMatchObject({
			code: "store_unavailable",
			message: expect.stringMatching(
				/^the database takes no writes: .* default_transaction_read_only must be off/,
			) as string,
		});
	});

	it("refuses a pooler that lends it what another one has used: its settings would come and go", async () => {
		// As after another connection of Fanfare.
		const url = await withSettings({ "fanfare.connection": ["another", ""] });
		expect(await refusal(url)).toMatchObject({
			code: "store_unavailable",
			message: expect.stringMatching(/^the database is behind a pooler that .* in session mode$/) as string,
		});
	});

	it("refuses a database that can't store every text, unless an earlier version has stored something in it", async () => {
		const name = `latin_${process.pid}`;
		await server.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
		const url = new URL(server.url);
		url.pathname = name;
		try {
			expect(await refusal(url.href)).toMatchObject({
				code: "store_unavailable",
				message: expect.stringMatching(/^this database has the encoding LATIN1, .* needs UTF8/) as string,
			});
			const table = "CREATE TABLE migrations (id integer PRIMARY KEY, name text NOT NULL, apply_date bigint NOT NULL)";
			await server.query(`${table}; INSERT INTO migrations VALUES (1, '0001-initial', 0)`, url.href);
			// It comes to the next migration, which misses the tables of the first one.
			expect(await refusal(url.href)).not.toMatchObject({ message: expect.stringContaining("encoding") as string });
		} finally {
			await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
		}
	});

	it("says that there is no schema for its tables", async () => {
		const url = await withSettings({ search_path: ["nowhere", ""] });
		expect(await refusal(url)).toMatchObject({
			code: "store_unavailable",
			message: expect.stringMatching(/^the search_path of Fanfare's role \(nowhere\) names no schema/) as string,
		});
	});
});
