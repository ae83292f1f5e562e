// project.events: what a producer sends.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, path, type RequestOptions, type Transport } from "../transport.ts";
import { sendChunks, type BatchResult } from "./event-batch.ts";
import type { Event, SendEvent } from "./event.ts";

/** An event with what was sent. */
export interface EventWithData extends Event {
	/** Null if it is erased. */
	readonly data: unknown;
	/** Whether the data was erased, by hand or by its age. */
	readonly dataErased: boolean;
}

/** That an event's data is erased. */
export interface Erasure {
	/** Of the event. */
	readonly id: string;
	readonly object: "erasure";
	readonly dataErased: true;
	/** Deliveries that waited and are cancelled now. */
	readonly cancelledCount: number;
}

export interface EventFilter extends ListParams {
	readonly type?: string | undefined;
	readonly after?: Date | number | undefined;
	readonly before?: Date | number | undefined;
}

export class Events {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Sends an event. Once this resolves, the event and all its deliveries are stored, synced to disk.
	 *
	 * Repeated after any failure that may pass, since the idempotency key makes one event of all tries. To be safe across a crash
	 * of your own process as well, hand in a key of your own, such as the id of the order that was paid.
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
	 * Sends any number of events, each with its own result, in their order: one bad event does not keep the others back.
	 *
	 * More than 1,000 events or 5 MiB go in several requests, one after the other. A request that fails after its retries
	 * ends the call: the first one with its own error, a later one with a `BatchError` that has the results so far and the
	 * events that remain.
	 *
	 * @example
	 * const results = await project.events.sendBatch(orders.map((order) => ({ type: "order.paid", data: order })));
	 * for (const { error } of results) if (error !== undefined) console.error(error.message);
	 */
	async sendBatch(events: readonly SendEvent[], options?: RequestOptions): Promise<BatchResult[]> {
		// The keys are made here, once, so that each retry and each `remaining` event carries the same.
		const keyed = events.map((event) => ({ ...event, idempotencyKey: event.idempotencyKey ?? crypto.randomUUID() }));
		const path = `${this.#path()}:batch`;
		return sendChunks(keyed, wireEvent, (json) =>
			this.#transport.request({ method: "POST", path, json, repeat: "any" }, options),
		);
	}

	/** The project's events, newest first. */
	list(filter: EventFilter = {}, options?: RequestOptions): PagePromise<Event> {
		const { page, after, before, ...rest } = filter;
		const query = { ...rest, after: milliseconds("after", after), before: milliseconds("before", before) };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/** One event, with its data. */
	async get(eventId: string, options?: RequestOptions): Promise<EventWithData> {
		const request = { method: "GET", path: this.#path() + path`/${eventId}`, answer: "event" } as const;
		return this.#transport.request<EventWithData>(request, options);
	}

	/**
	 * Takes out an event's data, and what receivers answered to it, for good; what waits of it is cancelled. An attempt in flight can't be
	 * called back. The log stays; the event can't be retried or replayed any more.
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

function wireEvent(event: SendEvent): Record<string, unknown> {
	return {
		...event,
		timestamp: milliseconds("timestamp", event.timestamp),
		idempotencyKey: event.idempotencyKey ?? crypto.randomUUID(),
	};
}
