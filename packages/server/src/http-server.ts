// The HTTP server under the api: its time limits, and what is done about what never becomes a request.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { getRequestListener } from "@hono/node-server";

import type { UnreadableRequests } from "./api/request/unreadable.ts";
import { systemClock } from "./core/clock.ts";

/** A client that takes longer for its headers or its whole request is cut off: it may hold memory no longer. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Answers that are still being written when all else has stopped get this long. */
const CLOSE_GRACE_MS = 2_000;

type Listener = ReturnType<typeof getRequestListener>;

interface Address {
	readonly host: string;
	/** 0 = any free one. */
	readonly port: number;
}

/**
 * Takes the port at once, and answers from `serve` on; what is asked before that waits for it.
 *
 * @example
 * const http = await HttpServer.listen({ host: "127.0.0.1", port: 0 }, unreadable);
 * http.serve(app.fetch, false);
 */
export class HttpServer {
	readonly #server: Server;
	readonly #host: string;
	readonly #unreadable: UnreadableRequests;
	#listener: Listener;
	#open: () => void = () => {};

	private constructor(host: string, unreadable: UnreadableRequests) {
		this.#host = host;
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

	/** Rejects with a sentence that says why it can't listen there. */
	static async listen({ host, port }: Address, unreadable: UnreadableRequests): Promise<HttpServer> {
		const http = new HttpServer(host, unreadable);
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

	/** Answers by `fetch` from now on. `overrideGlobalObjects` is as in `StartOptions.overrideGlobals`. */
	serve(fetch: Parameters<typeof getRequestListener>[0], overrideGlobalObjects: boolean): void {
		const errorHandler = (error: unknown) => this.#unreadable.response(error);
		this.#listener = getRequestListener(fetch, { overrideGlobalObjects, errorHandler });
		this.#open();
	}

	/** Ends idle connections at once, answers under way within the grace, and the rest then. */
	async close(): Promise<void> {
		if (!this.#server.listening) return;
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		this.#server.closeIdleConnections();
		const cancel = systemClock.after(CLOSE_GRACE_MS, () => this.#server.closeAllConnections());
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
				// Refused by the listener, which knows how errors look here.
				requireHostHeader: false,
			},
			// The listener answers its own failures too and does not reject.
			(request, response) => {
				// HTTP/1.0, which health checks still speak, has no Host header.
				if (request.httpVersion === "1.0") request.headers.host ??= "localhost";
				void this.#listener(request, response);
			},
		);
		// What Node would close without a word, or answer without a body.
		server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
			// The answer that is being written: Node keeps it there, and looks there itself when nobody listens for this event.
			const { _httpMessage: answer } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
			this.#unreadable.refuse(socket as Socket, error.code, answer?.headersSent ?? false);
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
				`port ${port} on ${host} is in use: stop what uses it, or set FANFARE_PORT to another (0: any free one)`,
			);
		case "EACCES":
			return new Error(`port ${port} on ${host} needs privileges: set FANFARE_PORT to one above 1023`);
		case "EADDRNOTAVAIL":
		case "ENOTFOUND":
			return new Error(`${host} is not an address of this machine: set FANFARE_HOST to one, or to 0.0.0.0 for all`);
		default:
			return error;
	}
}
