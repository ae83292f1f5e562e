// The slice for portal sessions: the tokens with which customers use the portal.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { PortalSession } from "../../core/access/portal-session.ts";
import type { Scope } from "../../core/access/principal.ts";
import type { Page, PageRequest } from "../../core/page.ts";

/** Memory has a copy of the sessions that are valid, which is read at the start and changed after each of these calls. */
export interface PortalSessionStore {
	/**
	 * Adds a session. In the same transaction it removes the sessions of the project with the ids in `replaces`; returns how many
	 * there were. Rejects with `store_conflict` if the id exists, if the project does not or is deleted, or if the customer is being
	 * deleted.
	 */
	insertPortalSession(
		session: PortalSession,
		options: { readonly replaces: readonly string[]; readonly entry: AuditEntry | null },
	): Promise<number>;
	/**
	 * Removes the sessions with these ids that the project has. Returns how many it has removed. Writes the audit entry if there
	 * were any.
	 */
	deletePortalSessions(projectId: string, ids: readonly string[], entry: AuditEntry | null): Promise<number>;
	/** A page of the sessions in a scope that are valid at this time, newest first. */
	portalSessions(scope: Scope, at: number, page: PageRequest): Promise<Page<PortalSession>>;
	/** A session in a scope, valid or not; null if there is none. */
	portalSession(scope: Scope, id: string): Promise<PortalSession | null>;
	/** The oldest `limit` sessions of all projects, also of deleted ones, whose ids come after `after`; null for the first ones. */
	allPortalSessions(after: string | null, limit: number): Promise<readonly PortalSession[]>;
	/** Removes up to `limit` sessions that have expired at this time or before. Returns how many it has removed. */
	purgePortalSessions(at: number, limit: number): Promise<number>;
}
