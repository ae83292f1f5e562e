// One keep-alive connection: an undici client that carries one exchange at a time, over one socket.
import type { Socket } from "node:net";

import { Client } from "undici";

import type { AttemptConnection } from "../../core/delivery.ts";
import type { ConnectOptions, Connector, OpeningHandle } from "./connector.ts";
import { CLOSED, type Carrier, type Exchange } from "./exchange.ts";
import { isOutOfTurn, type SendFailure } from "./send-failure.ts";

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
	readonly projectId: string;
	/** Called once, when the connection is open or will not be. */
	opened(connection: Connection, failure: SendFailure | null): void;
	/** Called when the connection's exchange is over. */
	release(connection: Connection): void;
	/** Called when the connection was closed while it had no exchange. */
	forget(connection: Connection): void;
	/** Called instead of `release` when the exchange needs a new connection. */
	repeat(exchange: Exchange): void;
	/** Called when bytes came in that belong to no request. The connection is closed. */
	distrust(): void;
}

/**
 * One connection to an origin.
 *
 * States: opening ──▶ unused ──run──▶ busy ──release──▶ free ──run──▶ busy … ──▶ closed
 *
 * - opening: from the start. `opened` is called when it has ended, and the connection is unused or closed.
 * - unused: open, and not known to undici. It closes when it stays so for the time that idle connections are kept.
 * - busy: undici carries an exchange over it.
 * - free: its exchanges are over. Undici closes it when it has been idle for long, or when the receiver closes it.
 * - closed: entered from any state. It never opens again.
 */
export class Connection implements Carrier {
	isOpen = false;
	readonly #owner: ConnectionOwner;
	readonly #origin: string;
	/** Null while no exchange has run. */
	#client: Client | null = null;
	#exchange: Exchange | null = null;
	#socket: Socket | null = null;
	/** The bytes that the socket had received when the current exchange began. */
	#receivedBefore = 0;
	/** What the next attempt tells of it. */
	#facts: AttemptConnection | null = null;
	/** The answers that the socket has carried. */
	#answers = 0;
	readonly #opening: OpeningHandle;

	constructor(target: ConnectOptions, origin: string, connector: Connector, owner: ConnectionOwner) {
		this.#owner = owner;
		this.#origin = origin;
		this.#opening = connector.connect(target, owner.projectId, (failure, socket) => {
			this.#facts = this.#opening.facts;
			if (socket !== null) this.#keepUnused(socket);
			owner.opened(this, failure);
		});
	}

	/** Whether its opening has not begun: it waits for the turn of its name look-up. */
	get isQueued(): boolean {
		return this.#opening.isQueued;
	}

	get facts(): AttemptConnection | null {
		return this.#facts;
	}

	get hasAnswered(): boolean {
		return this.#answers > 0;
	}

	/** Runs an exchange. The connection must be open. */
	run(exchange: Exchange): void {
		this.#exchange = exchange;
		this.#receivedBefore = this.#socket?.bytesRead ?? 0;
		exchange.startOn(this);
		// Its opening is told by the first attempt alone. All others share one object.
		if (this.#facts !== null && this.#facts.opening !== null) this.#facts = { ...this.#facts, opening: null };
		this.#client ??= this.#hand();
		this.#client.dispatch(exchange.options, exchange);
	}

	/** Until undici listens, an error only closes the socket, and this class notices. */
	#keepUnused(socket: Socket): void {
		this.#socket = socket;
		this.isOpen = !socket.destroyed;
		socket.on("error", ignore).on("close", this.#onUnusedClosed);
		socket.setTimeout(KEEP_ALIVE_MS, () => socket.destroy()).unref();
	}

	readonly #onUnusedClosed = (): void => {
		this.isOpen = false;
		if (this.#exchange === null) this.#owner.forget(this);
	};

	/** Hands the socket to undici. */
	#hand(): Client {
		const socket = this.#socket;
		socket?.off("close", this.#onUnusedClosed).setTimeout(0).removeAllListeners("timeout").ref();
		let isHanded = false;
		const client = new Client(this.#origin, {
			connect: (_options, callback) => {
				// Undici would open another socket for an exchange that has not begun when this one is closed.
				if (isHanded || socket === null) callback(CLOSED, null);
				// Undici does not expect to be called back at once.
				else queueMicrotask(() => callback(null, socket));
				isHanded = true;
			},
			pipelining: 1,
			keepAliveTimeout: KEEP_ALIVE_MS,
			keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
			keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
			maxHeaderSize: MAX_HEADER_BYTES,
			headersTimeout: 0, // each exchange has its own deadline
			bodyTimeout: 0,
		});
		client.on("connect", () => socket?.on("readable", this.#onReadable));
		client.on("disconnect", (_origin, _clients, error) => {
			this.isOpen = false;
			if (this.#answers > 0 && isOutOfTurn(error)) this.#owner.distrust();
			if (this.#exchange === null) this.#owner.forget(this);
		});
		return client;
	}

	/** Called by the exchange one turn after its response has ended. Undici has closed the connection if more bytes came. */
	answered(): void {
		const exchange = this.#exchange;
		if (exchange === null) return;
		const isClean = !isOutOfTurn(this.#socket?.errored);
		// Nothing but its own answer can come in on a connection that has carried one request.
		exchange.conclude(isClean || this.#answers === 0);
		this.#answers += 1;
		this.release();
	}

	/** Called by the exchange when undici has finished with it. */
	release(): void {
		if (this.#exchange === null) return;
		this.#exchange = null;
		if (this.#socket?.destroyed === true) this.isOpen = false;
		this.#owner.release(this);
	}

	repeat(): void {
		const exchange = this.#exchange;
		if (exchange === null) return;
		this.#exchange = null;
		this.isOpen = false;
		this.#owner.repeat(exchange);
	}

	/** Closes the connection, even while it is being opened, and ends its exchange. */
	destroy(failure: SendFailure): void {
		this.isOpen = false;
		this.#opening.abort(failure);
		if (this.#client === null) this.#socket?.destroy();
		else this.#client.destroy(failure, ignore);
	}

	/** Runs after undici's own listener, which has parsed the available bytes by then. */
	readonly #onReadable = (): void => {
		if (this.#socket !== null) this.#exchange?.onReceived(this.#socket.bytesRead - this.#receivedBefore);
	};
}

function ignore(): void {}
