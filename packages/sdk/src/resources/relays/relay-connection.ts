// The connection of a relay's client: an iterator of requests that outlasts lost connections.
import { decodeBase64, encodeBase64 } from "../../base64.ts";
import { lossReason } from "../../connection-problem.ts";
import { ApiError, ConnectionError, UnexpectedResponseError } from "../../errors.ts";
import { throwIfAborted, type AbortSignalLike } from "../../platform.ts";
import { repeatDelayMs } from "../../retry.ts";
import type { OpenAnswer } from "../../streaming/open-answer.ts";
import { SseParser } from "../../streaming/sse-parser.ts";
import { path, type Transport } from "../../transport.ts";
import { KeptAnswers } from "./kept-answers.ts";
import type { Relay, RelayAnswer, RelayError } from "./relay.ts";

/** The receiver's response, as bytes or text. */
export interface RelayResponse {
	/** The HTTP status, 200–599. */
	readonly status: number;
	/** Pairs of name and value, or an object. Defaults to none. */
	readonly headers?: readonly (readonly [name: string, value: string])[] | Readonly<Record<string, string>> | undefined;
	/** At most 256 KiB of it are sent; the log keeps 4 KiB. Defaults to none. */
	readonly body?: Uint8Array | string | undefined;
}

/** A request that the relay's receiver is to answer. */
export interface RelayRequest {
	/** The same for all attempts that count as one. */
	readonly requestId: string;
	/** Null for a test of the webhook. */
	readonly deliveryId: string | null;
	/** The event: the `webhook-id`. */
	readonly eventId: string;
	/** Counts the attempts of the delivery from 1. */
	readonly attemptNumber: number;
	/** `auto`, `manual`, `replay` or `test`. */
	readonly trigger: string;
	/** Always `"POST"`. */
	readonly method: "POST";
	/** In their order, as any receiver gets them, without `host` and `content-length`. */
	readonly headers: readonly (readonly [name: string, value: string])[];
	/** Exactly the bytes that are signed. */
	readonly body: Uint8Array;
	/** The time that is left to answer, in milliseconds. Afterwards, the connection answers with a timeout. */
	readonly timeoutMs: number;
	/**
	 * Answers with the receiver's response. Resolves with whether the server has taken it: false if it was too late, or if the server
	 * is away; then it is repeated when the server asks again. Only the first answer counts.
	 */
	answer(response: RelayResponse): Promise<boolean>;
	/** Answers that there is no response. */
	fail(error: RelayError, reason?: string): Promise<boolean>;
}

/**
 * The state of the connection.
 *
 * - ready: requests come. - away: the connection was lost; another one is tried. - replaced: another client has the relay, and the
 *   iteration ends. - deleted: somebody has deleted the relay, and the iteration ends.
 */
export type RelayState =
	| {
			/** Requests come now. */
			readonly state: "ready";
			/** The relay. */
			readonly relay: Relay;
	  }
	| {
			/** No requests come now. */
			readonly state: "away" | "replaced" | "deleted";
			/** Why, as a sentence. */
			readonly reason: string;
			/** True with `away` if another connection has taken the relay and has left it since. Absent otherwise. */
			readonly wasTaken?: true;
	  };

/** Options of `relays.connect`. All are optional. */
export interface ConnectOptions {
	/** Called with each new state. */
	readonly onState?: ((state: RelayState) => void) | undefined;
	/** Ends the connection. */
	readonly signal?: AbortSignalLike | undefined;
}

/** The requests of a relay, as they come. */
export type RelayConnection = AsyncIterable<RelayRequest>;

/** The server sends something every 10 s. A connection that is silent for this long is dead. */
const SILENCE_MS = 25_000;
const RETRY_MS = 1_000;
const MAX_BODY_BYTES = 256 * 1_024;
/** The client gives up earlier than the server, so that its answer is on time. */
const MARGIN_MS = 250;

interface WireRequest extends Omit<RelayRequest, "body" | "answer" | "fail"> {
	readonly kind: "request";
	readonly bodyBase64: string;
}
/** The data of each server-sent event. */
export type WireSignal =
	| WireRequest
	| { readonly kind: "ready"; readonly relayId: string; readonly webhookId: string }
	| {
			readonly kind: "end";
			readonly code: "replaced" | "deleted" | "silent" | "stopped" | "revoked";
			readonly reason: string;
	  };

/** Connects when it is iterated. `put` makes the relay. */
export function connectRelay(
	transport: Transport,
	projectId: string,
	put: () => Promise<Relay>,
	options: ConnectOptions,
): RelayConnection {
	return { [Symbol.asyncIterator]: () => new Connection(transport, projectId, put, options).requests() };
}

class Connection {
	readonly #transport: Transport;
	readonly #projectId: string;
	readonly #put: () => Promise<Relay>;
	readonly #options: ConnectOptions;
	readonly #answers = new KeptAnswers();
	readonly #timers = new Set<ReturnType<typeof setTimeout>>();
	#relay: Relay | null = null;
	/** Why the last connection was told that another client has the relay; null if it was not. */
	#replacedBecause: string | null = null;
	#wasReady = false;
	#failures = 0;

	constructor(transport: Transport, projectId: string, put: () => Promise<Relay>, options: ConnectOptions) {
		this.#transport = transport;
		this.#projectId = projectId;
		this.#put = put;
		this.#options = options;
	}

	async *requests(): AsyncGenerator<RelayRequest, void, undefined> {
		try {
			for (;;) {
				let delayMs = RETRY_MS;
				try {
					if (yield* this.#connection()) return;
				} catch (error) {
					throwIfAborted(this.#options.signal);
					delayMs = this.#delayAfter(error);
				}
				await this.#transport.sleep(delayMs, this.#options.signal);
			}
		} finally {
			for (const timer of this.#timers) clearTimeout(timer);
		}
	}

	/** Yields the requests of one connection. Returns whether no other one may follow; throws if it is lost. */
	async *#connection(): AsyncGenerator<RelayRequest, boolean, undefined> {
		this.#relay ??= await this.#put();
		const relay = this.#relay;
		if (this.#replacedBecause !== null && (await this.#isReplaced(relay, this.#replacedBecause))) return true;
		const request = { method: "GET", path: path`/projects/${this.#projectId}/relays/${relay.id}/requests` } as const;
		const connection: OpenAnswer = await this.#transport.open(request, {}, { signal: this.#options.signal });
		const parser = new SseParser();
		try {
			for await (const text of connection.pieces(SILENCE_MS)) {
				for (const { data } of parser.push(text)) {
					if (data === "") continue;
					const signal = readSignal(request.path, data);
					if (signal.kind === "ready") {
						this.#wasReady = true;
						this.#failures = 0;
						this.#options.onState?.({ state: "ready", relay });
					} else if (signal.kind === "end") {
						return this.#ended(signal.code, signal.reason);
					} else {
						const asked = this.#ask(relay, signal);
						if (asked !== null) yield asked;
					}
				}
			}
		} finally {
			connection.close();
		}
		throw new ConnectionError(`GET ${request.path} ended.`);
	}

	/** The server has ended the stream. Returns whether no other one may follow. */
	#ended(code: string, reason: string): boolean {
		if (code === "replaced") {
			this.#replacedBecause = reason;
			return false;
		}
		const state = code === "deleted" ? code : "away";
		this.#options.onState?.({ state, reason });
		return state === "deleted";
	}

	/**
	 * Whether another client has the relay. It can have been an earlier request of this one, which was lost on its way and came later
	 * than the next one: then nobody has it now.
	 */
	async #isReplaced(relay: Relay, reason: string): Promise<boolean> {
		const request = {
			method: "GET",
			path: path`/projects/${this.#projectId}/relays/${relay.id}`,
			answer: "relay",
		} as const;
		const { connected } = await this.#transport.request<Relay>(request, { signal: this.#options.signal });
		this.#replacedBecause = null;
		this.#options.onState?.(connected ? { state: "replaced", reason } : { state: "away", reason, wasTaken: true });
		return connected;
	}

	/** The request for the caller; null if it has had it before: then its answer is repeated, if there is one. */
	#ask(relay: Relay, { bodyBase64, kind: _kind, ...request }: WireRequest): RelayRequest | null {
		const { requestId, timeoutMs } = request;
		const known = this.#answers.get(requestId);
		if (known !== undefined) {
			if (known !== null) void this.#postUnseen(relay, requestId, known);
			return null;
		}
		this.#answers.await(requestId);
		const answer = (given: RelayAnswer): Promise<boolean> => {
			clearTimeout(timer);
			this.#timers.delete(timer);
			return this.#post(relay, requestId, this.#answers.give(requestId, given));
		};
		const fail = (error: RelayError, reason?: string) => answer({ error, ...(reason !== undefined && { reason }) });
		const giveUp = () => {
			this.#timers.delete(timer);
			const reason = `the receiver did not respond within ${timeoutMs} ms`;
			void this.#postUnseen(relay, requestId, this.#answers.give(requestId, { error: "timeout", reason }));
		};
		const timer = setTimeout(giveUp, Math.max(0, timeoutMs - MARGIN_MS));
		this.#timers.add(timer);
		return {
			...request,
			body: decodeBase64(bodyBase64) ?? new Uint8Array(),
			answer: (response) => answer(toWire(response)),
			fail,
		};
	}

	/** Sends an answer that nobody waits for: if the server does not get it, it asks again. */
	async #postUnseen(relay: Relay, requestId: string, answer: RelayAnswer): Promise<void> {
		// One that is not valid was refused when it was given. An aborted connection answers nothing any more.
		await this.#post(relay, requestId, answer).catch(() => false);
	}

	/** Sends an answer. False if the server has not taken it. Throws if it is not valid. */
	async #post(relay: Relay, requestId: string, answer: RelayAnswer): Promise<boolean> {
		const one = path`/projects/${this.#projectId}/relays/${relay.id}/requests/${requestId}`;
		const request = {
			method: "POST",
			path: `${one}:answer`,
			json: JSON.stringify(answer),
			answer: "relayAnswer",
			repeat: "any",
		} as const;
		try {
			await this.#transport.request(request, { signal: this.#options.signal });
			return true;
		} catch (error) {
			// Too late, or the relay is gone, or the server is away: it asks again if it still needs the answer.
			if (error instanceof ConnectionError) return false;
			if (error instanceof ApiError && error.status !== 400) return false;
			throw error;
		}
	}

	/** The delay after a failure, in milliseconds. Throws the failure if another try is pointless. */
	#delayAfter(error: unknown): number {
		// Deleted while this client was away: it is made anew.
		if (error instanceof ApiError && error.code === "relay_not_found" && this.#relay !== null) {
			this.#relay = null;
			return 0;
		}
		this.#failures++;
		const delayMs = repeatDelayMs(error, "any", this.#failures, () => this.#transport.random());
		// Before a first success, the endpoint or the key is most likely wrong.
		const isOver = !this.#wasReady && this.#failures > this.#transport.maxRetries;
		if (delayMs === null || isOver) throw error;
		const reason = lossReason(error, this.#transport.endpoint);
		if (this.#failures === 1) this.#options.onState?.({ state: "away", reason });
		return delayMs;
	}
}

function toWire({ status, headers = [], body = "" }: RelayResponse): RelayAnswer {
	const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
	const pairs = Array.isArray(headers) ? (headers as readonly (readonly [string, string])[]) : Object.entries(headers);
	return { status, headers: pairs, bodyBase64: encodeBase64(bytes.subarray(0, MAX_BODY_BYTES)) };
}

function readSignal(path: string, data: string): WireSignal {
	try {
		// The only cast from the stream to a type. A test compares the type with the server's OpenAPI document.
		return JSON.parse(data) as WireSignal;
	} catch {
		const message = `GET ${path} sent an event whose data is not JSON. Check whether a proxy is in between.`;
		throw new UnexpectedResponseError(message, { status: 200, requestId: null });
	}
}
