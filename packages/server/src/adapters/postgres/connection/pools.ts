// The connections: one pool for the commits of the busy path, so that nothing else is in their way, one for reads, and one for all other
// calls, among them claims, so that no number of slow reads holds up deliveries.
import pg from "pg";

import { StoreError } from "../../../ports/store/errors.ts";

/** How connections are made. */
export interface ConnectionOptions {
	/** `postgres://user:password@host:port/database`, with `sslmode`, `sslrootcert`, `sslcert` and `sslkey` if needed. */
	readonly url: string;
	/** Connections for reads, and as many for changes beside the busy path. Defaults to `MAX_CONNECTIONS`. */
	readonly maxConnections?: number;
	/**
	 * How long making a connection, or waiting for one that is free, may take. The settings of a new connection may take as long again.
	 * Defaults to `CONNECT_TIMEOUT_MS`.
	 */
	readonly connectTimeoutMs?: number;
	/** How long a statement may take. Defaults to 10,000, and is never more for calls of the store. */
	readonly statementTimeoutMs?: number;
	/** How long it may wait for a lock. Defaults to 5,000. */
	readonly lockTimeoutMs?: number;
}

export const MAX_CONNECTIONS = 4;
export const CONNECT_TIMEOUT_MS = 5_000;
/** A statement that takes longer is ended by the database. */
const STATEMENT_TIMEOUT_MS = 10_000;
/**
 * A multiple of the time for a statement. If there is no answer by then, it is lost, for instance with the network, and the connection is
 * given up.
 */
const ANSWER_TIMEOUT = 1.2;
/**
 * The horizon of the store: rows usually become visible at most this much later than rows with higher ids. The id of a row is made before
 * its transaction waits for a connection, so it is both limits. It is no bound: each statement of a transaction may take its time, and
 * a process may stand still before it begins one.
 */
export const HORIZON_MS = STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS;
const LOCK_TIMEOUT_MS = 5_000;
/** A transaction in which nothing happens is ended, since its snapshot keeps dead rows alive, and its locks stop others. */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * The function of PostgreSQL that warns when somebody has ended a commit's wait for a synchronous standby (`pg_cancel_backend`): the
 * transaction is committed then, on the primary alone. The text of the warning depends on the server's language.
 */
const STANDBY_WAIT = "SyncRepWaitForLSN";

export class Pools {
	readonly commits: pg.Pool;
	readonly reads: pg.Pool;
	readonly others: pg.Pool;
	readonly #numbers = new WeakMap<pg.ClientBase, number>();
	readonly #unconfirmed = new WeakSet<pg.ClientBase>();
	#count = 0;

	constructor(options: ConnectionOptions) {
		const know = (client: pg.ClientBase) => {
			this.#numbers.set(client, ++this.#count);
			// A connection that breaks while it is lent says so twice: to the statements that wait, and here. Without a listener it would end the process.
			client.on("error", () => {});
			client.on("notice", ({ routine }) => {
				if (routine === STANDBY_WAIT) this.#unconfirmed.add(client);
			});
		};
		const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
		const withSettings = (settings: string) => {
			const all = `${settings}, ${timeLimits(options)}`;
			return {
				...poolOptions(options),
				onConnect: (client: pg.ClientBase) => (know(client), setUp(client, all, timeoutMs)),
			};
		};
		const shared = withSettings(SETTINGS);
		const forReads = withSettings(SETTINGS_FOR_READS);
		this.commits = new pg.Pool({ ...shared, max: 1 });
		const max = options.maxConnections ?? MAX_CONNECTIONS;
		this.reads = new pg.Pool({ ...forReads, max });
		this.others = new pg.Pool({ ...shared, max });
		// An idle connection that ends is replaced by the next call. Without a listener it would end the process.
		for (const pool of this.#all) pool.on("error", () => {});
	}

	/** The number of a connection: those that were made later have higher ones. */
	numberOf(client: pg.ClientBase): number {
		return this.#numbers.get(client) ?? 0;
	}

	/** Whether a commit of the connection was answered since the last call that no synchronous standby has confirmed. */
	takeUnconfirmed(client: pg.ClientBase): boolean {
		return this.#unconfirmed.delete(client);
	}

	async end(): Promise<void> {
		await Promise.all(this.#all.map((pool) => pool.end()));
	}

	get #all(): readonly pg.Pool[] {
		return [this.commits, this.reads, this.others];
	}
}

function poolOptions(options: ConnectionOptions): pg.PoolConfig {
	const { url, connectTimeoutMs = CONNECT_TIMEOUT_MS, statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
	return {
		connectionString: withClearTls(url),
		application_name: "fanfare",
		pipeline: true,
		keepAlive: true,
		connectionTimeoutMillis: connectTimeoutMs,
		query_timeout: ANSWER_TIMEOUT * statementTimeoutMs,
		idleTimeoutMillis: 60_000,
		types: { getTypeParser },
	};
}

/** The driver checks the certificate and the name of the host in all of these modes, and warns that this will change. */
function withClearTls(url: string): string {
	return url.replace(/([?&]sslmode=)(?:require|verify-ca)(?=&|$)/, "$1verify-full");
}

/** All our int8 are times, counts and sizes, which a number holds. */
const getTypeParser: pg.CustomTypesConfig["getTypeParser"] = (oid, format) =>
	oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);

/** As settings of a connection. Poolers refuse connections that begin with them. */
function timeLimits({ statementTimeoutMs = STATEMENT_TIMEOUT_MS, lockTimeoutMs = LOCK_TIMEOUT_MS }: ConnectionOptions) {
	const limits = {
		statement_timeout: statementTimeoutMs,
		lock_timeout: lockTimeoutMs,
		idle_in_transaction_session_timeout: IDLE_TIMEOUT_MS,
	};
	return Object.entries(limits)
		.map(([name, ms]) => `set_config('${name}', '${ms}', false)`)
		.join(", ");
}

/** A setting that nobody else has. A pooler that lends its connections shows what another one has set. */
const MARK = "fanfare.connection";

/** Whoever waits for the connection waits for this, too. */
async function setUp(client: pg.ClientBase, settings: string, timeoutMs: number): Promise<void> {
	const text = `SELECT current_setting('${MARK}', true) AS mark, set_config('${MARK}', 'set', false), ${settings}`;
	// The driver's types lack it.
	const config = { text, query_timeout: timeoutMs };
	const { rows }: pg.QueryResult<{ readonly mark: string | null }> = await client.query(config);
	const mark = rows[0]?.mark ?? "";
	if (mark === "") return;
	const message =
		"the database is behind a pooler that gives each transaction another connection, such as PgBouncer with pool_mode = transaction: " +
		"FANFARE_DATABASE_URL must lead to the server itself, or to a pooler in session mode";
	throw new StoreError("store_unavailable", message);
}

/**
 * Settings of each connection, whatever those of its role, database or server are. `synchronous_commit = off` would break the promise of a 2xx, and
 * so would a `client_min_messages` that hides the warning of `STANDBY_WAIT`. Idle connections and long migrations are ended by nobody else. Without
 * `enable_seqscan`, a plan that was made while a table was small stays a good one.
 */
const SETTINGS = `
	set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false),
	set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
	set_config('client_min_messages', 'notice', false), set_config('standard_conforming_strings', 'on', false),
	set_config('default_transaction_isolation', 'read committed', false), set_config('idle_session_timeout', '0', false),
	CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL THEN set_config('transaction_timeout', '0', false) END
`;
/**
 * The same for reads. A page goes along an index as far as it needs to. If a table has grown since ANALYZE has looked at it, the planner would rather
 * collect all rows of a project, and sort them.
 */
const SETTINGS_FOR_READS = `${SETTINGS}, set_config('enable_bitmapscan', 'off', false), set_config('enable_sort', 'off', false)`;
