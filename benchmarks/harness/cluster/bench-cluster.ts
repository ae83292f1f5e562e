// Several servers on one PostgreSQL, which is synced as in production.
import { randomBytes } from "node:crypto";

import { startNats, type NatsServer } from "@fanfare/testkit/programs/nats";
import { startOwnPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";

import { BenchServer, newKey, type BenchServerOptions } from "../server/bench-server.ts";
import type { PreparedStore } from "../store/store-copy.ts";
import { masterKeyOf, migrate, type Migration } from "./migration.ts";

/** As an operator would set it for a server with little memory; the rest is PostgreSQL's defaults. */
export const POSTGRES_SETTINGS = ["shared_buffers=256MB", "max_wal_size=2GB", "max_connections=200"];

export interface ClusterStart {
	readonly processes: number;
	/** Whether they have a NATS server of their own. */
	readonly withNats: boolean;
	/** The processes start on a copy of this store. Defaults to an empty database. */
	readonly store?: PreparedStore;
}

type Options = ClusterStart & Pick<BenchServerOptions, "resources" | "codeDir" | "parentDir" | "profileDir">;

/** What the database has used and written since it was started. */
export interface DatabaseUse {
	/** Bytes written to the write-ahead log. */
	readonly walBytes: number;
	readonly diskBytes: number;
	readonly connections: number;
}

interface Parts {
	readonly postgres: PostgresServer;
	readonly postgresPid: number;
	readonly nats: NatsServer | null;
	readonly migration: Migration | null;
}

export class BenchCluster implements AsyncDisposable {
	readonly servers: readonly BenchServer[];
	/** The main process of the database. */
	readonly postgresPid: number;
	/** What the copy of the store has taken; null if the database was empty. */
	readonly migration: Migration | null;
	readonly #postgres: PostgresServer;
	readonly #nats: NatsServer | null;
	readonly #url: string;

	private constructor({ postgres, postgresPid, nats, migration }: Parts, url: string, servers: readonly BenchServer[]) {
		this.#postgres = postgres;
		this.postgresPid = postgresPid;
		this.migration = migration;
		this.#nats = nats;
		this.#url = url;
		this.servers = servers;
	}

	/**
	 * Starts the processes one after the other. Throws if there is no PostgreSQL, or no NATS if it is wanted.
	 *
	 * @example
	 * await using cluster = await BenchCluster.start({ resources, codeDir, parentDir, profileDir: null, processes: 2, withNats: true });
	 */
	static async start({ processes, withNats, store, ...options }: Options): Promise<BenchCluster> {
		const { server: postgres, cluster } = await startOwnPostgres({ durable: true, settings: POSTGRES_SETTINGS });
		const servers: BenchServer[] = [];
		let nats: NatsServer | null = null;
		try {
			if (withNats) nats = await startNats();
			const url = await postgres.createDatabase();
			if (cluster.pid === null) throw new Error("PostgreSQL has ended");
			const postgresPid = cluster.pid;
			const key = store?.key ?? newKey();
			const masterKey = store === undefined ? randomBytes(32).toString("base64") : masterKeyOf(store);
			const migration = store === undefined ? null : await migrate({ ...options, store, url, masterKey, postgresPid });
			const settings = {
				FANFARE_DATABASE_URL: url,
				FANFARE_MASTER_KEY: masterKey,
				...(nats !== null && { FANFARE_NATS_URL: nats.url }),
			};
			while (servers.length < processes) servers.push(await BenchServer.start({ ...options, key, settings }));
			return new BenchCluster({ postgres, postgresPid, nats, migration }, url, servers);
		} catch (error) {
			await disposeAll(servers, nats, postgres);
			throw error;
		}
	}

	/** The first of the servers. */
	get first(): BenchServer {
		const [first] = this.servers;
		if (first === undefined) throw new Error("a cluster has at least one server");
		return first;
	}

	/** The process of NATS; null if there is none. */
	get natsPid(): number | null {
		return this.#nats?.pid ?? null;
	}

	async databaseUse(): Promise<DatabaseUse> {
		const [row] = await this.#postgres.query(
			`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS wal, pg_database_size(current_database())::float8 AS disk,
				(SELECT count(*)::float8 FROM pg_stat_activity WHERE datname = current_database() AND usename = 'fanfare_app') AS connections`,
			this.#superUrl,
		);
		return {
			walBytes: Number(row?.["wal"]),
			diskBytes: Number(row?.["disk"]),
			connections: Number(row?.["connections"]),
		};
	}

	/** The database of the servers, for the role that may ask everything. */
	get #superUrl(): string {
		const url = new URL(this.#postgres.url);
		url.pathname = new URL(this.#url).pathname;
		return url.href;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await disposeAll(this.servers, this.#nats, this.#postgres);
	}
}

async function disposeAll(
	servers: readonly BenchServer[],
	nats: NatsServer | null,
	postgres: PostgresServer,
): Promise<void> {
	try {
		await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
	} finally {
		await nats?.[Symbol.asyncDispose]();
		await postgres[Symbol.asyncDispose]();
	}
}
