// The sender port on undici: bounded in time, in memory and in whom it talks to.
import type { AttemptOutcome, AttemptRequest, Sender } from "../../ports/sender.ts";
import type { AddressGuard } from "./address-guard.ts";
import { Connector } from "./connector.ts";
import { Exchange, type Target } from "./exchange.ts";
import type { Lookup } from "./name-lookup.ts";
import { OriginPools } from "./origin-pools.ts";
import { SendFailure } from "./send-failure.ts";

export interface UndiciSenderOptions {
	guard: AddressGuard;
	/** Sends through this proxy: `http://user:password@host:port`. The guard judges the receivers all the same. */
	proxy?: string;
	/** Bounds look-up, connection and TLS handshake together. */
	connectTimeoutMs?: number;
	/** How many origins keep their connections while nothing is sent to them. */
	maxPools?: number;
	/** The most connections to one origin; further attempts wait, and their time runs. */
	connectionsPerPool?: number;
	/** After this long without an attempt an origin's connections are given up. */
	poolIdleMs?: number;
	/** Takes the place of the system's name look-up, for tests. */
	lookup?: Lookup;
	/** A certificate to trust beside the public ones, as PEM. */
	ca?: string;
}

/** A sender that tells what it holds. */
export interface UndiciSender extends Sender {
	stats(): { attempts: number; pools: number; sockets: number };
}

/**
 * Opens a sender.
 *
 * An attempt succeeded if `error` is null and `responseCode` is 200–299. A status that arrived is reported even if the
 * answer then broke off or did not end in time: `error` is `reset` or `timeout`, and the attempt has failed. An answer
 * of more than 64 KiB is dropped there and counts by its status; so is one with more than 128 KiB of framing, which has
 * failed (`protocol`) if its headers were not complete by then. Nothing is sent twice, not even when a connection
 * turns out to have been closed while it was idle: that is a `reset`, for the retry policy to judge.
 *
 * Not supported by undici: `100 Continue` without having been asked for (`protocol`).
 *
 * ```ts
 * const sender = openUndiciSender({ guard: createAddressGuard({ allowNetworks: [], allowHttp: false }) });
 * const { responseCode, error, reason } = await sender.send({ url, headers, body, timeoutMs: 15_000 });
 * ```
 */
export function openUndiciSender(options: UndiciSenderOptions): UndiciSender {
	const { guard, proxy, connectTimeoutMs = 5_000, lookup, ca } = options;
	const { maxPools = 1_024, connectionsPerPool = 128, poolIdleMs = 30_000 } = options;
	const connector = new Connector({ guard, proxy, connectTimeoutMs, lookup, ca });
	const pools = new OriginPools({ connector, maxPools, connectionsPerPool, poolIdleMs });
	const attempts: Exchange[] = [];
	let closing: Promise<void> | null = null;

	function send(request: AttemptRequest): Promise<AttemptOutcome> {
		if (closing !== null) return failed(new SendFailure("aborted", "the sender is closed"));
		if (request.signal?.aborted) return failed(new SendFailure("aborted", "the attempt was ended before it was sent"));
		const target = targetOf(request);
		if (target instanceof SendFailure) return failed(target);
		// An origin is judged once: each connection's address is judged again, and nothing else of it can change
		const rejection = pools.has(target.origin) ? null : guard.reject(target.origin);
		if (rejection !== null) return failed(new SendFailure("blocked_address", rejection));
		const attempt = new Exchange(request, target, attempts);
		pools.run(attempt);
		return attempt.outcome;
	}

	function shutDown(): Promise<void> {
		const closed = new SendFailure("aborted", "the sender was closed");
		for (const attempt of attempts.slice()) attempt.fail(closed);
		pools.close();
		return connector.close();
	}

	return {
		send,
		close: () => (closing ??= shutDown()),
		stats: () => ({ attempts: attempts.length, pools: pools.size, sockets: connector.socketCount }),
	};
}

function targetOf({ url: text, headers }: AttemptRequest): Target | SendFailure {
	const url = URL.parse(text);
	if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
		return new SendFailure("protocol", "the endpoint is not an absolute http or https URL");
	}
	if (url.username !== "" || url.password !== "") {
		return new SendFailure("protocol", "the endpoint contains a user name or password");
	}
	for (const name in headers) {
		// Another host would also change the name that the certificate is checked against
		if (name.length === 4 && name.toLowerCase() === "host") {
			return new SendFailure("protocol", "the request cannot be sent: the header host is made from the endpoint");
		}
	}
	const port = url.port || (url.protocol === "https:" ? "443" : "80");
	return { origin: url.origin, place: `${url.hostname}:${port}`, path: `${url.pathname}${url.search}` };
}

/** An attempt that was never made. */
function failed({ code, message }: SendFailure): Promise<AttemptOutcome> {
	return Promise.resolve({ responseCode: 0, error: code, reason: message, durationMs: 0, response: null });
}
