// What the database says of itself: its server, what commits wait for, its standbys, and its connections. No statement reads a table, and the
// role of docs/postgres.md may run all of them: what it may not see is null in them.
import type { Connections, DatabaseFacts, Standby } from "../../../ports/database.ts";
import { number, numberOrNull, text, textOrNull, type Row } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "./database.ts";
import { isAnswer } from "./errors.ts";

/** Settings that anybody may read. With names in the first one, each commit waits for a standby, also if none is there. */
const SELECT_SERVER = statement(`
	SELECT current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS waits_for,
		current_setting('server_version') AS version, host(inet_server_addr()) AS address, inet_server_port() AS port
`);

/** Of those whom the list shows. */
const MAX_STANDBYS = 20;
/**
 * Without the privileges of `pg_read_all_stats`, a role sees only the names. A base backup under way, and a reader of changes such as one for
 * another database, are no standbys.
 */
const SELECT_STANDBYS = statement(`
	SELECT application_name AS name, state, sync_state AS sync, (extract(epoch FROM replay_lag) * 1000)::bigint AS lag_ms,
		CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint END AS lag_bytes
	FROM pg_stat_replication
	WHERE state IS DISTINCT FROM 'backup'
		AND NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE active_pid = pid AND slot_type = 'logical')
	ORDER BY application_name, pid LIMIT ${MAX_STANDBYS}
`);

/**
 * Of the limits of the server, the database and the role, the one of which least is left. Without those privileges, the kinds of others' processes
 * can't be seen: workers of autovacuum in any database are counted, too.
 */
const SELECT_CONNECTIONS = statement(`
	WITH counted AS MATERIALIZED (
		SELECT count(*) AS of_server, count(*) FILTER (WHERE datname = current_database()) AS of_database,
			count(*) FILTER (WHERE usename = session_user) AS of_role
		FROM pg_stat_activity WHERE datid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
	)
	SELECT used, allowed FROM counted, LATERAL (VALUES
		(of_server, current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
			- coalesce(current_setting('reserved_connections', true)::integer, 0)),
		(of_database, (SELECT datconnlimit FROM pg_database WHERE datname = current_database())),
		(of_role, (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user))
	) limits (used, allowed)
	WHERE allowed >= 0 ORDER BY allowed - used LIMIT 1
`);

/** Reads all of it, on one connection. Rejects with a `StoreError` if the database does not answer. */
export function readFacts(database: Pick<Database, "read">): Promise<DatabaseFacts> {
	return database.read(async (session) => {
		const [[server], standbys, connections] = await Promise.all([
			session.run(SELECT_SERVER),
			unlessRefused(session.run(SELECT_STANDBYS)),
			unlessRefused(session.run(SELECT_CONNECTIONS)),
		]);
		return {
			isReachable: true,
			version: versionOf(text(server?.["version"])),
			address: textOrNull(server?.["address"]),
			port: numberOrNull(server?.["port"]),
			commitsWaitFor: text(server?.["names"]).trim() === "" || server?.["waits_for"] === "local" ? "disk" : "standby",
			standbys: standbys?.map(toStandby) ?? null,
			connections: toConnections(connections),
		};
	});
}

/** A server may keep its views from everybody. */
async function unlessRefused(rows: Promise<readonly Row[]>): Promise<readonly Row[] | null> {
	try {
		return await rows;
	} catch (error) {
		if (isAnswer(error)) return null;
		throw error;
	}
}

/** Without the package that it is from: `15.8 (Debian 15.8-0+deb12u1)`. */
function versionOf(version: string): string {
	return version.split(" ", 1)[0] ?? version;
}

const SYNCS = ["sync", "quorum", "potential", "async"] as const;

function toStandby(row: Row): Standby {
	return {
		name: text(row["name"]),
		state: textOrNull(row["state"]),
		sync: SYNCS.find((sync) => sync === row["sync"]) ?? null,
		lagMs: numberOrNull(row["lag_ms"]),
		lagBytes: numberOrNull(row["lag_bytes"]),
	};
}

function toConnections(rows: readonly Row[] | null): Connections | null {
	const [row] = rows ?? [];
	return row === undefined ? null : { used: number(row["used"]), allowed: number(row["allowed"]) };
}
