// The engine's public calls for portal sessions: the tokens with which customers use the portal.
import type { NewPortalSession, PortalSession } from "../core/access/portal-session.ts";
import type { CustomerPrincipal, Scope } from "../core/access/principal.ts";
import type { Page, PageRequest } from "../core/page.ts";
import type { Change } from "./change.ts";

/** Which sessions of a project end together: those of a customer, those that a key has made, or those of both. Null means any. */
export interface PortalSessionsOf {
	readonly customerId: string | null;
	readonly keyId: string | null;
}

/**
 * Portal sessions. From the moment at which a session ends, its token is unknown and its live streams get their end. A
 * session ends when it expires or is revoked, and when its project is deleted. It does not end with the key that made it. Every
 * call with a scope throws `project_not_found`.
 */
export interface PortalSessions {
	/** Returns who acts with this token; null if it belongs to no session that is valid now. Takes the same time in both cases. */
	authenticate(token: string): CustomerPrincipal | null;
	/**
	 * Makes a session. Its token is returned only here. A customer has at most 100 sessions: of more, the one that would expire
	 * first ends. Throws `too_many_portal_sessions` if the project has as many as it may have.
	 */
	create(change: Change, session: NewPortalSession): Promise<{ session: PortalSession; token: string }>;
	/** The valid ones, newest first. */
	list(scope: Scope, page: PageRequest): Promise<Page<PortalSession>>;
	/** A valid session. Throws `portal_session_not_found`. */
	get(scope: Scope, id: string): Promise<PortalSession>;
	/** Throws `portal_session_not_found` for one that is not valid. */
	revoke(change: Change, id: string): Promise<void>;
	/** Ends all such sessions. Returns how many there were. */
	revokeAll(change: Change, which: PortalSessionsOf): Promise<number>;
}
