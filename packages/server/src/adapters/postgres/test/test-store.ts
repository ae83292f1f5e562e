// Stores for the tests of this adapter: one database for each test file, whose rows are deleted after each test.
import { startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import pg from "pg";

import type { Store } from "../../../ports/store/store.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openPostgres } from "../postgres-store.ts";

/**
 * Settings for tests of plans: what the database knows of its tables changes only when the test says so. Otherwise it changes within a test
 * that takes longer than a minute, as on a busy machine.
 */
export const STEADY: readonly string[] = ["autovacuum = off"];

/** A database that is empty for each test. */
export class TestDatabase implements AsyncDisposable {
	readonly #settings: readonly string[] | null;
	#database: { readonly server: PostgresServer; readonly url: string } | null = null;
	#tables: readonly string[] | null = null;
	#store: Store | null = null;
	/** Deletes rows. It stays connected, since each new connection has to read the catalog of all tables first. */
	#cleaner: pg.Client | null = null;

	/** `settings` are lines of postgresql.conf, for a server of its own. Without them, the server is that of the test run. */
	constructor(settings: readonly string[] | null = null) {
		this.#settings = settings;
	}

	/** Makes the database. */
	async start(): Promise<this> {
		const server = await startPostgres(this.#settings === null ? null : { settings: this.#settings });
		this.#database = { server, url: await server.createDatabase() };
		return this;
	}

	get server(): PostgresServer {
		return this.#started.server;
	}

	get url(): string {
		return this.#started.url;
	}

	get #started() {
		if (this.#database === null) throw new Error("this database has not been started");
		return this.#database;
	}

	/** Runs a statement with a connection of its own. */
	query(sql: string): ReturnType<PostgresServer["query"]> {
		return this.server.query(sql, this.url);
	}

	/** A connection beside those of the store, to another database if its URL is given. */
	async connect(url = this.url): Promise<pg.Client & AsyncDisposable> {
		const client = new pg.Client({ connectionString: url });
		// A test may stop the server, or end its connections.
		client.on("error", () => {});
		await client.connect();
		return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
	}

	/** How many rows a table has. */
	async count(table: string): Promise<number> {
		return Number((await this.query(`SELECT count(*) AS count FROM ${table}`))[0]?.["count"]);
	}

	/** How many connections wait for a lock. */
	lockWaits(): Promise<number> {
		return this.count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
	}

	/** Ends the connections of all stores and members. */
	async loseConnections(): Promise<void> {
		const ours = "datname = current_database() AND application_name = 'fanfare'";
		await this.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${ours}`);
	}

	/** A store without rows. It is opened anew only if the test before has closed it: connections and their plans take time. */
	async openEmpty(): Promise<Store> {
		const isClosed = await this.#store?.identity().then(
			() => false,
			() => true,
		);
		if (this.#store === null || isClosed === true) this.#store = await this.open();
		this.#tables ??= (await this.query(TABLES)).map(({ name }) => String(name));
		// Faster than TRUNCATE, which makes new files.
		this.#cleaner ??= (await this.connect()).on("end", () => (this.#cleaner = null));
		await this.#cleaner.query(this.#tables.map((name) => `DELETE FROM ${name}`).join(";"));
		return this.#store;
	}

	/** Closes the store of the test, and opens another one with the same rows. */
	async reopen(): Promise<Store> {
		await this.#store?.close();
		this.#store = await this.open();
		return this.#store;
	}

	async open(): Promise<Store> {
		const { store } = await openPostgres({ url: this.url, clock: systemClock });
		return store;
	}

	/** From now on, the clock by which tenures end is ahead of the system's by so much. */
	async stepClock(ms: number): Promise<void> {
		const now = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${ms}`;
		const replace = `CREATE OR REPLACE FUNCTION cluster_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$ ${now} $$`;
		await this.query(replace);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#cleaner?.end();
		await this.#store?.close();
		await this.#database?.server[Symbol.asyncDispose]();
	}
}

/** The tables, partitions aside; those that refer to others come before them. A store that is open knows its leads. Shards lose their owners with the members. */
const TABLES = `
	SELECT c.relname AS name FROM pg_class c
	WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN ('migrations', 'leads', 'shards')
	ORDER BY EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.oid), c.relname = 'projects'
`;

/** Changes the first project of a store, and returns its new version. */
export async function changeProject(store: Store): Promise<{ projectId: string; version: number }> {
	const [project] = await store.projects();
	if (project === undefined) throw new Error("the store has no project");
	const changed = { ...project, name: `${project.name}.` };
	const version = await store.updateProject(changed, { expected: project.revision, entry: null });
	if (typeof version !== "number") throw new Error(`the project was not changed: ${version}`);
	return { projectId: project.id, version };
}
