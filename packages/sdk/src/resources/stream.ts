// project.stream: what happens in a project, in real time.
import { ConnectionError, UnexpectedResponseError } from "../errors.ts";
import { throwIfAborted } from "../platform.ts";
import { repeatDelayMs } from "../retry.ts";
import { SseParser, type SseMessage } from "../sse-parser.ts";
import { checkMaxRetries, path, type ApiRequest, type RequestOptions, type Transport } from "../transport.ts";
import type { DeliveryStatus } from "./deliveries.ts";

/** The kinds of items that can be selected. */
export type StreamKind =
	| "event.accepted"
	| "attempt.finished"
	| "delivery.updated"
	| "deliveries.updated"
	| "webhook.updated";

/** The fields of every item except a gap. */
interface StreamFact {
	readonly object: "streamItem";
	/** The item's position in the stream. Pass it as `lastEventId` to continue after it. */
	readonly id: string;
	readonly projectId: string;
	/** When it happened, in milliseconds since the epoch. */
	readonly date: number;
}

/** The delivery that an item is about. */
interface OfDelivery {
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly deliveryId: string;
}

/** One item of the stream: something that happened, or a gap. Distinguish items by `kind`. */
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
				/** The HTTP status; 0 if there was no response. */
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
	/** Many deliveries at once: those waiting for a webhook that was paused, resumed, disabled or deleted. */
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
	/** Items may be missing here, for the given reason. */
	| { readonly object: "streamItem"; readonly kind: "gap"; readonly reason: string };

/** Filters for the stream. All are optional; an item must match all that are given. */
export interface StreamParams {
	readonly kinds?: readonly StreamKind[] | undefined;
	readonly webhookId?: string | undefined;
	/** Exact names or `prefix.*`. */
	readonly eventTypes?: readonly string[] | undefined;
	/** The `id` of the last item you received, to continue after it. If omitted, the stream starts now. */
	readonly lastEventId?: string | undefined;
}

/** The server sends something every 15 s. A connection that is silent for this long is dead. */
const SILENCE_MS = 45_000;
const DEFAULT_RETRY_MS = 1_000;

/**
 * Opens a stream, which lasts as long as it is iterated. A lost connection is reopened at the same position. The first
 * request is sent when the iteration starts.
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

/** Reads the items of a stream, over as many connections as needed. */
class StreamReader {
	readonly #transport: Transport;
	readonly #request: ApiRequest;
	readonly #options: RequestOptions;
	readonly #silenceMs: number;
	/** The id of the last message; "" before the first. */
	#lastEventId: string;
	#retryMs = DEFAULT_RETRY_MS;
	#hasConnected = false;
	/** Failures since the last message. */
	#failures = 0;

	constructor(
		transport: Transport,
		request: ApiRequest,
		lastEventId: string,
		options: RequestOptions,
		silenceMs: number,
	) {
		this.#transport = transport;
		this.#request = request;
		this.#lastEventId = lastEventId;
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
				backoffMs = this.#delayAfter(error);
			}
			await this.#transport.sleep(Math.max(this.#retryMs, backoffMs), this.#options.signal);
		}
	}

	/** Yields the items of one connection until it ends. Throws if the connection is lost. */
	async *#connection(): AsyncGenerator<StreamItem, void, undefined> {
		const headers: Record<string, string> = this.#lastEventId === "" ? {} : { "last-event-id": this.#lastEventId };
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
					if (message.id !== "") this.#lastEventId = message.id;
					if (message.event === "dropped" || message.event === "end") return;
					if (message.data !== "") yield readItem(this.#request.path, message);
				}
			}
		} finally {
			connection.close();
		}
		if (isEmpty) throw new ConnectionError(`GET ${this.#request.path} ended before it sent anything.`);
	}

	/** The delay after a failure, in milliseconds. Throws the failure if another try is pointless. */
	#delayAfter(error: unknown): number {
		this.#failures++;
		const { maxRetries } = this.#options;
		// After a successful connection, the server will most likely come back. Before one, the endpoint is most likely
		// wrong.
		const limit = checkMaxRetries(maxRetries ?? this.#transport.maxRetries);
		const isOver = this.#failures > limit && (maxRetries !== undefined || !this.#hasConnected);
		const delayMs = isOver ? null : repeatDelayMs(error, "any", this.#failures, () => this.#transport.random());
		if (delayMs === null) throw error;
		return delayMs;
	}
}

function readItem(path: string, { data }: SseMessage): StreamItem {
	try {
		// The only cast from the stream to a type. A test compares the type with the server's OpenAPI document.
		return JSON.parse(data) as StreamItem;
	} catch {
		const message = `GET ${path} sent an event whose data is not JSON. Check whether a proxy is in between.`;
		throw new UnexpectedResponseError(message, { status: 200, requestId: null });
	}
}
