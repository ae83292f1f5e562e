// The slice for sessions of the page and for the links with which people sign in.
import type { AuditEntry } from "../../../core/access/audit.ts";
import type { Session, SignInLink } from "../../../core/access/session.ts";

/** How a session is added. */
export interface InsertSessionOptions {
	/** The ids of sessions of the same key that it takes the place of. */
	readonly replaces: readonly string[];
	/** The id of the sign-in link that it uses up; null for none. */
	readonly linkId: string | null;
	readonly entry: AuditEntry | null;
}

/**
 * Memory has a copy of all sessions and links, which is read at the start and changed after each of these calls. The deletion of a
 * key, and of its project, removes its sessions and links in the same transaction.
 */
export interface SessionStore {
	/**
	 * Adds a session. Returns false, and changes nothing, if there is no link `linkId` any more: of several calls with one link,
	 * exactly one adds its session. Rejects with `store_conflict` if the id exists, or if its key does not.
	 */
	insertSession(session: Session, options: InsertSessionOptions): Promise<boolean>;
	/**
	 * Removes the sessions with these ids, and the links that they have made. Returns the number of sessions. Writes the audit
	 * entry if there were any.
	 */
	deleteSessions(ids: readonly string[], entry: AuditEntry | null): Promise<number>;
	/** The oldest `limit` sessions whose ids come after `after`, oldest first; null for the first ones. */
	sessions(after: string | null, limit: number): Promise<readonly Session[]>;
	/**
	 * Adds a link, and removes the links with the ids in `replaces`. Rejects with `store_conflict` if the id exists, or if its key
	 * or the session that makes it does not.
	 */
	insertSignInLink(
		link: SignInLink,
		options: { readonly replaces: readonly string[]; readonly entry: AuditEntry | null },
	): Promise<void>;
	/** The oldest `limit` links whose ids come after `after`, oldest first; null for the first ones. */
	signInLinks(after: string | null, limit: number): Promise<readonly SignInLink[]>;
	/**
	 * Removes sessions and links that have expired at this time or before, up to `limit` of each. Returns the larger of the two
	 * numbers.
	 */
	purgeSessions(at: number, limit: number): Promise<number>;
}
