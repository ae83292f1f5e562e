// Which addresses may be called: public ones, and those in the networks that the operator names.
import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

import type { EndpointGuard } from "../../ports/sender.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [base: Address, prefixLength: number];

export interface AddressGuardOptions {
	/** Networks such as `10.0.0.0/8`, or single addresses, that may be called although they are not public. */
	allowNetworks: readonly string[];
	/** Lets endpoints use `http:`. */
	allowHttp: boolean;
}

/** Judges endpoints when they are registered, and the addresses of their names whenever a connection is made. */
export interface AddressGuard extends EndpointGuard {
	/** True if a connection to this IP address may be made. Anything that is not an address is refused. */
	isAllowed(ip: string): boolean;
	/** Null if the address may be called, else what it is, such as `a loopback address`. */
	refusal(ip: string): string | null;
}

const MAX_ENDPOINT_LENGTH = 2_048;

/** The part of the IPv6 space that has ever been handed out for public use. */
const GLOBAL_UNICAST: Network = [ipaddr.IPv6.parse("2000::"), 3];
/** How a host with IPv6 alone reaches IPv4 addresses: DNS64 answers with these for each name that has no IPv6. */
const NAT64: Network = [ipaddr.IPv6.parse("64:ff9b::"), 96];

/** The ranges' names in ipaddr.js, in words; the rest, whatever its name, is "a reserved address". */
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
 * Refuses every address that is not public unicast, as IANA's special-purpose registries have it, except in `allowNetworks`.
 *
 * An IPv6 address that carries an IPv4 address: mapped (`::ffff:a.b.c.d`) and NAT64 (`64:ff9b::a.b.c.d`) are judged by
 * the IPv4 address, as that is where the connection goes; exceptions for an IPv4 network also cover its mapped spelling.
 * 6to4, Teredo, IPv4-compatible and local NAT64 (`64:ff9b:1::/48`) are refused whatever they carry: they are
 * obsolete or private, and no public endpoint needs them.
 */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
	const networks = options.allowNetworks.map(parseNetwork);

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
			return "The endpoint uses http, which anyone on the way can read; use https, or set FANFARE_ALLOW_HTTP=true to allow http.";
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

/** What to do about a refused address; ends each sentence on one. */
export function adviceFor(ip: string): string {
	const network = `${ip}/${isIP(ip) === 6 ? 128 : 32}`;
	return `Only public addresses are called: use one, or allow its network with FANFARE_ALLOW_NETWORKS (such as ${network}).`;
}

/** What is wrong with the text of an endpoint, before a URL parser has tidied it up. */
function rejectSpelling(endpoint: string): string | null {
	if (endpoint.length > MAX_ENDPOINT_LENGTH) {
		return `The endpoint has ${endpoint.length} characters; at most 2,048 are allowed.`;
	}
	// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
	if (/[\u0000-\u001f\u007f\\]|^ | $/.test(endpoint)) {
		return "The endpoint has a control character, a backslash, or a space at its start or end; remove it.";
	}
	// A URL parser takes any number of slashes here, and the look for user info below would end at the third
	if (!/^https?:\/\/[^/]/i.test(endpoint) || !URL.canParse(endpoint)) {
		return "The endpoint must be an absolute https URL, such as https://example.com/webhooks.";
	}
	if (/^[^/]*\/\/[^/?#]*@/.test(endpoint)) {
		return "The endpoint must not contain a user name or password; send credentials in a header of the webhook instead.";
	}
	if (new URL(endpoint).port === "0") {
		return "The endpoint has port 0, on which nothing can listen; name the port that the receiver listens on, or none.";
	}
	if (endpoint.includes("#")) {
		return "The endpoint must not have a fragment, as it is never sent; remove the # and what follows it.";
	}
	return null;
}

/** The name of the special range that an address is in; null for a public one. */
function specialKind(address: Address): string | null {
	const range: string = address.range();
	if (address instanceof ipaddr.IPv4) return range === "unicast" ? null : range;
	if (isIn(address, NAT64)) return specialKind(new ipaddr.IPv4(address.toByteArray().slice(12)));
	if (range !== "unicast") return range;
	return isIn(address, GLOBAL_UNICAST) ? null : "reserved";
}

function isIn(address: Address, [base, prefixLength]: Network): boolean {
	return address.kind() === base.kind() && address.match(base, prefixLength);
}

/** Reads an address as the kernel would, a mapped one as the IPv4 address that it stands for. */
function parseAddress(text: string): Address | null {
	const ip = canonical(text);
	if (ip === null) return null;
	const address = ipaddr.parse(ip);
	return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/**
 * An address in the one spelling that all parsers agree on, null if it is none or has a zone. ipaddr.js by itself reads
 * `::10.0.0.1` as if it were `::ffff:10.0.0.1`, and `010.0.0.1` as octal.
 */
function canonical(text: string): string | null {
	if (isIP(text) !== 6) return isIP(text) === 4 ? text : null;
	return URL.canParse(`http://[${text}]/`) ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : null;
}

function parseNetwork(text: string): Network {
	const [address = "", bits, ...rest] = text.trim().split("/");
	const ip = canonical(address);
	const length = isIP(address) === 6 ? 128 : 32;
	const prefixLength = bits === undefined ? length : Number(bits);
	if (ip === null || !/^\d+$/.test(bits ?? "0") || rest.length > 0 || prefixLength > length) {
		throw new TypeError(
			`FANFARE_ALLOW_NETWORKS must list networks such as 10.0.0.0/8 or fd00::/8, got ${JSON.stringify(text)}`,
		);
	}
	const family = length === 128 ? ipaddr.IPv6 : ipaddr.IPv4;
	const base = family.networkAddressFromCIDR(`${ip}/${prefixLength}`);
	if (base.toString() !== ipaddr.parse(ip).toString()) {
		throw new TypeError(
			`FANFARE_ALLOW_NETWORKS has ${JSON.stringify(text)}, an address inside a network: write ${base.toString()}/${prefixLength} for the network, or ${ip} for that address alone`,
		);
	}
	const isMapped = base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress();
	return isMapped ? [base.toIPv4Address(), prefixLength - 96] : [base, prefixLength];
}
