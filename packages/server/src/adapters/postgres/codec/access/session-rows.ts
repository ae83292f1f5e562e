// Sessions of the page, and sign-in links.
import type { Session, SignInLink } from "../../../../core/access/session.ts";
import { bytes, id, number, orNull, record } from "../columns.ts";

/** A row of `sessions`. */
export const SESSION = record<Session>({
	id: id("id", "session"),
	keyId: id("key_id", "key"),
	secretDigest: bytes("secret_digest"),
	digest: bytes("digest"),
	createDate: number("create_date"),
	expireDate: number("expire_date"),
});

/** A row of `sign_in_links`. */
export const SIGN_IN_LINK = record<SignInLink>({
	id: id("id", "link"),
	keyId: id("key_id", "key"),
	secretDigest: bytes("secret_digest"),
	digest: bytes("digest"),
	sessionId: orNull(id("session_id", "session")),
	createDate: number("create_date"),
	expireDate: number("expire_date"),
	sessionExpireDate: orNull(number("session_expire_date")),
});
