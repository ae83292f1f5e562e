// One attempt under way: undici's handler for it, its deadline, and the promise of its outcome.
import type { Dispatcher } from "undici";

import type { AttemptError, AttemptOutcome, AttemptRequest } from "../../ports/sender.ts";
import { ResponseReader } from "./response-reader.ts";
import { exchangeFailure, SendFailure } from "./send-failure.ts";

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];
type Phase = "waiting" | "connecting" | "sent" | "headers" | "body";

/** Where an attempt goes. */
export interface Target {
	/** Scheme, host and port: attempts with the same origin share connections. */
	origin: string;
	/** `host:port`, the only part of a URL that a reason may name. */
	place: string;
	/** Path and query. */
	path: string;
}

/** What an exchange needs of the connection that carries it. */
export interface Carrier {
	/** undici is done with the exchange. */
	release(): void;
	/** Ends the connection, and the exchange with it. */
	destroy(failure: SendFailure): void;
}

/** Longest delay that a timer takes. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * All that may come in for one attempt. undici bounds headers and we the body, but nothing else bounds what goes around
 * them: a reason, line breaks, the extensions of chunks.
 */
const MAX_RECEIVED_BYTES = 131_072;
/**
 * Informational answers cost much more to parse than they have bytes. Measured without a bound: one receiver that sends 103
 * as fast as it can holds up all others for 1.5 s at a time.
 */
const MAX_INFORMATIONAL = 32;

/** Why the connection of an answer that goes on and on is dropped. */
const ENOUGH = new SendFailure("aborted", "enough of the answer has been read");

/**
 * Moves through its phases once, forwards:
 *
 * ```
 * waiting ─▶ connecting ─▶ sent ─▶ headers ─▶ body
 *    └───────────┴───────────┴────────┴────────┴──▶ settled
 * ```
 *
 * Settled (`outcome` is resolved) comes first, released (undici is done with it, its connection is free) soon after.
 */
export class Exchange implements Dispatcher.DispatchHandler, EventListenerObject {
	/** What undici is to send. */
	readonly options: Dispatcher.DispatchOptions;
	readonly target: Target;
	readonly outcome: Promise<AttemptOutcome>;
	readonly #timeoutMs: number;
	readonly #signal: AbortSignal | undefined;
	readonly #startedAt = performance.now();
	readonly #timer: NodeJS.Timeout;
	readonly #resolve: (outcome: AttemptOutcome) => void;
	/** All attempts under way, and where this one is among them. */
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

	/** Stands in a queue for a connection, and leaves it when settled. */
	waitIn(queue: Set<Exchange>): void {
		this.#queue = queue.add(this);
	}

	/** Is about to be given to undici. */
	startOn(connection: Carrier): void {
		this.#connection = connection;
		this.#phase = "connecting";
	}

	/** Ends the attempt, unless it is over already. */
	fail(failure: SendFailure): void {
		if (this.#isSettled) return;
		this.#settle(failure.code, failure.message);
		this.#connection?.destroy(failure);
	}

	/** The caller's signal. */
	handleEvent(): void {
		this.fail(new SendFailure("aborted", "the attempt was ended before its answer was complete"));
	}

	onDeadline(): void {
		const { place } = this.target;
		const within = `within ${this.#timeoutMs.toLocaleString("en-US")} ms`;
		const reasons: Record<Phase, string> = {
			waiting: `no connection to ${place} became free ${within}`,
			connecting: `no connection to ${place} ${within}`,
			sent: `no answer from ${place} ${within}`,
			headers: `the headers of ${place}'s answer were not complete ${within}`,
			body: `the body of ${place}'s answer was not complete ${within}`,
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

	/** So many bytes have come in so far, of whatever kind. */
	onReceived(bytes: number): void {
		if (this.#isSettled || bytes <= MAX_RECEIVED_BYTES) return;
		if (this.#reader === null) {
			const { place } = this.target;
			this.fail(
				new SendFailure("protocol", `${place} sent more than 128 KiB before the headers of its answer were complete`),
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
		const what = `more than ${MAX_INFORMATIONAL} informational answers before the one that counts`;
		this.fail(new SendFailure("protocol", `${place} sent ${what}`));
	}

	#settleError(error: Error): void {
		// These statuses have no body; undici still counts one against a content-length that tells of the resource's
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
	 * Takes the attempt out of the list in constant time. A Set would do, but its outgrown tables, once in the old
	 * generation, keep every attempt that they held alive until the next full collection: measured 5 µs an attempt.
	 */
	#leave(): void {
		const last = this.#underWay.pop();
		if (last === undefined || last === this) return;
		this.#underWay[this.#index] = last;
		last.#index = this.#index;
	}
}

/** Lets what has arrived while the process was busy be read first, as it came in time. */
function onTimer(exchange: Exchange): void {
	setImmediate(onDeadline, exchange);
}

function onDeadline(exchange: Exchange): void {
	exchange.onDeadline();
}
