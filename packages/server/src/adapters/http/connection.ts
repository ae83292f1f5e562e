// One keep-alive connection: an undici client that carries one exchange at a time.
import type { Socket } from "node:net";

import { Client } from "undici";

import type { Connector } from "./connector.ts";
import type { Carrier, Exchange } from "./exchange.ts";
import type { SendFailure } from "./send-failure.ts";

/**
 * How long an idle connection is kept if the receiver sends no `keep-alive` hint. Many receivers close it after 5 s.
 */
const KEEP_ALIVE_MS = 4_000;
/**
 * An idle connection is closed this much earlier than the receiver's hint, so that no request races with the receiver's
 * close.
 */
const KEEP_ALIVE_MARGIN_MS = 2_000;
const KEEP_ALIVE_MAX_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;

/** Who uses the connection: the pool of its origin. */
export interface ConnectionOwner {
	/** Called when the connection's exchange is over. */
	release(connection: Connection): void;
	/** Called when the connection was closed while it had no exchange. */
	forget(connection: Connection): void;
}

/** One connection to an origin. It opens when the first exchange runs, and again if it was closed in between. */
export class Connection implements Carrier {
	isOpen = false;
	readonly #owner: ConnectionOwner;
	readonly #client: Client;
	#exchange: Exchange | null = null;
	#socket: Socket | null = null;
	/** The bytes that the socket had received when the current exchange began. */
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
			headersTimeout: 0, // each exchange has its own deadline
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

	/** Runs an exchange. Undici connects first if there is no open socket. */
	run(exchange: Exchange): void {
		this.#exchange = exchange;
		this.#receivedBefore = this.#socket?.bytesRead ?? 0;
		exchange.startOn(this);
		this.#client.dispatch(exchange.options, exchange);
	}

	/** Called by the exchange when undici has finished with it. */
	release(): void {
		if (this.#exchange === null) return;
		this.#exchange = null;
		this.#owner.release(this);
	}

	/** Closes the connection, even while it is being opened, and ends its exchange. */
	destroy(failure: SendFailure): void {
		this.isOpen = false;
		this.#client.destroy(failure, ignore);
		this.#stopConnecting?.(failure);
	}

	/** Runs after undici's own listener, which has parsed the available bytes by then. */
	readonly #onReadable = (): void => {
		if (this.#socket !== null) this.#exchange?.onReceived(this.#socket.bytesRead - this.#receivedBefore);
	};
}

function ignore(): void {}
