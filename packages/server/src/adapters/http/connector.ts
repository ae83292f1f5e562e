// Opens connections for undici, to checked addresses only: straight, or through the operator's proxy.
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { createSecureContext, getCACertificates } from "node:tls";

import { buildConnector } from "undici";

import { adviceFor, type AddressGuard } from "./address-guard.ts";
import { NameLookup, type Lookup } from "./name-lookup.ts";
import { openTunnel, parseProxy, type Proxy } from "./proxy.ts";
import { connectFailure, SendFailure } from "./send-failure.ts";

export interface ConnectorOptions {
	guard: AddressGuard;
	/** `http://user:password@host:port` of a proxy that takes CONNECT. Its own address is not judged: the operator named it. */
	proxy?: string | undefined;
	/** Covers look-up, connection and TLS handshake together. */
	connectTimeoutMs: number;
	/** Takes the place of the system's look-up. */
	lookup?: Lookup | undefined;
	/** A certificate to trust beside the public ones, as PEM. */
	ca?: string | undefined;
}

/**
 * How long one address of several may take before the next is tried. Node drops the first then, so this must exceed any
 * honest round trip; a receiver whose IPv6 is broken costs this much once per connection.
 */
const NEXT_ADDRESS_AFTER_MS = 1_000;

type ConnectOptions = buildConnector.Options;
type Dial = (options: ConnectOptions, callback: buildConnector.Callback) => Socket;

/** A connection that is being made. */
interface Opening {
	/** What is still missing, for the reason of a timeout. */
	step: string;
	abort: AbortController;
}

export class Connector {
	readonly #guard: AddressGuard;
	readonly #proxy: Proxy | null;
	readonly #timeoutMs: number;
	readonly #names: NameLookup;
	readonly #dial: Dial;
	/** Every socket that is connecting or open. */
	readonly #sockets = new Set<Socket>();
	readonly #openings = new Set<Opening>();

	constructor({ guard, proxy, connectTimeoutMs, lookup, ca }: ConnectorOptions) {
		this.#guard = guard;
		this.#proxy = proxy === undefined ? null : parseProxy(proxy);
		this.#timeoutMs = connectTimeoutMs;
		this.#names = new NameLookup(lookup);
		// buildConnector returns the socket, which its type leaves out
		this.#dial = buildConnector({
			lookup: this.#lookup,
			autoSelectFamily: true,
			autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
			timeout: 0, // undici's own timer counts in whole seconds
			rejectUnauthorized: true,
			secureContext: createSecureContext(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] }),
		}) as unknown as Dial;
	}

	get socketCount(): number {
		return this.#sockets.size;
	}

	/** Connects for undici; returns how to stop it. */
	connect(options: ConnectOptions, callback: buildConnector.Callback): (failure: SendFailure) => void {
		const place = placeOf(options.hostname, portOf(options));
		const opening: Opening = { step: "its name was being looked up", abort: new AbortController() };
		const timer = setTimeout(() => {
			const within = `within ${this.#timeoutMs.toLocaleString("en-US")} ms`;
			opening.abort.abort(new SendFailure("timeout", `no connection to ${place} ${within}: ${opening.step}`));
		}, this.#timeoutMs);
		this.#openings.add(opening);
		const finish = (...result: Parameters<buildConnector.Callback>) => {
			clearTimeout(timer);
			this.#openings.delete(opening);
			callback(...result);
		};
		this.#open(options, opening).then(
			(socket) => process.nextTick(finish, null, socket),
			(error: unknown) => process.nextTick(finish, connectFailure(error, place), null),
		);
		return (failure) => opening.abort.abort(failure);
	}

	/** Ends all connections, also those that are being made, and waits until they are gone. */
	async close(): Promise<void> {
		for (const { abort } of this.#openings) abort.abort(new SendFailure("aborted", "the sender was closed"));
		await Promise.all(Array.from(this.#sockets, closed));
	}

	async #open(options: ConnectOptions, opening: Opening): Promise<Socket> {
		// Node looks no literal up, so #lookup would not see it
		if (isIP(options.hostname) !== 0) this.#check(options.hostname, options.hostname);
		return this.#proxy === null ? this.#connect(options, opening) : this.#tunnel(this.#proxy, options, opening);
	}

	async #tunnel(proxy: Proxy, options: ConnectOptions, opening: Opening): Promise<Socket> {
		const { signal } = opening.abort;
		const ip = await orAborted(this.#addressFor(options.hostname), signal);
		opening.step = `the proxy ${proxy.place} was being asked for a tunnel`;
		const socket = this.#track(await openTunnel(proxy, placeOf(ip, portOf(options)), signal));
		socket.on("error", ignore); // undici listens later; until then an error only shows as a closed socket
		return options.protocol === "https:" ? this.#connect({ ...options, httpSocket: socket }, opening) : socket;
	}

	/** Connects, and sets TLS up if it is wanted. */
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

	/** Node's look-up for connections: gives checked addresses or fails, so that nothing else can be connected to. */
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

	/** The address to ask the proxy for: IPv4 if there is one, as proxies without IPv6 are common. */
	async #addressFor(hostname: string): Promise<string> {
		if (isIP(hostname) !== 0) return hostname;
		const addresses = await this.#addressesOf(hostname);
		const chosen = addresses.find(({ family }) => family === 4) ?? addresses[0];
		return chosen?.address ?? "";
	}

	/** One address that may not be called condemns the whole name: which one a connection takes is up to chance. */
	#check(ip: string, hostname: string): void {
		const kind = this.#guard.refusal(ip);
		if (kind === null) return;
		const what = ip === hostname ? `${ip} is ${kind}` : `${hostname} resolves to ${ip}, ${kind}`;
		throw new SendFailure("blocked_address", `${what}. ${adviceFor(ip)}`);
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

/** The promise's result, unless the signal comes first. */
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
