// One exchange: an HTTP request and its response under way. Undici's handler, the deadline, and the promise of the
// outcome.
//
// Its timer and its turns are set directly and not through the clock port, which would cost a closure for each attempt:
// here, static functions get the exchange as their argument.
import type { Dispatcher } from "undici";

import type { AttemptError, AttemptOutcome, AttemptRequest } from "../../ports/sender.ts";
import { ResponseReader } from "./response-reader.ts";
import { exchangeFailure, SendFailure } from "./send-failure.ts";

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];
type Phase = "waiting" | "connecting" | "sent" | "headers" | "body";

/** Where a request goes. */
export interface Target {
	/** Scheme, host and port. Exchanges with the same origin share connections. */
	origin: string;
	/** `host:port`, the only part of the URL that may appear in a reason. */
	place: string;
	/** Path and query. */
	path: string;
}

/** The part of a connection that an exchange uses. */
export interface Carrier {
	/** Called when undici has finished with the exchange: the connection is free. */
	release(): void;
	/** Closes the connection and ends the exchange. */
	destroy(failure: SendFailure): void;
}

/** The longest delay that `setTimeout` supports. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Limit on all bytes received for one response. Undici limits the headers and `ResponseReader` limits the body, but
 * nothing else limits the bytes around them: the reason phrase, line breaks, chunk extensions.
 */
const MAX_RECEIVED_BYTES = 131_072;
/**
 * Informational (1xx) responses are small but expensive to parse. Measured without this limit: one receiver that sends
 * 103 as fast as it can delays all other receivers by 1.5 s at a time.
 */
const MAX_INFORMATIONAL = 32;

/** Why a connection is closed before its response has ended: the rest of the response is not needed. */
const ENOUGH = new SendFailure("aborted", "enough of the response has been read");

/**
 * An exchange moves through these phases, only forwards:
 *
 * ```
 * waiting ─▶ connecting ─▶ sent ─▶ headers ─▶ body
 *    └───────────┴───────────┴────────┴────────┴──▶ settled
 * ```
 *
 * - waiting: no connection has been assigned yet.
 * - connecting: assigned to a connection, which may still have to be opened.
 * - sent: undici is writing the request; no byte of the final response has arrived.
 * - headers: the response has begun.
 * - body: the headers are complete.
 * - settled: `outcome` is resolved. Soon after, undici has finished too and the connection is released.
 */
export class Exchange implements Dispatcher.DispatchHandler, EventListenerObject {
	/** The request for undici. */
	readonly options: Dispatcher.DispatchOptions;
	readonly target: Target;
	readonly outcome: Promise<AttemptOutcome>;
	readonly #timeoutMs: number;
	readonly #signal: AbortSignal | undefined;
	readonly #startedAt = performance.now();
	readonly #timer: NodeJS.Timeout;
	readonly #resolve: (outcome: AttemptOutcome) => void;
	/** All exchanges under way, and this one's index in that list. */
	readonly #underWay: Exchange[];
	#index: number;
	#queue: Set<Exchange> | null = null;
	#connection: Carrier | null = null;
	#phase: Phase = "waiting";
	#isSettled = false;
	#status = 0;
	#informational = 0;
	#reader: ResponseReader | null = null;

	constructor(request: AttemptRequest, target: Target, underWay: Exchange[]) {
		const { promise, resolve } = Promise.withResolvers<AttemptOutcome>();
		this.outcome = promise;
		this.#resolve = resolve;
		this.target = target;
		this.options = { path: target.path, method: "POST", headers: request.headers, body: request.body };
		this.#timeoutMs = request.timeoutMs;
		this.#timer = setTimeout(onTimer, Math.min(request.timeoutMs, MAX_TIMER_MS), this);
		this.#signal = request.signal;
		this.#signal?.addEventListener("abort", this);
		this.#underWay = underWay;
		this.#index = underWay.push(this) - 1;
	}

	get isSettled(): boolean {
		return this.#isSettled;
	}

	/** Adds the exchange to a queue for connections. It removes itself when it settles. */
	waitIn(queue: Set<Exchange>): void {
		this.#queue = queue.add(this);
	}

	/** Called just before the exchange is handed to undici. */
	startOn(connection: Carrier): void {
		this.#connection = connection;
		this.#phase = "connecting";
	}

	/** Ends the exchange with this failure. Does nothing if it has already settled. */
	fail(failure: SendFailure): void {
		if (this.#isSettled) return;
		this.#settle(failure.code, failure.message);
		this.#connection?.destroy(failure);
	}

	/** Called when the caller's signal is aborted. */
	handleEvent(): void {
		this.fail(new SendFailure("aborted", "the attempt was aborted before the response was complete"));
	}

	onDeadline(): void {
		const { place } = this.target;
		const within = `within ${this.#timeoutMs.toLocaleString("en-US")} ms`;
		const reasons: Record<Phase, string> = {
			waiting: `no connection to ${place} became free ${within}`,
			connecting: `no connection to ${place} ${within}`,
			sent: `no response from ${place} ${within}`,
			headers: `the response headers of ${place} were not complete ${within}`,
			body: `the response body of ${place} was not complete ${within}`,
		};
		this.fail(new SendFailure("timeout", reasons[this.#phase]));
	}

	onRequestStart(): void {
		this.#phase = "sent";
	}

	onResponseStarted(): void {
		if (this.#phase === "sent") this.#phase = "headers";
	}

	onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
		if (status < 200) {
			this.#onInformational();
			return;
		}
		this.#phase = "body";
		this.#status = status;
		this.#reader = new ResponseReader(headers);
	}

	onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
		if (this.#isSettled || this.#reader === null || this.#reader.add(chunk)) return;
		this.#settle(null, null, false);
		this.#connection?.destroy(ENOUGH);
	}

	/** Reports how many bytes of any kind have been received for this exchange so far. */
	onReceived(bytes: number): void {
		if (this.#isSettled || bytes <= MAX_RECEIVED_BYTES) return;
		if (this.#reader === null) {
			const { place } = this.target;
			this.fail(
				new SendFailure("protocol", `${place} sent more than 128 KiB before its response headers were complete`),
			);
			return;
		}
		this.#settle(null, null, false);
		this.#connection?.destroy(ENOUGH);
	}

	onResponseEnd(): void {
		if (!this.#isSettled) this.#settle(null, null, true);
		this.#connection?.release();
	}

	onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
		if (!this.#isSettled) this.#settleError(error);
		this.#connection?.release();
	}

	#onInformational(): void {
		this.#phase = "sent";
		this.#informational += 1;
		if (this.#informational <= MAX_INFORMATIONAL) return;
		const { place } = this.target;
		const reason = `${place} sent more than ${MAX_INFORMATIONAL} informational (1xx) responses before the final one`;
		this.fail(new SendFailure("protocol", reason));
	}

	#settleError(error: Error): void {
		// These statuses have no body. Undici still checks the (missing) body against a content-length, which here describes
		// the resource.
		if ((this.#status === 204 || this.#status === 304) && this.#reader?.totalBytes === 0) {
			this.#settle(null, null, true);
			return;
		}
		const failure = exchangeFailure(error, this.target.place, this.#status);
		this.#settle(failure.code, failure.message);
	}

	#settle(error: AttemptError | null, reason: string | null, isComplete = false): void {
		this.#isSettled = true;
		clearTimeout(this.#timer);
		this.#signal?.removeEventListener("abort", this);
		this.#leave();
		this.#queue?.delete(this);
		this.#resolve({
			responseCode: this.#status,
			error,
			reason,
			durationMs: Math.round(performance.now() - this.#startedAt),
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

/** Waits one more turn: bytes that arrived in time while the process was busy are read first. */
function onTimer(exchange: Exchange): void {
	setImmediate(onDeadline, exchange);
}

function onDeadline(exchange: Exchange): void {
	exchange.onDeadline();
}
