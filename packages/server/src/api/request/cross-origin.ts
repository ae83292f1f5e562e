// Calls from pages of other origins. Browsers let the product's own pages (FANFARE_PORTAL_ORIGINS) call the API with the token of a
// portal session; nothing else here is for other origins, and no call uses cookies for that.
import { looksLikePortalToken } from "../../core/access/portal-session.ts";
import { writtenKey } from "./auth.ts";
import type { Reply, Route } from "./route.ts";

type Header = (name: string) => string | undefined;

/** The headers that such calls may send, beside those that every page may. */
const REQUEST_HEADERS = "authorization, content-type, last-event-id, secret-key";
/** The headers of responses that pages may read, beside those that every page may. */
const RESPONSE_HEADERS = "fanfare-warning, retry-after, x-request-id";
const PREFLIGHT_KEPT_S = "600";

const NONE: Readonly<Record<string, string>> = {};

/**
 * What a response needs so that the page that has made the call can read it: also an error, so that a page learns that its session
 * has ended. Nothing unless the call was made with the token of a portal session, valid or not: a key must not be in a page.
 */
export function crossOriginHeaders(origins: readonly string[], header: Header): Readonly<Record<string, string>> {
	const written = writtenKey(header);
	if (written === undefined || !looksLikePortalToken(written)) return NONE;
	const origin = header("origin");
	if (origin === undefined || !origins.includes(origin)) return { vary: "Origin" };
	return {
		vary: "Origin",
		"access-control-allow-origin": origin,
		"access-control-expose-headers": RESPONSE_HEADERS,
	};
}

/**
 * The response to a browser that asks whether a page may make a call; null if it may not: the page's origin is not among `origins`,
 * or no route of the path with this method is for customers.
 */
export function preflightReply(origins: readonly string[], routes: readonly Route[], header: Header): Reply | null {
	const [origin, method] = [header("origin"), header("access-control-request-method")];
	if (origin === undefined || !origins.includes(origin)) return null;
	const methods = routes.filter(isForCustomers).map((route) => route.method.toUpperCase());
	if (method === undefined || !methods.includes(method)) return null;
	return {
		status: 204,
		body: "",
		contentType: "text/plain",
		headers: {
			vary: "Origin",
			"access-control-allow-origin": origin,
			"access-control-allow-methods": methods.join(", "),
			"access-control-allow-headers": REQUEST_HEADERS,
			"access-control-max-age": PREFLIGHT_KEPT_S,
		},
	};
}

function isForCustomers({ access }: Route): boolean {
	return access !== null && access.customers !== null;
}

/**
 * The directive of a Content-Security-Policy that says which pages may show the portal in a frame.
 *
 * @example
 * frameAncestors(["https://app.example.com"]); // "frame-ancestors https://app.example.com"
 */
export function frameAncestors(origins: readonly string[]): string {
	return `frame-ancestors ${origins.length === 0 ? "'none'" : origins.join(" ")}`;
}
