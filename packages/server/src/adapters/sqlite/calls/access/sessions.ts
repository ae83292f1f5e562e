// Sessions of the page and sign-in links: added, removed, read at the start, and purged when they have expired.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { Session, SignInLink } from "../../../../core/access/session.ts";
import type { InsertSessionOptions, SessionStore } from "../../../../ports/store/access/sessions.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { SESSION, SIGN_IN_LINK } from "../../codec/access/session-rows.ts";
import { BEFORE_ALL_IDS, idBytes, justAfter, type StoredPrefix } from "../../codec/ids.ts";
import { prepareInsert } from "../../codec/statements.ts";
import type { Transact } from "../../connection.ts";
import { createWriteEntry } from "../audit.ts";
import { IS_OF_DELETED } from "../directory/revoked-keys.ts";

type LinkOptions = Parameters<SessionStore["insertSignInLink"]>[1];

/** Prepares the calls of `SessionStore`. */
export function createSessionCalls(db: DatabaseSync, transact: Transact) {
	const insert = prepareInsert(db, "sessions", SESSION.columns);
	const insertLink = prepareInsert(db, "sign_in_links", SIGN_IN_LINK.columns);
	const remove = db.prepare("DELETE FROM sessions WHERE id = ?");
	const removeLink = db.prepare("DELETE FROM sign_in_links WHERE id = ?");
	const removeLinksOf = db.prepare("DELETE FROM sign_in_links WHERE session_id = ?");
	const selectGone = db.prepare(`SELECT 1 FROM keys WHERE id = ? AND ${IS_OF_DELETED}`);
	const selectSession = db.prepare("SELECT 1 FROM sessions WHERE id = ?");
	const purge = preparePurge(db, "sessions");
	const purgeLinks = preparePurge(db, "sign_in_links");
	const writeEntry = createWriteEntry(db);

	const removeAll = (ids: readonly string[]): number => {
		let count = 0;
		for (const id of ids) {
			const bytes = idBytes("session", id);
			removeLinksOf.run(bytes);
			count += Number(remove.run(bytes).changes);
		}
		return count;
	};

	const checkKey = (keyId: string): void => {
		if (selectGone.get(idBytes("key", keyId)) === undefined) return;
		throw new StoreError("store_conflict", `the project of the key ${keyId} is deleted`);
	};

	return {
		insertSession: (session: Session, { replaces, linkId, entry }: InsertSessionOptions): boolean =>
			transact(() => {
				checkKey(session.keyId);
				if (linkId !== null && removeLink.run(idBytes("link", linkId)).changes === 0) return false;
				removeAll(replaces);
				insert.run(...SESSION.write(session));
				writeEntry(entry);
				return true;
			}),
		deleteSessions: (ids: readonly string[], entry: AuditEntry | null): number =>
			transact(() => {
				const count = removeAll(ids);
				if (count > 0) writeEntry(entry);
				return count;
			}),
		sessions: createPage(db, "sessions", "session", SESSION.read),
		insertSignInLink: (link: SignInLink, { replaces, entry }: LinkOptions): void =>
			transact(() => {
				checkKey(link.keyId);
				const { sessionId } = link;
				if (sessionId !== null && selectSession.get(idBytes("session", sessionId)) === undefined) {
					throw new StoreError("store_conflict", `there is no session ${sessionId}`);
				}
				for (const id of replaces) removeLink.run(idBytes("link", id));
				insertLink.run(...SIGN_IN_LINK.write(link));
				writeEntry(entry);
			}),
		signInLinks: createPage(db, "sign_in_links", "link", SIGN_IN_LINK.read),
		purgeSessions: (at: number, limit: number): number =>
			transact(() => {
				const links = Number(purgeLinks.run(at, limit).changes);
				return Math.max(links, Number(purge.run(at, limit).changes));
			}),
	};
}

type Table = "sessions" | "sign_in_links";

function preparePurge(db: DatabaseSync, table: Table) {
	return db.prepare(`
		DELETE FROM ${table} WHERE id IN (
			SELECT id FROM ${table} INDEXED BY ${table}_by_expiry WHERE expire_date <= ? ORDER BY expire_date LIMIT ?
		)
	`);
}

function createPage<T>(
	db: DatabaseSync,
	table: Table,
	prefix: StoredPrefix,
	read: (row: Parameters<typeof SESSION.read>[0]) => T,
): (after: string | null, limit: number) => T[] {
	const select = db.prepare(`
		SELECT * FROM ${table} WHERE id >= ? AND NOT EXISTS (
			SELECT 1 FROM keys WHERE keys.id = ${table}.key_id AND ${IS_OF_DELETED}
		) ORDER BY id LIMIT ?
	`);
	return (after, limit) => {
		const first = after === null ? BEFORE_ALL_IDS : justAfter(idBytes(prefix, after));
		return select.all(first, limit).map(read);
	};
}
