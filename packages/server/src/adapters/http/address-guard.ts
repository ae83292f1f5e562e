// Decides which addresses may be called: public ones, and those of the networks and hosts that the operator allows.
import { isIP } from "node:net";

import ipaddr from "ipaddr.js";

import type { AllowedHost, EndpointGuard } from "../../ports/sender.ts";
import { isIn, parseAddress, parseNetwork, type Address, type Network } from "./networks.ts";

export interface AddressGuardOptions {
	/** Networks such as `10.0.0.0/8`, or single addresses, that may be called even though they are not public. */
	allowNetworks: readonly string[];
	/** Hosts that may be called whatever their addresses are. Defaults to none. */
	allowHosts?: readonly AllowedHost[];
	/** Allows `http:` endpoints. */
	allowHttp: boolean;
	/** Whether all of these count for webhooks of customers, too. Defaults to false. */
	allowForCustomers?: boolean;
}

/** Checks endpoints when they are registered, and IP addresses whenever a connection is opened. */
export interface AddressGuard extends EndpointGuard {
	/** What it was created with. */
	readonly rules: Required<AddressGuardOptions>;
	/**
	 * Whom a webhook is called for, as one text: the project, or all customers of it together, for whom the operator has allowed
	 * nothing. Parties share neither connections nor what was found out about an address.
	 */
	partyOf(projectId: string, customerId: string | null): string;
	/**
	 * Like `reject`, but for the origin of a webhook that is registered already: a name without a dot is accepted, since it
	 * was when the webhook was registered.
	 */
	rejectOrigin(origin: string, party: string): string | null;
	/** True if every project may connect to this IP address for itself. False for any text that is not an IP address. */
	isAllowed(ip: string): boolean;
	/**
	 * Null if a party may connect to the address in order to call `hostname`, otherwise the address's kind, such as
	 * `a loopback address`.
	 */
	refusal(ip: string, hostname: string, party: string): string | null;
	/** True for a public address, whatever the operator allows. Others must not be shown to customers. */
	isPublic(ip: string): boolean;
}

const MAX_ENDPOINT_LENGTH = 2_048;

/** At the end of a party. No project id has a space. */
const CUSTOMERS = " customers";

/** The only part of the IPv6 space that has been allocated for public use. */
const GLOBAL_UNICAST: Network = [ipaddr.IPv6.parse("2000::"), 3];
/** IPv4 addresses as an IPv6-only host reaches them: DNS64 returns these for names that have no IPv6 address. */
const NAT64: Network = [ipaddr.IPv6.parse("64:ff9b::"), 96];

/**
 * Azure's virtual machines reach their platform at this address, from metadata to DNS. It is registered as a public one.
 */
const AZURE_PLATFORM = ipaddr.IPv4.parse("168.63.129.16").toString();

/** Words for the range names of ipaddr.js. Every other range is "a reserved address". */
const KINDS: Readonly<Record<string, string>> = {
	unspecified: "an unspecified address",
	broadcast: "a broadcast address",
	multicast: "a multicast address",
	linkLocal: "a link-local address",
	loopback: "a loopback address",
	carrierGradeNat: "a carrier-grade NAT address",
	private: "a private address",
	cloudPlatform: "an address of the cloud provider's own",
	uniqueLocal: "a private address",
	deprecatedSiteLocal: "a private address",
};

/**
 * Creates a guard that refuses every address that is not public unicast, according to IANA's special-purpose
 * registries, except those in `allowNetworks` and of `allowHosts`. Throws a `TypeError` if a network is not valid.
 *
 * IPv6 addresses that contain an IPv4 address:
 * - Mapped (`::ffff:a.b.c.d`) and NAT64 (`64:ff9b::a.b.c.d`): the IPv4 address decides, because the connection goes
 *   there. An allowed IPv4 network also allows its mapped form.
 * - 6to4, Teredo, IPv4-compatible and local NAT64 (`64:ff9b:1::/48`): always refused. They are obsolete or private, and
 *   no public endpoint needs them.
 */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
	const { allowNetworks, allowHosts = [], allowHttp, allowForCustomers = false } = options;
	const networks = allowNetworks.map((network) => parseNetwork(network, "FANFARE_ALLOW_NETWORKS"));
	const hosts = new Set(allowHosts.map(({ host, projectId }) => hostKey(host, projectId)));

	const partyOf = (projectId: string, customerId: string | null) =>
		customerId === null || allowForCustomers ? projectId : projectId + CUSTOMERS;

	/** Whether what the operator has allowed counts for a party. */
	const isTrusted = (party: string) => !party.endsWith(CUSTOMERS);

	const isAllowedHost = (host: string, party: string) =>
		hosts.size > 0 && isTrusted(party) && (hosts.has(hostKey(host, null)) || hosts.has(hostKey(host, party)));

	function kindRefused(ip: string, trusted: boolean): string | null {
		const address = parseAddress(ip);
		if (address === null) return "not an IP address";
		const kind = specialKind(address);
		if (kind === null || (trusted && networks.some((network) => isIn(address, network)))) return null;
		return KINDS[kind] ?? "a reserved address";
	}

	const isAllowed = (ip: string) => kindRefused(ip, true) === null;

	function refusal(ip: string, hostname: string, party: string): string | null {
		const kind = kindRefused(ip, isTrusted(party));
		return kind === null || isAllowedHost(hostname, party) ? null : kind;
	}

	function isPublic(ip: string): boolean {
		const address = parseAddress(ip);
		return address !== null && specialKind(address) === null;
	}

	function reject(endpoint: string, projectId: string, customerId: string | null = null): string | null {
		const party = partyOf(projectId, customerId);
		const misspelt = rejectSpelling(endpoint);
		if (misspelt !== null) return misspelt;
		const url = new URL(endpoint);
		return rejectUrl(url, party) ?? rejectBareName(bareHost(url), party);
	}

	function rejectOrigin(origin: string, party: string): string | null {
		return rejectUrl(new URL(origin), party);
	}

	function rejectUrl(url: URL, party: string): string | null {
		const trusted = isTrusted(party);
		if (url.protocol === "http:" && !trusted) return "The endpoint uses http, which is not encrypted. Use https.";
		if (url.protocol === "http:" && !allowHttp) {
			return "The endpoint uses http, which is not encrypted. Use https, or set FANFARE_ALLOW_HTTP=true to allow http.";
		}
		const host = bareHost(url);
		if (isAllowedHost(host, party)) return null;
		const advice = (ip: string) => (trusted ? adviceFor(ip) : "Only public addresses may be called.");
		if (isIP(host) !== 0) {
			const kind = kindRefused(host, trusted);
			return kind === null ? null : `The endpoint's host is ${host}, ${kind}. ${advice(host)}`;
		}
		const isReachable = trusted && (isAllowed("127.0.0.1") || isAllowed("::1"));
		if (/(^|\.)localhost$/.test(host) && !isReachable) {
			return `The endpoint's host ${host} is this machine. ${advice("127.0.0.1")}`;
		}
		return null;
	}

	/**
	 * A name without a dot is one of the operator's own network: search domains complete it. Whoever may register webhooks
	 * could find out which of these names exist.
	 */
	function rejectBareName(host: string, party: string): string | null {
		if (isIP(host) !== 0 || host.includes(".") || isAllowedHost(host, party)) return null;
		if (!isTrusted(party)) return `The endpoint's host ${host} has no dot. Use the full name of a public host.`;
		if (networks.length > 0) return null;
		return (
			`The endpoint's host ${host} has no dot, so it is a name of the server's own network. ` +
			`Use the full name of a public host, or allow this one with FANFARE_ALLOW_HOSTS (such as ${host}).`
		);
	}

	const rules = { allowNetworks, allowHosts, allowHttp, allowForCustomers };
	return { rules, partyOf, reject, rejectOrigin, isAllowed, refusal, isPublic };
}

/** The host of a URL without the brackets of an IPv6 address and without dots at its end. */
function bareHost({ hostname }: URL): string {
	return hostname.replace(/^\[|\]$|\.+$/g, "");
}

/** One text for a host and a project: names have no spaces. */
function hostKey(host: string, projectId: string | null): string {
	return `${host.replace(/^\[|\]$|\.+$/g, "")} ${projectId ?? ""}`;
}

/** What the user can do about a refused address. The last sentence of each such error. */
function adviceFor(ip: string): string {
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
	if (address instanceof ipaddr.IPv4) {
		if (range !== "unicast") return range;
		return address.toString() === AZURE_PLATFORM ? "cloudPlatform" : null;
	}
	if (isIn(address, NAT64)) return specialKind(new ipaddr.IPv4(address.toByteArray().slice(12)));
	if (range !== "unicast") return range;
	return isIn(address, GLOBAL_UNICAST) ? null : "reserved";
}
