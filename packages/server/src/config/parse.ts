// From the text of a setting to its value. Each function returns undefined if the text is not valid.
import { isIP } from "node:net";

import { isSecretKey } from "../core/access/key.ts";
import { MASTER_KEY_BYTES } from "../core/crypto/sealing.ts";
import type { AllowedHost } from "../ports/sender.ts";

export function parseHost(text: string): string | undefined {
	return /^[A-Za-z0-9._-]+$/.test(text) || isIP(text) !== 0 ? text : undefined;
}

export function parsePath(text: string): string | undefined {
	return text.includes("\0") ? undefined : text;
}

/** A parser for whole numbers from `min` to `max`, decimal digits only. */
export function wholeNumber(min: number, max: number): (text: string) => number | undefined {
	return (text) => {
		const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
		return value >= min && value <= max ? value : undefined;
	};
}

export function parseBoolean(text: string): boolean | undefined {
	if (text === "true" || text === "1") return true;
	return text === "false" || text === "0" ? false : undefined;
}

export function parseSecretKey(text: string): string | undefined {
	return isSecretKey(text) ? text : undefined;
}

export function parseMasterKey(text: string): Uint8Array | undefined {
	if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
	if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
	const bytes = Buffer.from(text, "base64");
	return bytes.length === MASTER_KEY_BYTES ? bytes : undefined;
}

/**
 * Checks only the syntax. `adapters/http/networks.ts` parses the networks, and refuses addresses inside a network such
 * as 10.1.2.3/8.
 */
export function parseNetworks(text: string): readonly string[] | undefined {
	const networks = text.split(",").map((network) => network.trim());
	return networks.every(isNetwork) ? Object.freeze(networks) : undefined;
}

/** Parses hosts such as `billing.internal` or, for one project, `billing.internal@proj_…`. */
export function parseAllowedHosts(text: string): readonly AllowedHost[] | undefined {
	const hosts = text.split(",").map((entry) => parseAllowedHost(entry.trim()));
	return hosts.every((host) => host !== undefined) ? Object.freeze(hosts) : undefined;
}

function parseAllowedHost(text: string): AllowedHost | undefined {
	const [name = "", projectId = null, ...rest] = text.split("@");
	const host = parseHostName(name);
	const isProject = projectId === null || /^proj_[0-9a-f]{32}$/.test(projectId);
	return host === undefined || !isProject || rest.length > 0 ? undefined : Object.freeze({ host, projectId });
}

/** A name or an address in the form that `URL` gives it, so that it can be compared with the host of an endpoint. */
function parseHostName(text: string): string | undefined {
	const host = isIP(text) === 6 ? `[${text}]` : text.replace(/\.$/, "");
	if (isIP(text) !== 6 && !/^[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*$/u.test(host)) return undefined;
	return URL.parse(`http://${host}/`)?.hostname;
}

/** Parses a list of names, of domains with a dot in front, and of networks. Networks are checked like `parseNetworks`. */
export function parseNoProxy(text: string): readonly string[] | undefined {
	const entries = text.split(",").map((entry) => parseNoProxyEntry(entry.trim()));
	return entries.every((entry) => entry !== undefined) ? Object.freeze(entries) : undefined;
}

function parseNoProxyEntry(text: string): string | undefined {
	if (isNetwork(text)) return text;
	if (!text.startsWith(".")) return parseHostName(text);
	const domain = parseHostName(text.slice(1));
	return domain === undefined || isIP(domain) !== 0 ? undefined : `.${domain}`;
}

/** A host name, an IPv4 address or an IPv6 address in brackets, maybe with a port: nothing with a meaning in a header. */
const ORIGIN = /^https?:\/\/(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/**
 * Parses a list of origins, each exactly as browsers send it: in lower case, without a slash at the end, and without the port that the
 * scheme has anyway.
 */
export function parseOrigins(text: string): readonly string[] | undefined {
	const origins = text.split(",").map((origin) => origin.trim());
	const isValid = (origin: string) => ORIGIN.test(origin) && URL.parse(origin)?.origin === origin;
	return origins.every(isValid) ? Object.freeze([...new Set(origins)]) : undefined;
}

/**
 * Parses an absolute http or https URL without user name, query and fragment, and removes slashes at its end. Characters
 * that would have a meaning in an OpenAPI server URL (braces) or in a shell (such as `$`) are refused.
 */
export function parsePublicUrl(text: string): string | undefined {
	if (!/^https?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/i.test(text) || !URL.canParse(text)) return undefined;
	const { href } = new URL(text);
	return /^https?:\/\/[\w.:[\]-]+\/[\w.~%:@+/-]*$/.test(href) ? href.replace(/\/+$/, "") : undefined;
}

/** Headers that have a meaning of their own, or whose values must not be kept anywhere. */
const NO_ACTOR_HEADERS: ReadonlySet<string> = new Set([
	"authorization",
	"cookie",
	"fanfare-page",
	"forwarded",
	"host",
	"proxy-authorization",
	"secret-key",
	"set-cookie",
	"x-forwarded-for",
]);

/** Parses the name of a header that names a person. */
export function parseActorHeader(text: string): string | undefined {
	return /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(text) && !NO_ACTOR_HEADERS.has(text.toLowerCase()) ? text : undefined;
}

/** The ways to use TLS. `require` and `verify-ca` check as much as `verify-full`. */
const SSL_MODES: ReadonlySet<string> = new Set(["disable", "require", "verify-ca", "verify-full", "no-verify"]);

/** Parses the URL of a PostgreSQL database. Its host may be in the query, such as the folder of a socket. The driver knows no lists of hosts. */
export function parseDatabaseUrl(text: string): string | undefined {
	const url = URL.parse(text);
	if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol) || url.hash !== "") return undefined;
	const query = url.searchParams;
	const mode = query.get("sslmode");
	if (mode !== null && !SSL_MODES.has(mode)) return undefined;
	if (`${url.hostname}${query.get("host") ?? ""}`.includes(",")) return undefined;
	const has = (part: string, name: string) => part !== "" || query.has(name);
	return has(url.hostname, "host") && has(url.username, "user") && url.pathname.length > 1 ? text : undefined;
}

/**
 * Parses the URLs of the servers of one NATS: all with the same scheme and user info, or without. With TLS, not by address: the driver
 * would check whether the certificate is one for localhost.
 */
export function parseNatsUrls(text: string): readonly string[] | undefined {
	const urls = text.split(",").map((url) => URL.parse(url.trim()));
	if (!urls.every((url) => url !== null && isNatsUrl(url))) return undefined;
	const alike = new Set(urls.map((url) => `${url?.protocol}//${url?.username}:${url?.password}`));
	return alike.size === 1 ? Object.freeze(urls.map((url) => url?.href ?? "")) : undefined;
}

function isNatsUrl({ protocol, hostname, username, password, pathname, search, hash }: URL): boolean {
	const isPlain = (pathname === "" || pathname === "/") && search === "" && hash === "";
	const isNamed = isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
	if (hostname === "" || !isPlain || !isPercentEncoded(username + password)) return false;
	return protocol === "nats:" || (protocol === "tls:" && isNamed);
}

function isPercentEncoded(text: string): boolean {
	try {
		decodeURIComponent(text);
		return true;
	} catch {
		return false;
	}
}

/** Parses the content of a credentials file. The driver reads what is between the lines of dashes. */
export function parseNatsCredentials(text: string): string | undefined {
	return text.includes("BEGIN NATS USER JWT") && text.includes("BEGIN USER NKEY SEED") ? text : undefined;
}

/** Parses the first tokens of a subject. */
export function parseNatsPrefix(text: string): string | undefined {
	return text.length <= 64 && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(text) ? text : undefined;
}

export function parseProxyUrl(text: string): string | undefined {
	return URL.canParse(text) && new URL(text).protocol === "http:" ? text : undefined;
}

function isNetwork(text: string): boolean {
	const [address = "", bits, ...rest] = text.split("/");
	const version = isIP(address);
	if (version === 0 || address.includes("%") || rest.length > 0) return false;
	return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32));
}

/** Parses the address of a collector. A password in it would be shown wherever settings are. */
export function parseTracesUrl(text: string): string | undefined {
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== "") return undefined;
	return url.username === "" && url.password === "" ? url.href : undefined;
}

export function parseRatio(text: string): number | undefined {
	const value = /^(?:\d{1,8}(?:\.\d{0,17})?|\.\d{1,17})$/.test(text) ? Number(text) : Number.NaN;
	return value >= 0 && value <= 1 ? value : undefined;
}
