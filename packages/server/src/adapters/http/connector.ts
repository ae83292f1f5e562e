// Opens connections, only to addresses that the guard has checked: directly, or through the operator's proxy.
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";

import type { Clock } from "../../core/clock.ts";
import type { AttemptConnection } from "../../core/delivery.ts";
import type { ErrorCause } from "../../core/log/attempt-cause.ts";
import type { AddressGuard } from "./address-guard.ts";
import { NameLookup, type Lookup, type NameOwner, type Names } from "./name-lookup.ts";
import { Dialer, type Destination } from "./opening/dial.ts";
import { findLackOfPorts } from "./opening/local-ports.ts";
import { OpeningLog } from "./opening/opening-log.ts";
import type { Usage } from "./pools/usage.ts";
import { createProxyBypass, type ProxyBypass } from "./proxy-bypass.ts";
import { openTunnel, parseProxy, type Proxy } from "./proxy.ts";
import { connectFailure, failedAddress, SendFailure } from "./send-failure.ts";

export interface ConnectorOptions {
	guard: AddressGuard;
	clock: Clock;
	/**
	 * `http://user:password@host:port` of a proxy that supports CONNECT. The proxy's own address is not checked, because
	 * the operator chose it.
	 */
	proxy?: string | undefined;
	/** Names, domains (`.example.com`) and networks that are called without the proxy. */
	noProxy?: readonly string[] | undefined;
	/** Limit for look-up, connection and TLS handshake together. The wait for the look-up's turn is not part of it. */
	connectTimeoutMs: number;
	/** Replaces the system's name look-up. */
	lookup?: Lookup | undefined;
	/** Looks names up in place of a look-up of its own. */
	names?: Names | undefined;
	/** A certificate to trust in addition to the public ones, as PEM. */
	ca?: string | undefined;
	/** Counts its sockets. */
	usage: Usage;
}

/** What to do about an address that is not public. The last sentence of each such reason. */
const ADVICE =
	"Only public addresses may be called, unless FANFARE_ALLOW_HOSTS names the host or FANFARE_ALLOW_NETWORKS its network.";

/** Called with the failure or the open socket. */
type Opened = (...result: [failure: SendFailure, socket: null] | [failure: null, socket: Socket]) => void;

/** A connection that is being opened. */
interface Opening {
	readonly owner: NameOwner;
	/** The step that has not finished yet, for the reason of a timeout. */
	step: string;
	/** The cause of a timeout in this step. */
	what: ErrorCause;
	readonly log: OpeningLog;
	readonly abort: AbortController;
	/** Called when the look-up of its name runs, or is not needed: the time limit begins. */
	readonly begin: () => void;
}

/** For the one who wants a connection while it is being opened. */
export interface OpeningHandle {
	/** Whether it waits for the turn of its name look-up, so that nothing was done for it so far. */
	readonly isQueued: boolean;
	/** The facts that are known at its end. */
	readonly facts: AttemptConnection;
	abort(failure: SendFailure): void;
}

/** Opens connections, with one time limit for all steps. */
export class Connector {
	readonly #guard: AddressGuard;
	readonly #clock: Clock;
	readonly #proxy: Proxy | null;
	readonly #bypass: ProxyBypass;
	readonly #timeoutMs: number;
	readonly #names: Names;
	readonly #dialer: Dialer;
	/** Every socket that is connecting or open. */
	readonly #sockets = new Set<Socket>();
	readonly #usage: Usage;
	readonly #openings = new Set<Opening>();
	/** The checked addresses for the socket that is being made in this moment. */
	#addresses: readonly LookupAddress[] = [];

	constructor({ guard, clock, proxy, noProxy = [], connectTimeoutMs, lookup, names, ca, usage }: ConnectorOptions) {
		this.#guard = guard;
		this.#clock = clock;
		this.#proxy = proxy === undefined ? null : parseProxy(proxy);
		this.#bypass = createProxyBypass(noProxy);
		this.#timeoutMs = connectTimeoutMs;
		this.#names = names ?? new NameLookup(clock, lookup);
		this.#usage = usage;
		this.#dialer = new Dialer({ clock, lookup: this.#lookup, ca });
	}

	/** Connects for this project and customer. The callback is called later, never at once. */
	connect(destination: Destination, owner: NameOwner, callback: Opened): OpeningHandle {
		const place = placeOf(destination.hostname, destination.port);
		const abort = new AbortController();
		let cancelTimer = (): void => {};
		let isQueued = true;
		const log = new OpeningLog(this.#clock);
		const begin = () => {
			isQueued = false;
			log.begin();
			cancelTimer = this.#clock.after(this.#timeoutMs, () => {
				const within = `within ${this.#timeoutMs.toLocaleString("en-US")} ms`;
				const reason = `no connection to ${place} ${within}: ${opening.step}`;
				abort.abort(new SendFailure("timeout", reason, { what: opening.what }));
			});
		};
		const step = "its name was being looked up";
		const opening: Opening = { owner, step, what: "lookup_timeout", log, abort, begin };
		this.#openings.add(opening);
		const finish: Opened = (...result) => {
			cancelTimer();
			this.#openings.delete(opening);
			callback(...result);
		};
		this.#open(destination, opening).then(
			(socket) => process.nextTick(finish, null, socket),
			async (error: unknown) => {
				const lacksPort = await findLackOfPorts(error);
				log.address ??= failedAddress(error, lacksPort);
				process.nextTick(
					finish,
					connectFailure(error, place, (ip) => this.#guard.isPublic(ip), lacksPort),
					null,
				);
			},
		);
		const maySee = (ip: string) => ip === destination.hostname || this.#guard.isPublic(ip);
		return {
			get isQueued() {
				return isQueued;
			},
			get facts() {
				return log.facts(maySee);
			},
			abort: (failure) => abort.abort(failure),
		};
	}

	/** Closes all connections, including those being opened, and waits until they are closed. */
	async close(): Promise<void> {
		for (const { abort } of this.#openings) abort.abort(new SendFailure("aborted", "the sender was closed"));
		await Promise.all(Array.from(this.#sockets, closed));
	}

	async #open(destination: Destination, opening: Opening): Promise<Socket> {
		const { hostname } = destination;
		const addresses = await orAborted(this.#addressesOf(hostname, opening), opening.abort.signal);
		opening.log.lookedUp(isIP(hostname) === 0);
		const isDirect = this.#proxy === null || this.#bypass.isNamed(hostname) || this.#bypass.hasAll(addresses);
		if (isDirect) return this.#connect(destination, opening, addresses);
		return this.#tunnel(this.#proxy, addresses, destination, opening);
	}

	async #tunnel(
		proxy: Proxy,
		addresses: readonly LookupAddress[],
		destination: Destination,
		opening: Opening,
	): Promise<Socket> {
		const { hostname, port, protocol } = destination;
		const ip = preferred(addresses);
		const place = placeOf(ip, port);
		const shown = this.#guard.isPublic(ip) ? place : placeOf(hostname, port);
		opening.step = `the proxy ${proxy.place} was being asked for a tunnel`;
		opening.what = "connect_timeout";
		opening.log.address = ip;
		const socket = this.#track(await openTunnel(proxy, { place, shown }, opening.abort.signal));
		opening.log.connected();
		socket.on("error", ignore); // The connection listens later. Until then, an error only closes the socket.
		return protocol === "https:" ? this.#connect(destination, opening, [], socket) : socket;
	}

	/** Connects, with a TLS handshake if the protocol is https, to one of these addresses, or over the tunnel. */
	#connect(
		destination: Destination,
		opening: Opening,
		addresses: readonly LookupAddress[],
		tunnel?: Socket,
	): Promise<Socket> {
		const { promise, resolve, reject } = Promise.withResolvers<Socket>();
		const { log } = opening;
		this.#addresses = addresses;
		const { socket, certificateExpireDate } = this.#dialer.dial(destination, tunnel);
		this.#track(socket);
		const isSecure = destination.protocol === "https:";
		// The connection listens for errors later. Until then, one only closes the socket.
		socket.on("error", reject).once(isSecure ? "secureConnect" : "connect", () => {
			if (isSecure) log.secured(certificateExpireDate());
			resolve(socket);
		});
		const { signal } = opening.abort;
		const stop = () => socket.destroy(signal.reason as SendFailure);
		if (signal.aborted) stop();
		else signal.addEventListener("abort", stop);
		opening.step = "it did not accept the connection";
		opening.what = "connect_timeout";
		const handshake = () => {
			opening.step = "it did not finish the TLS handshake";
			opening.what = "tls_timeout";
		};
		if (tunnel !== undefined) handshake();
		else {
			socket.once("connect", () => {
				log.connected(socket.remoteAddress);
				handshake();
			});
		}
		return promise;
	}

	/**
	 * The look-up that Node makes while a socket is being made. It returns the checked addresses, so no other address can be
	 * reached.
	 */
	readonly #lookup: LookupFunction = (_hostname, _options, callback) => {
		process.nextTick(callback, null, this.#addresses);
	};

	/** Checked addresses, at least one. */
	async #addressesOf(hostname: string, opening: Opening): Promise<readonly LookupAddress[]> {
		const { owner, abort, begin } = opening;
		const { projectId } = owner;
		const family = isIP(hostname);
		if (family !== 0) {
			begin();
			this.#check(hostname, hostname, projectId);
			return [{ address: hostname, family }];
		}
		const addresses = await this.#names.resolve(owner, hostname, { signal: abort.signal, onTurn: begin });
		for (const { address } of addresses) this.#check(address, hostname, projectId);
		return addresses;
	}

	/**
	 * Throws if the address may not be called. One such address blocks the name, because any of them might be connected
	 * to. The address that a name resolves to is only in the detail: customers must not learn about the operator's own
	 * network.
	 */
	#check(ip: string, hostname: string, projectId: string): void {
		const kind = this.#guard.refusal(ip, hostname, projectId);
		if (kind === null) return;
		const detail = ip === hostname ? null : `${hostname} resolves to ${ip}, ${kind}`;
		throw new SendFailure("blocked_address", `the address of ${hostname} is not a public address. ${ADVICE}`, {
			detail,
		});
	}

	#track(socket: Socket): Socket {
		this.#sockets.add(socket);
		this.#usage.sockets = this.#sockets.size;
		return socket.once("close", () => {
			this.#sockets.delete(socket);
			this.#usage.sockets = this.#sockets.size;
		});
	}
}

function placeOf(host: string, port: number): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address to request from the proxy: IPv4 if there is one, because many proxies lack IPv6. */
function preferred(addresses: readonly LookupAddress[]): string {
	return (addresses.find(({ family }) => family === 4) ?? addresses[0])?.address ?? "";
}

/** The promise's result, or a rejection if the signal is aborted first. */
function orAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise, reject } = Promise.withResolvers<never>();
	signal.addEventListener("abort", () => reject(signal.reason as SendFailure));
	return Promise.race([result, promise]);
}

function closed(socket: Socket): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	socket.once("close", () => resolve()).destroy();
	return promise;
}

function ignore(): void {}
