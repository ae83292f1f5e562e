// Sessions of the page and sign-in links: added, removed, read at the start, and purged when they have expired.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { Session as PageSession, SignInLink } from "../../../../core/access/session.ts";
import type { InsertSessionOptions, SessionStore } from "../../../../ports/store/access/sessions.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { SESSION, SIGN_IN_LINK } from "../../codec/access/session-rows.ts";
import { FIRST_UUID, uuidOf, uuidsOf, type StoredPrefix } from "../../codec/ids.ts";
import type { Row } from "../../codec/rows.ts";
import { insertInto, statement, type Statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { writeEntry } from "../audit.ts";
import { IS_OF_DELETED } from "../directory/revoked-keys.ts";
import { endWhere, noteBegun, purgeChanges } from "./session-changes.ts";

type LinkOptions = Parameters<SessionStore["insertSignInLink"]>[1];

const INSERT = insertInto("sessions", SESSION.columns);
const INSERT_LINK = insertInto("sign_in_links", SIGN_IN_LINK.columns);
const DELETE = endWhere("session", "id = ANY($1::uuid[])");
const DELETE_LINKS = endWhere("link", "id = ANY($1::uuid[])");
const DELETE_LINKS_OF = endWhere("link", "session_id = ANY($1::uuid[])");
/** Its end waits for the transaction, and then finds the link. */
const KEEP = statement("SELECT 1 FROM sessions WHERE id = $1 FOR KEY SHARE");
const SELECT_GONE = statement(`SELECT 1 FROM keys WHERE id = $1 AND ${IS_OF_DELETED}`);
const SELECT = page("sessions");
const SELECT_LINKS = page("sign_in_links");
const PURGE = purge("sessions");
const PURGE_LINKS = purge("sign_in_links");

/** The calls of `SessionStore`. */
export function createSessionCalls(database: Database) {
	return {
		insertSession: (session: PageSession, { replaces, linkId, entry }: InsertSessionOptions): Promise<boolean> =>
			database.transact(async (connection) => {
				await checkKey(connection, session);
				// Of several calls with one link, the first deletes its row; the others wait for that, and then find none.
				const uses = linkId === null ? null : await connection.change(DELETE_LINKS, [uuidsOf("link", [linkId])]);
				if (uses === 0) return false;
				await removeAll(connection, replaces);
				await connection.run(INSERT, SESSION.write(session));
				await noteBegun(connection, "session", uuidOf("session", session.id), session.expireDate);
				await writeEntry(connection, entry);
				return true;
			}),
		deleteSessions: (ids: readonly string[], entry: AuditEntry | null): Promise<number> =>
			database.transact(async (connection) => {
				const count = await removeAll(connection, ids);
				if (count > 0) await writeEntry(connection, entry);
				return count;
			}),
		sessions: createPage(database, SELECT, "session", SESSION.read),
		insertSignInLink: (link: SignInLink, { replaces, entry }: LinkOptions): Promise<void> =>
			database.transact(async (connection) => {
				await checkKey(connection, link);
				await checkSession(connection, link);
				await connection.run(DELETE_LINKS, [uuidsOf("link", replaces)]);
				await connection.run(INSERT_LINK, SIGN_IN_LINK.write(link));
				await noteBegun(connection, "link", uuidOf("link", link.id), link.expireDate);
				await writeEntry(connection, entry);
			}),
		signInLinks: createPage(database, SELECT_LINKS, "link", SIGN_IN_LINK.read),
		purgeSessions: (at: number, limit: number): Promise<number> =>
			database.transact(async (connection) => {
				await purgeChanges(connection, at, limit);
				const links = await connection.change(PURGE_LINKS, [at, limit]);
				return Math.max(links, await connection.change(PURGE, [at, limit]));
			}),
	};
}

async function removeAll(connection: Session, ids: readonly string[]): Promise<number> {
	const uuids = uuidsOf("session", ids);
	const count = await connection.change(DELETE, [uuids]);
	// After it, so that it has those that were being made meanwhile.
	await connection.run(DELETE_LINKS_OF, [uuids]);
	return count;
}

/** Fails with `store_conflict` if the project of the key is deleted. A key that does not exist fails the insertion. */
async function checkKey(connection: Session, { keyId }: { readonly keyId: string }): Promise<void> {
	const gone = await connection.run(SELECT_GONE, [uuidOf("key", keyId)]);
	if (gone.length > 0) throw new StoreError("store_conflict", `the project of the key ${keyId} is deleted`);
}

/** Fails with `store_conflict` if the session that makes a link has ended. */
async function checkSession(connection: Session, { sessionId }: SignInLink): Promise<void> {
	if (sessionId === null) return;
	const known = await connection.run(KEEP, [uuidOf("session", sessionId)]);
	if (known.length === 0) throw new StoreError("store_conflict", `there is no session ${sessionId}`);
}

/** Without those of the keys of deleted projects. */
function page(table: "sessions" | "sign_in_links"): Statement {
	return statement(`
		SELECT * FROM ${table} WHERE id > $1 AND NOT EXISTS (
			SELECT 1 FROM keys WHERE keys.id = ${table}.key_id AND ${IS_OF_DELETED}
		) ORDER BY id LIMIT $2
	`);
}

function purge(table: "sessions" | "sign_in_links"): Statement {
	return statement(`
		DELETE FROM ${table} WHERE id IN (
			SELECT id FROM ${table} WHERE expire_date <= $1 ORDER BY expire_date LIMIT $2
		)
	`);
}

function createPage<T>(
	database: Database,
	select: Statement,
	prefix: StoredPrefix,
	read: (row: Row) => T,
): (after: string | null, limit: number) => Promise<T[]> {
	return (after, limit) =>
		database.read(async (connection) => {
			const place = after === null ? FIRST_UUID : uuidOf(prefix, after);
			return (await connection.run(select, [place, limit])).map(read);
		});
}
