// Opens connections for undici, only to addresses that the guard has checked: directly, or through the operator's
// proxy.
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { createSecureContext, getCACertificates } from "node:tls";

import { buildConnector } from "undici";

import type { Clock } from "../../core/clock.ts";
import { adviceFor, type AddressGuard } from "./address-guard.ts";
import { NameLookup, type Lookup } from "./name-lookup.ts";
import { openTunnel, parseProxy, type Proxy } from "./proxy.ts";
import { connectFailure, SendFailure } from "./send-failure.ts";

export interface ConnectorOptions {
	guard: AddressGuard;
	clock: Clock;
	/**
	 * `http://user:password@host:port` of a proxy that supports CONNECT. The proxy's own address is not checked, because
	 * the operator chose it.
	 */
	proxy?: string | undefined;
	/** Limit for look-up, connection and TLS handshake together. */
	connectTimeoutMs: number;
	/** Replaces the system's name look-up. */
	lookup?: Lookup | undefined;
	/** A certificate to trust in addition to the public ones, as PEM. */
	ca?: string | undefined;
}

/**
 * How long one of several addresses may take before the next one is tried. Node then drops the first, so this must
 * exceed any realistic round trip. A receiver with broken IPv6 loses this much time once per connection.
 */
const NEXT_ADDRESS_AFTER_MS = 1_000;

type ConnectOptions = buildConnector.Options;
type Dial = (options: ConnectOptions, callback: buildConnector.Callback) => Socket;

/** A connection that is being opened. */
interface Opening {
	/** The step that has not finished yet, for the reason of a timeout. */
	step: string;
	abort: AbortController;
}

/** Opens connections, with one time limit for all steps. */
export class Connector {
	readonly #guard: AddressGuard;
	readonly #clock: Clock;
	readonly #proxy: Proxy | null;
	readonly #timeoutMs: number;
	readonly #names: NameLookup;
	readonly #dial: Dial;
	/** Every socket that is connecting or open. */
	readonly #sockets = new Set<Socket>();
	readonly #openings = new Set<Opening>();

	constructor({ guard, clock, proxy, connectTimeoutMs, lookup, ca }: ConnectorOptions) {
		this.#guard = guard;
		this.#clock = clock;
		this.#proxy = proxy === undefined ? null : parseProxy(proxy);
		this.#timeoutMs = connectTimeoutMs;
		this.#names = new NameLookup(clock, lookup);
		// buildConnector returns the socket, although its type does not say so.
		this.#dial = buildConnector({
			lookup: this.#lookup,
			autoSelectFamily: true,
			autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
			timeout: 0, // Undici's own timer has a resolution of whole seconds.
			rejectUnauthorized: true,
			secureContext: createSecureContext(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] }),
		}) as unknown as Dial;
	}

	get socketCount(): number {
		return this.#sockets.size;
	}

	/** Connects on behalf of undici. Returns a function that aborts the connection. */
	connect(options: ConnectOptions, callback: buildConnector.Callback): (failure: SendFailure) => void {
		const place = placeOf(options.hostname, portOf(options));
		const opening: Opening = { step: "its name was being looked up", abort: new AbortController() };
		const cancelTimer = this.#clock.after(this.#timeoutMs, () => {
			const within = `within ${this.#timeoutMs.toLocaleString("en-US")} ms`;
			opening.abort.abort(new SendFailure("timeout", `no connection to ${place} ${within}: ${opening.step}`));
		});
		this.#openings.add(opening);
		const finish = (...result: Parameters<buildConnector.Callback>) => {
			cancelTimer();
			this.#openings.delete(opening);
			callback(...result);
		};
		this.#open(options, opening).then(
			(socket) => process.nextTick(finish, null, socket),
			(error: unknown) => process.nextTick(finish, connectFailure(error, place), null),
		);
		return (failure) => opening.abort.abort(failure);
	}

	/** Closes all connections, including those being opened, and waits until they are closed. */
	async close(): Promise<void> {
		for (const { abort } of this.#openings) abort.abort(new SendFailure("aborted", "the sender was closed"));
		await Promise.all(Array.from(this.#sockets, closed));
	}

	async #open(options: ConnectOptions, opening: Opening): Promise<Socket> {
		// Node does not look up IP literals, so #lookup would not check this address.
		if (isIP(options.hostname) !== 0) this.#check(options.hostname, options.hostname);
		return this.#proxy === null ? this.#connect(options, opening) : this.#tunnel(this.#proxy, options, opening);
	}

	async #tunnel(proxy: Proxy, options: ConnectOptions, opening: Opening): Promise<Socket> {
		const { signal } = opening.abort;
		const ip = await orAborted(this.#addressFor(options.hostname), signal);
		opening.step = `the proxy ${proxy.place} was being asked for a tunnel`;
		const socket = this.#track(await openTunnel(proxy, placeOf(ip, portOf(options)), signal));
		socket.on("error", ignore); // Undici listens later. Until then, an error only closes the socket.
		return options.protocol === "https:" ? this.#connect({ ...options, httpSocket: socket }, opening) : socket;
	}

	/** Connects, with a TLS handshake if the protocol is https. */
	#connect(options: ConnectOptions, opening: Opening): Promise<Socket> {
		const { promise, resolve, reject } = Promise.withResolvers<Socket>();
		const socket = this.#track(
			this.#dial(options, (error, connected) => (error === null ? resolve(connected) : reject(error))),
		);
		const { signal } = opening.abort;
		const stop = () => socket.destroy(signal.reason as SendFailure);
		if (signal.aborted) stop();
		else signal.addEventListener("abort", stop);
		if (isIP(options.hostname) !== 0) opening.step = "it did not accept the connection";
		socket.once("lookup", () => (opening.step = "it did not accept the connection"));
		socket.once("connect", () => (opening.step = "it did not finish the TLS handshake"));
		if (options.httpSocket !== undefined) opening.step = "it did not finish the TLS handshake";
		return promise;
	}

	/**
	 * The look-up that Node uses to connect. It returns checked addresses or fails, so no other address can be reached.
	 */
	readonly #lookup: LookupFunction = (hostname, _options, callback) => {
		this.#addressesOf(hostname).then(
			(addresses) => process.nextTick(callback, null, addresses),
			(error: unknown) => process.nextTick(callback, error, []),
		);
	};

	async #addressesOf(hostname: string): Promise<readonly LookupAddress[]> {
		const addresses = await this.#names.resolve(hostname);
		for (const { address } of addresses) this.#check(address, hostname);
		return addresses;
	}

	/** The address to request from the proxy: IPv4 if there is one, because many proxies lack IPv6. */
	async #addressFor(hostname: string): Promise<string> {
		if (isIP(hostname) !== 0) return hostname;
		const addresses = await this.#addressesOf(hostname);
		const chosen = addresses.find(({ family }) => family === 4) ?? addresses[0];
		return chosen?.address ?? "";
	}

	/**
	 * Throws if the address may not be called. One such address blocks the name, because any of them might be connected
	 * to.
	 */
	#check(ip: string, hostname: string): void {
		const kind = this.#guard.refusal(ip);
		if (kind === null) return;
		const problem = ip === hostname ? `${ip} is ${kind}` : `${hostname} resolves to ${ip}, ${kind}`;
		throw new SendFailure("blocked_address", `${problem}. ${adviceFor(ip)}`);
	}

	#track(socket: Socket): Socket {
		this.#sockets.add(socket);
		return socket.once("close", () => this.#sockets.delete(socket));
	}
}

function placeOf(host: string, port: number): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function portOf({ port, protocol }: ConnectOptions): number {
	return Number(port || (protocol === "https:" ? 443 : 80));
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
