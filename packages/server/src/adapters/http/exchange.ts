// One exchange: an HTTP request and its response under way, the deadline, and who is told of the outcome.
//
// Its timer and its turns are set directly and not through the clock port, which would cost a closure for each attempt:
// here, static functions get the exchange as their argument.
import type { AttemptConnection } from "../../core/delivery.ts";
import type { ErrorCause } from "../../core/log/attempt-cause.ts";
import { ResponseReader } from "../../core/receivers/response-reader.ts";
import type { AttemptEnded, AttemptRequest } from "../../ports/sender.ts";
import type { ResponseSink } from "./http1/response-parser.ts";
import { exchangeFailure, isClosure, SendFailure } from "./send-failure.ts";

type Phase = "waiting" | "connecting" | "sent" | "headers" | "body" | "ended";

/** Where a request goes. */
export interface Target {
	projectId: string;
	/** The customer whose webhook is called; null for a webhook without one. */
	customerId: string | null;
	/** Scheme, host and port. Exchanges of the same project and customer with the same origin share connections. */
	origin: string;
	/** `host:port`, the only part of the URL that may appear in a reason. */
	place: string;
	/** `host` or `host:port`, as the header has it. */
	host: string;
	/** Path and query. */
	path: string;
}

/** The part of a connection that an exchange uses. */
export interface Carrier {
	/** Whether it has carried an answer since it was opened. */
	readonly hasAnswered: boolean;
	/** What attempts tell of it. */
	readonly facts: AttemptConnection | null;
	/** Called one turn after the response has ended. The connection calls `conclude`. */
	answered(): void;
	/** Called when the connection is closed, after an exchange that has failed or was settled early. */
	release(): void;
	/** Called when the receiver has closed the connection before any byte of an answer: the exchange needs a new one. */
	repeat(): void;
	/** Closes the connection and ends the exchange. */
	destroy(failure: SendFailure): void;
}

/** Where exchanges wait for a connection. */
export interface WaitingLine {
	/** Called when the exchange is settled while it waits. */
	leave(exchange: Exchange): void;
	/** Why it has no connection yet, for the failure of an exchange whose time is over. */
	whyWaiting(exchange: Exchange, within: string): SendFailure;
}

/** An exchange is late after this part of its time. */
const LATE_FROM = 0.9;
/** The longest delay that `setTimeout` supports. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Limit on all bytes received for one response. The parser limits the headers and `ResponseReader` limits the body, but
 * nothing else limits the bytes around them: the reason phrase, line breaks, chunk extensions.
 */
const MAX_RECEIVED_BYTES = 131_072;
/**
 * Informational (1xx) responses are small but expensive to parse. Measured without this limit: one receiver that sends
 * 103 as fast as it can delays all other receivers by 1.5 s at a time.
 */
const MAX_INFORMATIONAL = 32;

/** The failure of an exchange whose connection was closed before it could be used: nothing was sent. */
export const CLOSED = new SendFailure("reset", "the connection was closed before it was used");

/** Why a connection is closed before its response has ended: the rest of the response is not needed. */
const ENOUGH = new SendFailure("aborted", "enough of the response has been read");

/**
 * An exchange moves through these phases, forwards but for one case:
 *
 * ```
 * waiting ─▶ connecting ─▶ sent ─▶ headers ─▶ body ─▶ ended
 *    └───────────┴───────────┴────────┴────────┴───────┴──▶ settled
 * ```
 *
 * - waiting: in the line for a connection. If the time is over here, nothing was sent.
 * - connecting: assigned to an open connection, which has not written the request yet. If the receiver has closed it, the
 *   exchange waits again, once, for a new connection; so it does from sent, if the connection was a kept one.
 * - sent: the request is written, or being written; no byte of the final response has arrived.
 * - headers: the response has begun.
 * - body: the headers are complete.
 * - ended: the response is complete. One turn later the connection says whether it can be trusted.
 * - settled: `ended` was called. The connection is released at once, or soon after, when it is closed.
 */
export class Exchange implements ResponseSink, EventListenerObject {
	readonly request: AttemptRequest;
	readonly target: Target;
	/** When it was made, or when its turn has come after it had waited for others. */
	#startedAt = performance.now();
	/** It waits for others: its own time begins when its turn comes. */
	#waitsForTurn = false;
	/** Its time is over, unless its turn comes before that is acted upon. */
	#isDue = false;
	readonly #timer: NodeJS.Timeout;
	readonly #ended: AttemptEnded;
	/** All exchanges under way, and this one's index in that list. */
	readonly #underWay: Exchange[];
	#index: number;
	#line: WaitingLine | null = null;
	#connection: Carrier | null = null;
	#phase: Phase = "waiting";
	#isSettled = false;
	#status = 0;
	/** When the first byte of its response came; negative if none has. That of an informational one does not count. */
	#firstByteAt = -1;
	#facts: AttemptConnection | null = null;
	#informational = 0;
	/** A kept connection was closed under it: it gets a new one. */
	#needsNewConnection = false;
	#reader: ResponseReader | null = null;

	constructor(request: AttemptRequest, target: Target, underWay: Exchange[], ended: AttemptEnded) {
		this.#ended = ended;
		this.target = target;
		this.request = request;
		this.#timer = setTimeout(onTimer, Math.min(request.timeoutMs, MAX_TIMER_MS), this);
		request.signal?.addEventListener("abort", this);
		this.#underWay = underWay;
		this.#index = underWay.push(this) - 1;
	}

	get isSettled(): boolean {
		return this.#isSettled;
	}

	/** Whether it may not be run on a connection that has carried others. */
	get needsNewConnection(): boolean {
		return this.#needsNewConnection;
	}

	/** Called when it waits in a line for connections. It leaves the line when it settles. */
	waitIn(line: WaitingLine): void {
		this.#phase = "waiting";
		this.#connection = null;
		this.#facts = null;
		this.#line = line;
		this.#waitsForTurn = true;
	}

	/**
	 * Its turn in the line has come: a connection for it is free, or is being opened. Its time begins now, since what it has
	 * waited for others is not the receiver's. So the receiver gets the whole time, also for a request that is sent once more.
	 */
	beginTurn(): void {
		if (!this.#waitsForTurn || this.#isSettled) return;
		this.#waitsForTurn = false;
		this.#isDue = false;
		this.#startedAt = performance.now();
		this.#timer.refresh();
	}

	/** Whether its time is over: then it is not sent any more, although a connection has just been opened for it. */
	get isDue(): boolean {
		return this.#isDue;
	}

	/** Whether so little of its time is left that the receiver could hardly respond within it. */
	get isLate(): boolean {
		return performance.now() - this.#startedAt > this.request.timeoutMs * LATE_FROM;
	}

	/** It was taken out of the line because its time is over. */
	expire(): void {
		this.#line = null;
		this.#phase = "connecting";
		this.onDeadline();
	}

	/** Called when a connection is given to it. */
	startOn(connection: Carrier): void {
		this.beginTurn();
		this.#line = null;
		this.#connection = connection;
		this.#facts = connection.facts;
		this.#phase = "connecting";
	}

	/** Ends the exchange with this failure. Does nothing if it has already settled. */
	fail(failure: SendFailure): void {
		if (this.#isSettled || this.#phase === "ended") return;
		this.#settle(failure, false);
		this.#connection?.destroy(failure);
	}

	/** The connection that was meant for it could not be opened. `facts` is what is known of it. */
	failToConnect(failure: SendFailure, facts: AttemptConnection | null): void {
		this.#facts = facts;
		this.fail(failure);
	}

	/** Called when the caller's signal is aborted. */
	handleEvent(): void {
		this.fail(new SendFailure("aborted", "the attempt was aborted before the response was complete"));
	}

	/** Its timer has ended. */
	onTimer(): void {
		this.#isDue = true;
		// Waits one more turn: bytes that arrived in time while the process was busy are read first.
		setImmediate(onDeadline, this);
	}

	onDeadline(): void {
		if (this.#phase === "ended" || !this.#isDue) return;
		const { place } = this.target;
		const within = `within ${this.request.timeoutMs.toLocaleString("en-US")} ms`;
		if (this.#line !== null) {
			this.fail(this.#line.whyWaiting(this, within));
			return;
		}
		const reasons: Record<Exclude<Phase, "ended">, readonly [reason: string, what: ErrorCause]> = {
			waiting: [`no connection to ${place} ${within}`, "connect_timeout"],
			connecting: [`no connection to ${place} ${within}`, "connect_timeout"],
			sent: [`no response from ${place} ${within}`, "response_timeout"],
			headers: [`the response headers of ${place} were not complete ${within}`, "headers_timeout"],
			body: [`the response body of ${place} was not complete ${within}`, "body_timeout"],
		};
		const [reason, what] = reasons[this.#phase];
		this.fail(new SendFailure("timeout", reason, { what }));
	}

	/** The connection begins to write the request. */
	onRequestStart(): void {
		this.#phase = "sent";
	}

	onResponseStarted(): void {
		if (this.#phase !== "sent") return;
		this.#phase = "headers";
		this.#firstByteAt = performance.now();
	}

	onInformational(): boolean {
		this.#phase = "sent";
		this.#firstByteAt = -1;
		this.#informational += 1;
		if (this.#informational <= MAX_INFORMATIONAL) return true;
		const { place } = this.target;
		const reason = `${place} sent more than ${MAX_INFORMATIONAL} informational (1xx) responses before the final one`;
		this.fail(new SendFailure("protocol", reason, { what: "invalid_response" }));
		return false;
	}

	onHead(status: number, headers: Readonly<Record<string, string>>): void {
		this.#phase = "body";
		this.#status = status;
		this.#reader = new ResponseReader(headers);
	}

	onBody(bytes: Buffer): boolean {
		if (this.#isSettled || this.#reader === null) return false;
		if (this.#reader.add(bytes)) return true;
		this.#settle(null, false);
		this.#connection?.destroy(ENOUGH);
		return false;
	}

	/** Reports how many bytes of any kind have been received for this exchange so far. */
	onReceived(bytes: number): void {
		if (this.#isSettled || bytes <= MAX_RECEIVED_BYTES) return;
		if (this.#reader === null) {
			const { place } = this.target;
			this.fail(
				new SendFailure("protocol", `${place} sent more than 128 KiB before its response headers were complete`, {
					what: "response_headers_too_large",
				}),
			);
			return;
		}
		this.#settle(null, false);
		this.#connection?.destroy(ENOUGH);
	}

	/** The rest happens a turn later: by then bytes have been read that came together with the end of the response. */
	onResponseEnd(): void {
		if (this.#isSettled) {
			this.#connection?.release();
			return;
		}
		this.#phase = "ended";
		setImmediate(onEnded, this);
	}

	onEnded(): void {
		this.#connection?.answered();
	}

	/** Settles an exchange whose response has ended. `isTrusted` says whether it is certainly the response to this request. */
	conclude(isTrusted: boolean): void {
		if (isTrusted) {
			this.#settle(null, true);
			return;
		}
		const { place } = this.target;
		const reason = `${place} sent more bytes after its response, which may belong to an earlier request`;
		this.#settle(new SendFailure("protocol", reason, { what: "unexpected_bytes" }), true);
	}

	/** The connection is closed, and the response has not ended. */
	onClosed(error: Error): void {
		if (!this.#isSettled) {
			if (this.#mayRepeat(error)) {
				this.#needsNewConnection = true;
				this.#connection?.repeat();
				return;
			}
			this.#settle(exchangeFailure(error, this.target.place, this.#status), false);
		}
		this.#connection?.release();
	}

	/**
	 * Whether the receiver has closed a kept connection just as it was used. That is no failure: each side may close an idle
	 * connection, and the other one learns of it later. So the request is sent once more, on a new connection, but only if
	 * no byte of an answer has come. A connection that has carried no answer so far was not idle. There is no third time.
	 */
	#mayRepeat(error: Error): boolean {
		if (this.#needsNewConnection || this.#connection === null) return false;
		if (this.#phase === "connecting") return true;
		const { hasAnswered } = this.#connection;
		return hasAnswered && this.#phase === "sent" && this.#informational === 0 && isClosure(error);
	}

	#settle(failure: SendFailure | null, isComplete: boolean): void {
		this.#isSettled = true;
		clearTimeout(this.#timer);
		this.request.signal?.removeEventListener("abort", this);
		this.#leave();
		this.#line?.leave(this);
		this.#ended({
			responseCode: this.#status,
			error: failure === null ? null : failure.code,
			reason: failure === null ? null : failure.message,
			detail: failure === null ? null : failure.detail,
			cause: failure === null ? null : failure.what,
			durationMs: Math.round(performance.now() - this.#startedAt),
			firstByteMs: this.#firstByteAt < 0 ? null : Math.round(this.#firstByteAt - this.#startedAt),
			connection: this.#facts,
			response: this.#reader?.response(isComplete) ?? null,
		});
	}

	/**
	 * Removes the exchange from the list in constant time. A Set would be simpler, but its outgrown tables, once in the
	 * old generation, keep every exchange that they contained alive until the next full collection: measured, that costs
	 * 5 µs per exchange.
	 */
	#leave(): void {
		const last = this.#underWay.pop();
		if (last === undefined || last === this) return;
		this.#underWay[this.#index] = last;
		last.#index = this.#index;
	}
}

function onTimer(exchange: Exchange): void {
	exchange.onTimer();
}

function onEnded(exchange: Exchange): void {
	exchange.onEnded();
}

function onDeadline(exchange: Exchange): void {
	exchange.onDeadline();
}
