// The HTTP server that the API runs on: its time limits, and requests that Node cannot parse.
import { createServer, maxHeaderSize, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import { ClientPlaces } from "./client-places.ts";
import type { Clock } from "./core/clock.ts";
import { listenError } from "./listen-error.ts";
import { ReadTurns } from "./read-turns.ts";

/**
 * Limits for the headers and for the whole request. A slower client is disconnected, because its request uses memory.
 */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** How long a body may go on after its response, on the lean path and of a GET: the same as `@hono/node-server` allows other calls. */
const UNREAD_BODY_GRACE_MS = 500;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/**
 * While more than half of the connections that may be open are idle, one that is idle for this long is closed. Otherwise
 * clients that only hold connections would keep others out.
 */
const CROWDED_KEEP_ALIVE_MS = 5_000;
/** How often idle connections are looked for while more than half of those that may be open are. */
const LOOK_EVERY_MS = 1_000;
/**
 * How long a stop waits for responses that are still to come or being written. A call that has changed something may wait for four seconds until the
 * other processes know of it.
 */
const CLOSE_GRACE_MS = 6_000;

/**
 * Requests of one connection whose responses are still to come. Node stops to read further ones only while bytes of responses wait to be read: without
 * this bound, a client that waits for no response could send any number.
 */
const MOST_OPEN_REQUESTS = 256;

/** Of these, the requests that are worked on at once. Responses are sent in the order of the requests, so a later one would wait anyway. */
const MOST_AT_ONCE = 16;

/** More headers are refused: each takes about as much time as a hundred bytes of a body. */
const MOST_HEADERS = 200;

/** A connection on which nothing happens for so long, while a response is written to it, is closed: nobody reads it. */
const UNREAD_RESPONSE_MS = 60_000;

/** Node keeps the response that is being written in this field, and reads it itself if there is no listener for an event. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null };
/**
 * Responds to a request, also if it fails: it never rejects. It calls `endBody` if it has written the response before the whole request has
 * arrived.
 */
export type Listener = (
	request: IncomingMessage,
	response: ServerResponse,
	endBody: (request: IncomingMessage) => void,
) => unknown;

/** Where to listen. */
interface Address {
	readonly host: string;
	/** 0 chooses a free port. */
	readonly port: number;
}

/** For connections that are accepted elsewhere, and given to the server. */
interface GivenOptions {
	/** How long a response may wait for a client that reads nothing of it. 0 is without end. Defaults to 60,000. */
	readonly unreadMs?: number;
	/** How long a whole request may take to arrive. Defaults to 60,000. */
	readonly requestTimeoutMs?: number;
	/** The most bytes of the headers of a request. Defaults to what Node takes, which is 16 KiB. */
	readonly maxHeaderBytes?: number;
	/** Called with the number of open connections when that has changed. */
	readonly counted?: (connections: number) => void;
}

interface HttpServerOptions extends GivenOptions, Address {
	/** The most connections at once. For a further one, another one is closed, or it is closed itself: see `ClientPlaces`. */
	readonly maxConnections: number;
	/** Called for each connection that is closed because there are too many. */
	readonly refused: () => void;
}

/** A connection that is no socket of the system. */
interface GivenConnection extends Duplex {
	readonly remoteAddress: string | undefined;
	/** See `Socket.destroySoon`. */
	destroySoon(): void;
}

/** Responds to requests that cannot be read as HTTP: see `UnreadableRequests` of the API. */
export interface Unreadable {
	refuse(socket: Socket, code: string | undefined, isAnswered: boolean): void;
	drop(socket: Socket, openRequests: number): void;
}

/** The requests of a connection whose responses are still to come, and what begins those of them that wait for others. */
interface OpenRequests {
	count: number;
	readonly waiting: (() => void)[];
}

/** A connection without a request, since when, and the bytes that had been received by then. */
interface Idle {
	readonly since: number;
	readonly bytes: number;
}

/**
 * Listens at once, and responds from the first call of `handle` on: earlier requests wait.
 *
 * @example
 * const http = await HttpServer.listen({ host: "127.0.0.1", port: 0, maxConnections: 100, refused }, unreadable, clock);
 * http.handle(fetchListener(app.fetch, unreadable));
 */
export class HttpServer {
	readonly #server: Server;
	readonly #options: GivenOptions & Partial<HttpServerOptions>;
	readonly #unreadable: Unreadable;
	readonly #clock: Clock;
	readonly #unreadMs: number;
	#listener: Listener;
	#open: () => void = () => {};
	readonly #sockets = new Set<HttpSocket>();
	readonly #idle = new Map<HttpSocket, Idle>();
	readonly #openRequests = new WeakMap<Socket, OpenRequests>();
	/** Connections on which something could not be read. They are being closed. */
	readonly #refused = new WeakSet<Socket>();
	readonly #turns: ReadTurns;
	#cancelLook: (() => void) | null = null;

	private constructor(options: GivenOptions & Partial<HttpServerOptions>, unreadable: Unreadable, clock: Clock) {
		this.#options = options;
		this.#unreadMs = options.unreadMs ?? UNREAD_RESPONSE_MS;
		this.#clock = clock;
		this.#unreadable = unreadable;
		this.#turns = new ReadTurns(clock);
		const ready = new Promise<void>((resolve) => {
			this.#open = resolve;
		});
		this.#listener = async (request, response, endBody) => {
			await ready;
			await this.#listener(request, response, endBody);
		};
		this.#server = this.#create();
	}

	/** Starts listening. Rejects with an error that explains why that is not possible. */
	static async listen(options: HttpServerOptions, unreadable: Unreadable, clock: Clock): Promise<HttpServer> {
		const { host, port } = options;
		const http = new HttpServer(options, unreadable, clock);
		await new Promise<void>((resolve, reject) => {
			const failed = async (error: NodeJS.ErrnoException) => reject(await listenError(error, { host, port }));
			http.#server.once("error", (error: NodeJS.ErrnoException) => void failed(error));
			http.#server.listen(port, host, () => {
				http.#server.removeAllListeners("error");
				resolve();
			});
		});
		return http;
	}

	/** A server that listens nowhere: it serves the connections that are given to `take`, whose number is bounded elsewhere. */
	static forGiven(options: GivenOptions, unreadable: Unreadable, clock: Clock): HttpServer {
		return new HttpServer(options, unreadable, clock);
	}

	/** Serves a connection. Its end is for the one who gave it: `close` leaves it open. */
	take(connection: GivenConnection): void {
		// Node allows any duplex stream here: https://nodejs.org/api/http.html#event-connection
		this.#server.emit("connection", connection as Duplex as Socket);
	}

	/** Connections of clients that are open. */
	get connections(): number {
		return this.#sockets.size;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	get url(): string {
		return urlOf(this.#options.host ?? "", this.port);
	}

	/** Handles requests from now on. May be called again with another listener. */
	handle(listener: Listener): void {
		this.#listener = listener;
		this.#open();
	}

	/**
	 * Closes idle connections at once. Responses in progress get a grace period, then their connections are closed too.
	 */
	async close(): Promise<void> {
		this.#cancelLook?.();
		if (!this.#server.listening) return;
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		this.#server.closeIdleConnections();
		const cancel = this.#clock.after(CLOSE_GRACE_MS, () => this.#server.closeAllConnections());
		await closed;
		cancel();
	}

	/** Node reads and drops what is left of a body, without end. A client that goes on sending is disconnected. */
	#endUnreadBody(request: IncomingMessage): void {
		this.#clock.after(UNREAD_BODY_GRACE_MS, () => {
			if (!request.complete) request.socket.destroySoon();
		});
	}

	/**
	 * Nothing has been read from or written to the connection for a while. A call that still works on its response, and a
	 * stream without news, go on; a connection that is idle between requests is closed, as Node would.
	 */
	#closeUnread(socket: HttpSocket): void {
		const isWorking = (socket._httpMessage ?? null) !== null && socket.writableLength === 0;
		if (isWorking) socket.setTimeout(this.#unreadMs);
		else socket.destroy();
	}

	#create(): Server {
		const server = createServer(
			{
				headersTimeout: HEADERS_TIMEOUT_MS,
				requestTimeout: this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
				keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
				connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
				// The listener refuses such requests itself, with the API's error format.
				requireHostHeader: false,
				maxHeaderSize: this.#options.maxHeaderBytes ?? maxHeaderSize,
			},
			// The listener also responds to its own failures, so it never rejects.
			(request, response) => {
				// HTTP/1.0, which some health checks still use, has no Host header.
				if (request.httpVersion === "1.0") request.headers.host ??= "localhost";
				const { socket } = request;
				const open = this.#openRequest(socket, response);
				if (open === null) return;
				if (request.rawHeaders.length > 2 * MOST_HEADERS) return this.#refuse(socket, "HPE_HEADER_OVERFLOW");
				if (request.headers["transfer-encoding"] !== undefined) this.#countPieces(request, response);
				if (hasUnreadBody(request)) response.once("finish", () => this.#endUnreadBody(request));
				const begin = () => void this.#listener(request, response, (unread) => this.#endUnreadBody(unread));
				if (open.count > MOST_AT_ONCE) open.waiting.push(begin);
				else begin();
			},
		);
		const { maxConnections, refused } = this.#options;
		server.on("connection", (socket: HttpSocket) => this.#watch(socket));
		if (maxConnections !== undefined && refused !== undefined) this.#bound(server, maxConnections, refused);
		server.setTimeout(this.#unreadMs, (socket) => this.#closeUnread(socket));
		// Some versions of Node refuse more than a thousand headers. Others drop those behind, and still go by the length of the body that one of them gives. So
		// Node keeps all of them, and the listener counts.
		server.maxHeadersCount = 0;
		// Node would close these connections without a response, or respond without a body.
		server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#refuse(socket as HttpSocket, error.code));
		server.on("connect", ({ socket }) => {
			// Node has taken all its listeners off.
			socket.on("error", () => {});
			socket.setTimeout(this.#unreadMs, () => socket.destroy());
			this.#refuse(socket, undefined);
		});
		server.on("checkExpectation", ({ socket }) => this.#refuse(socket, undefined));
		return server;
	}

	/** Node's own bound would refuse whoever comes when there are too many. */
	#bound(server: Server, most: number, refused: () => void): void {
		const places = new ClientPlaces<HttpSocket>(this.#clock, { most, isIdle, refused });
		const serve = server.listeners("connection");
		server.removeAllListeners("connection");
		server.on("connection", (socket: HttpSocket) => {
			if (places.take(socket)) for (const listener of serve) listener.call(server, socket);
		});
	}

	/** Refuses what could not be read, once for each connection: more of the kind may come until it is closed. */
	#refuse(socket: HttpSocket, code: string | undefined): void {
		if (this.#refused.has(socket)) return;
		this.#refused.add(socket);
		const response = socket._httpMessage ?? null;
		// What came before may be a send that is being committed: it must not look refused.
		const isAnswered = response !== null && (response.headersSent || response.req.complete);
		this.#unreadable.refuse(socket, code, isAnswered);
	}

	/** Counts a request. Returns null if it is not to be handled: too many of the connection wait for their responses, by which it is closed. */
	#openRequest(socket: Socket, response: ServerResponse): OpenRequests | null {
		// What had come by then is still parsed.
		if (socket.destroyed || this.#refused.has(socket)) return null;
		const open = this.#openRequests.get(socket) ?? { count: 0, waiting: [] };
		this.#openRequests.set(socket, open);
		if (open.count === MOST_OPEN_REQUESTS) {
			this.#unreadable.drop(socket, MOST_OPEN_REQUESTS);
			return null;
		}
		open.count++;
		response.once("close", () => {
			open.count--;
			if (!socket.destroyed) open.waiting.shift()?.();
		});
		return open;
	}

	/** Node calls `push` for each piece of a body, whether it is read or not. */
	#countPieces(request: IncomingMessage, response: ServerResponse): void {
		const { socket } = request;
		const push = request.push.bind(request);
		this.#turns.beginBody(socket);
		request.push = (piece, encoding) => {
			if (piece === null) this.#turns.endBody(socket);
			else this.#turns.piece(socket);
			return push(piece, encoding);
		};
		// Of a body that nobody has read, Node would drop the pieces by itself once the response is finished, uncounted.
		response.prependOnceListener("finish", () => {
			if (request.readableDidRead) return;
			request.read(0);
			request.resume();
		});
	}

	#watch(socket: HttpSocket): void {
		this.#sockets.add(socket);
		this.#turns.open(socket);
		this.#options.counted?.(this.#sockets.size);
		socket.once("close", () => {
			this.#sockets.delete(socket);
			this.#options.counted?.(this.#sockets.size);
			this.#idle.delete(socket);
		});
		if (this.#cancelLook === null && this.#isCrowded(this.#sockets.size)) this.#lookLater();
	}

	#isCrowded(connections: number): boolean {
		return connections > (this.#options.maxConnections ?? Number.POSITIVE_INFINITY) / 2;
	}

	#lookLater(): void {
		this.#cancelLook = this.#clock.after(LOOK_EVERY_MS, () => {
			this.#cancelLook = null;
			this.#closeIdle();
			if (this.#isCrowded(this.#sockets.size)) this.#lookLater();
			else this.#idle.clear();
		});
	}

	/** Closes connections that have been idle for too long, if more than half of all that may be open are idle. */
	#closeIdle(): void {
		const now = this.#clock.monotonicMs();
		for (const socket of this.#sockets) {
			const bytes = socket.bytesRead;
			// A response is being written or is still to come.
			if ((socket._httpMessage ?? null) !== null) this.#idle.delete(socket);
			else if (this.#idle.get(socket)?.bytes !== bytes) this.#idle.set(socket, { since: now, bytes });
		}
		if (!this.#isCrowded(this.#idle.size)) return;
		for (const [socket, { since }] of this.#idle) if (now - since >= CROWDED_KEEP_ALIVE_MS) socket.destroy();
	}
}

/** The address of a server. */
export function urlOf(host: string, port: number): string {
	return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether nothing is lost with a connection: no request of it has arrived as a whole and waits for its response. */
function isIdle({ _httpMessage: response }: HttpSocket): boolean {
	return (response ?? null) === null || response?.req.complete === false;
}

/** True for a body that no call reads. Those of other methods are read, or ended by the listener. */
function hasUnreadBody({ method, headers }: IncomingMessage): boolean {
	if (method !== "GET" && method !== "HEAD") return false;
	return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
