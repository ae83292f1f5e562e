// The sender port, implemented with an HTTP/1.1 client of our own: with limits on time and memory, and with the address guard on
// every connection.
import type { Clock } from "../../core/clock.ts";
import type { AttemptEnded, AttemptOutcome, AttemptRequest, Sender } from "../../ports/sender.ts";
import type { AddressGuard } from "./address-guard.ts";
import { Connector } from "./connector.ts";
import { Exchange, type Target } from "./exchange.ts";
import { headersRejection } from "./http1/request-head.ts";
import type { Lookup, Names } from "./name-lookup.ts";
import { MAX_OPENING } from "./openings.ts";
import { OriginPools } from "./origin-pools.ts";
import { OwnUsage, type Usage } from "./pools/usage.ts";
import { SendFailure } from "./send-failure.ts";

export interface HttpSenderOptions {
	guard: AddressGuard;
	/** Times everything but the attempts themselves, which use the system's clock: see `exchange.ts`. */
	clock: Clock;
	/** Sends through this proxy: `http://user:password@host:port`. The guard still checks the receivers' addresses. */
	proxy?: string;
	/** Names, domains (`.example.com`) and networks that are called without the proxy. */
	noProxy?: readonly string[];
	/** Limit for look-up, connection and TLS handshake together. Defaults to 5,000. */
	connectTimeoutMs?: number;
	/** How many pools (a project's connections to an origin each) are kept while they are idle. Defaults to 1,024. */
	maxPools?: number;
	/**
	 * The most connections of one project to one origin. Further attempts wait, and are `queued` if
	 * their timeout passes meanwhile. Defaults to 128.
	 */
	connectionsPerPool?: number;
	/** When as many sockets are connecting or open, idle ones are closed before another one is opened. Defaults to any number. */
	maxSockets?: number;
	/** A pool without an attempt for this long loses its connections. Defaults to 30,000. */
	poolIdleMs?: number;
	/** Replaces the system's name look-up, in tests. */
	lookup?: Lookup;
	/** A certificate to trust in addition to the public ones, as PEM. */
	ca?: string;
	/** The most connections being opened at once. Defaults to 256. */
	maxOpening?: number;
	/** Looks names up for senders of several threads. If omitted, the sender does so itself. */
	names?: Names;
	/** Counts what it has open, with senders of other threads. Defaults to counts of its own. */
	usage?: Usage;
}

/** A sender that reports the resources in use. */
export interface HttpSender extends Sender {
	/** Checks every origin and address anew, since the guard has other rules: no kept connection is used any more. */
	recheck(): void;
	/** `exchanges` are requests under way or waiting for a connection; `sockets` are connecting or open. */
	stats(): { exchanges: number; pools: number; sockets: number };
}

/** A sender in one thread. */
export interface OneHttpSender extends HttpSender {
	/** Closes idle connections, this many if there are, those of the longest idle pools first. */
	closeFree(count: number): void;
}

/**
 * Opens a sender.
 *
 * - An attempt has succeeded if `error` is null and `responseCode` is 200–299.
 * - If the response breaks off or does not end in time, `error` is `reset` or `timeout` and `responseCode` is the
 *   status that had arrived. The attempt has failed.
 * - A response body is read up to 64 KiB. The connection is then closed, and the status decides. The same happens after
 *   128 KiB of framing, or with the error `protocol` if the headers were not complete by then.
 * - If the receiver closes a kept connection just as it is used, the request is sent once more at once, on a new
 *   connection: only if the old one had carried an answer before, and if no byte of an answer to this request has come.
 *   Every other connection that breaks is a `reset`, and the retry policy decides.
 * - Bytes between two answers belong to no request. They end the connection, and its project keeps no further connection
 *   to that origin open. If they follow at once, the answer before them is not trusted either, unless it was the only one
 *   on its connection: it may be a late second answer to an earlier request. Then `error` is `protocol`.
 * - Informational responses (1xx) are read over, also those that nobody has asked for; 101 is a `protocol` error.
 * - If the response ends before the request is sent whole, it counts, and the connection is closed.
 *
 * ```ts
 * const sender = openHttpSender({ guard: createAddressGuard({ allowNetworks: [], allowHttp: false }), clock });
 * sender.send({ projectId, url, headers, body, timeoutMs: 15_000 }, ({ responseCode, error, reason }) => …);
 * ```
 */
export function openHttpSender(options: HttpSenderOptions): OneHttpSender {
	const { guard, clock, proxy, noProxy, connectTimeoutMs = 5_000, lookup, names, ca } = options;
	const { maxPools = 1_024, connectionsPerPool = 128, maxSockets = Infinity, poolIdleMs = 30_000 } = options;
	const { maxOpening = MAX_OPENING, usage = new OwnUsage() } = options;
	const connector = new Connector({ guard, clock, proxy, noProxy, connectTimeoutMs, lookup, names, ca, usage });
	const limits = { maxPools, connectionsPerPool, maxSockets, poolIdleMs, maxOpening };
	const pools = new OriginPools({ connector, clock, ...limits, usage });
	const exchanges: Exchange[] = [];
	let closing: Promise<void> | null = null;

	function send(request: AttemptRequest, ended: AttemptEnded): void {
		if (closing !== null) return ended(failed(new SendFailure("aborted", "the sender is closed")));
		if (request.signal?.aborted)
			return ended(failed(new SendFailure("aborted", "the attempt was aborted before it was sent")));
		const target = targetOf(request, guard);
		if (target instanceof SendFailure) return ended(failed(target));
		// An origin with a pool has been checked before. Its addresses are checked again on each connection; the rest cannot
		// change.
		const rejection = pools.has(target) ? null : guard.rejectOrigin(target.origin, target.projectId);
		if (rejection !== null) return ended(failed(new SendFailure("blocked_address", rejection)));
		pools.run(new Exchange(request, target, exchanges, ended));
	}

	function failAll(reason: string): void {
		const failure = new SendFailure("aborted", reason);
		// A copy: an exchange that fails removes itself from the list.
		for (const exchange of exchanges.slice()) exchange.fail(failure);
	}

	function shutDown(): Promise<void> {
		failAll("the sender was closed");
		pools.close();
		return connector.close();
	}

	return {
		send,
		abort: () => failAll("the attempt was cut short"),
		recheck: () => pools.forget(),
		closeFree: (count) => void pools.closeFree(count),
		close: () => (closing ??= shutDown()),
		stats: () => ({ exchanges: exchanges.length, pools: usage.pools, sockets: usage.sockets }),
	};
}

const INVALID_REQUEST = { what: "invalid_request" } as const;

function targetOf(
	{ url: text, headers, body, projectId, customerId = null }: AttemptRequest,
	guard: AddressGuard,
): Target | SendFailure {
	const url = URL.parse(text);
	if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
		return new SendFailure("protocol", "the endpoint is not an absolute http or https URL", INVALID_REQUEST);
	}
	if (url.username !== "" || url.password !== "") {
		return new SendFailure("protocol", "the endpoint contains a user name or password", INVALID_REQUEST);
	}
	const rejection = headersRejection(headers, body.length);
	if (rejection !== null) {
		return new SendFailure("protocol", `the request cannot be sent: ${rejection}`, INVALID_REQUEST);
	}
	const port = url.port || (url.protocol === "https:" ? "443" : "80");
	const { origin, host, hostname, pathname, search } = url;
	const party = guard.partyOf(projectId, customerId);
	return { projectId: party, customerId, origin, host, place: `${hostname}:${port}`, path: `${pathname}${search}` };
}

/** The outcome of an attempt that could not be sent. */
export function failed({ code, message, detail, what }: SendFailure): AttemptOutcome {
	return {
		responseCode: 0,
		error: code,
		reason: message,
		detail,
		cause: what,
		durationMs: 0,
		firstByteMs: null,
		connection: null,
		response: null,
	};
}
