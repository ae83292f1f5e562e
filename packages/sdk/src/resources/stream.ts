// project.stream: what happens in a project, while it happens.
import { ConnectionError, UnexpectedResponseError } from "../errors.ts";
import { throwIfAborted } from "../platform.ts";
import { repeatDelayMs } from "../retry.ts";
import { SseParser, type SseMessage } from "../sse-parser.ts";
import { checkMaxRetries, path, type ApiRequest, type RequestOptions, type Transport } from "../transport.ts";
import type { DeliveryStatus } from "./deliveries.ts";

export type StreamKind =
	| "event.accepted"
	| "attempt.finished"
	| "delivery.updated"
	| "deliveries.updated"
	| "webhook.updated";

interface StreamFact {
	readonly object: "streamItem";
	/** Where in the stream it stands; `lastEventId` to go on after it. */
	readonly id: string;
	readonly projectId: string;
	readonly date: number;
}

interface OfDelivery {
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly deliveryId: string;
}

/** One thing that has happened. */
export type StreamItem =
	| (StreamFact & {
			readonly kind: "event.accepted";
			readonly eventId: string;
			readonly eventType: string;
			readonly deliveryCount: number;
	  })
	| (StreamFact &
			OfDelivery & {
				readonly kind: "attempt.finished";
				readonly number: number;
				readonly trigger: "auto" | "manual" | "replay";
				readonly result: "success" | "failure";
				/** 0 if no answer came. */
				readonly responseCode: number;
				readonly error: string | null;
				readonly durationMs: number;
			})
	| (StreamFact &
			OfDelivery & {
				readonly kind: "delivery.updated";
				readonly status: DeliveryStatus;
				readonly reason: string | null;
				readonly attemptCount: number;
				readonly nextAttemptDate: number | null;
			})
	/** Many at once: what waits for a webhook that was paused, resumed, disabled or deleted. */
	| (StreamFact & {
			readonly kind: "deliveries.updated";
			readonly webhookId: string;
			readonly status: DeliveryStatus;
			readonly reason: string | null;
			readonly count: number;
	  })
	| (StreamFact & {
			readonly kind: "webhook.updated";
			readonly webhookId: string;
			readonly status: "Enabled" | "Paused" | "Disabled" | "Deleted";
			readonly reason: string | null;
	  })
	/** Something may be missing before what comes next, and why. */
	| { readonly object: "streamItem"; readonly kind: "gap"; readonly reason: string };

/** All given filters hold together. */
export interface StreamParams {
	readonly kinds?: readonly StreamKind[] | undefined;
	readonly webhookId?: string | undefined;
	/** Exact names or `prefix.*`. */
	readonly eventTypes?: readonly string[] | undefined;
	/** The `id` of the last item that you have had, to go on after it. Left out: from now on. */
	readonly lastEventId?: string | undefined;
}

/** The server says something each 15 s; a connection that is silent for so long is dead. */
const SILENCE_MS = 45_000;
const DEFAULT_RETRY_MS = 1_000;

/**
 * Goes on for as long as it is iterated: a lost connection is made again, from where it was. Nothing is sent before.
 *
 * @param silenceMs for tests
 */
export function openStream(
	transport: Transport,
	projectId: string,
	params: StreamParams,
	options: RequestOptions,
	silenceMs = SILENCE_MS,
): AsyncIterable<StreamItem> {
	const { lastEventId = "", ...filter } = params;
	const request = { method: "GET", path: path`/projects/${projectId}/stream`, query: queryOf(filter) } as const;
	return {
		[Symbol.asyncIterator]: () => new StreamReader(transport, request, lastEventId, options, silenceMs).items(),
	};
}

function queryOf({ kinds, webhookId, eventTypes }: StreamParams): NonNullable<ApiRequest["query"]> {
	return { kinds: kinds?.join(","), webhookId, eventTypes: eventTypes?.join(",") };
}

class StreamReader {
	readonly #transport: Transport;
	readonly #request: ApiRequest;
	readonly #options: RequestOptions;
	readonly #silenceMs: number;
	/** The place in the stream; "" before the first. */
	#place: string;
	#retryMs = DEFAULT_RETRY_MS;
	#hasConnected = false;
	/** Connections in a row that have brought nothing. */
	#failures = 0;

	constructor(transport: Transport, request: ApiRequest, place: string, options: RequestOptions, silenceMs: number) {
		this.#transport = transport;
		this.#request = request;
		this.#place = place;
		this.#options = options;
		this.#silenceMs = silenceMs;
	}

	async *items(): AsyncGenerator<StreamItem, void, undefined> {
		for (;;) {
			let backoffMs = 0;
			try {
				yield* this.#connection();
			} catch (error) {
				throwIfAborted(this.#options.signal);
				backoffMs = this.#waitAfter(error);
			}
			await this.#transport.sleep(Math.max(this.#retryMs, backoffMs), this.#options.signal);
		}
	}

	/** The items of one connection, until it ends; throws if it was lost. */
	async *#connection(): AsyncGenerator<StreamItem, void, undefined> {
		const headers: Record<string, string> = this.#place === "" ? {} : { "last-event-id": this.#place };
		const connection = await this.#transport.open(this.#request, headers, this.#options);
		this.#hasConnected = true;
		const parser = new SseParser();
		let isEmpty = true;
		try {
			for await (const text of connection.pieces(this.#silenceMs)) {
				const messages = parser.push(text);
				this.#retryMs = parser.retryMs ?? this.#retryMs;
				for (const message of messages) {
					this.#failures = 0;
					isEmpty = false;
					if (message.id !== "") this.#place = message.id;
					if (message.event === "dropped" || message.event === "end") return;
					if (message.data !== "") yield readItem(this.#request.path, message);
				}
			}
		} finally {
			connection.close();
		}
		if (isEmpty) throw new ConnectionError(`GET ${this.#request.path} ended before it brought anything.`);
	}

	/** How long to wait after a failure; throws the failure if there is no point in another try. */
	#waitAfter(error: unknown): number {
		this.#failures++;
		const { maxRetries } = this.#options;
		// Once it was there it will be there again; before, it is most likely a wrong endpoint.
		const limit = checkMaxRetries(maxRetries ?? this.#transport.maxRetries);
		const isOver = this.#failures > limit && (maxRetries !== undefined || !this.#hasConnected);
		const delayMs = isOver ? null : repeatDelayMs(error, "any", this.#failures, () => this.#transport.random());
		if (delayMs === null) throw error;
		return delayMs;
	}
}

function readItem(path: string, { data }: SseMessage): StreamItem {
	try {
		// The one cast from the stream to a type; the server's contract is what vouches for it.
		return JSON.parse(data) as StreamItem;
	} catch {
		const message = `GET ${path} sent an event whose data is no JSON. Does a proxy stand in between?`;
		throw new UnexpectedResponseError(message, { status: 200, requestId: null });
	}
}
