// The operator's forward proxy: requests go through a CONNECT tunnel to an address that Fanfare has already checked.
import { request, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

import { isOwnFailure } from "../../ports/sender.ts";
import { findLackOfPorts } from "./opening/local-ports.ts";
import { connectFailure, SendFailure, type LacksPort } from "./send-failure.ts";

/** A proxy, parsed from its URL. */
export interface Proxy {
	hostname: string;
	port: number;
	/** `host:port`, for error messages. Never contains the credentials. */
	place: string;
	/** The value of `Proxy-Authorization`; null if the URL has no credentials. */
	authorization: string | null;
}

/**
 * Parses `http://user:password@host:port`. Throws a `TypeError` that does not repeat the value: it may contain a
 * password.
 */
export function parseProxy(value: string): Proxy {
	const url = URL.canParse(value) ? new URL(value) : null;
	if (url === null || url.protocol !== "http:" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
		throw new TypeError(
			"FANFARE_PROXY must be a URL such as http://proxy.example:3128 or http://user:password@proxy.example:3128",
		);
	}
	const port = Number(url.port || 80);
	const credentials = `${decode(url.username)}:${decode(url.password)}`;
	return {
		hostname: url.hostname.replace(/^\[|\]$/g, ""),
		port,
		place: `${url.hostname}:${port}`,
		authorization: credentials === ":" ? null : `Basic ${Buffer.from(credentials).toString("base64")}`,
	};
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text; // a % that escapes nothing is taken literally
	}
}

/** The other end of a tunnel. */
interface TunnelEnd {
	/** `ip:port`. */
	readonly place: string;
	/** What reasons call it: an address that is not public is not for customers. */
	readonly shown: string;
}

/** Opens a tunnel. Rejects with a `SendFailure`, or with the signal's reason. */
export function openTunnel(proxy: Proxy, end: TunnelEnd, signal: AbortSignal): Promise<Socket> {
	const { promise, resolve, reject } = Promise.withResolvers<Socket>();
	const connect = request({
		host: proxy.hostname,
		port: proxy.port,
		method: "CONNECT",
		path: end.place,
		headers: {
			host: end.place,
			...(proxy.authorization === null ? {} : { "proxy-authorization": proxy.authorization }),
		},
		agent: false,
		signal,
	});
	connect.once("connect", (response, socket, head) => {
		const status = response.statusCode ?? 0;
		if (status >= 200 && status < 300 && head.length === 0) {
			resolve(socket);
			return;
		}
		socket.destroy();
		reject(refusal(proxy, end, status));
	});
	connect.once("error", (failure) => {
		if (signal.aborted) reject(signal.reason as SendFailure);
		else void findLackOfPorts(failure).then((lacksPort) => reject(proxyFailure(failure, proxy, lacksPort)));
	});
	connect.end();
	return promise;
}

const PROXY_FAILED = { what: "proxy_failed" } as const;

function refusal(proxy: Proxy, { place: address, shown }: TunnelEnd, status: number): SendFailure {
	const place = `the proxy ${proxy.place}`;
	if (status === 407) {
		return new SendFailure("unreachable", `${place} rejected the credentials in FANFARE_PROXY (407)`, PROXY_FAILED);
	}
	if (status >= 200 && status < 300) {
		return new SendFailure("unreachable", `${place} sent data before the tunnel was used`, PROXY_FAILED);
	}
	const words = STATUS_CODES[status];
	return new SendFailure(
		"unreachable",
		`${place} did not connect to ${shown} (${words === undefined ? status : `${status} ${words}`})`,
		{ ...PROXY_FAILED, detail: shown === address ? null : `${shown} was called at ${address}` },
	);
}

/** Any failure to reach the proxy is reported as the proxy's, because the receiver has no part in it, unless it is this machine's. */
function proxyFailure(error: unknown, proxy: Proxy, lacksPort: LacksPort): SendFailure {
	const failure = connectFailure(error, proxy.place, () => false, lacksPort);
	if (isOwnFailure(failure.code)) return failure;
	const { message } = failure;
	return new SendFailure("unreachable", `the proxy ${proxy.place} failed: ${message}`, {
		...PROXY_FAILED,
		cause: error,
	});
}
