// Which sessions, sign-in links and portal sessions have begun or ended: noted by the transactions that do it, and read by the members
// that have copies of them in memory.
import type { SessionChanges } from "../../../../ports/wire.ts";
import { PORTAL_SESSION } from "../../codec/access/portal-session-rows.ts";
import { SESSION, SIGN_IN_LINK } from "../../codec/access/session-rows.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { FIRST_UUID, idOf } from "../../codec/ids.ts";
import { namesByCode, number, text, type Row } from "../../codec/rows.ts";
import { statement, type Statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";

const TABLES = { session: "sessions", link: "sign_in_links", portal: "portal_sessions" } as const;
type Kind = keyof typeof TABLES;
const CODES: Readonly<Record<Kind, number>> = { session: 0, link: 1, portal: 2 };
const KINDS = namesByCode(CODES);
/** What begins and ends has two changes, and no row that is purged if it has ended before. */
const CHANGES_PER_PURGED = 10;
/** Changes read at once. */
const PAGE = 1_000;

const NOTE = statement("INSERT INTO session_changes (kind, id, expire_date) VALUES ($1, $2, $3)");

/** Notes that something has begun: `id` is its UUID, as its codec has written it. */
export async function noteBegun(session: Session, kind: Kind, id: unknown, expireDate: number): Promise<void> {
	await session.run(NOTE, [CODES[kind], id, expireDate]);
}

/** Deletes the rows that meet a condition, and notes them. `Session.change` returns how many there were. */
export function endWhere(kind: Kind, condition: string): Statement {
	return statement(`
		WITH gone AS (DELETE FROM ${TABLES[kind]} WHERE ${condition} RETURNING id, expire_date)
		INSERT INTO session_changes (kind, id, expire_date) SELECT ${CODES[kind]}, id, expire_date FROM gone
	`);
}

const PURGE = statement(`
	DELETE FROM session_changes WHERE (xid, kind, id) IN (
		SELECT xid, kind, id FROM session_changes WHERE expire_date <= $1 ORDER BY expire_date LIMIT $2
	)
`);

/** Removes changes of what has expired at this time or before, so many at most that they do not gather beside `limit` sessions. */
export async function purgeChanges(session: Session, at: number, limit: number): Promise<void> {
	await session.run(PURGE, [at, limit * CHANGES_PER_PURGED]);
}

/** Rows of a restored backup may have numbers of transactions that are still to come: nobody has them in memory. */
const SELECT_CHANGES = statement(`
	SELECT xid::text, kind, id FROM session_changes
	WHERE (xid, kind, id) > ($1::text::xid8, $2::smallint, $3::uuid) AND xid < pg_snapshot_xmax(pg_current_snapshot())
	ORDER BY xid, kind, id LIMIT ${PAGE}
`);
const SELECT = {
	session: select("session"),
	link: select("link"),
	portal: select("portal"),
} as const;

function select(kind: Kind): Statement {
	return statement(`SELECT * FROM ${TABLES[kind]} WHERE id = ANY($1::uuid[])`);
}

/** The changes of the transactions from `since` on, some at a time. Each is shown as it is when it is read. */
export async function* readSessionChanges(database: Database, since: string): AsyncGenerator<SessionChanges> {
	for (let after: readonly unknown[] = [since, -1, FIRST_UUID]; ;) {
		const page = await database.read(async (session) => {
			const changed = await session.run(SELECT_CHANGES, after);
			return { changed, changes: changed.length === 0 ? null : await readThem(session, changed) };
		});
		if (page.changes !== null) yield page.changes;
		const last = page.changed.at(-1);
		if (last === undefined || page.changed.length < PAGE) return;
		after = [text(last["xid"]), number(last["kind"]), text(last["id"])];
	}
}

async function readThem(connection: Session, changed: readonly Row[]): Promise<SessionChanges> {
	const byKind: Record<Kind, string[]> = { session: [], link: [], portal: [] };
	for (const row of changed) {
		// A newer version may share more than this one knows.
		const kind = KINDS[number(row["kind"])];
		if (kind !== undefined) byKind[kind].push(text(row["id"]));
	}
	const read = async <T extends { readonly id: string }>(kind: Kind, from: (row: Row) => T) => {
		const ids = byKind[kind];
		const rows = ids.length === 0 ? [] : await connection.run(SELECT[kind], [binaryArray("uuid", ids)]);
		const begun = rows.map(from);
		const known = new Set(begun.map(({ id }) => id));
		return { begun, ended: ids.map((uuid) => idOf(kind, uuid)).filter((id) => !known.has(id)) };
	};
	const [sessions, links, portalSessions] = await Promise.all([
		read("session", SESSION.read),
		read("link", SIGN_IN_LINK.read),
		read("portal", PORTAL_SESSION.read),
	]);
	return {
		sessions: sessions.begun,
		links: links.begun,
		portalSessions: portalSessions.begun,
		ended: [...sessions.ended, ...links.ended, ...portalSessions.ended],
	};
}
