// project.events: sends events, and reads accepted ones.
import { listArgument, milliseconds, objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { exportedCsv, exportedRows } from "../streaming/exported.ts";
import { path, type RequestOptions, type SendOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import type { DeliveryStatus } from "./deliveries/deliveries.ts";
import { sendChunks, type BatchResult } from "./event-batch.ts";
import type { AnyEvents, Event, SendEvent } from "./event.ts";
import type { Webhook } from "./webhooks/webhook.ts";

/** An event in the log. */
export interface LoggedEvent extends Event {
	/** As it was sent; null if it was sent without one. */
	readonly idempotencyKey: string | null;
	/**
	 * How many of its deliveries are in each status now, with those that replays have made. Null if they were not counted: a page
	 * counts about 10,000 deliveries.
	 */
	readonly deliveries: Readonly<Record<DeliveryStatus, number>> | null;
}

/** An event with its data. */
export interface EventWithData extends LoggedEvent {
	/**
	 * `webhooks` if it was sent to the webhooks in `webhookIds`, `everyone` if to all whose filter matches, `nobody` if to none; null if
	 * that is not known, as of events that version 0.1 accepted.
	 */
	readonly targets: "everyone" | "webhooks" | "nobody" | null;
	/**
	 * The `traceparent` header (W3C Trace Context) of the request that sent it, which receivers get with each attempt; null if it had
	 * none that is valid.
	 */
	readonly traceparent: string | null;
	/** The data that was sent; null if it was erased. */
	readonly data: unknown;
	/** Whether the data was erased, by a call or because of its age. */
	readonly dataErased: boolean;
	/** True if `data` is null because the customer's token may not see it. Otherwise not present. */
	readonly dataHidden?: boolean;
}

/** The result of `eraseData`. */
export interface Erasure {
	/** The event's id. */
	readonly id: string;
	/** Always `"erasure"`. */
	readonly object: "erasure";
	/** Always true. */
	readonly dataErased: true;
	/** The number of waiting deliveries that were cancelled. */
	readonly cancelledCount: number;
}

/** Filters for events. All are optional; an event must match all that are given. */
export interface EventFilter extends ListParams {
	/** Only those of this type or these types: exact names or `prefix.*`. */
	readonly type?: string | readonly string[] | undefined;
	/** Only those that are for this customer, also beside others. */
	readonly customerId?: string | undefined;
	/** Only those with this tag. */
	readonly tag?: string | undefined;
	/** Only those that were sent with this idempotency key. */
	readonly idempotencyKey?: string | undefined;
	/** If true, only those that no webhook wanted when they were accepted. */
	readonly unmatched?: boolean | undefined;
	/** Only those accepted at this time or later. */
	readonly after?: Date | number | undefined;
	/** Only those accepted before this time. */
	readonly before?: Date | number | undefined;
}

/** Why a webhook gets or got an event (`matches`, `named`, `replayed`), or not: see docs/support.md. */
export type RoutingReason =
	| "matches"
	| "named"
	| "replayed"
	| "not_named"
	| "created_later"
	| "other_customer"
	| "internal_type"
	| "own_event"
	| "type_filter"
	| "changed_since";

/** Whether a webhook gets or got an event, and why. */
export interface Routing {
	/** Always `"routing"`. */
	readonly object: "routing";
	/** The id of the webhook. */
	readonly webhookId: string;
	/** Its name. */
	readonly webhookName: string;
	/** Its customer. Present only if set. */
	readonly customerId?: string;
	/** Its status now, which does not decide who gets an event: deliveries to a webhook that is not Enabled are Held. */
	readonly status: Webhook["status"];
	/** Whether it gets, or got, the event. */
	readonly gets: boolean;
	/** Why. If it did not get an event that was accepted, it is judged as it is now. */
	readonly reason: RoutingReason;
	/** Its newest delivery of the event; null if there is none. */
	readonly delivery: {
		/** The id of the delivery. */
		readonly id: string;
		/** Its status now. */
		readonly status: DeliveryStatus;
	} | null;
}

/** Which webhooks `routing` explains. All filters are optional. */
export interface RoutingFilter extends ListParams {
	/** Only this webhook. */
	readonly webhookId?: string | undefined;
	/** Only webhooks of this customer. */
	readonly customerId?: string | undefined;
}

/** An event that could be sent. */
export interface MatchEvent extends ListParams {
	/** Its type. */
	readonly type: string;
	/** The customer that it would be for. */
	readonly customerId?: string | null | undefined;
	/** The same for several customers, or `"*"` for all. Not together with `customerId`. */
	readonly customerIds?: readonly string[] | "*" | null | undefined;
}

/** The result of `match`: a page of webhooks. */
export interface EventMatch {
	/** How many webhooks would get the event, on all pages together. */
	readonly matchedCount: number;
	/** The `page` of the next page; null on the last one. */
	readonly nextPage: string | null;
	/** The `page` of the previous page; null on the first one. */
	readonly prevPage: string | null;
	/** The webhooks of this page. */
	readonly data: readonly Routing[];
}

const EVENT_FORM = '{ type: "order.paid", data: { orderId: 42 } }';

/** What to fetch of an event's data. */
export interface EventDataParams {
	/** `data`, the default: as it was sent. `body`: the request body that receivers get. */
	readonly as?: "data" | "body" | undefined;
}

/** The events of a project. Use it as `project.events`. */
export class Events<Types extends object = AnyEvents> {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
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
	async send(event: SendEvent<Types>, options?: SendOptions): Promise<Event> {
		const json = JSON.stringify(wireEvent(objectArgument("event", event, EVENT_FORM)));
		return this.#transport.request<Event>(
			{ method: "POST", path: this.#path(), headers: traceOf(options), json, repeat: "any", answer: "event" },
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
	async sendBatch(events: readonly SendEvent<Types>[], options?: SendOptions): Promise<BatchResult[]> {
		// The keys are generated here, so that all retries and the `remaining` events have the same ones.
		const keyed = listArgument("events", events, `[${EVENT_FORM}]`).map((event, index) => ({
			...objectArgument(`events[${index}]`, event, EVENT_FORM),
			idempotencyKey: event.idempotencyKey ?? crypto.randomUUID(),
		}));
		const path = `${this.#path()}:batch`;
		return sendChunks(keyed, wireEvent, (json) =>
			this.#transport.request({ method: "POST", path, headers: traceOf(options), json, repeat: "any" }, options),
		);
	}

	/** Lists the project's events, newest first. */
	list(filter: EventFilter = {}, options?: RequestOptions): PagePromise<LoggedEvent> {
		const { page, ...rest } = filter;
		return listOf(this.#transport, { path: this.#path(), query: queryOf(rest) }, page, options);
	}

	/**
	 * Exports all events that match, newest first, however many there are, without their data: they are read from one streaming
	 * response, as fast as you take them. The request is made when the iteration starts, and leaving the loop ends it. Rejects with a
	 * `ConnectionError` if the response is cut off, so that no part is taken for the whole. A project can have 2 exports at once.
	 *
	 * @example
	 * for await (const event of project.events.export({ type: "order.*", unmatched: true })) {
	 * 	console.log(event.id, event.idempotencyKey);
	 * }
	 */
	export(filter: Omit<EventFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<LoggedEvent> {
		return exportedRows(this.#transport, { path: `${this.#path()}:export`, query: queryOf(filter), options });
	}

	/**
	 * The same as a CSV file for spreadsheets, in pieces of text. An apostrophe stands before a character that would begin a formula.
	 *
	 * @example
	 * // `pipeline` is that of node:stream/promises.
	 * await pipeline(project.events.exportCsv({ type: "order.*" }), createWriteStream("orders.csv"));
	 */
	exportCsv(filter: Omit<EventFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<string> {
		return exportedCsv(this.#transport, { path: `${this.#path()}:export`, query: queryOf(filter), options });
	}

	/** Fetches one event with its data. */
	async get(eventId: string, options?: RequestOptions): Promise<EventWithData> {
		const request = { method: "GET", path: this.#path() + path`/${eventId}`, answer: "event" } as const;
		return this.#transport.request<EventWithData>(request, options);
	}

	/**
	 * Fetches the data of an event as JSON text, byte for byte as it was sent, so that no parser rounds its numbers. With
	 * `as: "body"`, the request body that receivers get. Rejects with an `ApiError` (status 410) if the data was erased.
	 *
	 * @example
	 * const json = await project.events.getData("evt_…"); // '{"amount": 12345678901234567890}'
	 */
	async getData(eventId: string, params: EventDataParams = {}, options?: RequestOptions): Promise<string> {
		const query = { as: params.as };
		const request = { method: "GET", path: this.#path() + path`/${eventId}/data`, query, answer: "text" } as const;
		return this.#transport.request<string>(request, options);
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

	/**
	 * Asks who would get an event of this type for these customers, without sending it: for each webhook whether it would, and why,
	 * newest webhooks first.
	 *
	 * @example
	 * const { matchedCount, data } = await project.events.match({ type: "order.paid", customerId: "acme" });
	 */
	async match(event: MatchEvent, options?: RequestOptions): Promise<EventMatch> {
		const json = JSON.stringify(objectArgument("event", event, '{ type: "order.paid" }'));
		const request = { method: "POST", path: `${this.#path()}:match`, json, repeat: "any" } as const;
		return this.#transport.request<EventMatch>(request, options);
	}

	/**
	 * Explains who got an event: for each webhook that exists now whether it did, and why, newest webhooks first.
	 *
	 * @example
	 * const { data } = await project.events.routing("evt_…", { webhookId: "webhook_…" });
	 * console.log(data[0]?.reason); // "type_filter"
	 */
	routing(eventId: string, filter: RoutingFilter = {}, options?: RequestOptions): PagePromise<Routing> {
		const { page, ...query } = filter;
		return listOf(this.#transport, { path: this.#path() + path`/${eventId}/routing`, query }, page, options);
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

function traceOf(options: SendOptions | undefined): Readonly<Record<string, string>> {
	const traceparent = options?.traceparent;
	return traceparent === undefined ? {} : { traceparent };
}

/** A filter as query parameters. */
function queryOf({ type, unmatched, after, before, ...rest }: Omit<EventFilter, "page">) {
	return {
		...rest,
		type: type === undefined ? undefined : [type].flat().join(","),
		unmatched: unmatched === undefined ? undefined : String(unmatched),
		after: milliseconds("after", after),
		before: milliseconds("before", before),
	};
}
