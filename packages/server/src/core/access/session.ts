// Sessions: people who are signed in to the page. A session acts with a key, without which it ends. Its token is in a cookie;
// only the token's SHA-256 is stored. A sign-in link begins one session without anybody typing the key.
import { randomBytes, type Chance } from "../chance.ts";

/** How long a session lasts at most. */
export const SESSION_MS = 12 * 60 * 60 * 1_000;
/** How long a sign-in link can be used. */
export const SIGN_IN_LINK_MS = 10 * 60 * 1_000;

/** Somebody who is signed in. */
export interface Session {
	readonly id: string;
	readonly keyId: string;
	/**
	 * The digest of the secret key with which the person signed in. When that one is not accepted any more, the session has
	 * ended: a thief of the key keeps nothing after a roll.
	 */
	readonly secretDigest: Uint8Array;
	/** SHA-256 of the token. */
	readonly digest: Uint8Array;
	readonly createDate: number;
	/** The session is valid before this time, as long as its key is. */
	readonly expireDate: number;
}

/** A link that signs somebody in once. */
export interface SignInLink {
	readonly id: string;
	/** The key that its session acts with. */
	readonly keyId: string;
	/** See `Session.secretDigest`. */
	readonly secretDigest: Uint8Array;
	/** SHA-256 of the token. */
	readonly digest: Uint8Array;
	/** The session that has made the link, with which it ends; null if the key itself has. */
	readonly sessionId: string | null;
	readonly createDate: number;
	/** The link can be used before this time. */
	readonly expireDate: number;
	/** The link's session lasts until this time at most, so that no session outlives the one that has made its link; null: no bound. */
	readonly sessionExpireDate: number | null;
}

const TOKEN_BYTES = 32;
const SESSION_TOKEN = /^ss_[A-Za-z0-9_-]{43}$/;
const LINK_TOKEN = /^sl_[A-Za-z0-9_-]{43}$/;

/** A new token: the prefix, and 43 base64url characters (256 random bits). */
function generateToken(prefix: string, chance: Pick<Chance, "randomize">): string {
	return `${prefix}_${randomBytes(chance, TOKEN_BYTES).toString("base64url")}`;
}

export function generateSessionToken(chance: Pick<Chance, "randomize">): string {
	return generateToken("ss", chance);
}

export function generateLinkToken(chance: Pick<Chance, "randomize">): string {
	return generateToken("sl", chance);
}

/** Whether `text` has the form of a session's token. */
export function isSessionToken(text: string): boolean {
	return SESSION_TOKEN.test(text);
}

/** Whether `text` has the form of a sign-in link's token. */
export function isLinkToken(text: string): boolean {
	return LINK_TOKEN.test(text);
}

/**
 * The address that a person opens to sign in: the page, with the token in the fragment, which browsers send to nobody. `base` is the
 * server's address, without a slash at the end.
 *
 * @example
 * signInUrl("https://fanfare.example.com", token); // "https://fanfare.example.com/ui/#link=sl_…"
 */
export function signInUrl(base: string, token: string): string {
	return `${base}/ui/#link=${token}`;
}
