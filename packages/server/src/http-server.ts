// The HTTP server that the API runs on: its time limits, and requests that Node cannot parse.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { getRequestListener } from "@hono/node-server";

import type { UnreadableRequests } from "./api/request/unreadable.ts";
import type { Clock } from "./core/clock.ts";

/**
 * Limits for the headers and for the whole request. A slower client is disconnected, because its request uses memory.
 */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How long a stop waits for responses that are still being written. */
const CLOSE_GRACE_MS = 2_000;

type Listener = ReturnType<typeof getRequestListener>;

/** Where to listen. */
interface Address {
	readonly host: string;
	/** 0 chooses a free port. */
	readonly port: number;
}

/**
 * Listens at once, and responds from `serve` on: earlier requests wait.
 *
 * @example
 * const http = await HttpServer.listen({ host: "127.0.0.1", port: 0 }, unreadable, clock);
 * http.serve(app.fetch, false);
 */
export class HttpServer {
	readonly #server: Server;
	readonly #host: string;
	readonly #unreadable: UnreadableRequests;
	readonly #clock: Clock;
	#listener: Listener;
	#open: () => void = () => {};

	private constructor(host: string, unreadable: UnreadableRequests, clock: Clock) {
		this.#host = host;
		this.#clock = clock;
		this.#unreadable = unreadable;
		const ready = new Promise<void>((resolve) => {
			this.#open = resolve;
		});
		this.#listener = async (request, response) => {
			await ready;
			return this.#listener(request, response);
		};
		this.#server = this.#create();
	}

	/** Starts listening. Rejects with an error that explains why that is not possible. */
	static async listen({ host, port }: Address, unreadable: UnreadableRequests, clock: Clock): Promise<HttpServer> {
		const http = new HttpServer(host, unreadable, clock);
		await new Promise<void>((resolve, reject) => {
			http.#server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, { host, port })));
			http.#server.listen(port, host, () => {
				http.#server.removeAllListeners("error");
				resolve();
			});
		});
		return http;
	}

	get url(): string {
		const { port } = this.#server.address() as AddressInfo;
		return `http://${this.#host.includes(":") ? `[${this.#host}]` : this.#host}:${port}`;
	}

	/** Handles requests with `fetch` from now on. `overrideGlobalObjects`: see `StartOptions.overrideGlobals`. */
	serve(fetch: Parameters<typeof getRequestListener>[0], overrideGlobalObjects: boolean): void {
		const errorHandler = (error: unknown) => this.#unreadable.response(error);
		this.#listener = getRequestListener(fetch, { overrideGlobalObjects, errorHandler });
		this.#open();
	}

	/**
	 * Closes idle connections at once. Responses in progress get a grace period, then their connections are closed too.
	 */
	async close(): Promise<void> {
		if (!this.#server.listening) return;
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		this.#server.closeIdleConnections();
		const cancel = this.#clock.after(CLOSE_GRACE_MS, () => this.#server.closeAllConnections());
		await closed;
		cancel();
	}

	#create(): Server {
		const server = createServer(
			{
				headersTimeout: HEADERS_TIMEOUT_MS,
				requestTimeout: REQUEST_TIMEOUT_MS,
				keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
				connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
				// The listener refuses such requests itself, with the API's error format.
				requireHostHeader: false,
			},
			// The listener also responds to its own failures, so it never rejects.
			(request, response) => {
				// HTTP/1.0, which some health checks still use, has no Host header.
				if (request.httpVersion === "1.0") request.headers.host ??= "localhost";
				void this.#listener(request, response);
			},
		);
		// Node would close these connections without a response, or respond without a body.
		server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
			// The response being written. Node itself reads this field if there is no listener for this event.
			const { _httpMessage: response } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
			this.#unreadable.refuse(socket as Socket, error.code, response?.headersSent ?? false);
		});
		server.on("connect", (_request, socket) => this.#unreadable.refuse(socket as Socket, undefined, false));
		server.on("checkExpectation", ({ socket }) => this.#unreadable.refuse(socket, undefined, false));
		return server;
	}
}

function listenError(error: NodeJS.ErrnoException, { host, port }: Address): Error {
	switch (error.code ?? "") {
		case "EADDRINUSE":
			return new Error(
				`port ${port} on ${host} is in use: stop the program that uses it, or set FANFARE_PORT to another port (0 chooses a free one)`,
			);
		case "EACCES":
			return new Error(`port ${port} on ${host} requires privileges: set FANFARE_PORT to a port above 1023`);
		case "EADDRNOTAVAIL":
		case "ENOTFOUND":
			return new Error(
				`${host} is not an address of this machine: set FANFARE_HOST to one of its addresses, or to 0.0.0.0 for all of them`,
			);
		default:
			return error;
	}
}
