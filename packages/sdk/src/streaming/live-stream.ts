// Reads the live stream of a project, over as many connections as needed.
import { lossReason } from "../connection-problem.ts";
import { ApiError, ConnectionError, UnexpectedResponseError } from "../errors.ts";
import { throwIfAborted } from "../platform.ts";
import type {
	PollStreamParams,
	StreamItem,
	StreamItems,
	StreamMode,
	StreamOptions,
	StreamParams,
} from "../resources/stream.ts";
import { repeatDelayMs } from "../retry.ts";
import { checkMaxRetries, path, type ApiRequest, type RequestOptions, type Transport } from "../transport.ts";
import type { OpenAnswer } from "./open-answer.ts";
import { SseParser, type SseMessage } from "./sse-parser.ts";

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
