// Sessions of the page: people sign in with a key or a link, and are known by a cookie from then on.
import type { KeyPrincipal } from "../../../core/access/principal.ts";
import { signInUrl } from "../../../core/access/session.ts";
import { invalidRequest, processOutdated } from "../../../core/errors.ts";
import type { SignInWith } from "../../../engine/key-calls.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { callerOf, json, keyWith, OPEN, route, type Call } from "../../request/route.ts";
import { isFromPage, PAGE_HEADER } from "../../request/session-cookie.ts";
import {
	createSessionSchema,
	deleteSessionsQuery,
	sessionSchema,
	sessionsEndedSchema,
	signInLinkSchema,
} from "./schemas.ts";

/** Anybody may make this call, so only a small body is read. */
const SIGN_IN_MAX_BYTES = 4_096;

export const sessionRoutes = [
	route({
		id: "createSession",
		tag: "Sessions",
		method: "post",
		path: "/sessions",
		audit: "session.create",
		access: OPEN,
		summary: "Sign in",
		description:
			`Begins a session of 12 hours, and sets its cookie, which scripts can't read. The call needs the header \`${PAGE_HEADER}: 1\`, and so does ` +
			"every call that is made with the cookie instead of a key. A session may do what its key may. It ends with its key: when that is " +
			"deleted or expires, and when the secret key that was used to sign in is not accepted any more after a roll. A sign-in link can be used once. " +
			"A key has at most 1,000 sessions; of more, the one that would expire first ends.",
		body: { ...jsonBody(createSessionSchema, { key: "sk_…" }), maxBytes: SIGN_IN_MAX_BYTES },
		answers: {
			200: {
				description: "The session.",
				schema: sessionSchema,
				headers: { "set-cookie": "The cookie of the session." },
			},
		},
		errors: {
			401: "The key is unknown (`unknown_key`) or has expired (`expired_key`), or the link was used, has expired or never existed (`unknown_sign_in_link`).",
			429: "Ten attempts have failed from your address within a minute (`too_many_sign_ins`); see `Retry-After`.",
		},
		async handle({ deps, change, body, connection }) {
			// Otherwise a form of another site could sign somebody in as somebody else.
			if (!isFromPage(connection.header)) throw invalidRequest([{ path: PAGE_HEADER, message: "must be sent, as 1" }]);
			const { sessions } = deps.engine;
			// The link may have been made, or used, in another process just now.
			if (body.link !== undefined) await sessions.catchUp();
			// A key that this process does not know may have been created in another one.
			if (!deps.isCurrent()) throw processOutdated();
			const proof = deps.failedSignIns.attempt(connection.clientAddress, () => sessions.prove(credentialsOf(body)));
			const { session, token } = await sessions.signIn(proof, change.audit);
			const { id, keyId, createDate, expireDate } = session;
			return {
				...json({ id, object: "session", keyId, createDate, expireDate }),
				headers: { "set-cookie": deps.sessionCookie.set(token, expireDate - createDate) },
			};
		},
	}),
	route({
		id: "deleteSessions",
		tag: "Sessions",
		method: "delete",
		path: "/sessions",
		audit: "session.delete",
		access: keyWith("read"),
		summary: "Sign out",
		description:
			"Ends the session that the call is made in, or with `everywhere` all sessions of its key. What was opened in them, such as " +
			"live streams and sign-in links that were not used, ends with them. Made with a key, the call needs `everywhere=true`.",
		query: deleteSessionsQuery,
		answers: {
			200: {
				description: "How many sessions have ended.",
				schema: sessionsEndedSchema,
				headers: { "set-cookie": "Takes the cookie away, if the call was made with it." },
			},
		},
		async handle(call) {
			const { deps, change, query } = call;
			const principal = keyOwnerOf(call);
			const everywhere = query.everywhere === "true";
			if (principal.session === null && !everywhere) {
				const message = "must be true: the call was made with a key, and not in a session that could end";
				throw invalidRequest([{ path: "everywhere", message }]);
			}
			const ended = await deps.engine.sessions.signOut(principal, everywhere, change.audit);
			const reply = json({ object: "sessionsEnded", ended });
			return principal.session === null ? reply : { ...reply, headers: { "set-cookie": deps.sessionCookie.clear() } };
		},
	}),
	route({
		id: "createSignInLink",
		tag: "Sessions",
		method: "post",
		path: "/sign-in-links",
		audit: "sign_in_link.create",
		access: keyWith("read"),
		summary: "Make a sign-in link",
		description:
			"Whoever opens the link within 10 minutes is signed in to the page, once, with the key of this call. Made in a session, the link ends " +
			"with it, and the new session lasts no longer. A key has at most 100 links; of more, the oldest ends.",
		answers: { 200: { description: "The link, which is returned only here.", schema: signInLinkSchema } },
		async handle(call) {
			const { deps, change, connection } = call;
			const { link, token } = await deps.engine.sessions.createLink(keyOwnerOf(call), change.audit);
			const { id, keyId, createDate, expireDate } = link;
			const url = signInUrl(deps.publicUrl ?? connection.origin(), token);
			return json({ id, object: "signInLink", keyId, url, createDate, expireDate });
		},
	}),
];

function credentialsOf({
	key,
	link,
}: {
	readonly key?: string | undefined;
	readonly link?: string | undefined;
}): SignInWith {
	return link === undefined ? { key: key ?? "" } : { link };
}

/** These routes are not for customers. */
function keyOwnerOf(call: Pick<Call, "principal">): KeyPrincipal {
	const principal = callerOf(call);
	if (principal.kind !== "key") throw new TypeError("a customer has got past the access of the route");
	return principal;
}
