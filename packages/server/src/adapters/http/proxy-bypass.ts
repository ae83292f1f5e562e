// Which receivers are called without the operator's proxy.
import type { LookupAddress } from "node:dns";

import { isIn, parseAddress, parseNetwork, type Network } from "./networks.ts";

/** The hosts and networks that are called without the proxy. */
export interface ProxyBypass {
	/** True if the host itself is on the list, or is below a domain on it. */
	isNamed(hostname: string): boolean;
	/** True if all these addresses are in networks on the list. False without any address. */
	hasAll(addresses: readonly LookupAddress[]): boolean;
}

/**
 * Reads a list of names (`billing.internal`), domains (`.example.com`: every name below it) and networks. Throws a
 * `TypeError` if a network is not valid.
 */
export function createProxyBypass(entries: readonly string[]): ProxyBypass {
	const isNetwork = (entry: string) => entry.includes("/") || parseAddress(entry) !== null;
	const networks: readonly Network[] = entries
		.filter(isNetwork)
		.map((entry) => parseNetwork(entry, "FANFARE_NO_PROXY"));
	const names = new Set(entries.filter((entry) => !isNetwork(entry)));
	const isNamed = (hostname: string) => {
		if (names.size === 0) return false;
		const name = hostname.replace(/\.+$/, "");
		if (names.has(name)) return true;
		for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
			if (names.has(name.slice(dot))) return true;
		}
		return false;
	};
	const isInside = (ip: string) => {
		const address = parseAddress(ip);
		return address !== null && networks.some((network) => isIn(address, network));
	};
	const hasAll = (addresses: readonly LookupAddress[]) =>
		networks.length > 0 && addresses.length > 0 && addresses.every(({ address }) => isInside(address));
	return { isNamed, hasAll };
}
