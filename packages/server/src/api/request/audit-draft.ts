// What the audit log says about a call: who makes it, and the names of the fields that are set, not the values. The engine
// adds the object, and the store writes the entry together with the change.
import { ACTOR_MAX_LENGTH, isActor, type AuditDraft } from "../../core/access/audit.ts";
import { keyIdOf, portalSessionIdOf, sessionIdOf, type Principal } from "../../core/access/principal.ts";
import { invalidRequest } from "../../core/errors.ts";
import { hasSecret } from "../../core/words/secret-words.ts";
import { isObject } from "./body/json-body.ts";
import type { Route } from "./route.ts";

/** The header that says for whom the owner of a key makes the call. It goes into the audit log only, never into a log line. */
export const ACTOR_HEADER = "Fanfare-Actor";

/**
 * The actor that a request names; null if it names none. Whom a trusted proxy names in `proxyHeader` (null for no such header)
 * comes before whom the caller names. Throws `invalid_request`, without the value: people put keys into wrong headers.
 */
function readActor(header: (name: string) => string | undefined, proxyHeader: string | null): string | null {
	// A proxy sends it empty for somebody whom it does not know.
	const person = proxyHeader === null ? "" : (header(proxyHeader)?.trim() ?? "");
	const name = proxyHeader !== null && person !== "" ? proxyHeader : ACTOR_HEADER;
	const actor = name === ACTOR_HEADER ? header(name) : person;
	if (actor === undefined) return null;
	if (isActor(actor) && !hasSecret(actor)) return actor;
	const expected = `must be 1–${ACTOR_MAX_LENGTH} visible ASCII characters without a space, such as ada@example.com`;
	throw invalidRequest([{ path: name, message: `${expected}, sent once, and must not be a key or a secret` }]);
}

/**
 * For whom a call is made: whom its caller names or, with a portal session's token, whom the product has named for the session. Throws
 * `invalid_request` if somebody with such a token names an actor: the log would say what the customer says.
 */
export function actorOf(
	principal: Principal | null,
	header: (name: string) => string | undefined,
	proxyHeader: string | null,
): string | null {
	if (principal?.kind !== "customer") return readActor(header, proxyHeader);
	if (header(ACTOR_HEADER) === undefined || proxyHeader?.toLowerCase() === ACTOR_HEADER.toLowerCase()) {
		return principal.actor;
	}
	const message = "must not be sent with the token of a portal session, which has its own actor";
	throw invalidRequest([{ path: ACTOR_HEADER, message }]);
}

/** The one field whose inner fields are named, too: `spec.endpoint`. */
const CONTAINER = "spec";

/** The draft of a call's audit entry; null if the route leaves none. `sent` is the body, which its schema has accepted. */
export function auditDraft(
	route: Pick<Route, "audit" | "unsetFields">,
	caller: { readonly principal: Principal | null; readonly requestId: string; readonly actor: string | null },
	sent: object | null,
): AuditDraft | null {
	const { audit: action = null, unsetFields = [] } = route;
	if (action === null) return null;
	const fields = fieldNames(sent).filter((name) => !unsetFields.includes(name));
	const { principal, actor, requestId } = caller;
	const sessions = { sessionId: sessionIdOf(principal), portalSessionId: portalSessionIdOf(principal) };
	return { ...makerOf(principal), ...sessions, actor, action, fields, requestId };
}

/** Whose change a call is: the key that it is made with, or the customer. */
export function makerOf(principal: Principal | null): Pick<AuditDraft, "keyId" | "customerId"> {
	return { keyId: keyIdOf(principal), customerId: principal?.kind === "customer" ? principal.customerId : null };
}

/** Only names that the schema defines. Names inside a map, such as those of headers, can be private and stay out. */
function fieldNames(sent: object | null): string[] {
	return Object.entries(sent ?? {}).flatMap(([name, value]: [string, unknown]) =>
		name === CONTAINER && isObject(value) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
	);
}
