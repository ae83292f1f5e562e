// Finds the address by which a client has made a request, also behind proxies that the operator trusts.
import { createIsTrusted } from "./client-address.ts";

/** A host name or an IPv4 address, or an IPv6 address in brackets, with or without a port. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]{1,64}){1,8}$/;

/**
 * Returns a function that gives the address of the server as the client has written it, such as `https://fanfare.example.com`; null if it
 * is not known. `peer` is the remote address of the connection, `header` returns request headers.
 *
 * `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Prefix` count only if the connection comes from a trusted proxy. Of several values the
 * last one counts, which that proxy has added. The result has only the characters of a host, a port and a path.
 *
 * Throws a `TypeError` if a network is not valid.
 *
 * @example
 * const requestOrigin = createRequestOrigin(["10.0.0.0/8"]);
 * requestOrigin("10.0.0.1", (name) => ({ host: "fanfare:8787", "x-forwarded-proto": "https", "x-forwarded-host": "example.com" })[name]);
 * // "https://example.com"
 */
export function createRequestOrigin(
	trustedProxies: readonly string[],
): (peer: string | undefined, header: (name: string) => string | undefined) => string | null {
	const isTrusted = createIsTrusted(trustedProxies);
	return (peer, header) => {
		const forwarded = (name: string) => (isTrusted(peer) ? lastValue(header(`x-forwarded-${name}`)) : null);
		const host = forwarded("host") ?? header("host") ?? "";
		if (!HOST.test(host)) return null;
		const scheme = forwarded("proto")?.toLowerCase() === "https" ? "https" : "http";
		const prefix = forwarded("prefix") ?? "";
		return `${scheme}://${host}${PREFIX.test(prefix) ? prefix : ""}`;
	};
}

function lastValue(header: string | undefined): string | null {
	const value = header?.split(",").at(-1)?.trim() ?? "";
	return value === "" ? null : value;
}
