// project.stream: what happens in a project, in real time.
import { lossReason } from "../connection-problem.ts";
import { ApiError, ConnectionError, UnexpectedResponseError } from "../errors.ts";
import { throwIfAborted } from "../platform.ts";
import { repeatDelayMs } from "../retry.ts";
import type { OpenAnswer } from "../streaming/open-answer.ts";
import { SseParser, type SseMessage } from "../streaming/sse-parser.ts";
import { checkMaxRetries, path, type ApiRequest, type RequestOptions, type Transport } from "../transport.ts";
import type { DeliveryStatus } from "./deliveries/deliveries.ts";

/** The kinds of items that can be selected. */
export type StreamKind =
	| "event.accepted"
	| "attempt.finished"
	| "delivery.updated"
	| "deliveries.updated"
	| "webhook.created"
	| "webhook.updated"
	| "replay.updated";

/** The fields of every item except a gap. */
interface StreamFact {
	/** Always `"streamItem"`. */
	readonly object: "streamItem";
	/** The item's position in the stream. Pass it as `lastEventId` to continue after it. */
	readonly id: string;
	/** The project in which it happened. */
	readonly projectId: string;
	/** When it happened, in milliseconds since the epoch. */
	readonly date: number;
}

/** The delivery that an item is about. */
interface OfDelivery {
	/** The webhook that the delivery goes to. */
	readonly webhookId: string;
	/** The event that it delivers. */
	readonly eventId: string;
	/** The type of its event. */
	readonly eventType: string;
	/** The delivery. */
	readonly deliveryId: string;
}

/** The webhook that an item is about. */
interface OfWebhook {
	/** The webhook. */
	readonly webhookId: string;
	/** Its status now. */
	readonly status: "Enabled" | "Paused" | "Disabled" | "Deleted";
	/** Why it has this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
}

/** One item of the stream: something that happened, or a gap. Distinguish items by `kind`. */
export type StreamItem =
	| EventAcceptedItem
	| AttemptFinishedItem
	| DeliveryUpdatedItem
	| DeliveriesUpdatedItem
	| WebhookCreatedItem
	| WebhookUpdatedItem
	| ReplayUpdatedItem
	| GapItem;

/** An event was accepted. */
export interface EventAcceptedItem extends StreamFact {
	/** Tells the items apart. */
	readonly kind: "event.accepted";
	/** The event. */
	readonly eventId: string;
	/** Its type. */
	readonly eventType: string;
	/** The number of webhooks that it is delivered to. */
	readonly deliveryCount: number;
	/** The tags of the event. Present only if there are any. */
	readonly tags?: readonly string[];
}

/** An attempt has ended. */
export interface AttemptFinishedItem extends StreamFact, OfDelivery {
	/** Tells the items apart. */
	readonly kind: "attempt.finished";
	/** Counts the attempts of the delivery, from 1. */
	readonly number: number;
	/** `auto`: the schedule; `manual`: a retry by hand; `replay`: a replay. */
	readonly trigger: "auto" | "manual" | "replay";
	/** `success` after a 2xx. */
	readonly result: "success" | "failure";
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	/** `timeout`, `dns`, `refused` …; null if there was a complete response. */
	readonly error: string | null;
	/** From the start to the end of the response, or to the failure. */
	readonly durationMs: number;
}

/** The status of a delivery, or the time of its next attempt, has changed. */
export interface DeliveryUpdatedItem extends StreamFact, OfDelivery {
	/** Tells the items apart. */
	readonly kind: "delivery.updated";
	/** Its status now. */
	readonly status: DeliveryStatus;
	/** Why it has this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
	/** The number of attempts so far. */
	readonly attemptCount: number;
	/** When the next attempt is due, in milliseconds since the epoch; null unless the delivery is `Pending`. */
	readonly nextAttemptDate: number | null;
}

/** Many deliveries have changed at once: those waiting for a webhook that was paused, resumed, disabled or deleted. */
export interface DeliveriesUpdatedItem extends StreamFact {
	/** Tells the items apart. */
	readonly kind: "deliveries.updated";
	/** The webhook. */
	readonly webhookId: string;
	/** The status of the deliveries now. */
	readonly status: DeliveryStatus;
	/** Why they have this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
	/** The number of deliveries. */
	readonly count: number;
}

/** A webhook was created. */
export interface WebhookCreatedItem extends StreamFact, OfWebhook {
	/** Tells the items apart. */
	readonly kind: "webhook.created";
}

/** A replay was started, has made progress, or has ended. While it runs, there is an item for it every second at most. */
export interface ReplayUpdatedItem extends StreamFact, Pick<OfWebhook, "webhookId"> {
	/** Tells the items apart. */
	readonly kind: "replay.updated";
	/** The replay. */
	readonly replayId: string;
	/** Its status now. */
	readonly status: "Running" | "Finished" | "Cancelled";
	/** The events that it has looked at so far. */
	readonly scannedCount: number;
	/** The deliveries that it has made so far. */
	readonly deliveryCount: number;
	/** From 0 to 1, measured in the time of its range. */
	readonly progress: number;
}

/** A setting or the status of a webhook has changed, or it was deleted. */
export interface WebhookUpdatedItem extends StreamFact, OfWebhook {
	/** Tells the items apart. */
	readonly kind: "webhook.updated";
}

/** Items may be missing here. */
export interface GapItem {
	/** Always `"streamItem"`. */
	readonly object: "streamItem";
	/** Tells the items apart. */
	readonly kind: "gap";
	/** Why items may be missing, as a sentence. */
	readonly reason: string;
}

/** Filters for the stream. All are optional; an item must match all that are given. */
export interface StreamParams {
	/** Only items of these kinds. Defaults to all. */
	readonly kinds?: readonly StreamKind[] | undefined;
	/** Only items about webhooks of this customer, and accepted events that are for it. */
	readonly customerId?: string | undefined;
	/** Only items about this webhook. */
	readonly webhookId?: string | undefined;
	/** Exact names or `prefix.*`. */
	readonly eventTypes?: readonly string[] | undefined;
	/** The `id` of the last item you received, to continue after it. If omitted, the stream starts now. */
	readonly lastEventId?: string | undefined;
}

/** Filters and position of `pollStream`. All are optional. */
export interface PollStreamParams extends StreamParams {
	/** The most items to return, 1–1,000. Defaults to 500. */
	readonly limit?: number | undefined;
}

/** The items that `pollStream` returns. */
export interface StreamItems {
	/** Always `"streamItems"`. */
	readonly object: "streamItems";
	/** Oldest first. */
	readonly data: readonly StreamItem[];
	/** Pass it to the next call. */
	readonly lastEventId: string;
	/** Whether there are more items already: call again at once. */
	readonly hasMore: boolean;
}

/**
 * How the items arrive: `live` over an open stream; `polling`, every few seconds, because the server has no stream left for the
 * project; or `away`, not at all for now, because the connection was lost. It is then tried again at the same position.
 */
export type StreamMode =
	| {
			/** Over an open stream. */
			readonly mode: "live";
	  }
	| {
			/** By a request every few seconds. */
			readonly mode: "polling";
			/** Why there is no stream, as the server says it. */
			readonly reason: string;
	  }
	| {
			/** Not at all for now. */
			readonly mode: "away";
			/** Why the connection was lost, as a sentence. */
			readonly reason: string;
	  };

/** Options of `stream`. All are optional. */
export interface StreamOptions extends RequestOptions {
	/** Called with the first mode, which is `live` or `polling`, and with each change of it. */
	readonly onMode?: ((mode: StreamMode) => void) | undefined;
}

/** The server sends something every 15 s. A connection that is silent for this long is dead. */
const SILENCE_MS = 45_000;
const DEFAULT_RETRY_MS = 1_000;
/** The code of the refusal after which the items are polled. */
const NO_STREAM_CODE = "too_many_streams";
/** How often items are polled, and how long until a stream is asked for again if the server does not say. */
const POLL_MS = 5_000;
const DEFAULT_POLLING_MS = 30_000;

/**
 * Opens a stream, which lasts as long as it is iterated. A lost connection is reopened at the same position. While the server
 * has no stream left, the items are polled. The first request is sent when the iteration starts.
 */
export function openStream(
	transport: Transport,
	projectId: string,
	params: StreamParams,
	options: StreamOptions,
): AsyncIterable<StreamItem> {
	return {
		[Symbol.asyncIterator]: () => new StreamReader(transport, projectId, params, options).items(),
	};
}

/** Fetches the items since `lastEventId`, without a stream. */
export function pollStream(
	transport: Transport,
	projectId: string,
	params: PollStreamParams,
	options: RequestOptions | undefined,
): Promise<StreamItems> {
	const { lastEventId, limit, ...filter } = params;
	const query = { ...queryOf(filter), lastEventId, limit };
	const request = {
		method: "GET",
		path: path`/projects/${projectId}/stream/items`,
		query,
		answer: "streamItems",
	} as const;
	return transport.request<StreamItems>(request, options);
}

/** A filter as query parameters. Unknown fields are passed on, so that the server reports them. */
function queryOf({ kinds, eventTypes, ...rest }: Omit<StreamParams, "lastEventId">): NonNullable<ApiRequest["query"]> {
	return { kinds: kinds?.join(","), ...rest, eventTypes: eventTypes?.join(",") };
}

/** Reads the items of a stream, over as many connections as needed. */
class StreamReader {
	readonly #transport: Transport;
	readonly #projectId: string;
	readonly #filter: StreamParams;
	readonly #request: ApiRequest;
	readonly #options: RequestOptions;
	readonly #onMode: NonNullable<StreamOptions["onMode"]>;
	#mode: StreamMode["mode"] | null = null;
	/** The id of the last message; "" before the first. */
	#lastEventId: string;
	#retryMs = DEFAULT_RETRY_MS;
	#hasConnected = false;
	/** Failures since the last message. */
	#failures = 0;

	constructor(transport: Transport, projectId: string, params: StreamParams, options: StreamOptions) {
		const { lastEventId = "", ...filter } = params;
		const { onMode = () => {}, ...requestOptions } = options;
		this.#transport = transport;
		this.#projectId = projectId;
		this.#filter = filter;
		this.#request = { method: "GET", path: path`/projects/${projectId}/stream`, query: queryOf(filter) };
		this.#lastEventId = lastEventId;
		this.#options = requestOptions;
		this.#onMode = onMode;
	}

	async *items(): AsyncGenerator<StreamItem, void, undefined> {
		for (;;) {
			let backoffMs = 0;
			try {
				const refusal = yield* this.#connection();
				if (refusal !== null) {
					yield* this.#polling(refusal);
					continue;
				}
			} catch (error) {
				throwIfAborted(this.#options.signal);
				backoffMs = this.#delayAfter(error);
			}
			await this.#transport.sleep(Math.max(this.#retryMs, backoffMs), this.#options.signal);
		}
	}

	/** Yields the items of one connection until it ends. Returns the refusal if there is no stream; throws if the connection is lost. */
	async *#connection(): AsyncGenerator<StreamItem, ApiError | null, undefined> {
		const connection = await this.#open();
		if (connection instanceof ApiError) return connection;
		// One that was lost is only back when something has come.
		if (this.#mode !== "away") this.#changeMode({ mode: "live" });
		const parser = new SseParser();
		let isEmpty = true;
		try {
			for await (const text of connection.pieces(SILENCE_MS)) {
				const messages = parser.push(text);
				this.#retryMs = parser.retryMs ?? this.#retryMs;
				for (const message of messages) {
					this.#failures = 0;
					isEmpty = false;
					this.#changeMode({ mode: "live" });
					if (message.id !== "") this.#lastEventId = message.id;
					if (message.event === "dropped" || message.event === "end") return null;
					if (message.data !== "") yield readItem(this.#request.path, message);
				}
			}
		} finally {
			connection.close();
		}
		if (isEmpty) throw new ConnectionError(`GET ${this.#request.path} ended before it sent anything.`);
		return null;
	}

	/** Opens a connection. Returns the error if the server has no stream left. */
	async #open(): Promise<OpenAnswer | ApiError> {
		const headers: Record<string, string> = this.#lastEventId === "" ? {} : { "last-event-id": this.#lastEventId };
		try {
			const connection = await this.#transport.open(this.#request, headers, this.#options);
			this.#hasConnected = true;
			return connection;
		} catch (error) {
			if (error instanceof ApiError && error.code === NO_STREAM_CODE) return error;
			throw error;
		}
	}

	/** Polls the items until it is time to ask for a stream again. */
	async *#polling({ message, retryAfterMs }: ApiError): AsyncGenerator<StreamItem, void, undefined> {
		this.#changeMode({ mode: "polling", reason: message });
		for (let leftMs = retryAfterMs ?? DEFAULT_POLLING_MS; ; leftMs -= POLL_MS) {
			let hasMore = true;
			while (hasMore) {
				const polled = await this.#poll();
				yield* polled.data;
				({ hasMore } = polled);
			}
			if (leftMs <= 0) return;
			await this.#transport.sleep(Math.min(leftMs, POLL_MS), this.#options.signal);
		}
	}

	async #poll(): Promise<StreamItems> {
		const lastEventId = this.#lastEventId === "" ? undefined : this.#lastEventId;
		const polled = await pollStream(this.#transport, this.#projectId, { ...this.#filter, lastEventId }, this.#options);
		this.#hasConnected = true;
		this.#failures = 0;
		this.#lastEventId = polled.lastEventId;
		return polled;
	}

	#changeMode(mode: StreamMode): void {
		if (this.#mode === mode.mode) return;
		this.#mode = mode.mode;
		this.#onMode(mode);
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
		if (this.#mode !== null) this.#changeMode({ mode: "away", reason: lossReason(error, this.#transport.endpoint) });
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
