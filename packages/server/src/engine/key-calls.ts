// The engine's public calls about API keys, and the sessions of people who have signed in with one: who may use the engine.
import type { AuditDraft } from "../core/access/audit.ts";
import type { ApiKey, KeyInput } from "../core/access/key.ts";
import type { KeyPrincipal } from "../core/access/principal.ts";
import type { Session, SignInLink } from "../core/access/session.ts";
import type { Page, PageRequest } from "../core/page.ts";

/** A key as the API shows it. */
export interface ShownKey extends ApiKey {
	/** To the minute; null if it was never used. */
	readonly lastUsedDate: number | null;
	/** Until when an earlier secret key is accepted beside the newest one; null if none is. */
	readonly secretOverlapUntil: number | null;
}

/** A key with its secret key, which is returned only when it is made. */
export interface NewKey {
	readonly key: ShownKey;
	readonly secretKey: string;
}

/** API keys. */
export interface Keys {
	/**
	 * Returns the principal of this secret key; null if there is no such key, which takes the same time. Throws `expired_key`
	 * for one that has expired, and for one whose overlap after a roll has ended.
	 */
	authenticate(secretKey: string): KeyPrincipal | null;
	/** Newest first. */
	list(page: PageRequest): Page<ShownKey>;
	/** Throws `key_not_found`. */
	get(keyId: string): ShownKey;
	/**
	 * Creates a key for one project, or for the whole workspace if `projectId` is null. The `secretKey` is returned only here. Throws
	 * `project_not_found`, `too_many_keys`, and `invalid_request` for an `expireDate` that is past.
	 */
	create(input: KeyInput, audit: AuditDraft | null): Promise<NewKey>;
	/** Renames a key. Throws `key_not_found`. */
	update(keyId: string, changes: { readonly name?: string }, audit: AuditDraft | null): Promise<ShownKey>;
	/**
	 * Gives a key a new secret key, which is returned only here. The earlier ones, four at most, are accepted for `overlapMs` more
	 * (null: a day). Throws `key_not_found`, and `key_not_active` for a key that has expired.
	 */
	roll(keyId: string, overlapMs: number | null, audit: AuditDraft | null): Promise<NewKey>;
	/** Throws `key_not_found`, and `last_admin_key` for the last key that administers the workspace and does not expire. */
	delete(keyId: string, audit: AuditDraft | null): Promise<void>;
}

/** What somebody shows to sign in: a secret key, or the token of a sign-in link. */
export type SignInWith = { readonly key: string } | { readonly link: string };

/** Somebody who may sign in. */
export interface SignInProof {
	readonly principal: KeyPrincipal;
	/** The link that the session uses up; null if a key was shown. */
	readonly link: SignInLink | null;
}

/** A session with its token, which is returned only when it begins. */
export interface NewSession {
	readonly session: Session;
	readonly token: string;
}

/** A sign-in link with its token, which is returned only when it is made. */
export interface NewSignInLink {
	readonly link: SignInLink;
	readonly token: string;
}

/**
 * Sessions of the page. Somebody with a session may do what its key may. A session ends after 12 hours, when somebody signs out, and
 * when the secret key that was shown for it is not accepted any more: when the key is deleted or expires, or when the overlap
 * after a roll ends. From then on its token is unknown, and its live streams get their end.
 */
export interface Sessions {
	/**
	 * Resolves when the sessions, sign-in links and portal sessions are known that other processes have begun or ended before this call.
	 * Rejects if the store fails. Cheap, however often it is called.
	 */
	catchUp(): Promise<void>;
	/** Returns who is signed in with this token; null if it belongs to no session that is valid now. */
	authenticate(token: string): KeyPrincipal | null;
	/** Checks what somebody shows to sign in. Throws `unknown_key`, `expired_key` or `unknown_sign_in_link`. */
	prove(credentials: SignInWith): SignInProof;
	/**
	 * Begins a session. A key has at most 1,000: of more, the one that would expire first ends. Of several calls with one link,
	 * exactly one succeeds; the others reject with `unknown_sign_in_link`. Throws `unknown_key` if the key is deleted meanwhile.
	 */
	signIn(proof: SignInProof, audit: AuditDraft | null): Promise<NewSession>;
	/** Ends the session of a principal, or all sessions of its key. Returns how many there were. */
	signOut(principal: KeyPrincipal, everywhere: boolean, audit: AuditDraft | null): Promise<number>;
	/**
	 * Makes a link with which somebody can sign in once, within 10 minutes, with the principal's key. If the principal has a session,
	 * the link ends with it, and the new session lasts no longer. A key has at most 100 links: of more, the oldest ends. Throws
	 * `unknown_key` if the principal's access has ended.
	 */
	createLink(principal: KeyPrincipal, audit: AuditDraft | null): Promise<NewSignInLink>;
	/** Makes such a link for the server itself, which shows nobody's secret key. Throws `key_not_found`. */
	createLinkOf(keyId: string, audit: AuditDraft | null): Promise<NewSignInLink>;
}
