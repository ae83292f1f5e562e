// project.events: sends events, and reads accepted ones.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import { sendChunks, type BatchResult } from "./event-batch.ts";
import type { Event, SendEvent } from "./event.ts";

/** An event with its data. */
export interface EventWithData extends Event {
	/** The data that was sent; null if it was erased. */
	readonly data: unknown;
	/** Whether the data was erased, by a call or because of its age. */
	readonly dataErased: boolean;
}

/** The result of `eraseData`. */
export interface Erasure {
	/** The event's id. */
	readonly id: string;
	readonly object: "erasure";
	readonly dataErased: true;
	/** The number of waiting deliveries that were cancelled. */
	readonly cancelledCount: number;
}

/** Filters for events. All are optional; an event must match all that are given. */
export interface EventFilter extends ListParams {
	readonly type?: string | undefined;
	/** Only those accepted at this time or later. */
	readonly after?: Date | number | undefined;
	/** Only those accepted before this time. */
	readonly before?: Date | number | undefined;
}

/** The events of a project. Use it as `project.events`. */
export class Events {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Sends an event. When this resolves, the event and its list of deliveries are stored and synced to disk.
	 *
	 * Retried after any temporary failure: thanks to the idempotency key, all tries are one event. To be safe even if your
	 * own process crashes, pass your own key, such as the id of the paid order.
	 *
	 * @example
	 * await project.events.send({ type: "order.paid", data: { orderId: 42 }, idempotencyKey: "order-42-paid" });
	 */
	async send(event: SendEvent, options?: RequestOptions): Promise<Event> {
		const json = JSON.stringify(wireEvent(event));
		return this.#transport.request<Event>(
			{ method: "POST", path: this.#path(), json, repeat: "any", answer: "event" },
			options,
		);
	}

	/**
	 * Sends any number of events. Returns one result per event, in order: an invalid event does not affect the others.
	 *
	 * More than 1,000 events or 5 MiB are sent in several requests, one after the other. If a request fails after its
	 * retries, the call rejects: with that request's error if it was the first, otherwise with a `BatchError` that
	 * contains the results so far and the remaining events.
	 *
	 * @example
	 * const orders = [{ orderId: 42 }, { orderId: 43 }];
	 * const results = await project.events.sendBatch(orders.map((order) => ({ type: "order.paid", data: order })));
	 * for (const { error } of results) if (error !== undefined) console.error(error.message);
	 */
	async sendBatch(events: readonly SendEvent[], options?: RequestOptions): Promise<BatchResult[]> {
		// The keys are generated here, so that all retries and the `remaining` events have the same ones.
		const keyed = events.map((event) => ({ ...event, idempotencyKey: event.idempotencyKey ?? crypto.randomUUID() }));
		const path = `${this.#path()}:batch`;
		return sendChunks(keyed, wireEvent, (json) =>
			this.#transport.request({ method: "POST", path, json, repeat: "any" }, options),
		);
	}

	/** Lists the project's events, newest first. */
	list(filter: EventFilter = {}, options?: RequestOptions): PagePromise<Event> {
		const { page, after, before, ...rest } = filter;
		const query = { ...rest, after: milliseconds("after", after), before: milliseconds("before", before) };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/** Fetches one event with its data. */
	async get(eventId: string, options?: RequestOptions): Promise<EventWithData> {
		const request = { method: "GET", path: this.#path() + path`/${eventId}`, answer: "event" } as const;
		return this.#transport.request<EventWithData>(request, options);
	}

	/**
	 * Erases an event's data and the responses to it permanently, and cancels its waiting deliveries. An attempt in flight
	 * cannot be stopped. The log stays, but the event can no longer be retried or replayed.
	 *
	 * @example
	 * await project.events.eraseData("evt_…");
	 */
	async eraseData(eventId: string, options?: RequestOptions): Promise<Erasure> {
		const request = { method: "DELETE", path: this.#path() + path`/${eventId}/data`, answer: "erasure" } as const;
		return this.#transport.request<Erasure>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/events`;
	}
}

function wireEvent(event: SendEvent): wire.SendEvent {
	return {
		...event,
		timestamp: milliseconds("timestamp", event.timestamp),
		idempotencyKey: event.idempotencyKey ?? crypto.randomUUID(),
	};
}
