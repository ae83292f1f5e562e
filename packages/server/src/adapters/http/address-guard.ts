// Decides which addresses may be called: public ones, and those in the networks that the operator allows.
import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

import type { EndpointGuard } from "../../ports/sender.ts";
import { isIn, parseAddress, parseNetwork, type Address, type Network } from "./networks.ts";

export interface AddressGuardOptions {
	/** Networks such as `10.0.0.0/8`, or single addresses, that may be called even though they are not public. */
	allowNetworks: readonly string[];
	/** Allows `http:` endpoints. */
	allowHttp: boolean;
}

/** Checks endpoints when they are registered, and IP addresses whenever a connection is opened. */
export interface AddressGuard extends EndpointGuard {
	/** True if this IP address may be connected to. False for any text that is not an IP address. */
	isAllowed(ip: string): boolean;
	/** Null if the address may be connected to, otherwise its kind, such as `a loopback address`. */
	refusal(ip: string): string | null;
}

const MAX_ENDPOINT_LENGTH = 2_048;

/** The only part of the IPv6 space that has been allocated for public use. */
const GLOBAL_UNICAST: Network = [ipaddr.IPv6.parse("2000::"), 3];
/** IPv4 addresses as an IPv6-only host reaches them: DNS64 returns these for names that have no IPv6 address. */
const NAT64: Network = [ipaddr.IPv6.parse("64:ff9b::"), 96];

/** Words for the range names of ipaddr.js. Every other range is "a reserved address". */
const KINDS: Readonly<Record<string, string>> = {
	unspecified: "an unspecified address",
	broadcast: "a broadcast address",
	multicast: "a multicast address",
	linkLocal: "a link-local address",
	loopback: "a loopback address",
	carrierGradeNat: "a carrier-grade NAT address",
	private: "a private address",
	uniqueLocal: "a private address",
	deprecatedSiteLocal: "a private address",
};

/**
 * Creates a guard that refuses every address that is not public unicast, according to IANA's special-purpose
 * registries, except those in `allowNetworks`. Throws a `TypeError` if a network is not valid.
 *
 * IPv6 addresses that contain an IPv4 address:
 * - Mapped (`::ffff:a.b.c.d`) and NAT64 (`64:ff9b::a.b.c.d`): the IPv4 address decides, because the connection goes
 *   there. An allowed IPv4 network also allows its mapped form.
 * - 6to4, Teredo, IPv4-compatible and local NAT64 (`64:ff9b:1::/48`): always refused. They are obsolete or private, and
 *   no public endpoint needs them.
 */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
	const networks = options.allowNetworks.map((network) => parseNetwork(network, "FANFARE_ALLOW_NETWORKS"));

	function refusal(ip: string): string | null {
		const address = parseAddress(ip);
		if (address === null) return "not an IP address";
		const kind = specialKind(address);
		if (kind === null || networks.some((network) => isIn(address, network))) return null;
		return KINDS[kind] ?? "a reserved address";
	}

	const isAllowed = (ip: string) => refusal(ip) === null;

	function reject(endpoint: string): string | null {
		return rejectSpelling(endpoint) ?? rejectUrl(new URL(endpoint));
	}

	function rejectUrl(url: URL): string | null {
		if (url.protocol === "http:" && !options.allowHttp) {
			return "The endpoint uses http, which is not encrypted. Use https, or set FANFARE_ALLOW_HTTP=true to allow http.";
		}
		const host = url.hostname.replace(/^\[|\]$|\.+$/g, "");
		if (isIP(host) !== 0) {
			const kind = refusal(host);
			return kind === null ? null : `The endpoint's host is ${host}, ${kind}. ${adviceFor(host)}`;
		}
		if (/(^|\.)localhost$/.test(host) && !isAllowed("127.0.0.1") && !isAllowed("::1")) {
			return `The endpoint's host ${host} is this machine. ${adviceFor("127.0.0.1")}`;
		}
		return null;
	}

	return { reject, isAllowed, refusal };
}

/** What the user can do about a refused address. The last sentence of each such error. */
export function adviceFor(ip: string): string {
	const network = `${ip}/${isIP(ip) === 6 ? 128 : 32}`;
	return `Only public addresses may be called: use one, or allow its network with FANFARE_ALLOW_NETWORKS (such as ${network}).`;
}

/**
 * Checks the endpoint's text as it was written, before a URL parser normalizes it. Returns an error message or null.
 */
function rejectSpelling(endpoint: string): string | null {
	if (endpoint.length > MAX_ENDPOINT_LENGTH) {
		return `The endpoint has ${endpoint.length} characters. At most 2,048 are allowed.`;
	}
	// oxlint-disable-next-line no-control-regex -- the rule looks for control characters
	if (/[\u0000-\u001f\u007f\\]|^ | $/.test(endpoint)) {
		return "The endpoint has a control character, a backslash, or a space at its start or end. Remove it.";
	}
	// A URL parser accepts any number of slashes here, but the check for user info below would stop at the third.
	if (!/^https?:\/\/[^/]/i.test(endpoint) || !URL.canParse(endpoint)) {
		return "The endpoint must be an absolute https URL, such as https://example.com/webhooks.";
	}
	if (/^[^/]*\/\/[^/?#]*@/.test(endpoint)) {
		return "The endpoint must not contain a user name or password. Set a header on the webhook instead.";
	}
	if (new URL(endpoint).port === "0") {
		return "The endpoint has port 0, which no receiver can listen on. Use the receiver's port, or leave it out for the default.";
	}
	if (endpoint.includes("#")) {
		return "The endpoint must not have a fragment, because fragments are never sent. Remove the # and the text after it.";
	}
	return null;
}

/** The name of the special range that contains the address, null if the address is public. */
function specialKind(address: Address): string | null {
	const range: string = address.range();
	if (address instanceof ipaddr.IPv4) return range === "unicast" ? null : range;
	if (isIn(address, NAT64)) return specialKind(new ipaddr.IPv4(address.toByteArray().slice(12)));
	if (range !== "unicast") return range;
	return isIn(address, GLOBAL_UNICAST) ? null : "reserved";
}
