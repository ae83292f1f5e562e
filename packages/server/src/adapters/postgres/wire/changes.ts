// What others have changed and written since a reader has looked last, and who has read how far.
//
// A change is found by the transaction that has made it: those that a reader could not see yet have higher numbers than all that had
// ended when it looked. Whoever has made a change takes a number from a sequence after the commit. A sequence shows its last number
// at once, while what is read beside it is as it was when the statement began. So a reader has read all changes whose numbers an earlier read
// has shown, and reads once more when the number has risen.
import { idOf } from "../codec/ids.ts";
import { boolean, json, number, numberOrNull, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { isExpired } from "../members/member-rows.ts";
import { parseNotes, type NoteRow } from "./notes.ts";

/** Rows of a restored backup may have numbers of transactions that are still to come: they count as read. */
const SELECT_CHANGES = statement(`
	SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS number,
		pg_snapshot_xmin(pg_current_snapshot())::text AS since, (SELECT version FROM workspace) AS workspace,
		(SELECT json_agg(json_build_array(id, version)) FROM projects WHERE delete_date IS NULL
			AND version_xid >= $1::text::xid8 AND version_xid < pg_snapshot_xmax(pg_current_snapshot()))::text AS projects,
		EXISTS (SELECT 1 FROM session_changes WHERE xid >= $1::text::xid8 AND xid < pg_snapshot_xmax(pg_current_snapshot())) AS has_sessions,
		(SELECT json_agg(json_build_array(id, notes) ORDER BY id) FROM owner_notes
			WHERE member = $2::uuid AND NOT is_done)::text AS notes,
		(SELECT json_agg(DISTINCT topic) FROM live_watches WHERE member IS DISTINCT FROM $2::uuid)::text AS watched
	FROM directory_changes
`);

/**
 * A place in the order of transactions. After a crash, the database gives numbers again. A connection that was there before the place was
 * read has seen no crash since: on a later one, the place is worth nothing.
 */
export interface ChangesPlace {
	readonly transaction: string;
	readonly connection: number;
}

/** No transaction has a lower number. */
export const FROM_START: ChangesPlace = { transaction: "0", connection: 0 };

export interface Changes {
	/** The number of the last change. All changes up to it are among those of a read that begins after this one has ended, or were read before. */
	readonly number: number;
	/** The transaction from which on changes were read: that of the place, unless the place was worth nothing. */
	readonly from: string;
	/** Where the next read begins. */
	readonly since: ChangesPlace;
	/** The version of the workspace; null if it was not made yet. */
	readonly workspace: number | null;
	/** Projects that have changed, perhaps before `since`. Deleted ones are changes of the workspace. */
	readonly projects: readonly { readonly projectId: string; readonly version: number }[];
	/** Whether sessions have begun or ended from `from` on. */
	readonly hasSessions: boolean;
	/** What others have written to the member, the oldest first. */
	readonly notes: readonly NoteRow[];
	/** What the others watch. */
	readonly watched: readonly string[];
}

/** Reads for a member, or a process that is none, what others have changed and written: in one statement, since that is done several times a second. */
export function readChanges(database: Database, since: ChangesPlace, member: string | null): Promise<Changes> {
	return database.read(async (session) => {
		const { connection } = session;
		const { transaction } = connection <= since.connection ? since : FROM_START;
		const [row] = await session.run(SELECT_CHANGES, [transaction, member]);
		const list = <T>(column: string) => json<T[]>(row?.[column] ?? "[]");
		return {
			number: number(row?.["number"]),
			from: transaction,
			since: { transaction: text(row?.["since"]), connection },
			workspace: numberOrNull(row?.["workspace"] ?? null),
			projects: list<[string, number]>("projects").map(([id, version]) => ({ projectId: idOf("proj", id), version })),
			hasSessions: boolean(row?.["has_sessions"]),
			notes: list<[number, string]>("notes").map(([id, notes]) => ({ id, notes: parseNotes(notes) })),
			watched: list<string>("watched"),
		};
	});
}

const TAKE_NUMBER = statement("SELECT nextval('directory_changes') AS number");

/** A number for a change that is committed. */
export function takeNumber(database: Database): Promise<number> {
	return database.read(async (session) => number((await session.run(TAKE_NUMBER))[0]?.["number"]));
}

const CONFIRM = statement("UPDATE members SET changes_read = $2 WHERE id = $1 AND changes_read < $2");

/** Says that a member has read all changes up to a number. */
export async function confirm(database: Database, member: string, read: number): Promise<void> {
	await database.transact((session) => session.run(CONFIRM, [member, read]));
}

const SELECT_READ = statement(`
	SELECT id, changes_read AS read, ${isExpired("at")} AS is_expired FROM members, (SELECT cluster_now() AS at) AS clock
	WHERE id IS DISTINCT FROM $1::uuid
`);

/**
 * Up to which number all other members with a tenure have read the changes; Infinity if there are none. The tenure of a member has ended if the
 * database says so, and `isSilent` of it.
 */
export function readByOthers(
	database: Database,
	member: string | null,
	isSilent: (member: string) => boolean,
): Promise<number> {
	return database.read(async (session) => {
		const rows = await session.run(SELECT_READ, [member]);
		const live = rows.filter((row) => !(boolean(row["is_expired"]) && isSilent(text(row["id"]))));
		return Math.min(...live.map((row) => number(row["read"])));
	});
}
