// One keep-alive connection: an undici client that carries one attempt at a time.
import type { Socket } from "node:net";

import { Client } from "undici";

import type { Connector } from "./connector.ts";
import type { Carrier, Exchange } from "./exchange.ts";
import type { SendFailure } from "./send-failure.ts";

/** How long an idle connection is kept if the receiver gives no hint: shorter than the 5 s after which many close it. */
const KEEP_ALIVE_MS = 4_000;
/** How much earlier than the receiver's hint an idle connection is given up, so that no request meets its end. */
const KEEP_ALIVE_MARGIN_MS = 2_000;
const KEEP_ALIVE_MAX_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;

export interface ConnectionOwner {
	/** The attempt that was given to the connection is over. */
	release(connection: Connection): void;
	/** The connection was closed while it had no attempt. */
	forget(connection: Connection): void;
}

export class Connection implements Carrier {
	isOpen = false;
	readonly #owner: ConnectionOwner;
	readonly #client: Client;
	#exchange: Exchange | null = null;
	#socket: Socket | null = null;
	/** What the socket had received when the attempt was given to the connection. */
	#receivedBefore = 0;
	#stopConnecting: ((failure: SendFailure) => void) | null = null;

	constructor(origin: string, connector: Connector, owner: ConnectionOwner) {
		this.#owner = owner;
		this.#client = new Client(origin, {
			connect: (options, callback) => {
				this.#stopConnecting = connector.connect(options, (...result) => {
					this.#socket = result[1];
					callback(...result);
				});
			},
			pipelining: 1,
			keepAliveTimeout: KEEP_ALIVE_MS,
			keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
			keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
			maxHeaderSize: MAX_HEADER_BYTES,
			headersTimeout: 0, // each attempt has its own deadline
			bodyTimeout: 0,
		});
		this.#client.on("connect", () => {
			this.isOpen = true;
			this.#stopConnecting = null;
			this.#receivedBefore = 0;
			this.#socket?.on("readable", this.#onReadable);
		});
		this.#client.on("disconnect", () => {
			this.isOpen = false;
			if (this.#exchange === null) this.#owner.forget(this);
		});
	}

	/** Sends an attempt, on a new connection if there is none or it has been closed. */
	run(exchange: Exchange): void {
		this.#exchange = exchange;
		this.#receivedBefore = this.#socket?.bytesRead ?? 0;
		exchange.startOn(this);
		this.#client.dispatch(exchange.options, exchange);
	}

	/** undici is done with the attempt. */
	release(): void {
		if (this.#exchange === null) return;
		this.#exchange = null;
		this.#owner.release(this);
	}

	/** Ends the connection, also while it is being made, and its attempt with it. */
	destroy(failure: SendFailure): void {
		this.isOpen = false;
		this.#client.destroy(failure, ignore);
		this.#stopConnecting?.(failure);
	}

	/** Comes after undici has parsed what is there. */
	readonly #onReadable = (): void => {
		if (this.#socket !== null) this.#exchange?.onReceived(this.#socket.bytesRead - this.#receivedBefore);
	};
}

function ignore(): void {}
