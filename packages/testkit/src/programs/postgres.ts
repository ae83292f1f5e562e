// A real PostgreSQL for tests, in a temporary directory: one for all test files of a run, or one of their own for those that stop it or
// change its settings. Or the server that FANFARE_TEST_POSTGRES_URL names.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import pg from "pg";

import { eventually } from "../eventually.ts";
import { fastParent, TemporaryDir } from "../temporary-dir.ts";
import { fillWithEmptyCluster, type Owner } from "./empty-cluster.ts";
import { findPostgresPrograms, HOW_TO_GET_POSTGRES, URL_VARIABLE } from "./find-postgres.ts";
import { freePort } from "./free-port.ts";

export { postgresIssue } from "./find-postgres.ts";

const run = promisify(execFile);
const SUPERUSER = "fanfare_tests";
/** The role of Fanfare, with what docs/postgres.md grants it, and nothing else. */
const ROLE = { name: "fanfare_app", password: "of-tests-alone" };
const MAX_STARTS = 3;
/** Has the address at which a process asks for the server of its test run. Servers inherit it, and refuse other names that begin with FANFARE_. */
const SHARED_VARIABLE = "TEST_POSTGRES";

export interface PostgresOptions {
	/**
	 * Whether commits are synced to the disk, as in production: for tests that crash the database. Off by default, which is faster.
	 * The server that the variable names stays as it is.
	 */
	readonly durable?: boolean;
	/** More lines of postgresql.conf, such as `max_connections = 20`. */
	readonly settings?: readonly string[];
}

/**
 * Connects to the PostgreSQL of the test run, which is started for the first that asks, or to the one that FANFARE_TEST_POSTGRES_URL names.
 * With options, or outside of a test run, it starts one that belongs to the caller. Throws if there is none: see `postgresIssue`.
 *
 * @example
 * await using postgres = await startPostgres();
 * const url = await postgres.createDatabase();
 */
export async function startPostgres(options: PostgresOptions | null = null): Promise<PostgresServer> {
	const url = process.env[URL_VARIABLE] ?? (options === null ? await askForShared() : undefined);
	if (url !== undefined) return new PostgresServer(url, null);
	return (await startOwnPostgres(options ?? {})).server;
}

/** The URL of the run's server; undefined outside of a test run. */
async function askForShared(): Promise<string | undefined> {
	const address = process.env[SHARED_VARIABLE];
	if (address === undefined) return undefined;
	const response = await fetch(address);
	const text = await response.text();
	if (!response.ok) throw new Error(text);
	return text;
}

/**
 * Lets this process and those that it starts share a PostgreSQL, which starts when `startPostgres` is called for the first time in one of
 * them, and ends when the result is disposed.
 */
export async function sharePostgres(options: PostgresOptions): Promise<AsyncDisposable> {
	let shared: Promise<PostgresServer> | null = null;
	const listener = createServer((_request, response) => {
		shared ??= startOwnPostgres(options).then(({ server }) => server);
		shared.then(
			({ url }) => response.end(url),
			(error: unknown) => response.writeHead(500).end(String(error)),
		);
	});
	await once(listener.listen(0, "127.0.0.1"), "listening");
	process.env[SHARED_VARIABLE] = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
	return {
		async [Symbol.asyncDispose]() {
			delete process.env[SHARED_VARIABLE];
			listener.close();
			listener.closeAllConnections();
			const server = await shared?.catch(() => null);
			await server?.[Symbol.asyncDispose]();
		},
	};
}

/**
 * The same, but never the server of the variable: for those who crash it. Throws if there are no programs to start.
 *
 * @example
 * const { server, cluster } = await startOwnPostgres({ durable: true });
 */
export async function startOwnPostgres(
	options: PostgresOptions = {},
): Promise<{ readonly server: PostgresServer; readonly cluster: PostgresCluster }> {
	const programs = findPostgresPrograms();
	if (programs === null) throw new Error(HOW_TO_GET_POSTGRES);
	const cluster = await PostgresCluster.create(programs, options);
	try {
		await cluster.start();
	} catch (error) {
		await cluster[Symbol.asyncDispose]();
		throw error;
	}
	return { server: new PostgresServer(cluster.url, cluster), cluster };
}

/** A server in which tests make databases. */
export class PostgresServer implements AsyncDisposable {
	/** Connects to the database `postgres`, with a role that may create databases. */
	readonly url: string;
	/** The processes and files of a server that belongs to the test; null if the variable names it. */
	readonly cluster: PostgresCluster | null;
	#databases: string[] = [];

	constructor(url: string, cluster: PostgresCluster | null) {
		this.url = url;
		this.cluster = cluster;
	}

	/**
	 * Creates an empty database, and returns its URL with the role of Fanfare, which has a schema of its own in it and no other
	 * privilege. It is dropped when the server is disposed.
	 */
	async createDatabase(): Promise<string> {
		const name = `fanfare_test_${randomBytes(8).toString("hex")}`;
		await this.query(CREATE_ROLE);
		await this.query(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
		this.#databases.push(name);
		const url = new URL(this.url);
		url.pathname = `/${name}`;
		await this.query(
			`REVOKE ALL ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO ${ROLE.name};
			CREATE SCHEMA fanfare AUTHORIZATION ${ROLE.name}; ALTER ROLE ${ROLE.name} IN DATABASE ${name} SET search_path = fanfare`,
			url.href,
		);
		url.username = ROLE.name;
		url.password = ROLE.password;
		return url.href;
	}

	/** Runs a statement in the database of `url`, with a connection of its own. */
	async query(sql: string, url = this.url): Promise<readonly Readonly<Record<string, unknown>>[]> {
		const client = new pg.Client({ connectionString: url });
		// The end of the connection rejects the statement, too.
		client.on("error", () => {});
		await client.connect();
		try {
			return (await client.query<Record<string, unknown>>(sql)).rows;
		} finally {
			await client.end();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.cluster !== null) {
			await this.cluster[Symbol.asyncDispose]();
			return;
		}
		for (const name of this.#databases) await this.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
	}
}

/** Test files that share a server may create it at the same time. */
const CREATE_ROLE = `
	DO $$ BEGIN
		CREATE ROLE ${ROLE.name} LOGIN PASSWORD '${ROLE.password}';
	EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
	END $$
`;

const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGQUIT");
});

/** The files and the main process of a PostgreSQL server. Tests stop it, kill it and start it again. */
export class PostgresCluster implements AsyncDisposable {
	readonly #programs: string;
	readonly #dir: TemporaryDir;
	readonly #owner: Owner | null;
	readonly #options: PostgresOptions;
	#port = 0;
	#process: ChildProcess | null = null;
	#exited: Promise<void> = Promise.resolve();
	#log = "";

	private constructor(programs: string, dir: TemporaryDir, owner: Owner | null, options: PostgresOptions) {
		this.#programs = programs;
		this.#dir = dir;
		this.#owner = owner;
		this.#options = options;
	}

	/** Makes the files. PostgreSQL refuses root, so as root they belong to the user `postgres`, or else to `nobody`. */
	static async create(programs: string, options: PostgresOptions): Promise<PostgresCluster> {
		const cluster = PostgresCluster.#prepare(programs, options);
		const how = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--no-locale", `--username=${SUPERUSER}`];
		await fillWithEmptyCluster(cluster.dataDir, { programs, how, owner: cluster.#owner });
		return cluster;
	}

	/**
	 * Makes a standby of a primary, which must be stopped: the standby begins with a copy of its files, and then follows it. Its name
	 * for `synchronous_standby_names` is `standby`.
	 *
	 * @example
	 * const standby = await PostgresCluster.createStandby(primary, { durable: true });
	 * await Promise.all([primary.start(), standby.start()]);
	 */
	static async createStandby(primary: PostgresCluster, options: PostgresOptions): Promise<PostgresCluster> {
		const standby = PostgresCluster.#prepare(primary.#programs, options);
		// Keeps the owner of the files, which copies by Node don't.
		await run("cp", ["-a", `${primary.dataDir}/.`, standby.dataDir]);
		const to = `host=127.0.0.1 port=${primary.#port} user=${SUPERUSER} application_name=standby`;
		appendFileSync(join(standby.dataDir, "postgresql.auto.conf"), `primary_conninfo = '${to}'\n`);
		const signal = join(standby.dataDir, "standby.signal");
		writeFileSync(signal, "");
		if (standby.#owner !== null) chownSync(signal, standby.#owner.uid, standby.#owner.gid);
		return standby;
	}

	static #prepare(programs: string, options: PostgresOptions): PostgresCluster {
		const dir = new TemporaryDir(options.durable === true ? undefined : fastParent());
		const owner = process.getuid?.() === 0 ? userFor() : null;
		const cluster = new PostgresCluster(programs, dir, owner, options);
		for (const folder of [cluster.dataDir, cluster.#sockets]) {
			mkdirSync(folder, { mode: 0o700 });
			if (owner !== null) chownSync(folder, owner.uid, owner.gid);
		}
		if (owner !== null) chmodSync(dir.path, 0o755);
		return cluster;
	}

	get url(): string {
		return `postgres://${SUPERUSER}@127.0.0.1:${this.#port}/postgres`;
	}

	get port(): number {
		return this.#port;
	}

	/** The id of the main process; null while the server is down. */
	get pid(): number | null {
		return this.#process?.pid ?? null;
	}

	/**
	 * Starts the server and waits until it takes connections: at the port that it had before, or else at a free one.
	 *
	 * @param settings more lines of postgresql.conf, for this start
	 */
	async start(settings: readonly string[] = []): Promise<void> {
		for (let starts = 1; ; starts++) {
			const isFirst = this.#port === 0;
			if (isFirst) this.#port = await freePort();
			this.#spawn(settings);
			if (await this.#isReady()) return;
			// Another process may have taken the port since it was chosen.
			const isTaken = isFirst && /could not bind|Address already in use/i.test(this.#log);
			if (isFirst) this.#port = 0;
			if (!isTaken || starts === MAX_STARTS) throw new Error(`PostgreSQL did not start:\n${this.#log}`);
		}
	}

	/** Ends the server: `fast` as an operator does, `immediate` as a crash of the database. Resolves when it has ended. */
	async stop(how: "fast" | "immediate" = "fast"): Promise<void> {
		this.#process?.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
		await this.#exited;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop("immediate");
		this.#dir[Symbol.dispose]();
	}

	/** The folder of its files. */
	get dataDir(): string {
		return this.#dir.join("data");
	}

	/** The end of what it has logged since its last start. */
	get log(): string {
		return this.#log;
	}

	get #sockets(): string {
		return this.#dir.join("sockets");
	}

	#spawn(more: readonly string[]): void {
		const settings = [
			"listen_addresses=127.0.0.1",
			`port=${this.#port}`,
			`unix_socket_directories=${this.#sockets}`,
			...(this.#options.durable === true ? [] : FAST),
			...(this.#options.settings ?? []),
			...more,
		];
		this.#log = "";
		const child = spawn(
			join(this.#programs, "postgres"),
			["-D", this.dataDir, ...settings.flatMap((setting) => ["-c", setting.replaceAll(" ", "")])],
			{ ...this.#owner, cwd: this.#dir.path, stdio: ["ignore", "ignore", "pipe"] },
		);
		running.add(child);
		this.#process = child;
		child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#log = (this.#log + text).slice(-20_000)));
		this.#exited = new Promise((resolve) => {
			child.once("error", (error) => {
				this.#log += error.message;
			});
			child.once("close", () => {
				running.delete(child);
				this.#process = null;
				resolve();
			});
		});
	}

	/** Whether it takes connections; false if it has ended. */
	async #isReady(): Promise<boolean> {
		const end = await eventually("PostgreSQL to take connections", async () => {
			if (this.#process === null) return "ended";
			const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 });
			// A server that still starts ends the connection.
			client.on("error", () => {});
			try {
				await client.connect();
				await client.end();
				return "ready";
			} catch {
				return null;
			}
		});
		return end === "ready";
	}
}

/** What a test database does not need, since a crash of the machine ends the test, too. */
const FAST = [
	"fsync=off",
	"synchronous_commit=off",
	"full_page_writes=off",
	"shared_buffers=64MB",
	"max_wal_size=256MB",
];

/** The user and group for the server. */
function userFor(): Owner {
	const users = readFileSync("/etc/passwd", "utf8").split("\n");
	const line = ["postgres:", "nobody:"].flatMap((name) => users.find((user) => user.startsWith(name)) ?? [])[0];
	const [, , uid, gid] = line?.split(":") ?? [];
	if (uid === undefined || gid === undefined)
		throw new Error("this system has no user postgres or nobody to run PostgreSQL");
	return { uid: Number(uid), gid: Number(gid) };
}
