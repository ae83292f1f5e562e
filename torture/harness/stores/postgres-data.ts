// A PostgreSQL of the round's own, which faults stop, kill and cut off, and the delivery log in it.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
	chmodSync,
	chownSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { EMPTY_LOG, type StoredLog } from "@fanfare/testkit/checks/stored-log";
import { eventually } from "@fanfare/testkit/eventually";
import { PostgresCluster, PostgresServer, startOwnPostgres } from "@fanfare/testkit/programs/postgres";
import { NetworkLink } from "@fanfare/testkit/world/network-link";

import type { RoundData } from "./round-data.ts";
import { attemptsByDelivery, STATUSES } from "./stored-log.ts";

export class PostgresData implements RoundData {
	readonly env: Readonly<Record<string, string>>;
	#server: PostgresServer;
	#cluster: PostgresCluster;
	readonly #url: string;
	/** Where the tables are. */
	#tables: string;
	#link: NetworkLink | null = null;
	/** Follows the primary, or has its place. */
	#standby: PostgresCluster | null = null;
	/** Has lost its place to the standby. */
	#formerPrimary: PostgresCluster | null = null;

	private constructor(server: PostgresServer, cluster: PostgresCluster, url: string) {
		this.#server = server;
		this.#cluster = cluster;
		this.#url = url;
		this.#tables = join(cluster.dataDir, "base");
		this.env = { FANFARE_DATABASE_URL: url, FANFARE_MASTER_KEY: randomBytes(32).toString("hex") };
	}

	/** Commits are synced, as in production: its faults crash the database. */
	static async start(): Promise<PostgresData> {
		const { server, cluster } = await startOwnPostgres({ durable: true });
		return new PostgresData(server, cluster, await server.createDatabase());
	}

	/** The primary. */
	get cluster(): PostgresCluster {
		return this.#cluster;
	}

	/** For the server: leads to the primary, with the role of Fanfare. */
	get url(): string {
		const url = new URL(this.#url);
		url.port = String(this.cluster.port);
		return url.href;
	}

	/** Runs a statement as a superuser, in the database of the round. */
	query(sql: string): ReturnType<PostgresServer["query"]> {
		const url = new URL(this.#server.url);
		url.pathname = new URL(this.url).pathname;
		url.searchParams.set("options", "-c search_path=fanfare");
		return this.#server.query(sql, url.href);
	}

	/** Puts a link between the server and the database. To be called before the first start, which needs its URL. */
	async openLink(): Promise<NetworkLink> {
		this.#link = await NetworkLink.open(this.url);
		return this.#link;
	}

	/** Throws if `openLink` was not called. */
	get link(): NetworkLink {
		if (this.#link === null) throw new Error("the round has no link to its database");
		return this.#link;
	}

	/** Makes a standby for which each commit waits. To be called before the first start. */
	async addStandby(): Promise<void> {
		await this.cluster.stop();
		this.#standby = await PostgresCluster.createStandby(this.cluster, { durable: true });
		await this.cluster.start(["synchronous_standby_names = standby"]);
		await this.#standby.start();
		const following = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
		await eventually("the standby to follow", async () => (await this.#server.query(following)).length > 0);
	}

	/** The primary crashes for good. From now on, the URL and the link lead to the standby, which takes no writes yet. */
	async losePrimary(): Promise<void> {
		if (this.#standby === null) throw new Error("the round's database has no standby");
		await this.cluster.stop("immediate");
		this.#formerPrimary = this.cluster;
		this.#cluster = this.#standby;
		this.#server = new PostgresServer(this.cluster.url, this.cluster);
		this.#tables = join(this.cluster.dataDir, "base");
		this.#link?.leadTo(this.cluster.port);
	}

	/** Resolves when the standby takes writes. */
	async promoteStandby(): Promise<void> {
		await this.#server.query("SELECT pg_promote()");
	}

	/** Moves the tables to a path on a small disk. To be called before the first start. */
	async moveTables(path: string): Promise<void> {
		const { uid, gid } = statSync(this.cluster.dataDir);
		// The database runs under another user than the one who has mounted the disk.
		chmodSync(dirname(path), 0o755);
		mkdirSync(path, { mode: 0o700 });
		chownSync(path, uid, gid);
		await this.#server.query(`CREATE TABLESPACE moved LOCATION '${path}'`);
		await this.#server.query(`ALTER DATABASE ${new URL(this.url).pathname.slice(1)} SET TABLESPACE moved`);
		this.#tables = path;
	}

	/** Moves the write-ahead log to a path on a small disk. To be called before the first start. */
	async moveWal(path: string): Promise<void> {
		const wal = join(this.cluster.dataDir, "pg_wal");
		await this.cluster.stop();
		chmodSync(dirname(path), 0o755);
		// Keeps the owner of the files, which copies by Node don't.
		execFileSync("cp", ["-a", wal, path]);
		rmSync(wal, { recursive: true });
		symlinkSync(path, wal);
		await this.cluster.start();
	}

	async readLog(without: readonly string[]): Promise<StoredLog> {
		try {
			return await this.#readLog(without);
		} catch (error) {
			// The server was killed before it had created the tables.
			if (error instanceof Error && /^relation ".*" does not exist/.test(error.message)) return EMPTY_LOG;
			throw error;
		}
	}

	async #readLog(without: readonly string[]): Promise<StoredLog> {
		const ids = without.map((id) => `'${id.replace(/^proj_/, "")}'::uuid`);
		const isWanted = ids.length === 0 ? "true" : `project_id NOT IN (${ids.join(",")})`;
		const events = await this.query(`SELECT id::text FROM events WHERE ${isWanted}`);
		const columns =
			"id::text, event_id::text, webhook_id::text, status, reason, attempt_count, next_attempt_at, lease_until";
		const deliveries = await this.query(`
			SELECT ${columns} FROM open_deliveries WHERE ${isWanted} UNION ALL SELECT ${columns} FROM deliveries WHERE ${isWanted} ORDER BY id
		`);
		const attempts = attemptsByDelivery(await this.query(ATTEMPTS));
		return {
			integrity: await this.#integrity(),
			eventIds: new Set(events.map(({ id }) => `evt_${String(id)}`)),
			deliveries: deliveries.map((row) => ({
				id: `dlv_${String(row["id"])}`,
				eventId: `evt_${String(row["event_id"])}`,
				webhookId: `webhook_${String(row["webhook_id"])}`,
				status: STATUSES[Number(row["status"])] ?? "?",
				reason: row["reason"] as string | null,
				attemptCount: Number(row["attempt_count"]),
				nextAttemptAt: numberOrNull(row["next_attempt_at"]),
				leaseUntil: numberOrNull(row["lease_until"]),
				attempts: attempts.get(String(row["id"])) ?? [],
			})),
		};
	}

	/** What must be true between the tables, in the words of SQLite's check if it is. */
	async #integrity(): Promise<string> {
		const [row] = await this.query(`
			SELECT (SELECT count(*) FROM open_deliveries JOIN deliveries USING (id)) AS twice,
				(SELECT count(*) FROM open_deliveries WHERE status NOT IN (0, 3)) AS ended,
				(SELECT count(*) FROM deliveries WHERE status IN (0, 3)) AS waiting,
				(SELECT count(*) FROM open_deliveries o WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = o.event_id)) AS alone
		`);
		const wrong = Object.entries(row ?? {}).filter(([, count]) => Number(count) > 0);
		if (wrong.length === 0) return "ok";
		return wrong.map(([what, count]) => `${String(count)} deliveries are ${what}`).join(", ");
	}

	/** The files of the database, and the write-ahead log. */
	async bytes(): Promise<ReadonlyMap<string, Buffer>> {
		await this.#server.query("CHECKPOINT");
		const paths = [this.#tables, join(this.cluster.dataDir, "pg_wal")].flatMap((folder) =>
			readdirSync(folder, { recursive: true, encoding: "utf8" }).map((entry) => join(folder, entry)),
		);
		const files = paths.filter((path) => statSync(path).isFile());
		return new Map(files.map((path) => [path, readFileSync(path)]));
	}

	/** The log as JSON, and what the database has logged. */
	async keep(directory: string): Promise<void> {
		const { eventIds, deliveries, integrity } = await this.readLog([]);
		const log = { integrity, eventIds: [...eventIds], deliveries };
		writeFileSync(join(directory, "stored-log.json"), `${JSON.stringify(log, null, "\t")}\n`);
		writeFileSync(join(directory, "postgres.log"), this.cluster.log);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#link?.[Symbol.asyncDispose]();
		await this.#formerPrimary?.[Symbol.asyncDispose]();
		await this.#standby?.[Symbol.asyncDispose]();
		await this.#server[Symbol.asyncDispose]();
	}
}

const ATTEMPTS = `
	SELECT delivery_id::text AS key, number, a ->> 4 AS start_date, a ->> 6 AS response_code, a ->> 7 AS error
	FROM (SELECT delivery_id, number, attempt::jsonb AS a FROM attempts) parsed ORDER BY key, number
`;

function numberOrNull(value: unknown): number | null {
	return value === null ? null : Number(value);
}
