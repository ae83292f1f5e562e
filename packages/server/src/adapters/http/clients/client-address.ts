// Finds the address of the client that made a request, also behind proxies that the operator trusts.
import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

import { isIn, parseAddress, parseNetwork, type Address } from "../networks.ts";

/** At most this many entries of `X-Forwarded-For` are read, from the right. Chains of proxies are much shorter. */
const MAX_ENTRIES = 32;

/**
 * Returns a function that gives the address of a client, or null if it is not known. The result is always an IP address
 * in its canonical form, never any other text of a header.
 *
 * `peer` is the remote address of the connection. If it is not in `trustedProxies`, it is the client, and the header is
 * ignored. If it is, `forwardedFor` (the value of `X-Forwarded-For`) is read from the right, because each proxy appends
 * the address of its own peer: the first address that is not trusted is the client, and the entries to the left of it may
 * be forged. If all addresses are trusted, the leftmost one is the client. Null if an entry is needed that is not an
 * address, or if more than 32 addresses are trusted.
 *
 * Throws a `TypeError` if a network is not valid.
 *
 * @example
 * const clientAddress = createClientAddress(["10.0.0.0/8"]);
 * clientAddress("10.0.0.1", "192.0.2.9, 198.51.100.7, 10.0.0.2"); // "198.51.100.7"
 * clientAddress("203.0.113.5", "192.0.2.9"); // "203.0.113.5"
 */
export function createClientAddress(
	trustedProxies: readonly string[],
): (peer: string | undefined, forwardedFor: string | undefined) => string | null {
	const networks = trustedProxies.map((network) => parseNetwork(network, "FANFARE_TRUSTED_PROXIES"));
	const isTrusted = (address: Address) => networks.some((network) => isIn(address, network));

	return (peer, forwardedFor) => {
		if (peer === undefined) return null;
		// The usual case, without the work of parsing the address.
		if (networks.length === 0 && isIP(peer) === 4) return peer;
		// The operating system appends a zone to link-local addresses: fe80::1%eth0.
		const address = parseAddress(peer.split("%", 1)[0] ?? "");
		if (address === null) return null;
		const isForwarded = forwardedFor !== undefined && forwardedFor.trim() !== "" && isTrusted(address);
		return isForwarded ? clientIn(forwardedFor, isTrusted) : textOf(address);
	};
}

/**
 * Returns a function that says whether a connection comes from one of these proxies. `peer` is its remote address.
 *
 * Throws a `TypeError` if a network is not valid.
 */
export function createIsTrusted(trustedProxies: readonly string[]): (peer: string | undefined) => boolean {
	const networks = trustedProxies.map((network) => parseNetwork(network, "FANFARE_TRUSTED_PROXIES"));
	return (peer) => {
		const address = networks.length === 0 ? null : parseAddress(peer?.split("%", 1)[0] ?? "");
		return address !== null && networks.some((network) => isIn(address, network));
	};
}

/** The rightmost address that is not trusted; the leftmost one if all are trusted. */
function clientIn(forwardedFor: string, isTrusted: (address: Address) => boolean): string | null {
	let end = forwardedFor.length;
	for (let read = 0; read < MAX_ENTRIES; read++) {
		const start = end === 0 ? 0 : forwardedFor.lastIndexOf(",", end - 1) + 1;
		const address = parseEntry(forwardedFor.slice(start, end));
		if (address === null) return null;
		if (start === 0 || !isTrusted(address)) return textOf(address);
		end = start - 1;
	}
	return null;
}

/** Parses an entry. Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. Null if it is not an address. */
function parseEntry(entry: string): Address | null {
	const text = entry.trim();
	const [, inBrackets, beforePort] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(text) ?? [];
	if (inBrackets !== undefined && isIP(inBrackets) !== 6) return null;
	return parseAddress(inBrackets ?? beforePort ?? text);
}

/** IPv6 in the short form of RFC 5952, so that an address is always written in the same way. */
function textOf(address: Address): string {
	return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}
