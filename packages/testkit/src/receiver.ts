// A real webhook receiver for tests. It can misbehave in every way in which receivers do.
import { readFileSync } from "node:fs";
import {
	createServer as createHttpServer,
	type IncomingHttpHeaders,
	type IncomingMessage,
	type ServerResponse,
} from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { DEADLINE_MS } from "./deadline.ts";

/** A request that a receiver has got. */
export interface ReceivedRequest {
	method: string;
	/** Path and query as they were sent. */
	path: string;
	headers: IncomingHttpHeaders;
	rawBody: Buffer;
	/** When the body was complete, in milliseconds since the epoch. */
	receivedAt: number;
	/** The number of the connection that it came on, from 0. */
	connection: number;
	/** The address that it came from. */
	from: string;
}

type Bytes = string | Uint8Array;

/** A complete HTTP response. Defaults to 200 without a body. */
export interface Reply {
	kind?: "reply";
	status?: number;
	headers?: Record<string, string | number | readonly string[]>;
	body?: Bytes;
	/** Sends `connection: close`, and closes the connection after the response. */
	close?: boolean;
	/** Waits this long before the response. */
	delayMs?: number;
	/** Sends the head at once and then the body byte by byte, this far apart. */
	dripMs?: number;
}

/** What a receiver does with a request. */
export type Answer =
	| Reply
	/** Never responds; the connection stays open. */
	| { kind: "hang" }
	/** Writes `head` if given, and then resets the TCP connection. */
	| { kind: "reset"; head?: Bytes }
	/** Writes exactly these parts, `everyMs` apart (0: as fast as possible), and then hangs, closes or resets the connection. */
	| { kind: "raw"; parts: Iterable<Bytes>; everyMs?: number; after?: "hang" | "end" | "reset" };

/** Chooses the answer to a request. `index` counts the requests from 0. */
export type Script = (request: ReceivedRequest, index: number) => Answer | Promise<Answer>;

/**
 * What a receiver does with a new connection, before HTTP and TLS. "silent" reads and never writes. "ignore" does not read
 * either, so it does not notice when the other side closes the connection.
 */
export type Greeting = "serve" | "silent" | "ignore" | "reset" | "close";

export interface ReceiverOptions {
	/** Serves https with the certificate in `fixtures/`, whose CA is `receiver.ca`. Defaults to false. */
	tls?: boolean;
	/** The address to listen on. Defaults to 127.0.0.1. */
	host?: string;
}

/** Ready-made answers for the less usual behaviours. */
export const answers = {
	/** Headers that never end. */
	endlessHeaders: (everyMs = 0): Answer => ({
		kind: "raw",
		parts: endless("HTTP/1.1 200 OK\r\n", (n) => `x-${n}: ${"h".repeat(100)}\r\n`),
		everyMs,
	}),
	/** A body that never ends. */
	endlessBody: (everyMs = 0): Answer => ({
		kind: "raw",
		parts: endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", () => `400\r\n${"b".repeat(1_024)}\r\n`),
		everyMs,
	}),
	/** Bytes that are not an HTTP response. */
	garbage: (bytes: Bytes = "this is not HTTP\r\n\r\n"): Answer => ({ kind: "raw", parts: [bytes], after: "end" }),
	/** Only the start of a status line. */
	halfStatusLine: (): Answer => ({ kind: "raw", parts: ["HTTP/1.1 2"] }),
	/** A small body that expands to 10 MB. */
	gzipBomb: (): Answer => ({ headers: { "content-encoding": "gzip" }, body: gzipSync(Buffer.alloc(10_000_000)) }),
	redirect: (location: string, status = 302): Answer => ({ status, headers: { location } }),
	retryAfter: (value: string | number, status = 503): Answer => ({ status, headers: { "retry-after": value } }),
	/** A response that is cut off by a reset after half of its body. */
	resetMidBody: (): Answer => ({ kind: "reset", head: "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf" }),
} as const;

const FIXTURES = new URL("../fixtures/certificates/", import.meta.url);
/** The file with the certificate of https receivers, for `NODE_EXTRA_CA_CERTS`. */
export const CERTIFICATE_FILE = fileURLToPath(new URL("receiver-cert.pem", FIXTURES));

/**
 * Starts a receiver on a free port. It responds to every request with 200 until `script` or `respond` change that.
 *
 * @example
 * await using receiver = await startReceiver();
 * receiver.respond([{ status: 500 }, { kind: "hang" }]); // then 200 again
 * …
 * const [first] = await receiver.waitFor(1);
 */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
	const receiver = new Receiver(options);
	await receiver.listen(options.host ?? "127.0.0.1");
	return receiver;
}

export class Receiver implements AsyncDisposable {
	/** All requests so far, oldest first. */
	readonly requests: ReceivedRequest[] = [];
	/** What the receiver does with new connections. */
	greeting: Greeting = "serve";
	/** How many connections have been accepted so far. */
	connectionCount = 0;
	/** The certificate that clients of an https receiver must trust, as PEM. */
	readonly ca = readFileSync(CERTIFICATE_FILE, "utf8");

	readonly #scheme: string;
	readonly #server = createTcpServer((socket) => this.#greet(socket));
	readonly #http = createHttpServer((request, response) => void this.#handle(request, response));
	readonly #tls = createTlsServer({ key: readFileSync(new URL("receiver-key.pem", FIXTURES)), cert: this.ca });
	readonly #sockets = new Set<Socket>();
	/** The numbers of the connections, by the client's port. */
	readonly #numbers = new Map<number, number>();
	readonly #waiters = new Set<() => void>();
	#script: Script = () => ({});
	#queue: Answer[] = [];

	constructor({ tls = false }: ReceiverOptions) {
		this.#scheme = tls ? "https" : "http";
		this.#http.keepAliveTimeout = 0; // tests decide when a connection ends, not a timer
		this.#tls.on("secureConnection", (socket) => {
			socket.on("error", ignore);
			this.#http.emit("connection", socket);
		});
		this.#tls.on("tlsClientError", ignore);
	}

	/** The receiver's own URL, without a path. */
	get url(): string {
		return `${this.#scheme}://${this.host}`;
	}

	/** `127.0.0.1:port`. */
	get host(): string {
		const { address, port, family } = this.#address();
		return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
	}

	get port(): number {
		return this.#address().port;
	}

	/** The number of connections that are open now. */
	get openConnections(): number {
		return this.#sockets.size;
	}

	/** The number of connections from an address that are open now. */
	openConnectionsFrom(address: string): number {
		return [...this.#sockets].filter(({ remoteAddress }) => remoteAddress === address).length;
	}

	/** Sets the function that chooses the answers from now on. */
	script(script: Script): void {
		this.#script = script;
	}

	/** Gives these answers to the next requests, in this order. After them, the script's answers follow. */
	respond(answers: readonly Answer[]): void {
		this.#queue = [...answers];
	}

	/** Waits for at least `count` requests, and returns all requests so far. */
	async waitFor(count: number, timeoutMs = DEADLINE_MS): Promise<readonly ReceivedRequest[]> {
		const isEnough = () => this.requests.length >= count;
		await this.#until(isEnough, timeoutMs, () => `${count} requests, got ${this.requests.length}`);
		return this.requests;
	}

	/** Waits until exactly `count` connections are open. */
	async waitForConnections(count: number, timeoutMs = DEADLINE_MS): Promise<void> {
		const isSo = () => this.#sockets.size === count;
		await this.#until(isSo, timeoutMs, () => `${count} open connections, have ${this.#sockets.size}`);
	}

	/** Closes the connection with this number, or all if omitted: with FIN, as after the keep-alive time, or with a reset. */
	closeConnections(how: "end" | "reset" = "end", connection?: number): void {
		for (const socket of this.#sockets) {
			if (connection !== undefined && this.#numberOf(socket) !== connection) continue;
			if (how === "end") socket.end();
			else socket.resetAndDestroy();
		}
	}

	async listen(host: string): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.#server.once("error", reject).listen(0, host, resolve);
		await promise;
	}

	/** Stops listening and drops all connections. May be called twice. */
	async close(): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#server.close(() => resolve());
		for (const socket of this.#sockets) socket.destroy();
		await promise;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#address(): AddressInfo {
		const address = this.#server.address();
		if (address === null || typeof address === "string") throw new Error("the receiver is not listening");
		return address;
	}

	#numberOf(socket: Socket): number {
		return this.#numbers.get(socket.remotePort ?? 0) ?? -1;
	}

	#greet(socket: Socket): void {
		this.#numbers.set(socket.remotePort ?? 0, this.connectionCount);
		this.connectionCount += 1;
		this.#sockets.add(socket);
		socket.on("error", ignore);
		socket.on("close", () => {
			this.#sockets.delete(socket);
			this.#notify();
		});
		this.#notify();
		if (this.greeting === "reset") socket.resetAndDestroy();
		else if (this.greeting === "close") socket.destroy();
		else if (this.greeting === "ignore") socket.pause();
		else if (this.greeting === "silent") socket.resume();
		else (this.#scheme === "https" ? this.#tls : this.#http).emit("connection", socket);
	}

	async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
		const { socket } = incoming;
		const rawBody = await buffer(incoming).catch(() => null);
		if (rawBody === null) return; // the client closed the connection
		const request: ReceivedRequest = {
			method: incoming.method ?? "",
			path: incoming.url ?? "",
			headers: incoming.headers,
			rawBody,
			receivedAt: Date.now(),
			connection: this.#numberOf(socket),
			from: socket.remoteAddress ?? "",
		};
		const index = this.requests.push(request) - 1;
		this.#notify();
		const answer = this.#queue.shift() ?? (await this.#script(request, index));
		if (answer.kind === "reset") await writeRaw(socket, [answer.head ?? ""], 0, "reset");
		else if (answer.kind === "raw") await writeRaw(socket, answer.parts, answer.everyMs ?? 0, answer.after ?? "hang");
		else if (answer.kind !== "hang") await writeReply(response, answer);
	}

	#notify(): void {
		for (const waiter of this.#waiters) waiter();
	}

	async #until(isSo: () => boolean, timeoutMs: number, wanted: () => string): Promise<void> {
		if (isSo()) return;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const waiter = () => {
			if (isSo()) resolve();
		};
		const timer = setTimeout(
			() => reject(new Error(`the receiver ${this.host} waited ${timeoutMs} ms for ${wanted()}`)),
			timeoutMs,
		);
		this.#waiters.add(waiter);
		try {
			await promise;
		} finally {
			clearTimeout(timer);
			this.#waiters.delete(waiter);
		}
	}
}

async function writeReply(response: ServerResponse, reply: Reply): Promise<void> {
	const { status = 200, headers = {}, body = "", close = false, delayMs = 0, dripMs } = reply;
	if (delayMs > 0) await delay(delayMs);
	response.on("error", ignore);
	const bytes = Buffer.from(body);
	response.writeHead(status, {
		"content-length": bytes.length,
		...headers,
		...(close ? { connection: "close" } : {}),
	});
	if (dripMs === undefined) {
		response.end(bytes);
		return;
	}
	response.flushHeaders();
	for (const byte of bytes) {
		await delay(dripMs);
		if (response.destroyed) return;
		response.write(Uint8Array.of(byte));
	}
	response.end();
}

/** Writes to the socket without the HTTP server, for which the response is still to come. */
async function writeRaw(
	socket: Socket,
	parts: Iterable<Bytes>,
	everyMs: number,
	after: "hang" | "end" | "reset",
): Promise<void> {
	for (const part of parts) {
		if (socket.destroyed) return;
		if (!socket.write(part)) await drained(socket);
		if (everyMs > 0) await delay(everyMs);
	}
	if (after === "end") socket.end();
	// A TLS socket has no reset of its own. For its peer, a destroyed connection looks much the same.
	if (after === "reset") socket.write("", () => ("encrypted" in socket ? socket.destroy() : socket.resetAndDestroy()));
}

function drained(socket: Socket): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	socket.once("drain", resolve);
	socket.once("close", resolve);
	return promise;
}

function* endless(head: string, next: (n: number) => string): Generator<string> {
	yield head;
	for (let n = 0; ; n += 1) yield next(n);
}

function ignore(): void {}
