// One keep-alive connection: it carries one exchange at a time over one socket, and refuses bytes that no request has asked for.
import type { Socket } from "node:net";

import type { Clock } from "../../core/clock.ts";
import type { AttemptConnection } from "../../core/delivery.ts";
import type { Connector, OpeningHandle } from "./connector.ts";
import type { Carrier, Exchange } from "./exchange.ts";
import { InvalidResponse } from "./http1/invalid-response.ts";
import { requestHead } from "./http1/request-head.ts";
import { ResponseParser } from "./http1/response-parser.ts";
import type { NameOwner } from "./name-lookup.ts";
import type { Destination } from "./opening/dial.ts";
import { isClosure, type SendFailure } from "./send-failure.ts";

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
/** A body up to this size is copied behind its head, since one write of a little more costs less than two. */
const MAX_COPIED_BYTES = 16_384;
/** Line breaks after a response that are read over: some receivers send one more than they should. */
const MAX_LINE_BREAKS = 4;
const LF = 0x0a;
const CR = 0x0d;

/** The error of a connection that the receiver has ended without one. */
const CLOSED_BY_RECEIVER = Object.assign(new Error("the receiver closed the connection"), { code: "ECONNRESET" });

type State = "opening" | "free" | "starting" | "awaiting" | "ended";

interface ConnectionParts {
	readonly connector: Connector;
	readonly clock: Clock;
}

/** The user of the connection: the pool of its origin. */
export interface ConnectionOwner extends NameOwner {
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
 * ```
 * opening ──▶ free ──run──▶ starting ──▶ awaiting ──▶ ended ──▶ free …     (any) ──▶ closed
 * ```
 *
 * - opening: from the start. `opened` is called when it has ended, and the connection is free or closed.
 * - free: open, without an exchange. It closes itself when it has been free for as long as idle connections are kept.
 * - starting: it has an exchange, and lets a turn of the event loop pass before it writes the request, so that bytes and ends that have
 *   already come are not taken for a response to it. Skipped by the first exchange of a connection.
 * - awaiting: the request is written, and what comes in is the response.
 * - ended: the response has ended. One turn later the exchange asks, by `answered`, whether it can be trusted.
 * - closed: entered from any state. It never opens again. The exchange, if there is one, is told when the socket has closed.
 *
 * Bytes that come in while it is not awaiting belong to no request and close it.
 */
export class Connection implements Carrier {
	isOpen = false;
	readonly #owner: ConnectionOwner;
	readonly #clock: Clock;
	readonly #opening: OpeningHandle;
	readonly #parser = new ResponseParser();
	#exchange: Exchange | null = null;
	#socket: Socket | null = null;
	/** What the next attempt tells of it. */
	#facts: AttemptConnection | null = null;
	/** Of an open connection. */
	#state: State = "opening";
	/** The bytes that have come for the exchange. */
	#received = 0;
	/** The line breaks that have come since. */
	#lineBreaks = 0;
	/** The answers that the socket has carried. */
	#answers = 0;
	/** Bytes have come in that belong to no request. */
	#hasStrayBytes = false;
	/** Why it is closed; null if the receiver has just ended it. */
	#error: Error | null = null;
	/** How long it may be free, by what the receiver has said last. */
	#keepAliveMs = KEEP_ALIVE_MS;
	/** When it closes itself if it is still free. */
	#idleUntil = 0;
	/** Ends the timer for that; null if there is none. It is not moved with each exchange: when it fires too early, it is set again. */
	#cancelIdleTimer: (() => void) | null = null;
	#idleTimerAt = 0;

	constructor(destination: Destination, { connector, clock }: ConnectionParts, owner: ConnectionOwner) {
		this.#owner = owner;
		this.#clock = clock;
		this.#opening = connector.connect(destination, owner, (failure, socket) => {
			this.#facts = this.#opening.facts;
			if (socket !== null) this.#use(socket);
			owner.opened(this, failure);
		});
	}

	/** Whether it has carried an answer. */
	get hasAnswered(): boolean {
		return this.#answers > 0;
	}

	/** Whether it waits for the turn of its name look-up. */
	get isQueued(): boolean {
		return this.#opening.isQueued;
	}

	get facts(): AttemptConnection | null {
		return this.#facts;
	}

	/** The socket keeps no process alive: while there is an exchange, its timer does. */
	#use(socket: Socket): void {
		this.#socket = socket;
		this.isOpen = !socket.destroyed;
		socket
			.on("data", this.#onData)
			.on("end", this.#onEnd)
			.on("error", this.#onError)
			.on("close", this.#onClose)
			.unref();
		this.#beFree();
	}

	/** Runs an exchange. The connection must be free. */
	run(exchange: Exchange): void {
		this.#exchange = exchange;
		this.#state = "starting";
		exchange.startOn(this);
		// Its opening is told by the first attempt alone. All others share one object.
		if (this.#facts !== null && this.#facts.opening !== null) this.#facts = { ...this.#facts, opening: null };
		if (this.#answers === 0) this.#write();
		else this.#clock.nextTurn(this.#write);
	}

	/** Writes the request of its exchange, unless the connection was closed in the meantime. */
	readonly #write = (): void => {
		const exchange = this.#exchange;
		const socket = this.#socket;
		if (exchange === null || socket === null || !this.isOpen) return;
		const { host, path } = exchange.target;
		const { headers, body } = exchange.request;
		const head = requestHead({ host, path, headers, bodyLength: body.length });
		this.#state = "awaiting";
		this.#received = 0;
		this.#lineBreaks = 0;
		this.#parser.begin();
		exchange.onRequestStart();
		if (body.length <= MAX_COPIED_BYTES) {
			const bytes = Buffer.allocUnsafe(head.length + body.length);
			bytes.write(head, "latin1");
			bytes.set(body, head.length);
			socket.write(bytes);
			return;
		}
		socket.cork();
		socket.write(head, "latin1");
		socket.write(body);
		socket.uncork();
	};

	readonly #onData = (bytes: Buffer): void => {
		if (!this.isOpen) return;
		const exchange = this.#exchange;
		if (exchange === null || this.#state !== "awaiting") {
			this.#strayed(bytes);
			return;
		}
		this.#received += bytes.length;
		let end: number;
		try {
			end = this.#parser.add(bytes, exchange);
		} catch (error) {
			this.#close(error instanceof Error ? error : new Error("the parser failed", { cause: error }));
			return;
		}
		if (end !== -1) this.#complete(exchange, end === bytes.length ? null : bytes.subarray(end));
		else exchange.onReceived(this.#received);
	};

	/** The response has ended, and `rest` came with its last bytes. */
	#complete(exchange: Exchange, rest: Buffer | null): void {
		this.#state = "ended";
		if (rest !== null) this.#strayed(rest);
		const { isKept, keepAliveS } = this.#parser;
		this.#keepAliveMs = keepAliveMs(keepAliveS);
		if (!isKept || this.#keepAliveMs <= 0) this.#close(null);
		exchange.onResponseEnd();
	}

	/** Bytes have come that belong to no request. Line breaks alone say nothing and are read over. */
	#strayed(bytes: Buffer): void {
		this.#lineBreaks += bytes.length;
		if (this.#lineBreaks <= MAX_LINE_BREAKS && bytes.every(isLineBreak)) return;
		this.#hasStrayBytes = true;
		this.#close(new InvalidResponse("out_of_turn"));
		// A receiver that talks first has not been asked for anything yet: what it says reaches no exchange.
		if (this.#answers > 0) this.#owner.distrust();
	}

	readonly #onEnd = (): void => {
		if (!this.#finish()) this.#close(null);
	};

	readonly #onError = (error: Error): void => {
		// A receiver that has not read the whole request resets the connection although its answer is complete.
		if (isClosure(error) && this.#finish()) return;
		this.#close(error);
	};

	/** Ends a response whose end is that of the connection. Returns false if it is another one, or none. */
	#finish(): boolean {
		const exchange = this.#exchange;
		if (exchange === null || this.#state !== "awaiting" || !this.isOpen || !this.#parser.finish()) return false;
		this.#complete(exchange, null);
		return true;
	}

	readonly #onClose = (): void => {
		this.isOpen = false;
		this.#cancelIdleTimer?.();
		if (this.#exchange === null) this.#owner.forget(this);
		else if (this.#state !== "ended") this.#exchange.onClosed(this.#error ?? CLOSED_BY_RECEIVER);
	};

	/** Called by the exchange one turn after its response has ended. By then, what came with it has been read. */
	answered(): void {
		const exchange = this.#exchange;
		if (exchange === null) return;
		// Nothing but its own answer can come in on a connection that has carried one request.
		exchange.conclude(!this.#hasStrayBytes || this.#answers === 0);
		this.#answers += 1;
		if (this.#hasStrayBytes) this.#owner.distrust();
		this.release();
	}

	/** Called when the exchange is over. */
	release(): void {
		if (this.#exchange === null) return;
		this.#exchange = null;
		if (this.#socket?.destroyed === true) this.isOpen = false;
		// What is still to be written of the request would come before the next one, if anybody reads it at all. This is a turn after the
		// response: with TLS, Node says so late that all is written, and a receiver nearby may have answered by then.
		if (this.isOpen && this.#socket?.writableLength !== 0) this.#close(null);
		if (this.isOpen) this.#beFree();
		this.#owner.release(this);
	}

	repeat(): void {
		const exchange = this.#exchange;
		if (exchange === null) return;
		this.#exchange = null;
		this.#owner.repeat(exchange);
	}

	/** Closes the connection, even while it is being opened. Its exchange is told when that has happened. */
	destroy(failure: SendFailure): void {
		this.isOpen = false;
		this.#opening.abort(failure);
		this.#socket?.destroy();
	}

	#close(error: Error | null): void {
		this.isOpen = false;
		this.#error ??= error;
		this.#socket?.destroy();
		if (this.#state === "free") this.#owner.forget(this);
	}

	#beFree(): void {
		this.#state = "free";
		this.#idleUntil = this.#clock.monotonicMs() + this.#keepAliveMs;
		if (this.#cancelIdleTimer === null || this.#idleTimerAt > this.#idleUntil) this.#setIdleTimer();
	}

	#setIdleTimer(): void {
		this.#cancelIdleTimer?.();
		this.#idleTimerAt = this.#idleUntil;
		this.#cancelIdleTimer = this.#clock.after(this.#idleUntil - this.#clock.monotonicMs(), this.#onIdleTimer);
	}

	/** The connection may have been used since the timer was set, and may be in use. */
	readonly #onIdleTimer = (): void => {
		this.#cancelIdleTimer = null;
		if (this.#state !== "free" || !this.isOpen) return;
		if (this.#clock.monotonicMs() < this.#idleUntil) this.#setIdleTimer();
		else this.#close(null);
	};
}

/** For how long a connection is kept free; 0 or less if it is not kept. */
function keepAliveMs(keepAliveS: number | null): number {
	if (keepAliveS === null) return KEEP_ALIVE_MS;
	return Math.min(keepAliveS * 1_000 - KEEP_ALIVE_MARGIN_MS, KEEP_ALIVE_MAX_MS);
}

function isLineBreak(byte: number): boolean {
	return byte === CR || byte === LF;
}
