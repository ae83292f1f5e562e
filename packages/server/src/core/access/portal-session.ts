// Portal sessions: tokens with which a customer of a product uses the portal. A token is shown once, when the session is
// made; only its SHA-256 is stored.
import { randomBytes, type Chance } from "../chance.ts";
import type { PortalTheme } from "./portal-theme.ts";
import type { CustomerPrincipal } from "./principal.ts";

/** A portal session, without its token. */
export interface PortalSession {
	readonly id: string;
	readonly projectId: string;
	readonly customerId: string;
	/** The key that made it; null if none did. The session does not end with this key. */
	readonly keyId: string | null;
	/** The permissions of the session besides reading. */
	readonly capabilities: CustomerPrincipal["capabilities"];
	/** Who uses it, in the product's own words; null if the product has not said. */
	readonly actor: string | null;
	/** Where the portal leads back to: an http or https URL. */
	readonly returnUrl: string | null;
	readonly theme: PortalTheme | null;
	/** A BCP 47 language tag in its canonical form. */
	readonly locale: string | null;
	/** SHA-256 of the token. */
	readonly digest: Uint8Array;
	readonly createDate: number;
	/** The session is valid before this time. */
	readonly expireDate: number;
}

/** What the product says about a new session, and the key that makes it. */
export type NewPortalSession = Pick<
	PortalSession,
	"customerId" | "keyId" | "capabilities" | "actor" | "returnUrl" | "theme" | "locale"
> & {
	/** How long it is valid, in milliseconds. */
	readonly expiresInMs: number;
};

export const PORTAL_SESSION_MS = { min: 60_000, max: 7 * 86_400_000, byDefault: 3_600_000 } as const;
export const RETURN_URL_MAX_LENGTH = 2_048;
export const LOCALE_MAX_LENGTH = 64;

const TOKEN_BYTES = 32;
const TOKEN_PREFIX = "ps_";
const TOKEN_PATTERN = /^ps_[A-Za-z0-9_-]{43}$/;

/** A new token: `ps_` and 43 base64url characters (256 random bits). */
export function generatePortalToken(chance: Pick<Chance, "randomize">): string {
	return `${TOKEN_PREFIX}${randomBytes(chance, TOKEN_BYTES).toString("base64url")}`;
}

/** Whether `text` has the form of a token. */
export function isPortalToken(text: string): boolean {
	return TOKEN_PATTERN.test(text);
}

/** Whether somebody means to send a token, also if it is incomplete: no key begins like one. */
export function looksLikePortalToken(text: string): boolean {
	return text.startsWith(TOKEN_PREFIX);
}

/** The canonical form of a BCP 47 language tag, such as `de-CH`; null if `text` is not one. */
export function canonicalLocale(text: string): string | null {
	if (text.length > LOCALE_MAX_LENGTH) return null;
	try {
		return Intl.getCanonicalLocales(text)[0] ?? null;
	} catch {
		return null;
	}
}

/** The URL in the form in which it is kept; null unless it is absolute, http or https, and without user name and password. */
export function canonicalReturnUrl(text: string): string | null {
	// Without the pattern, `https:example.com` and text with line breaks in it would be valid, too.
	if (text.length > RETURN_URL_MAX_LENGTH || !/^https?:\/\/[^\s\\]+$/i.test(text) || !text.isWellFormed()) return null;
	const url = URL.parse(text);
	if (url === null || url.username !== "" || url.password !== "") return null;
	return url.href.length > RETURN_URL_MAX_LENGTH ? null : url.href;
}
