// Opens one socket, plain or with TLS, to addresses that are already checked.
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, getCACertificates, type TLSSocket } from "node:tls";

import { LRUCache } from "lru-cache";

import type { Clock } from "../../../core/clock.ts";
import { SendFailure } from "../send-failure.ts";

/** Where to connect to. */
export interface Destination {
	/** `http:` or `https:`. */
	readonly protocol: string;
	/** A name, or an address without brackets. */
	readonly hostname: string;
	readonly port: number;
}

/** The destination of an origin, such as `https://example.com:8443`. */
export function destinationOf(origin: string): Destination {
	const { protocol, hostname, port } = new URL(origin);
	const usualPort = protocol === "https:" ? 443 : 80;
	return {
		protocol,
		hostname: hostname.replace(/^\[|\]$/g, ""),
		port: port === "" ? usualPort : Number(port),
	};
}

/**
 * How long one of several addresses may take before the next one is tried. Node then drops the first, so this must
 * exceed any realistic round trip. A receiver with broken IPv6 loses this much time once per connection.
 */
const NEXT_ADDRESS_AFTER_MS = 1_000;
/** After this time without any bytes, the system asks the other side whether it is still there. */
const PROBE_AFTER_MS = 60_000;
/** TLS sessions that are kept, by the place that they are for: a further connection takes up the last one, which saves both sides work. */
const MAX_SESSIONS = 100;
/** How long after a certificate was checked sessions spare the next check, also those that came with one that was taken up. */
const MAX_SESSION_MS = 86_400_000;

export interface DialerOptions {
	readonly clock: Clock;
	/** Returns the checked addresses. */
	readonly lookup: LookupFunction;
	/** A certificate to trust in addition to the public ones, as PEM. */
	readonly ca: string | undefined;
}

/** A socket that is being opened. It emits `connect`, with TLS `secureConnect`, or `error`. */
export interface Dialed {
	readonly socket: Socket;
	/** When the receiver's certificate expires; null without TLS. Known when the socket is open. */
	readonly certificateExpireDate: () => number | null;
}

/** A session that the next connection can take up. No certificate is sent and checked then, so what is known of it is kept. */
interface Session {
	readonly ticket: Buffer;
	readonly certificateExpireDate: number | null;
	/** In monotonic time: from then on the certificate must be checked again. */
	readonly trustedUntil: number;
}

/** Opens sockets. */
export class Dialer {
	readonly #clock: Clock;
	readonly #lookup: LookupFunction;
	readonly #secureContext;
	readonly #sessions = new LRUCache<string, Session>({ max: MAX_SESSIONS });

	constructor({ clock, lookup, ca }: DialerOptions) {
		this.#clock = clock;
		this.#lookup = lookup;
		this.#secureContext = createSecureContext(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] });
	}

	/** Opens a socket to a destination; with TLS over `tunnel` if there is one. */
	dial(destination: Destination, tunnel?: Socket): Dialed {
		const dialed = destination.protocol === "https:" ? this.#secure(destination, tunnel) : this.#plain(destination);
		dialed.socket.setKeepAlive(true, PROBE_AFTER_MS).setNoDelay(true);
		return dialed;
	}

	#plain({ hostname, port }: Destination): Dialed {
		const socket = connectPlain({ host: hostname, port, ...this.#addressOptions() });
		return { socket, certificateExpireDate: () => null };
	}

	#secure({ hostname, port }: Destination, tunnel: Socket | undefined): Dialed {
		const place = `${hostname} ${port}`;
		const session = this.#trustedSession(place);
		const socket = connectTls({
			host: hostname,
			port,
			...this.#addressOptions(),
			...(tunnel !== undefined && { socket: tunnel }),
			...(session !== undefined && { session: session.ticket }),
			servername: serverNameOf(hostname),
			ALPNProtocols: ["http/1.1"],
			rejectUnauthorized: true,
			secureContext: this.#secureContext,
		});
		const certificateExpireDate = () => expireDateOf(socket) ?? session?.certificateExpireDate ?? null;
		// Node emits this only after the certificate was checked.
		socket.on("session", (ticket) => {
			const expireDate = certificateExpireDate();
			const trustedUntil =
				session !== undefined && socket.isSessionReused() ? session.trustedUntil : this.#trustedUntil(expireDate);
			this.#sessions.set(place, { ticket, certificateExpireDate: expireDate, trustedUntil });
		});
		if (session !== undefined) {
			// It may be the session that the receiver does not get along with: the next connection must not fail for that, too.
			const forget = (error: Error) => {
				if (!isAbort(error)) this.#sessions.delete(place);
			};
			socket.once("error", forget).once("secureConnect", () => socket.off("error", forget));
		}
		return { socket, certificateExpireDate };
	}

	#trustedSession(place: string): Session | undefined {
		const session = this.#sessions.get(place);
		return session !== undefined && this.#clock.monotonicMs() < session.trustedUntil ? session : undefined;
	}

	/** For a certificate that has just been checked. */
	#trustedUntil(expireDate: number | null): number {
		const validMs = (expireDate ?? Infinity) - this.#clock.now();
		return this.#clock.monotonicMs() + Math.min(validMs, MAX_SESSION_MS);
	}

	#addressOptions() {
		return {
			lookup: this.#lookup,
			autoSelectFamily: true,
			autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
		};
	}
}

/** Whether a socket was closed only because nobody needs it any more. */
function isAbort(error: Error): boolean {
	return error instanceof SendFailure && error.code === "aborted";
}

/** The name to ask for a certificate of, which has no dot at its end (RFC 6066, 3). An address is no name that could be asked for. */
function serverNameOf(hostname: string): string {
	return isIP(hostname) === 0 ? hostname.replace(/\.$/, "") : "";
}

function expireDateOf(socket: TLSSocket): number | undefined {
	return socket.getPeerX509Certificate()?.validToDate.getTime();
}
