// IP addresses and networks: parsed strictly, and compared.
import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [base: Address, prefixLength: number];

export function isIn(address: Address, [base, prefixLength]: Network): boolean {
	return address.kind() === base.kind() && address.match(base, prefixLength);
}

/**
 * Parses an address as the kernel would: a mapped address becomes its IPv4 address. Null if the text is not an address.
 */
export function parseAddress(text: string): Address | null {
	// ipaddr.js takes several times as long, because it tries other notations too.
	if (isIP(text) === 4) return new ipaddr.IPv4(text.split(".").map(Number));
	const ip = canonical(text);
	if (ip === null) return null;
	const address = ipaddr.IPv6.parse(ip);
	return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/**
 * Parses a network such as `10.0.0.0/8`, or a single address. Throws a `TypeError` that names the setting if the text is
 * neither, or is an address inside a network, such as `10.1.2.3/8`.
 */
export function parseNetwork(text: string, setting: string): Network {
	const [address = "", bits, ...rest] = text.trim().split("/");
	const ip = canonical(address);
	const length = isIP(address) === 6 ? 128 : 32;
	const prefixLength = bits === undefined ? length : Number(bits);
	if (ip === null || !/^\d+$/.test(bits ?? "0") || rest.length > 0 || prefixLength > length) {
		throw new TypeError(`${setting} must list networks such as 10.0.0.0/8 or fd00::/8, got ${JSON.stringify(text)}`);
	}
	const family = length === 128 ? ipaddr.IPv6 : ipaddr.IPv4;
	const base = family.networkAddressFromCIDR(`${ip}/${prefixLength}`);
	if (base.toString() !== ipaddr.parse(ip).toString()) {
		throw new TypeError(
			`${setting} has ${JSON.stringify(text)}, an address inside a network: write ${base.toString()}/${prefixLength} for the network, or ${ip} for that address alone`,
		);
	}
	const isMapped = base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress();
	return isMapped ? [base.toIPv4Address(), prefixLength - 96] : [base, prefixLength];
}

/** Returns the networks, each once, as they are written. Throws like `parseNetwork`. */
export function checkNetworks(networks: readonly string[], setting: string): readonly string[] {
	for (const network of networks) parseNetwork(network, setting);
	return [...new Set(networks)];
}

/**
 * The address in the canonical form that all parsers read alike; null if the text is not an address or has a zone.
 * ipaddr.js alone would read `::10.0.0.1` as `::ffff:10.0.0.1`, and `010.0.0.1` as octal.
 */
function canonical(text: string): string | null {
	if (isIP(text) !== 6) return isIP(text) === 4 ? text : null;
	return URL.canParse(`http://[${text}]/`) ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : null;
}
