// Tables of tests that write rows by the connections of a database, and have no store.
import { eventually } from "@fanfare/testkit/eventually";
import type { PostgresServer } from "@fanfare/testkit/programs/postgres";

import { systemClock } from "../../system/system-clock.ts";
import { number } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import { Database, type DatabaseOptions } from "../connection/database.ts";
import { migrate } from "../schema/migrate.ts";

export const INSERT = statement("INSERT INTO rows (id) VALUES ($1)");
export const COUNT = statement("SELECT count(*) AS count FROM rows");
export const ADD = statement("UPDATE sums SET sum = sum + 1 WHERE id = $1");

export const insert = (database: Database, id: number) => database.commit((session) => session.run(INSERT, [id]));

/** How many rows there are. */
export const count = (database: Database) =>
	database.read(async (session) => number((await session.run(COUNT))[0]?.["count"]));

/** A database of a server, with rows and two sums. */
export class RowTables implements AsyncDisposable {
	readonly url: string;
	readonly #server: PostgresServer;
	readonly #opened: Database[] = [];

	private constructor(server: PostgresServer, url: string) {
		this.#server = server;
		this.url = url;
	}

	static async create(server: PostgresServer): Promise<RowTables> {
		const tables = new RowTables(server, await server.createDatabase());
		await migrate(tables.open(), 0);
		await tables[Symbol.asyncDispose]();
		await tables.query("CREATE TABLE rows (id integer PRIMARY KEY)");
		await tables.query("CREATE TABLE sums (id integer PRIMARY KEY, sum integer NOT NULL)");
		await tables.query("INSERT INTO sums VALUES (1, 0), (2, 0)");
		return tables;
	}

	/** Is closed when the test ends. */
	open(options: Partial<DatabaseOptions> = {}): Database {
		const database = new Database({ url: this.url, clock: systemClock, ...options });
		this.#opened.push(database);
		return database;
	}

	query(sql: string): ReturnType<PostgresServer["query"]> {
		return this.#server.query(sql, this.url);
	}

	/** Resolves when no other connection is like this. */
	ended(where: string): Promise<true> {
		return eventually(`the end of: ${where}`, async () => {
			const rows = await this.query(`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${where}`);
			return rows.length === 0 ? true : null;
		});
	}

	/** Closes what the test has opened, and deletes its rows. */
	async empty(): Promise<void> {
		await this[Symbol.asyncDispose]();
		await this.query("DELETE FROM rows");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.#opened.splice(0).map((each) => each.close()));
	}
}
